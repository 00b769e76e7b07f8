//! The service that the demo promotes.

use crate::exit_code::{CliError, ExitCode};

/// Serves until it is told to stop.
#[expect(clippy::unused_async, reason = "every command is awaited")]
pub(crate) async fn run() -> Result<ExitCode, CliError> {
    Err(CliError::new(ExitCode::Failed, "not-built", "the sample service is not linked in")
        .because("it is built apart")
        .next("towpath --help", "what there is"))
}
