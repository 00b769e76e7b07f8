//! `towpath engine status|stop`: the background engine of this folder.

use std::time::Duration;

use towpath_server::requests::EngineStatus;

use crate::background::{engine_answers, ensure_engine};
use crate::client::Client;
use crate::commands::Context;
use crate::exit_code::{CliError, ExitCode};

/// How long a stopping engine may take to finish what it writes.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// How often it is looked whether it has gone.
const LOOK: Duration = Duration::from_millis(20);

/// What may be typed after `engine`.
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

/// Answers, or stops it and waits until it has gone.
pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<ExitCode, CliError> {
    let project = context.project()?;
    let client = Client::new(ensure_engine(&project, false).await?);
    let status: EngineStatus = client.get("/v1/engine").await?;
    match arguments.command {
        EngineCommand::Status => {
            let need = if status.idle { "nothing needs it" } else { "it is needed" };
            let text = format!(
                "engine {} runs since {} (process {}); {need}\n",
                status.version, status.since, status.pid
            );
            context.either(&status, (text, String::new()));
            Ok(ExitCode::Done)
        }
        EngineCommand::Stop => {
            let _: serde_json::Value = client.post("/v1/engine/stop", &()).await?;
            let deadline = tokio::time::Instant::now() + STOP_WITHIN;
            while engine_answers(&project).await && tokio::time::Instant::now() < deadline {
                tokio::time::sleep(LOOK).await;
            }
            let stops = if status.idle {
                "nothing needed it"
            } else {
                "nothing advances until the next command starts one; visitors are served as before"
            };
            context.answer(&format!("the engine has stopped; {stops}\n"));
            Ok(ExitCode::Done)
        }
    }
}
