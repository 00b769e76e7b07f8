//! Ends everything that a project runs on this machine: engine, instances, proxy. Owns the order in
//! which that is done, and what is said when it cannot be; deletes nothing and asks nobody.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use towpath_adapters::artifacts::Artifacts;
use towpath_core::ids::{Epoch, LaneId, PromotionNumber};
use towpath_core::matrix::Matrix;
use towpath_core::units::Span;
use towpath_engine::AdapterSet;
use towpath_ports::Site;
use towpath_proxy::Handle;

use crate::background::{engine_answers, engine_answers_soon};
use crate::client::Client;
use crate::commands::serve;
use crate::exit_code::{CliError, ExitCode};
use crate::journal::Journal;
use crate::project::ProjectFolder;
use crate::wiring::Adapters;

/// How long an instance may take to end; nobody needs its answers any more.
const LAST_DRAIN: Span = Span::seconds(2);
/// How long a stopping engine may take to finish what it writes.
const ENGINE_WITHIN: Duration = Duration::from_secs(10);
/// How long a stopping proxy may take: it lets requests end for 30 seconds and closes what is left in
/// two more.
const PROXY_WITHIN: Duration = Duration::from_secs(35);
/// How often it is looked whether one of them has gone.
const LOOK: Duration = Duration::from_millis(20);
/// Promotions that are read at once, so that a long history is never in memory whole.
const PAGE: u32 = 200;
/// How many deployments that were left behind are named; more are counted.
const NAMED: usize = 5;
/// The folder of the proxy, and the lock in it that a proxy holds while it lives.
const PROXY_FOLDER: &str = "proxy";
const PROXY_LOCK: &str = "proxy.lock";
/// The folder of the instances.
const INSTANCES_FOLDER: &str = "instances";

/// What was ended: all there was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nothing was ever started here.
    NothingBegun,
    /// Every deployment up to this promotion, which is the newest; 0 when there was none.
    UpTo(u64),
}

/// Ends the engine, then every instance of every deployment, then the proxy. A step that fails is the
/// last: the proxy is left alone unless every deployment was ended. Safe to repeat.
///
/// # Errors
/// `left-behind` (exit 1), with what failed and what may run still.
pub(crate) async fn end_everything(project: &ProjectFolder) -> Result<Ended, CliError> {
    if engine_answers_soon(project).await {
        stop_engine(project, &Client::new(project.socket())).await;
    }
    let is_noted = matches!(project.journal_of(), Ok(Some(_)) | Err(_));
    if !is_noted && !has_begun(project) {
        return Ok(Ended::NothingBegun);
    }
    // From here on an engine that did not stop in time starts nothing again of what is ended; and what
    // it had begun until now is in the journal.
    let epoch = match serve::take_over(project).await {
        Ok(epoch) => epoch,
        Err(error) => {
            return Err(untouched(project, "the journal could not be taken over", &error).await);
        }
    };
    let newest = match Journal::open(project, || Err(no_journal())).await {
        Ok(journal) => end_deployments(project, &journal, epoch).await?,
        Err(error) => return Err(untouched(project, "the journal could not be read", &error).await),
    };
    end_proxy(project).await?;
    if engine_answers(project).await {
        let message = "every release and the proxy were ended, and an engine runs still";
        return Err(left_behind(project, message)
            .because("it did not stop when it was told to, or a command has started another")
            .next("towpath engine status", "which one"));
    }
    Ok(Ended::UpTo(newest))
}

/// Stops the engine and waits until it has gone, a limited time. Safe to repeat.
pub(crate) async fn stop_engine(project: &ProjectFolder, client: &Client) {
    // An engine that has gone already needs no stop.
    let _: Result<serde_json::Value, _> = client.post("/v1/engine/stop", &()).await;
    let deadline = Instant::now() + ENGINE_WITHIN;
    while engine_answers(project).await && Instant::now() < deadline {
        tokio::time::sleep(LOOK).await;
    }
}

/// Whether anything was ever started here, as far as the folder shows without a journal.
fn has_begun(project: &ProjectFolder) -> bool {
    [PROXY_FOLDER, INSTANCES_FOLDER].iter().any(|folder| project.state.join(folder).exists())
}

