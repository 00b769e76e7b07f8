//! `audit verify`: whether the journal is as it was written. Changes nothing.

use towpath_ports::store::ChainReport;

use crate::args::AuditCommand;
use crate::commands::Context;
use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};
use crate::report;

/// Runs `audit …`. Failed (exit 1) when the journal was changed.
pub(crate) async fn run(command: &AuditCommand, context: &Context) -> Result<ExitCode, CliError> {
    let AuditCommand::Verify = command;
    let session = Session::reading(context).await?;
    let found: ChainReport = session.client.patient().get("/v1/audit/verify").await?;
    let place = session.project.state.display().to_string();
    context.either(&found, report::audit::text(&found, &place, &context.out));
    Ok(if found.broken.is_none() { ExitCode::Done } else { ExitCode::Failed })
}
