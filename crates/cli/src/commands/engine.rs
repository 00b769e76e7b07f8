//! `towpath engine start|status|stop`: the background engine of this folder.

use std::sync::Arc;
use std::time::Duration;

use towpath_server::requests::EngineStatus;

use crate::background::ensure_engine;
use crate::client::Client;
use crate::commands::Context;
use crate::exit_code::{CliError, ExitCode};
use crate::project::ProjectFolder;
use crate::teardown::{self, Ended};

/// What may be typed after `engine`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: EngineCommand,
}

#[derive(Debug, clap::Subcommand)]
enum EngineCommand {
    /// start one that ends when nothing needs it any more
    Start,
    /// whether one runs, since when, and whether anything needs it
    Status,
    /// stop it; what serves goes on serving, and nothing advances
    Stop(StopArguments),
}

#[derive(Debug, clap::Args)]
struct StopArguments {
    /// end every release and the proxy as well, for good: nothing is served any more
    #[arg(long)]
    everything: bool,
    /// with --everything outside a rehearsal: yes, visitors shall get nothing
    #[arg(long, requires = "everything")]
    yes: bool,
}

/// Answers, or stops it and waits until it has gone.
pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<ExitCode, CliError> {
    let project = context.project()?;
    if project.server.is_some() && matches!(arguments.command, EngineCommand::Status) {
        say(&Client::of_engine(&Arc::new(project)).get("/v1/engine").await?, context);
        return Ok(ExitCode::Done);
    }
    project.ensure_here("an engine is started and stopped")?;
    match arguments.command {
        EngineCommand::Start => {
            ensure_engine(&project, true).await?;
            let client = Client::of_engine(&Arc::new(project));
            say(&client.get("/v1/engine").await?, context);
        }
        EngineCommand::Status => say(&status(&project).await?, context),
        EngineCommand::Stop(StopArguments { everything: true, yes }) => {
            stop_everything(&project, yes, context).await?;
        }
        EngineCommand::Stop(_) => {
            let client = Client::new(ensure_engine(&project, false).await?);
            let status: EngineStatus = client.get("/v1/engine").await?;
            if !teardown::stop_engine(&project, &client).await {
                let message = format!("the engine (process {}) has not stopped yet", status.pid);
                return Err(CliError::new(ExitCode::Failed, "engine-silent", message)
                    .because("it was told to, and ends what it is doing first")
                    .next("towpath engine status", "whether it still runs"));
            }
            let stops = if status.idle {
                "nothing needed it"
            } else {
                "nothing advances until an order or `towpath engine start` starts one; visitors are served \
                 as before"
            };
            context.answer(&format!("the engine has stopped; {stops}\n"));
        }
    }
    Ok(ExitCode::Done)
}

/// How the engine stands. One that dies just now may still take the question: it is looked for again.
async fn status(project: &ProjectFolder) -> Result<EngineStatus, CliError> {
    /// Longer than a process takes to be gone.
    const MOMENT: Duration = Duration::from_millis(200);
    let client = Client::new(ensure_engine(project, false).await?);
    if let Ok(status) = client.get("/v1/engine").await {
        return Ok(status);
    }
    tokio::time::sleep(MOMENT).await;
    Client::new(ensure_engine(project, false).await?).get("/v1/engine").await
}

fn say(status: &EngineStatus, context: &Context) {
    let need = if status.idle { "nothing needs it" } else { "it is needed" };
    let text = format!(
        "engine {} runs since {} (process {}); {need}\n",
        status.version, status.since, status.pid
    );
    context.either(status, (text, String::new()));
}

/// The journal says what there is to end where no engine does; none is started for it.
async fn stop_everything(
    project: &ProjectFolder,
    yes: bool,
    context: &Context,
) -> Result<(), CliError> {
    if project.rehearsal.is_none() && !yes {
        let message = "nothing was stopped: this is no rehearsal, and visitors would get nothing";
        return Err(CliError::new(ExitCode::Usage, "yes-needed", message)
            .next("towpath engine stop --everything --yes", "ends every release and the proxy")
            .next("towpath engine stop", "only the engine; visitors are served as before"));
    }
    let newest = match teardown::end_everything(project).await? {
        Ended::UpTo(newest) => newest,
        Ended::NothingBegun => {
            context.answer("there was nothing to end: nothing was ever started here\n");
            return Ok(());
        }
    };
    project.note_ended(newest).map_err(|error| {
        anyhow::Error::new(error).context("everything was ended, and that could not be noted")
    })?;
    let folder = project.state.display();
    context.answer(&format!(
        "nothing runs any more, and nothing starts again by itself; the journal stays in {folder}\n"
    ));
    Ok(())
}
