//! Start and end of the service: when the port opens, when it closes, and that open requests are
//! finished first. What a request gets is not its business.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::config::Config;
use crate::log::{Level, Log};
use crate::routes::{App, router};

/// How long open requests may take after the order to stop: below the 10 s that Docker, the
/// most impatient of the usual supervisors, waits before it kills.
const DRAIN_LIMIT: Duration = Duration::from_secs(8);

/// Exit code of a crash that was asked for: 128 and SIGABRT, as a shell shows it.
const EXIT_CRASH: u8 = 134;

/// Why the service ended other than by being asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be had; another one, or its owner's end, would help.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// `EXIT_AT_START` was declared.
    #[error("cannot load the voices, ending with code {0} (EXIT_AT_START)")]
    ExitAtStart(u8),
    /// `CRASH_AFTER_MS` was declared.
    #[error("the synthesiser broke (CRASH_AFTER_MS)")]
    Crash,
    /// Requests were still open when the time to finish them was over.
    #[error("open requests did not finish within {} s", DRAIN_LIMIT.as_secs())]
    Drain,
    /// The system refused something that never fails on a sound machine.
    #[error("cannot serve: {0}")]
    System(#[from] io::Error),
}

impl ServeError {
    /// The exit code the process should end with.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::ExitAtStart(code) => *code,
            Self::Crash => EXIT_CRASH,
            Self::Listen { .. } | Self::Drain | Self::System(_) => 1,
        }
    }
}

/// Serves until SIGTERM or SIGINT, then finishes open requests. Call it once per process, on a
/// tokio runtime with time and I/O; nothing needs to follow.
///
/// # Errors
/// When the service could not start, was told to break, or could not finish in time.
pub async fn serve(config: Config) -> Result<(), ServeError> {
    let stop = StopSignals::listen(config.faults.ignores_sigterm)?;
    Server::bind(config).await?.run(stop.received()).await
}

/// A service with its port open.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: App,
    log: Log,
}

impl Server {
    /// Opens the port, after whatever the start's faults ask for.
    ///
    /// # Errors
    /// When the port cannot be had, or `EXIT_AT_START` is declared.
    pub async fn bind(config: Config) -> Result<Self, ServeError> {
        let log = Log { level: config.settings.log_level };
        log.line(Level::Debug, &format!("starting with {:?}", config.settings));
        if let Some(code) = config.faults.exit_at_start {
            return Err(ServeError::ExitAtStart(code));
        }
        if !config.faults.start_delay.is_zero() {
            log.line(Level::Warn, "loading voices takes longer than usual (START_DELAY_MS)");
            tokio::time::sleep(config.faults.start_delay).await;
        }
        let wanted = SocketAddr::new(config.host, config.port);
        let listener = TcpListener::bind(wanted)
            .await
            .map_err(|source| ServeError::Listen { address: wanted, source })?;
        let address = listener.local_addr()?;
        // The only thing in std that differs between two processes without being asked to.
        let seed = RandomState::new().hash_one(address);
        Ok(Self { listener, address, app: App::new(config, seed), log })
    }

    /// Where it listens, with the port the system chose if that was left to it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is ready, then takes no new connection, finishes open requests and
    /// returns.
    ///
    /// # Errors
    /// When requests do not finish in time, or `CRASH_AFTER_MS` is declared; open connections
    /// are cut then.
    pub async fn run(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let Self { listener, address, app, log } = self;
        let config = app.config().clone();
        let message =
            format!("release {} listening on {address}, faults: {}", config.release, config.faults);
        log.line(Level::Info, &message);
        let (stopping, stopped) = oneshot::channel();
        let told = app.clone();
        let shutdown = async move {
            stop.await;
            told.begin_stop();
            log.line(Level::Info, "stopping, finishing open requests");
            let _ = stopping.send(());
        };
        let serving = axum::serve(listener, router(app)).with_graceful_shutdown(shutdown);
        tokio::select! {
            ended = serving.into_future() => ended.map_err(ServeError::System),
            () = drain_limit(stopped) => Err(ServeError::Drain),
            () = crash(config.faults.crash_after) => Err(ServeError::Crash),
        }
    }
}

/// Ready when the drain limit has passed since the order to stop.
async fn drain_limit(stopped: oneshot::Receiver<()>) {
    if stopped.await.is_err() {
        // The server ended together with its sender; its own result says why.
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(DRAIN_LIMIT).await;
}

async fn crash(after: Option<Duration>) {
    match after {
        Some(after) => tokio::time::sleep(after).await,
        None => std::future::pending().await,
    }
}

/// The signals that ask for an end, heard from the moment this exists.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    ignores_terminate: bool,
}

impl StopSignals {
    fn listen(ignores_terminate: bool) -> io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { terminate, interrupt, ignores_terminate })
    }

    async fn received(mut self) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => {
                    if !self.ignores_terminate {
                        return;
                    }
                }
            }
        }
    }
}
