//! `status`: what serves where. Works without an engine, and then says that nothing advances.

use crate::commands::Context;
use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};
use crate::report;
use crate::report::attendance::Attendance;

/// Runs `status`. Starts nothing.
pub(crate) async fn run(context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    // Its first line says it already.
    context.at_the_end(Attendance::Engine);
    let attendance = session.attendance();
    context
        .either(&session.status, report::status::text(&session.status, attendance, &context.out));
    Ok(ExitCode::Done)
}
