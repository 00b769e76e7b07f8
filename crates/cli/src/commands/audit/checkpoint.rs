//! `audit checkpoint`: has the engine sign where the journal ends now. Signs nothing itself.

use serde_json::json;
use towpath_engine::CheckpointView;

use crate::commands::Context;
use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};
use crate::report;

/// Runs it. Failed (exit 1) when a place outside does not have it; it is signed all the same.
pub(super) async fn run(context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let signed: CheckpointView =
        session.client.patient().post("/v1/audit/checkpoint", &json!({})).await?;
    context.either(&signed, report::audit::checkpoint(&signed, &context.out));
    Ok(if signed.missing_at.is_empty() { ExitCode::Done } else { ExitCode::Failed })
}
