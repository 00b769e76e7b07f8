//! Starts what is missing of a deployment and waits until all of it is ready. Owns the order of the
//! steps; how a program is kept alive is the supervisor's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;
use towpath_core::deployment::Endpoint;
use towpath_core::ids::PromotionNumber;
use towpath_core::units::{Span, Timestamp};
use towpath_ports::clock::{Clock as _, SystemClock};
use towpath_ports::target::{DeployRequest, TargetError, TargetErrorKind};

use super::command::{self, Program};
use super::fence::Fence;
use super::folder::{self, DeploymentFolder, Folder, MARK, Plan};
use super::work::{Caller, Stopped, blocking};
use super::{Directory, Process, Settings, log, port, transient};
use crate::own_program;
use crate::printable::escaped;
use crate::processes::{self, Identity, Listener, Wanted};

/// How often to look whether an instance is ready.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long a fresh supervisor may take to hold its lock: it is a start of this program.
const SUPERVISED_WITHIN: Duration = Duration::from_secs(10);
/// How long a supervisor may be away until another one is started: longer than a start takes on a
/// busy machine, since a second one is harmless and useless.
const SUPERVISE_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Stopped deployments of a lane whose logs are kept.
const STOPPED_KEPT: usize = 20;
/// The last lines of a program that explain its failure, the limit of [`TargetError::said`].
const SAID: usize = 20;

impl Process {
    pub(super) async fn start(
        &self,
        request: &DeployRequest,
    ) -> Result<Vec<Endpoint>, TargetError> {
        // What is planned knows its program: trouble with the kept bytes is not its trouble.
        let prepared = match self.planned(request).await? {
            Some(prepared) => prepared,
            None => self.prepared(request).await?,
        };
        let deadline =
            Instant::now() + self.settings.start_within.unwrap_or(request.ready_within).into();
        let waits = prepared.into_iter().map(|(instance, address, folder)| {
            self.wait_until_ready(request, instance, address, folder, deadline)
        });
        join_all(waits).await.into_iter().collect()
    }

    async fn planned(&self, request: &DeployRequest) -> Result<Option<Vec<Prepared>>, TargetError> {
        let (state, own) = (self.site.state.clone(), self.site.program.clone());
        let request = request.clone();
        blocking(move |caller| supervise_planned(caller, &state, &own, &request)).await
    }

    async fn prepared(&self, request: &DeployRequest) -> Result<Vec<Prepared>, TargetError> {
        let artifacts = self.site.artifacts.as_ref();
        let command = &self.settings.command;
        let program = command::resolve(command, &request.release, artifacts).await?;
        let (state, own) = (self.site.state.clone(), self.site.program.clone());
        let (settings, request) = (self.settings.clone(), request.clone());
        blocking(move |caller| prepare(caller, &state, &own, &settings, &program, &request)).await
    }

