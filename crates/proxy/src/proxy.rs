//! The proxy as a whole: its threads, from start to end. Owns signals and the order of starting and
//! stopping; forwards nothing itself.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::sleep;

use crate::Clock;
use crate::control::{self, Control};
use crate::controller::Controller;
use crate::disk::{self, Disk};
use crate::live::Plan;
use crate::worker::{self, WorkerOptions};

/// Visitors' connections that one worker holds at once; each costs two file descriptors at most
/// and some 30 kB.
const MAX_CONNECTIONS: usize = 16_384;
/// How long requests under way may take to end when the proxy stops: the seeds' scripts wait as
/// long.
const DRAIN: Duration = Duration::from_secs(30);
/// Beyond the drain, for connections to be closed and counted.
const DRAIN_MARGIN: Duration = Duration::from_secs(2);
/// Between two looks whether the workers have ended.
const JOIN_PAUSE: Duration = Duration::from_millis(10);

/// How a proxy is to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The directory of its table, evidence and control socket; made if need be, never shared.
    pub state_directory: PathBuf,
    /// Its threads.
    pub workers: Workers,
    /// Visitors' connections per worker, at least 1; more wait to be accepted.
    pub max_connections: usize,
    /// How long requests under way may take to end when the proxy stops.
    pub drain: Duration,
    /// The clock of leases.
    pub clock: Clock,
}

/// The threads that forward requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Workers {
    /// One for each processor this process may use.
    PerCore,
    /// This many, at least 1, placed by the system.
    Count(usize),
    /// One on each of these processors, numbered as the system does.
    On(Vec<usize>),
}

/// A running proxy. Dropping it without [`Proxy::stop`] leaves it running until the process ends.
#[derive(Debug)]
pub struct Proxy {
    stop: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
    thread: JoinHandle<()>,
    socket: PathBuf,
}

/// Runs a proxy until SIGTERM, SIGINT or a shutdown over the control socket, drains and returns.
///
/// # Errors
/// What keeps it from starting: the state directory (in use, read-only), the control socket. A
/// route that cannot be served is no such thing.
pub fn run(options: Options) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    raise_file_limit();
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut proxy = Proxy::start(options)?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = proxy.ended() => {}
        }
        proxy.stop().await;
        Ok(())
    })
}

impl Options {
    /// The documented defaults: a worker for each processor, 30 s of draining.
    pub fn new(state_directory: impl Into<PathBuf>) -> Self {
        Self {
            state_directory: state_directory.into(),
            workers: Workers::PerCore,
            max_connections: MAX_CONNECTIONS,
            drain: DRAIN,
            clock: Clock::system(),
        }
    }
}

impl Workers {
    fn cores(&self) -> Vec<Option<usize>> {
        match self {
            Self::PerCore => {
                let count = thread::available_parallelism().map_or(1, usize::from);
                vec![None; count]
            }
            Self::Count(count) => vec![None; (*count).max(1)],
            Self::On(cores) => cores.iter().copied().map(Some).collect(),
        }
    }
}

impl Proxy {
    /// Starts a proxy in threads of its own and returns when its control socket answers.
    ///
    /// # Errors
    /// See [`run`].
    pub fn start(options: Options) -> io::Result<Self> {
        if options.workers == Workers::On(Vec::new()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a proxy needs a worker"));
        }
        let (stop, stops) = watch::channel(false);
        let (end, ended) = watch::channel(false);
        let (ready, started) = sync_channel(1);
        let stopper = stop.clone();
        let thread = thread::Builder::new().name("proxy-control".into()).spawn(move || {
            if let Err(error) = control_thread(options, (stopper, stops), &ready) {
                // Nobody waits any more if it had started already.
                let _told = ready.send(Err(error));
            }
            end.send_replace(true);
        })?;
        let socket = started.recv().map_err(io::Error::other)??;
        Ok(Self { stop, ended, thread, socket })
    }

    /// Where its control socket is.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Waits until the proxy has ended, for whatever reason.
    pub async fn ended(&mut self) {
        let _closed = self.ended.wait_for(|ended| *ended).await;
    }

    /// Stops accepting, lets requests under way end within the drain time, saves, and returns when
    /// all threads have ended.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.ended().await;
        // The thread has nothing left to do but return.
        let _joined = self.thread.join();
    }
}

/// Lets the process open as many files as it is allowed to: every request takes two at times, and
/// systems start processes with 1,024. Safe to repeat.
pub fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit on open files stays");
    }
}

/// The life of the control thread.
fn control_thread(
    options: Options,
    (stop, mut stops): (watch::Sender<bool>, watch::Receiver<bool>),
    ready: &SyncSender<io::Result<PathBuf>>,
) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let disk = Disk::open(&options.state_directory)?;
        let path = disk.socket();
        let cores = options.workers.cores();
        let plan = watch::Sender::new(Arc::new(Plan::default()));
        let mut threads = Vec::with_capacity(cores.len());
        for (index, core) in cores.iter().copied().enumerate() {
            let worker = WorkerOptions {
                index,
                core,
                clock: options.clock.clone(),
                max_connections: options.max_connections.max(1),
                drain: options.drain,
            };
            threads.push(worker::start(worker, plan.subscribe())?);
        }
        let controller = Controller::restore(disk, options.clock, cores.len(), plan)?;
        let socket = control::listen(&path)?;
        controller.disk().save_process(&disk::this_process()?)?;
        let control = Control::new(controller, stop);
        control.start(socket);
        let _waits = ready.send(Ok(path));
        let _stopped = stops.wait_for(|stopping| *stopping).await;
        control.controller.borrow_mut().stop();
        let limit = tokio::time::Instant::now() + options.drain + DRAIN_MARGIN;
        while threads.iter().any(|thread| !thread.is_finished())
            && tokio::time::Instant::now() < limit
        {
            sleep(JOIN_PAUSE).await;
        }
        control.controller.borrow_mut().finish();
        Ok(())
    })
}
