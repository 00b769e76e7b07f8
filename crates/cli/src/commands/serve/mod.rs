//! `towpath serve`: one engine with its API, in the foreground or in the background. Owns the lock
//! that keeps two engines off one folder, and the rule when a background engine may end.

mod accounts;
mod following;
mod log;
mod network;
mod oidc;
mod settings;
mod traces;
mod workloads;

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use towpath_adapters::artifacts::Artifacts;
use towpath_adapters::evidence::KeptEvidence;
use towpath_adapters::notary::FolderNotary;
use towpath_core::ids::{Epoch, Name};
use towpath_engine::{Engine, EngineEnd, Setup};
use towpath_ports::Site;
use towpath_ports::clock::{Clock as _, SystemClock};
use towpath_ports::secret::Known;
use towpath_ports::store::{Store as _, StoreIdentity};
use towpath_server::listen::abort_on_panics_outside_of_requests;
use towpath_server::routes::App;
use towpath_server::signin::SignIn;
use towpath_server::traces::{Sending, Settings as TracesSettings, Traces};
use towpath_server::{serve_unix, site};
use towpath_store::SqlStore;

use self::following::Follow;
use self::network::{Bound, tell_manager, watch_over};
pub(crate) use self::settings::Arguments;
use self::settings::Settings;
use crate::commands::{Context, matrix};
use crate::exit_code::{CliError, ExitCode};
use crate::project::{ProjectFolder, shown_database};
use crate::wiring::Adapters;

/// How long nothing may need a background engine before it ends: long enough that a person's next
/// command finds it running.
const IDLE_LIMIT: Duration = Duration::from_mins(1);
/// How often it looks whether anything needs it.
const IDLE_LOOK: Duration = Duration::from_secs(1);
/// How often the lock is tried again, and the pause before: a fifth of a second together, many times
/// what a command that looks at it takes.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// How long open requests of the API may take at the end.
const LAST_REQUESTS: Duration = Duration::from_secs(2);
/// How long the collector of traces may take at the end.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// The locks of this process's engines, kept until the process has gone: whoever waits for an engine to
/// end looks at its lock.
static LOCKS: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// One project that is served.
struct Served {
    project: ProjectFolder,
    engine: Engine,
    /// None once somebody waits for it.
    ended: Option<JoinHandle<Result<(), EngineEnd>>>,
    /// What answers on the project's own socket.
    api: JoinHandle<Result<(), towpath_server::ServeError>>,
}

/// What all projects of one server share.
struct Server {
    known: Known,
    database: Option<String>,
    /// Where people sign in; none without pages.
    sign_in: Option<SignIn>,
    /// Where spans go; none where nobody takes any.
    traces: Option<Traces>,
    /// Repositories whose matrix is followed, and how many projects there are.
    follow: Vec<Follow>,
    projects: usize,
    /// Ends the server when something is sent.
    stop: mpsc::Sender<()>,
    /// Turns true when the server has stopped.
    stopped: watch::Receiver<bool>,
}

/// Runs engines until they are told to stop, are shut out, or (in the background) are not needed.
pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<ExitCode, CliError> {
    let settings = Settings::of(&arguments)?;
    let mut projects = Vec::new();
    for project in projects_of(&settings, context)? {
        let noted = project.journal_of();
        let noted = noted.map_err(|error| cannot(&project.state, &error.to_string()))?;
        // Only a new journal needs a right matrix: what runs must stay in hand whatever the file says.
        let name = match (noted, &*settings.follow) {
            (Some(name), _) => name,
            // Its matrix is in the repository.
            (None, [Follow { project: Some(name), .. }]) if settings.projects.len() < 2 => {
                name.clone()
            }
            (None, _) => matrix::resolved(&project, context)?.project,
        };
        projects.push((project, name));
    }
    unlike(&projects)?;
    followed_once(&settings.follow, &projects)?;
    if arguments.background {
        // A process that leads a group already cannot begin a session; then it has one of its own.
        let _ = rustix::process::setsid();
    }
    let known = Known::default();
    log::to_stderr(known.clone(), settings.log);
    abort_on_panics_outside_of_requests();
    towpath_proxy::raise_file_limit();
    let bound = Bound::new(&settings).await?;
    if !arguments.background {
        for (project, name) in &projects {
            context.aside(&format!("engine of {name} on {}\n", project.socket().display()));
        }
        bound.note.iter().for_each(|note| context.aside(&format!("{note}\n")));
    }
    serve(projects, bound, &settings, &arguments, known, context).await?;
    Ok(ExitCode::Done)
}

