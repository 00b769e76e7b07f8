//! The engine that runs in the background.

use crate::commands::Context;
use crate::exit_code::{CliError, ExitCode};

/// What may be typed after it.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: EngineCommand,
}

#[derive(Debug, clap::Subcommand)]
enum EngineCommand {
    /// whether one runs, since when, and whether anything needs it
    Status,
    /// stop it; what serves goes on serving, and nothing advances
    Stop,
}

/// Answers.
#[expect(clippy::unused_async, reason = "every command is awaited")]
pub(crate) async fn run(arguments: Arguments, _context: &Context) -> Result<ExitCode, CliError> {
    let verb = match arguments.command {
        EngineCommand::Status => "status",
        EngineCommand::Stop => "stop",
    };
    Err(CliError::new(ExitCode::Failed, "not-built", format!("engine {verb} is not linked in"))
        .because("it is built apart")
        .next("towpath --help", "what there is"))
}