/// Ends every deployment that may have processes: each promotion names one. Answers the newest, once
/// all were ended.
async fn end_deployments(
    project: &ProjectFolder,
    journal: &Journal,
    epoch: Epoch,
) -> Result<u64, CliError> {
    let adapters = match adapters(project) {
        Ok(adapters) => adapters,
        Err(error) => {
            let error = CliError::from(anyhow::Error::new(error));
            return Err(untouched(project, "this program does not find itself", &error).await);
        }
    };
    // The matrix that is in force says what runs; the file may be damaged, or of another day.
    let matrix = journal.engine().matrix();
    let (mut newest, mut ended, mut left) = (0, 0_usize, Vec::new());
    let mut before = None;
    loop {
        let store = &journal.engine().setup().store;
        let page = match store.promotions(None, before, PAGE).await {
            Ok(page) => page,
            Err(error) => {
                let message = format!(
                    "{ended} deployments were ended, and older ones may run still; the proxy was left as it is"
                );
                let cause = format!("the journal could not be read to its beginning: {error}");
                return Err(left_behind(project, message).because(cause));
            }
        };
        for row in &page {
            newest = newest.max(row.number.0);
            match stop(&adapters, matrix.as_ref(), &row.lane, row.number, epoch).await {
                Ok(()) => ended += 1,
                Err(cause) => left.push(format!("{} of {}: {cause}", row.number, row.lane)),
            }
        }
        match page.last() {
            // Each page begins below the one before, so that there are only so many.
            Some(last) if before.is_none_or(|before| last.number < before) => {
                before = Some(last.number);
            }
            _ => break,
        }
    }
    if left.is_empty() { Ok(newest) } else { Err(remaining(project, ended, &left)) }
}

async fn stop(
    adapters: &Adapters,
    matrix: Option<&Matrix>,
    lane: &LaneId,
    deployment: PromotionNumber,
    epoch: Epoch,
) -> Result<(), String> {
    let section = matrix.and_then(|matrix| matrix.lane(lane));
    let (_, section) = section.ok_or("the matrix in force does not say any more where it runs")?;
    let target = adapters.target(&section.target)?;
    let stopped = target.ensure_stopped(lane, deployment, epoch, LAST_DRAIN).await;
    stopped.map_err(|error| error.to_string())
}

/// Ends the proxy and waits until it has gone. There need not be one.
async fn end_proxy(project: &ProjectFolder) -> Result<(), CliError> {
    if !proxy_lives(project) {
        return Ok(());
    }
    let socket = project.state.join(PROXY_FOLDER).join(towpath_proxy::SOCKET_NAME);
    let told = match Handle::connect(&socket).await {
        Ok(handle) => handle.shutdown().await,
        Err(error) => Err(error),
    };
    let patience = if told.is_ok() { PROXY_WITHIN } else { LOOK };
    let deadline = Instant::now() + patience;
    while proxy_lives(project) {
        if Instant::now() >= deadline {
            let cause = match told {
                Ok(()) => format!("it did not end within {}s", PROXY_WITHIN.as_secs()),
                Err(error) => error.to_string(),
            };
            let message = "every release was ended, and the proxy runs still";
            return Err(left_behind(project, message).because(cause));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// A proxy has its lock until it has ended. What cannot be looked at may live.
fn proxy_lives(project: &ProjectFolder) -> bool {
    let path = project.state.join(PROXY_FOLDER).join(PROXY_LOCK);
    match File::options().write(true).open(path) {
        Ok(lock) => lock.try_lock().is_err(),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

fn adapters(project: &ProjectFolder) -> std::io::Result<Adapters> {
    Ok(Adapters::new(Site {
        root: project.root.clone(),
        state: project.state.clone(),
        program: std::env::current_exe()?,
        artifacts: Arc::new(Artifacts::new(&project.state)),
        speed: project.speed(),
    }))
}

/// No release was ended, because of `failed`.
async fn untouched(project: &ProjectFolder, failed: &str, error: &CliError) -> CliError {
    let engine =
        if engine_answers(project).await { "an engine runs still" } else { "no engine runs" };
    let message = format!(
        "no release was ended: the releases and the proxy were left as they are, and {engine}"
    );
    let trouble = error.trouble();
    let cause = trouble.cause.as_ref().unwrap_or(&trouble.message);
    let told = left_behind(project, message).because(format!("{failed}: {cause}"));
    match &trouble.place {
        Some(place) => told.at(place),
        None => told,
    }
}

fn remaining(project: &ProjectFolder, ended: usize, left: &[String]) -> CliError {
    let message = format!(
        "{} deployments were left behind, {ended} were ended; the proxy was left as it is",
        left.len()
    );
    let mut cause = left.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    if left.len() > NAMED {
        cause = format!("{cause}; and {} more", left.len() - NAMED);
    }
    left_behind(project, message).because(cause)
}

fn left_behind(project: &ProjectFolder, message: impl Into<String>) -> CliError {
    let again = if project.rehearsal.is_some() {
        "towpath engine stop --everything"
    } else {
        "towpath engine stop --everything --yes"
    };
    CliError::new(ExitCode::Failed, "left-behind", message)
        .next("towpath doctor", "what is wrong")
        .next(again, "tries again, and ends what is left")
}

fn no_journal() -> CliError {
    CliError::new(ExitCode::Failed, "no-journal", "there is no journal")
}