/// The folders that are served.
fn projects_of(settings: &Settings, context: &Context) -> Result<Vec<ProjectFolder>, CliError> {
    if settings.projects.is_empty() {
        return Ok(vec![context.project()?]);
    }
    settings.projects.iter().map(|folder| context.project_in(folder)).collect()
}

/// Each project of a server has an address of its own.
fn unlike(projects: &[(ProjectFolder, Name)]) -> Result<(), CliError> {
    for (index, (project, name)) in projects.iter().enumerate() {
        if let Some((other, _)) = projects[..index].iter().find(|(_, other)| other == name) {
            let message = format!("nothing is served: two projects are called {name}");
            return Err(CliError::new(ExitCode::Usage, "same-name", message)
                .because(format!("the other one is in {}", other.root.display()))
                .at(project.root.display().to_string())
                .next("towpath serve", "in the other folder, a server of its own"));
        }
    }
    Ok(())
}

/// Each project follows one repository at the most, and each of these is followed for one that is served.
fn followed_once(follow: &[Follow], projects: &[(ProjectFolder, Name)]) -> Result<(), CliError> {
    for (index, one) in follow.iter().enumerate() {
        let is_it = |(_, name): &&(ProjectFolder, Name)| one.is_for(name, projects.len());
        let Some((_, name)) = projects.iter().find(is_it) else {
            let cause = match &one.project {
                Some(name) => format!("follow[{index}].project: {name} is not served"),
                None => format!("follow[{index}]: say `project`, because several are served"),
            };
            return Err(settings::wrong(Path::new("--config"), &cause));
        };
        if follow[..index].iter().any(|other| other.is_for(name, projects.len())) {
            let cause = format!("follow[{index}]: {name} follows another repository already");
            return Err(settings::wrong(Path::new("--config"), &cause));
        }
    }
    Ok(())
}

async fn serve(
    projects: Vec<(ProjectFolder, Name)>,
    bound: Bound,
    settings: &Settings,
    arguments: &Arguments,
    known: Known,
    context: &Context,
) -> Result<(), CliError> {
    let (stop, asked) = mpsc::channel(1);
    let (stopping, stopped) = watch::channel(false);
    let database = arguments.database.clone();
    let sign_in = match projects.first() {
        Some((first, _)) => {
            accounts::open(bound.address(), settings, database.as_deref(), first).await?
        }
        None => None,
    };
    let (traces, sending) = settings.traces.clone().map(begin_traces).transpose()?.unzip();
    let follow = settings.follow.clone();
    let count = projects.len();
    let server =
        Server { known, database, sign_in, traces, follow, projects: count, stop, stopped };
    let mut all = Vec::new();
    let mut begun = Ok(());
    for (project, name) in projects {
        match server.begin(project, name).await {
            Ok(served) => all.push(served),
            Err(error) => {
                begun = Err(error);
                break;
            }
        }
    }
    let mut network = Vec::new();
    let mut ended = Ok(());
    if begun.is_ok() {
        let apps = all.iter().map(|one| server.app(&one.engine)).collect();
        let site = site::Site::new(apps, env!("CARGO_PKG_VERSION"));
        if let Some(address) = bound.address() {
            let address =
                settings.public_url.as_ref().map_or(address, |url| format!("{}/", url.as_str()));
            context.aside(&format!("pages on {address}\n"));
        }
        accounts::tell_first_link(server.sign_in.as_ref(), context).await;
        network = bound.serve(&site, &server.stopped);
        tell_manager(&[NotifyState::Ready]);
        watch_over(move || site.is_ready());
        ended = wait(&mut all, asked, arguments.background).await;
        tell_manager(&[NotifyState::Stopping]);
    }
    let stopped = stop_all(all, &stopping).await;
    for listener in network {
        let _ = listener.await;
    }
    if let Some(sending) = sending {
        sending.end(LAST_SPANS).await;
    }
    begun.and(stopped).and(ended)
}

