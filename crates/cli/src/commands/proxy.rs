//! Runs a proxy.

use crate::commands::Context;
use crate::exit_code::{CliError, ExitCode};

/// What may be typed after it.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

/// Runs until it is told to stop.
pub(crate) fn run(_arguments: Arguments, _context: &Context) -> Result<ExitCode, CliError> {
    Err(CliError::new(ExitCode::Failed, "not-built", "this part of the program is not linked in")
        .because("it is built apart")
        .next("towpath --help", "what there is"))
}