    async fn wait_until_ready(
        &self,
        request: &DeployRequest,
        instance: u32,
        address: SocketAddr,
        folder: Folder,
        deadline: Instant,
    ) -> Result<Endpoint, TargetError> {
        let path = self.settings.ready.as_deref().or(request.ready_path.as_deref());
        let began = Instant::now();
        let mut supervised = began;
        let mut did = "it was not started".to_owned();
        loop {
            match self.look(&folder)? {
                Seen::Runs(app) => match self.readiness.ask(address, path).await {
                    // Only an answer of the program itself counts, not of whoever has its port.
                    Ok(()) if app.is_alive() => {
                        self.ensure_own(request, instance, address, &folder, app).await?;
                        return Ok(Endpoint { instance, address });
                    }
                    Ok(()) => {}
                    Err(what) => did = format!("it {what}"),
                },
                Seen::CrashLoop(how) => {
                    let sentence = format!("{}: {how}", named(request, instance));
                    return Err(failed(&folder, instance, sentence));
                }
                Seen::Unsupervised if began.elapsed() >= SUPERVISED_WITHIN => {
                    let sentence =
                        format!("{}: its supervisor does not start", named(request, instance));
                    return Err(failed(&folder, instance, sentence));
                }
                // The one that held the lock when all began may have been dying.
                Seen::Unsupervised if supervised.elapsed() >= SUPERVISE_AGAIN_AFTER => {
                    self.supervise(&folder)?;
                    supervised = Instant::now();
                }
                // Why it is not there now says more than what was seen while it was.
                Seen::Pauses(Some(end)) => did = format!("last: {end}"),
                Seen::Pauses(None) | Seen::Unsupervised => {}
                Seen::Withdrawn => {
                    let sentence =
                        format!("{} was stopped while it started", named(request, instance));
                    return Err(transient(sentence));
                }
            }
            if Instant::now() >= deadline {
                let sentence = not_ready(request, instance, path, &did, began.elapsed());
                return Err(failed(&folder, instance, sentence));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What answers must be the program: somebody else may have taken its port before it could.
    async fn ensure_own(
        &self,
        request: &DeployRequest,
        instance: u32,
        address: SocketAddr,
        folder: &Folder,
        app: Identity,
    ) -> Result<(), TargetError> {
        let place = folder.clone();
        let listener = blocking(move |_| {
            let Some(plan) = place.plan()? else { return Ok(Listener::Unknown) };
            let wanted = Wanted { mark: &plan.mark(), leader: Some(&app) };
            Ok(processes::who_listens(address.port(), &wanted))
        });
        match listener.await? {
            Listener::Wanted | Listener::Unknown => Ok(()),
            Listener::Stranger(who) => {
                let taken = port::taken(address.port(), Some(who));
                let sentence =
                    format!("{}: {taken}, which answers instead", named(request, instance));
                Err(failed(folder, instance, sentence))
            }
        }
    }

    fn supervise(&self, folder: &Folder) -> Result<(), TargetError> {
        spawn_supervisor(&self.site.program, folder).map_err(|error| transient(error.to_string()))
    }

    fn look(&self, folder: &Folder) -> Result<Seen, TargetError> {
        self.try_look(folder)
            .map_err(|error| transient(format!("the folder of the instance: {error}")))
    }

    fn try_look(&self, folder: &Folder) -> io::Result<Seen> {
        if folder.plan()?.is_none() {
            return Ok(Seen::Withdrawn);
        }
        let status = folder.status()?;
        if let Some(app) = status.app.filter(Identity::is_alive) {
            return Ok(Seen::Runs(app));
        }
        let window = self.settings.crash_window;
        let recent = recent_ends(&status.ends, SystemClock::default().now(), window);
        if let Some(last) = recent.last().filter(|_| recent.len() >= self.settings.crash_loop) {
            let times = recent.len();
            return Ok(Seen::CrashLoop(format!("{} ({times} times within {window})", last.how)));
        }
        let last = status.ends.last().map(|end| end.how.clone());
        Ok(if folder.is_supervised()? { Seen::Pauses(last) } else { Seen::Unsupervised })
    }
}

/// What a look at an instance shows.
enum Seen {
    Runs(Identity),
    /// Between two starts; how it ended before.
    Pauses(Option<String>),
    CrashLoop(String),
    Unsupervised,
    Withdrawn,
}

/// Starts the supervisor of `folder`. A second one is harmless: it ends at once.
pub(super) fn spawn_supervisor(program: &Path, folder: &Folder) -> io::Result<()> {
    let arguments = ["supervise".as_ref(), "--dir".as_ref(), folder.path().as_os_str()];
    own_program::start(program, &arguments, &folder.path().join("supervisor.log")).map(drop)
}

/// An instance that is planned and supervised: its number, where it will answer, its folder.
type Prepared = (u32, SocketAddr, Folder);

/// Starts the supervisors that are missing of a deployment of which every wanted instance has its
/// plan; none, and nothing done, when a plan is missing. Needs neither the artefact nor space on
/// the disk. Locks as [`prepare`] does.
fn supervise_planned(
    caller: &Caller,
    state: &Path,
    own: &Path,
    request: &DeployRequest,
) -> Result<Option<Vec<Prepared>>, Stopped> {
    let _pass = Fence::of(state).enter(request.epoch)?;
    let deployment = DeploymentFolder::of(state, &request.lane, request.deployment);
    let Some(_lock) = deployment.lock_if_there()? else { return Ok(None) };
    let mut planned = Vec::new();
    for instance in 1..=request.instances.max(1) {
        let folder = deployment.instance(instance);
        let Some(plan) = folder.plan()? else { return Ok(None) };
        planned.push((instance, at(plan.port), folder));
    }
    for (_, _, folder) in &planned {
        caller.still_waits()?;
        if !folder.is_supervised()? {
            spawn_supervisor(own, folder)?;
        }
    }
    Ok(Some(planned))
}

/// Writes the plans that are missing and starts the supervisors that are missing. Under the
/// deployment's lock, so that two callers do not choose two ports for one instance, and so that a
/// stop that follows a start that was given up finds all that it began.
fn prepare(
    caller: &Caller,
    state: &Path,
    own: &Path,
    settings: &Settings,
    program: &Program,
    request: &DeployRequest,
) -> Result<Vec<Prepared>, Stopped> {
    let _pass = Fence::of(state).enter(request.epoch)?;
    let deployment = DeploymentFolder::of(state, &request.lane, request.deployment);
    let _lock = deployment.lock()?;
    caller.still_waits()?;
    forget_oldest(state, request)?;
    let mut prepared = Vec::new();
    for instance in 1..=request.instances.max(1) {
        caller.still_waits()?;
        let folder = deployment.instance(instance);
        folder.create()?;
        let port = match folder.port()? {
            Some(port) => port,
            None => choose_port(state, &folder)?,
        };
        if folder.plan()?.is_none() {
            let unread = || Stopped::Failed(secrets_unread(request, instance));
            folder.write_secrets(request.secrets.as_ref().ok_or_else(unread)?)?;
            begin(&folder, &plan(settings, program, request, instance, &folder, port))?;
        }
        if !folder.is_supervised()? {
            spawn_supervisor(own, &folder)?;
        }
        prepared.push((instance, at(port), folder));
    }
    Ok(prepared)
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// What stood by and is gone cannot come back without them.
fn secrets_unread(request: &DeployRequest, instance: u32) -> TargetError {
    transient(format!("{} is gone, and its secrets were not read again", named(request, instance)))
}

/// A new plan begins with a clean status: what ended before it is not its failure.
fn begin(folder: &Folder, plan: &Plan) -> io::Result<()> {
    let mut status = folder.status()?;
    status.ends.clear();
    status.restarts = 0;
    folder.write_status(&status)?;
    folder.write_plan(plan)
}

/// Chooses a port under a lock of the whole machine's part of the journal, because two deployments
/// that start together could else choose the same one.
fn choose_port(state: &Path, folder: &Folder) -> io::Result<u16> {
    let instances = folder::all_instances(state);
    let lock = folder::open_lock(&instances.join("lock"))?;
    lock.lock()?;
    let port = port::choose(&kept_ports(&instances)?)?;
    folder.write_port(port)?;
    Ok(port)
}

/// Ports of all instances that have a folder, running or not: a stopped one may be started again.
fn kept_ports(instances: &Path) -> io::Result<BTreeSet<u16>> {
    let mut folders = vec![instances.to_owned()];
    // instances / service / environment / deployment / instance
    for _level in 0..4 {
        let mut below = Vec::new();
        for folder in &folders {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    below.push(entry.path());
                }
            }
        }
        folders = below;
    }
    let mut ports = BTreeSet::new();
    for folder in folders {
        ports.extend(Folder::at(&folder).port()?);
    }
    Ok(ports)
}

/// Removes the folders of the lane's oldest stopped deployments.
fn forget_oldest(state: &Path, request: &DeployRequest) -> io::Result<()> {
    let lane = folder::lane_folder(state, &request.lane);
    let of = |number| DeploymentFolder::of(state, &request.lane, PromotionNumber(number));
    let mut stopped = Vec::new();
    for number in folder::numbered(&lane)? {
        if number != request.deployment.0 && of(number).is_stopped()? {
            stopped.push(number);
        }
    }
    stopped.sort_unstable();
    let surplus = stopped.len().saturating_sub(STOPPED_KEPT);
    for number in &stopped[..surplus] {
        of(*number).forget()?;
    }
    Ok(())
}

fn plan(
    settings: &Settings,
    program: &Program,
    request: &DeployRequest,
    instance: u32,
    folder: &Folder,
    port: u16,
) -> Plan {
    let lane = &request.lane;
    // Random: a deployment of the same name in another journal is another one.
    let random = rand::random::<u64>();
    let id = format!("{lane}/{}/{instance}-{random:016x}", request.deployment);
    let directory = match (settings.directory, &program.directory) {
        (Directory::Artifact, Some(artifact)) => artifact.clone(),
        (Directory::Artifact, None) | (Directory::Private, _) => folder.work(),
    };
    Plan {
        environment: environment(request, instance, port, &id),
        id,
        program: program.path.clone(),
        shown: program.shown.clone(),
        arguments: program.arguments.clone(),
        directory,
        port,
        stop_within: settings.stop_within,
        restart_delay_most: settings.restart_delay,
        log_limit: settings.log_limit,
    }
}

/// The basics of this program's own environment, the declared settings over them, and over all what
/// only we can know. What secrets are called is left to them.
fn environment(
    request: &DeployRequest,
    instance: u32,
    port: u16,
    id: &str,
) -> BTreeMap<String, String> {
    let basics = ["PATH", "HOME", "LANG"];
    let basics =
        basics.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    let mut environment: BTreeMap<String, String> = basics.collect();
    environment.extend(request.settings.clone());
    environment.retain(|name, _| {
        request.secrets.as_ref().is_none_or(|secrets| !secrets.contains_key(name))
    });
    let ours = [
        ("PORT", port.to_string()),
        ("HOST", "127.0.0.1".to_owned()),
        ("TOWPATH_RELEASE", request.release.version.to_string()),
        ("TOWPATH_ENVIRONMENT", request.lane.environment.to_string()),
        ("TOWPATH_SERVICE", request.lane.service.to_string()),
        ("TOWPATH_INSTANCE", instance.to_string()),
        (MARK, id.to_owned()),
    ];
    environment.extend(ours.map(|(name, value)| (name.to_owned(), value)));
    environment
}

fn recent_ends(ends: &[folder::End], now: Timestamp, window: Span) -> &[folder::End] {
    let old = ends.partition_point(|end| now.since(end.at) > window);
    &ends[old..]
}

fn named(request: &DeployRequest, instance: u32) -> String {
    let (lane, version) = (&request.lane, &request.release.version);
    format!("release {version} in {lane}, instance {instance} of {}", request.instances.max(1))
}

fn not_ready(
    request: &DeployRequest,
    instance: u32,
    path: Option<&str>,
    did: &str,
    waited: Duration,
) -> String {
    let wanted = match path {
        Some(path) => format!("GET {path} to answer 2xx"),
        None => "its port to open".to_owned(),
    };
    let waited = Span(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
    format!(
        "{} was not ready within {waited}: waited for {wanted}, {did}",
        named(request, instance)
    )
}

/// A failed start with what the program itself said, and what its supervisor said if that failed.
fn failed(folder: &Folder, instance: u32, sentence: String) -> TargetError {
    let mut said: Vec<String> = log::tail(folder.path(), instance, SAID)
        .map(|lines| lines.into_iter().map(|line| line.text).collect())
        .unwrap_or_default();
    if let Ok(supervisor) = fs::read(folder.path().join("supervisor.log")) {
        let lines = supervisor.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        said.extend(lines.map(escaped));
    }
    said.drain(..said.len().saturating_sub(SAID));
    TargetError { sentence, said, kind: TargetErrorKind::Final }
}
