//! Ends everything that a project runs on this machine: engine, instances, proxy. Owns the order in
//! which that is done, and what is said when it cannot be; deletes nothing and asks nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use towpath_adapters::artifacts::Artifacts;
use towpath_core::ids::{Epoch, LaneId, PromotionNumber};
use towpath_core::journal::Event;
use towpath_core::matrix::{AdapterSpec, Matrix};
use towpath_core::units::Span;
use towpath_engine::AdapterSet;
use towpath_ports::Site;
use towpath_ports::store::{Store, StoreError};
use towpath_proxy::Handle;

use crate::background::{engine_answers, engine_answers_soon, is_locked};
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
/// Rows that are read at once: of a long history, only numbers are kept in memory whole.
const PAGE: u32 = 200;
/// What failed when the journal was taken over and not read.
const UNREAD: &str = "the journal could not be read";
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
        // One that does not stop in time is shut out below.
        let _ = stop_engine(project, &Client::new(project.socket())).await;
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
    let standing = match Journal::open(project, || Err(no_journal())).await {
        Ok(journal) => Standing::read(&journal).await.map_err(anyhow::Error::new),
        Err(error) => return Err(untouched(project, UNREAD, &error).await),
    };
    let newest = match standing {
        Ok(standing) => end_deployments(project, &standing, epoch).await?,
        Err(error) => return Err(untouched(project, UNREAD, &error.into()).await),
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

/// Stops the engine and waits until its process has gone, a limited time; answers whether it has. Safe
/// to repeat.
pub(crate) async fn stop_engine(project: &ProjectFolder, client: &Client) -> bool {
    // An engine that has gone already needs no stop.
    let _: Result<serde_json::Value, _> = client.post("/v1/engine/stop", &()).await;
    let deadline = Instant::now() + ENGINE_WITHIN;
    while engine_answers(project).await || is_locked(project) {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(LOOK).await;
    }
    true
}

/// Whether anything was ever started here, as far as the folder shows without a journal.
fn has_begun(project: &ProjectFolder) -> bool {
    [PROXY_FOLDER, INSTANCES_FOLDER].iter().any(|folder| project.state.join(folder).exists())
}

/// What may have processes: each promotion names a deployment. And what runs it, lane by lane.
struct Standing {
    deployments: Vec<(LaneId, PromotionNumber)>,
    targets: BTreeMap<LaneId, AdapterSpec>,
}

impl Standing {
    /// Reads all of it from the journal; the file of the matrix may be damaged, or of another day.
    async fn read(journal: &Journal) -> Result<Self, StoreError> {
        let store = journal.engine().setup().store.as_ref();
        let deployments = deployments(store).await?;
        let mut lanes: BTreeSet<_> = deployments.iter().map(|(lane, _)| lane.clone()).collect();
        let mut targets = BTreeMap::new();
        if let Some(matrix) = journal.engine().matrix() {
            note_targets(&matrix, &lanes, &mut targets);
            lanes.retain(|lane| !targets.contains_key(lane));
        }
        if !lanes.is_empty() {
            note_former_targets(store, &lanes, &mut targets).await?;
        }
        Ok(Self { deployments, targets })
    }
}

async fn deployments(store: &dyn Store) -> Result<Vec<(LaneId, PromotionNumber)>, StoreError> {
    let mut found: Vec<(LaneId, PromotionNumber)> = Vec::new();
    loop {
        let before = found.last().map(|(_, number)| *number);
        let page = store.promotions(None, before, PAGE).await?;
        // Each page begins below the one before, so that there are only so many.
        let is_older = |number| before.is_none_or(|before| number < before);
        if !page.first().is_some_and(|first| is_older(first.number)) {
            return Ok(found);
        }
        found.extend(page.into_iter().map(|row| (row.lane, row.number)));
    }
}

/// A lane that the matrix in force no longer has runs where the last one said that had it.
async fn note_former_targets(
    store: &dyn Store,
    lanes: &BTreeSet<LaneId>,
    targets: &mut BTreeMap<LaneId, AdapterSpec>,
) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let page = store.events(after, PAGE).await?;
        match page.last() {
            // Positions rise, so that there are only so many pages.
            Some(last) if last.seq > after => after = last.seq,
            _ => return Ok(()),
        }
        for row in page {
            // What cannot be read any more is not guessed; its lane is named when it is left behind.
            if let Ok(Event::MatrixApplied { matrix, .. }) = serde_json::from_value(row.body) {
                note_targets(&matrix, lanes, targets);
            }
        }
    }
}

fn note_targets(
    matrix: &Matrix,
    lanes: &BTreeSet<LaneId>,
    targets: &mut BTreeMap<LaneId, AdapterSpec>,
) {
    for lane in lanes {
        if let Some((_, section)) = matrix.lane(lane) {
            targets.insert(lane.clone(), section.target.clone());
        }
    }
}

/// Ends every deployment. Answers the newest, once all were ended.
async fn end_deployments(
    project: &ProjectFolder,
    standing: &Standing,
    epoch: Epoch,
) -> Result<u64, CliError> {
    let adapters = match adapters(project) {
        Ok(adapters) => adapters,
        Err(error) => {
            let error = CliError::from(anyhow::Error::new(error));
            return Err(untouched(project, "this program does not find itself", &error).await);
        }
    };
    let mut left = Vec::new();
    for (lane, deployment) in &standing.deployments {
        let target = standing.targets.get(lane);
        if let Err(cause) = stop(&adapters, target, lane, *deployment, epoch).await {
            left.push(format!("{deployment} of {lane}: {cause}"));
        }
    }
    if left.is_empty() {
        return Ok(standing.deployments.iter().map(|(_, number)| number.0).max().unwrap_or(0));
    }
    Err(remaining(project, standing.deployments.len() - left.len(), &left))
}

async fn stop(
    adapters: &Adapters,
    target: Option<&AdapterSpec>,
    lane: &LaneId,
    deployment: PromotionNumber,
    epoch: Epoch,
) -> Result<(), String> {
    let target = adapters.target(target.ok_or("no matrix in the journal says where it runs")?)?;
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
        "{} of {} deployments were left behind; the proxy was left as it is",
        left.len(),
        ended + left.len()
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