fn begin_traces(settings: TracesSettings) -> Result<(Traces, Sending), CliError> {
    Traces::begin(settings).map_err(|cause| {
        CliError::new(ExitCode::Usage, "wrong-settings", "nothing is served: traces cannot be sent")
            .because(cause)
            .at("--traces, or OTEL_EXPORTER_OTLP_ENDPOINT")
            .next("towpath help serve", "what can be set")
    })
}

/// Ends all engines and what answers for them.
async fn stop_all(all: Vec<Served>, stopping: &watch::Sender<bool>) -> Result<(), CliError> {
    for one in &all {
        one.engine.stop().await;
    }
    // Nobody listens any more when the API has ended by itself.
    let _ = stopping.send(true);
    let mut result = Ok(());
    for one in all {
        if let Ok(Ok(Err(error))) = tokio::time::timeout(LAST_REQUESTS, one.api).await {
            result = Err(cannot(&one.project.socket(), &error.to_string()));
        }
    }
    result
}

impl Server {
    fn app(&self, engine: &Engine) -> App {
        App {
            engine: engine.clone(),
            stop: self.stop.clone(),
            sign_in: self.sign_in.clone(),
            traces: self.traces.clone(),
        }
    }

    /// Starts the engine of one project, and what answers on its socket.
    async fn begin(&self, project: ProjectFolder, name: Name) -> Result<Served, CliError> {
        project.ensure_reachable()?;
        project.prepare().map_err(|error| cannot(&project.state, &error.to_string()))?;
        let lock = lock(&project.state).await?;
        LOCKS.lock().expect("no holder of this lock panics").push(lock);
        if let Err(error) = crate::commands::matrix::keep_schema(&project.state) {
            tracing::warn!(%error, "the schema was not written; editors may complete an older one");
        }
        let store = open(&project, &name, self.database.as_deref()).await?;
        let setup = self.setup(&project, name, store)?;
        let running = towpath_engine::start(setup)
            .await
            .map_err(|error| cannot(&project.state, &error.to_string()))?;
        if let Some(sign_in) = &self.sign_in {
            sign_in.serves(&running.engine);
        }
        let name = &running.engine.setup().project;
        if let Some(follow) = self.follow.iter().find(|it| it.is_for(name, self.projects)) {
            let engine = running.engine.clone();
            following::spawn(follow.clone(), engine, &project.state, self.stopped.clone());
        }
        let (app, socket) = (self.app(&running.engine), project.socket());
        let mut stopped = self.stopped.clone();
        let api = tokio::spawn(async move {
            let until = async move {
                // A sender that is gone is a stop as well.
                let _ = stopped.wait_for(|stopped| *stopped).await;
            };
            serve_unix(app, &socket, until).await
        });
        Ok(Served { project, engine: running.engine, ended: Some(running.ended), api })
    }

    fn setup(
        &self,
        project: &ProjectFolder,
        name: Name,
        store: SqlStore,
    ) -> Result<Setup, CliError> {
        let artifacts = Arc::new(Artifacts::new(&project.state));
        let program = std::env::current_exe();
        let program = program.map_err(|error| cannot(&project.root, &error.to_string()))?;
        let site = Site {
            root: project.root.clone(),
            state: project.state.clone(),
            program,
            artifacts: artifacts.clone(),
            speed: project.speed(),
        };
        let notary = FolderNotary::new(&project.state, &project.root, name.clone());
        Ok(Setup {
            project: name,
            speed: project.speed(),
            root: project.root.clone(),
            store: Arc::new(store),
            artifacts,
            evidence: Arc::new(KeptEvidence::new(&project.state)),
            adapters: Arc::new(Adapters::new(site)),
            known: self.known.clone(),
            notary: Some(Arc::new(notary)),
            clock: Arc::new(SystemClock::default()),
            sampling: self.traces.as_ref().map(Traces::sampling),
        })
    }
}

/// Takes the journal over for something that ends what its engine ran: an engine that is still there
/// has no effects any more. Every further call costs an epoch and nothing else.
///
/// # Errors
/// When there is no journal, or it cannot be opened or written.
pub(crate) async fn take_over(project: &ProjectFolder) -> Result<Epoch, CliError> {
    let told = |cause: String| cannot(&project.state, &cause);
    let name = project.journal_of().map_err(|error| told(error.to_string()))?;
    let name =
        name.ok_or_else(|| told("there is no journal, or nothing says whose it is".to_owned()))?;
    let store = open(project, &name, None).await?;
    let epoch = store.take_ownership(SystemClock::default().now()).await;
    store.close().await;
    epoch.map_err(|error| told(error.to_string()))
}

