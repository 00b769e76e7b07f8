//! `towpath serve`: one engine with its API, in the foreground or in the background. Owns the lock
//! that keeps two engines off one folder, and the rule when a background engine may end.

use std::fs::{File, TryLockError};
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use towpath_adapters::artifacts::Artifacts;
use towpath_adapters::evidence::KeptEvidence;
use towpath_adapters::notary::FolderNotary;
use towpath_core::ids::{Epoch, Name};
use towpath_engine::{Engine, EngineEnd, Setup};
use towpath_ports::Site;
use towpath_ports::clock::{Clock as _, SystemClock};
use towpath_ports::secret::Known;
use towpath_ports::store::{Store as _, StoreIdentity};
use towpath_server::routes::App;
use towpath_server::serve_unix;
use towpath_store::SqlStore;

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

/// The lock of this process's engine.
static LOCK: OnceLock<File> = OnceLock::new();

/// What may be typed after `serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// end when nothing needs an engine any more
    #[arg(long, hide = true)]
    background: bool,
    /// keep the journal in this PostgreSQL database (postgres://...)
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

/// Runs an engine until it is told to stop, is shut out, or (in the background) is not needed.
pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<ExitCode, CliError> {
    let project = context.project()?;
    let noted = project.journal_of().map_err(|error| cannot(&project.state, &error.to_string()))?;
    // Only a new journal needs a right matrix: what runs must stay in hand whatever the file says.
    let name = match noted {
        Some(name) => name,
        None => matrix::resolved(&project, context)?.project,
    };
    if arguments.background {
        // A process that leads a group already cannot begin a session; then it has one of its own.
        let _ = rustix::process::setsid();
    } else {
        context.aside(&format!("engine of {name} on {}\n", project.socket().display()));
    }
    let known = Known::default();
    log_to_stderr(known.clone());
    serve(&project, name, &arguments, known).await?;
    Ok(ExitCode::Done)
}

/// Standard error without secrets. Each message comes whole, so that none stands on two sides of a cut.
struct MaskedErrors(Known);

impl io::Write for MaskedErrors {
    fn write(&mut self, message: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(&self.0.masker().mask_bytes(message))?;
        Ok(message.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn log_to_stderr(known: Known) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("TOWPATH_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(move || MaskedErrors(known.clone()));
    // Something that logs already keeps its way of doing it.
    let _ = logging.try_init();
}

async fn serve(
    project: &ProjectFolder,
    name: Name,
    arguments: &Arguments,
    known: Known,
) -> Result<(), CliError> {
    project.ensure_reachable()?;
    project.prepare().map_err(|error| cannot(&project.state, &error.to_string()))?;
    // Kept until the process has gone: whoever waits for this engine to end looks at the lock.
    let lock = LOCK.set(lock(&project.state).await?);
    debug_assert!(lock.is_ok(), "a process serves once");
    if let Err(error) = crate::commands::matrix::keep_schema(&project.state) {
        tracing::warn!(%error, "the schema was not written; editors may complete an older one");
    }
    let store = open(project, &name, arguments.database.as_deref()).await?;
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
    let running = towpath_engine::start(Setup {
        project: name,
        speed: project.speed(),
        root: project.root.clone(),
        store: Arc::new(store),
        artifacts,
        evidence: Arc::new(KeptEvidence::new(&project.state)),
        adapters: Arc::new(Adapters::new(site)),
        known,
        notary: Some(Arc::new(notary)),
        clock: Arc::new(SystemClock::default()),
    })
    .await
    .map_err(|error| cannot(&project.state, &error.to_string()))?;
    let (stop, asked) = mpsc::channel(1);
    let (stopped, stopping) = watch::channel(false);
    let app = App { engine: running.engine.clone(), stop };
    let socket = project.socket();
    let api = tokio::spawn(async move {
        let mut stopping = stopping;
        let until = async move {
            // A sender that is gone is a stop as well.
            let _ = stopping.wait_for(|stopped| *stopped).await;
        };
        serve_unix(app, &socket, until).await
    });
    let engine = running.engine.clone();
    let ended = wait(&engine, asked, running.ended, arguments.background, &api).await;
    engine.stop().await;
    // Nobody listens any more when the API has ended by itself.
    let _ = stopped.send(true);
    match tokio::time::timeout(LAST_REQUESTS, api).await {
        Ok(Ok(Err(error))) => Err(cannot(&project.socket(), &error.to_string())),
        _ => ended.map_err(|sentence| cannot(&project.state, &sentence)),
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

async fn wait(
    engine: &Engine,
    mut asked: mpsc::Receiver<()>,
    mut ended: tokio::task::JoinHandle<Result<(), EngineEnd>>,
    background: bool,
    api: &tokio::task::JoinHandle<Result<(), towpath_server::ServeError>>,
) -> Result<(), String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let mut idle_since = tokio::time::Instant::now();
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = asked.recv() => return Ok(()),
            result = &mut ended => {
                return match result {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(error) => Err(format!("the engine broke down: {error}")),
                };
            }
            () = tokio::time::sleep(IDLE_LOOK) => {
                if api.is_finished() {
                    return Ok(());
                }
                if !engine.is_idle() {
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