/// Opens the journal, and only then notes whose it is and where.
async fn open(
    project: &ProjectFolder,
    name: &Name,
    chosen: Option<&str>,
) -> Result<SqlStore, CliError> {
    let location = project.database(chosen)?;
    let identity = StoreIdentity { project: name.clone(), speed: project.speed() };
    let store = SqlStore::open(&location, &identity).await;
    let place = shown_database(&location);
    let store = store.map_err(|error| cannot(Path::new(&place), &error.to_string()))?;
    let mut noted = project.note_journal_of(name);
    if chosen.is_some() {
        noted = noted.and_then(|()| project.note_database(&location));
    }
    noted.map_err(|error| cannot(&project.state, &error.to_string()))?;
    Ok(store)
}

/// Waits for whatever ends the server: a signal, an order, an engine that ended, or (in the background)
/// that nothing needs it.
async fn wait(
    all: &mut [Served],
    mut asked: mpsc::Receiver<()>,
    background: bool,
) -> Result<(), CliError> {
    let told = |error: std::io::Error| cannot(Path::new("towpath serve"), &error.to_string());
    let mut terminate = signal(SignalKind::terminate()).map_err(told)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(told)?;
    let mut idle_since = tokio::time::Instant::now();
    let mut ended = JoinSet::new();
    for one in all.iter_mut() {
        let state = one.project.state.clone();
        if let Some(end) = one.ended.take() {
            ended.spawn(async move { (state, end.await) });
        }
    }
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = asked.recv() => return Ok(()),
            Some(Ok((state, result))) = ended.join_next() => {
                return match result {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(error)) => Err(cannot(&state, &error.to_string())),
                    Err(error) => Err(cannot(&state, &format!("the engine broke down: {error}"))),
                };
            }
            () = tokio::time::sleep(IDLE_LOOK) => {
                if all.iter().any(|one| one.api.is_finished()) {
                    return Ok(());
                }
                if !all.iter().all(|one| one.engine.is_idle()) {
                    idle_since = tokio::time::Instant::now();
                } else if background && idle_since.elapsed() >= IDLE_LIMIT {
                    return Ok(());
                }
            }
        }
    }
}

/// Takes the lock for as long as the answer is kept. Commands that look whether it is held have it for
/// a moment themselves, so that one refusal is none.
async fn lock(state: &Path) -> Result<File, CliError> {
    let path = state.join("engine.lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| cannot(&path, &error.to_string()))?;
    let mut held = file.try_lock();
    for _ in 0..LOCK_TRIES {
        if !matches!(held, Err(TryLockError::WouldBlock)) {
            break;
        }
        tokio::time::sleep(LOCK_PAUSE).await;
        held = file.try_lock();
    }
    match held {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = "another engine already runs for this folder";
            Err(CliError::new(ExitCode::Conflict, "engine-runs", message)
                .because("one engine at a time owns a journal")
                .at(path.display().to_string())
                .next("towpath engine status", "which one")
                .next("towpath engine stop", "stops it; what serves goes on serving"))
        }
        Err(TryLockError::Error(error)) => Err(cannot(&path, &error.to_string())),
    }
}

fn cannot(place: &Path, cause: &str) -> CliError {
    CliError::new(ExitCode::Failed, "no-engine", "the engine cannot run")
        .because(cause)
        .at(place.display().to_string())
        .next("towpath doctor", "what is wrong")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_that_cannot_be_opened_is_neither_noted_nor_told_with_its_password() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("towpath.yaml"), "version: 1\n").unwrap();
        let project = ProjectFolder::find(folder.path(), None).unwrap();
        project.prepare().unwrap();
        let name = Name::new("shop").unwrap();
        for address in ["postgres://u:hush@127.0.0.1:1/x", "postgres://u:hu/hush@host/x"] {
            let error = open(&project, &name, Some(address)).await.err().unwrap();
            let told = format!("{:?}", error.trouble());
            assert!(told.contains("postgres://") && !told.contains("hush"), "{told}");
        }
        assert_eq!(std::fs::read_dir(&project.state).unwrap().count(), 0);
    }
}
