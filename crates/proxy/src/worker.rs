//! A thread of the data plane: its sockets, its connections, its pool. Owns its runtime; takes what
//! to do from the plan and decides nothing.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_setaffinity};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout, timeout_at};

use crate::Clock;
use crate::connection;
use crate::live::{Listener, Plan, RouteCell};
use crate::pool::Pool;

/// Between two looks for idle upstream connections to close.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// Pause after a failed accept, which means that we are out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long a closing socket goes on accepting those who are already waiting.
const LAST_CALL: Duration = Duration::from_millis(20);
/// Between two looks whether the last tunnel has ended.
const TUNNEL_PAUSE: Duration = Duration::from_millis(20);

/// What the tasks of one thread share.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) index: usize,
    pub(crate) clock: Clock,
    pub(crate) pool: Pool,
    /// Held by every tunnel, which outlives its visitor's connection.
    pub(crate) tunnels: Rc<()>,
    /// Whether the drain is over and whoever is still here is cut off.
    pub(crate) ending: Cell<bool>,
    room: Arc<Semaphore>,
    open: RefCell<HashMap<u64, watch::Sender<bool>>>,
}

/// How a worker is to run.
#[derive(Clone, Debug)]
pub(crate) struct WorkerOptions {
    pub(crate) index: usize,
    /// The processor to stay on; none leaves it to the system.
    pub(crate) core: Option<usize>,
    pub(crate) clock: Clock,
    pub(crate) max_connections: usize,
    /// How long connections may take to end after the plan says stop.
    pub(crate) drain: Duration,
}

/// Starts a worker; its thread ends some time after the plan says so.
pub(crate) fn start(
    options: WorkerOptions,
    plan: watch::Receiver<Arc<Plan>>,
) -> std::io::Result<thread::JoinHandle<()>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name(format!("proxy-{}", options.index)).spawn(move || {
        pin_to(options.core);
        LocalSet::new().block_on(&runtime, run(options, plan));
        runtime.shutdown_background();
    })
}

async fn run(options: WorkerOptions, mut plan: watch::Receiver<Arc<Plan>>) {
    let worker = Rc::new(Worker {
        index: options.index,
        clock: options.clock,
        pool: Pool::default(),
        tunnels: Rc::new(()),
        ending: Cell::new(false),
        room: Arc::new(Semaphore::new(options.max_connections)),
        open: RefCell::default(),
    });
    let mut connections = JoinSet::new();
    let mut sweep = interval(SWEEP_EVERY);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let current = Arc::clone(&plan.borrow_and_update());
        worker.follow(&current, &mut connections);
        if current.stopping {
            break;
        }
        tokio::select! {
            changed = plan.changed() => if changed.is_err() { break },
            _ = sweep.tick() => worker.pool.sweep(worker.clock.now_us()),
            Some(_) = connections.join_next() => {}
        }
    }
    worker.close_all();
    let _drained = timeout(options.drain, async {
        while connections.join_next().await.is_some() {}
        while Rc::strong_count(&worker.tunnels) > 1 {
            sleep(TUNNEL_PAUSE).await;
        }
    })
    .await;
    worker.ending.set(true);
}

impl Worker {
    /// Opens what the plan has and this worker has not, closes what the plan has no more.
    fn follow(self: &Rc<Self>, plan: &Plan, listening: &mut JoinSet<()>) {
        let wanted = |id: u64| plan.listeners.iter().any(|listener| listener.id == id);
        self.open.borrow_mut().retain(|id, closing| {
            let stays = wanted(*id);
            if !stays {
                closing.send_replace(true);
            }
            stays
        });
        for listener in &plan.listeners {
            if !self.open.borrow().contains_key(&listener.id) {
                self.listen(listener, listening);
            }
        }
        self.pool.retain(|endpoint| plan.endpoints.contains(&endpoint));
    }

    fn close_all(&self) {
        for (_, closing) in self.open.borrow_mut().drain() {
            closing.send_replace(true);
        }
    }

    fn listen(self: &Rc<Self>, listener: &Listener, listening: &mut JoinSet<()>) {
        let Some(socket) = listener.take_socket(self.index) else { return };
        let socket = match TcpListener::from_std(socket) {
            Ok(socket) => socket,
            Err(error) => {
                tracing::error!(%error, "a listening socket cannot be used");
                return;
            }
        };
        let (closing, closes) = watch::channel(false);
        self.open.borrow_mut().insert(listener.id, closing);
        let accepting = accept(Rc::clone(self), Arc::clone(&listener.cell), socket, closes);
        listening.spawn_local(accepting);
    }
}

/// Accepts until it is asked to close, then serves what is still waiting and its connections.
async fn accept(
    worker: Rc<Worker>,
    cell: Arc<RouteCell>,
    socket: TcpListener,
    mut closes: watch::Receiver<bool>,
) {
    let closing = closes.clone();
    let mut connections = JoinSet::new();
    loop {
        let room = Arc::clone(&worker.room);
        let next = async {
            let permit = room.acquire_owned().await.expect("the semaphore is never closed");
            (permit, socket.accept().await)
        };
        tokio::select! {
            biased;
            _ = closes.wait_for(|closing| *closing) => break,
            (permit, accepted) = next => match accepted {
                Ok(accepted) => {
                    let (worker, cell) = (Rc::clone(&worker), Arc::clone(&cell));
                    let serving = connection::serve(worker, cell, accepted, closing.clone());
                    connections.spawn_local(async move {
                        serving.await;
                        drop(permit);
                    });
                    // In a rush the branch below would never be reached.
                    while connections.try_join_next().is_some() {}
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    // Visitors in the queue of a socket that closes would be reset.
    let last_call = Instant::now() + LAST_CALL;
    while let Ok(Ok(accepted)) = timeout_at(last_call, socket.accept()).await {
        let serving =
            connection::serve(Rc::clone(&worker), Arc::clone(&cell), accepted, closing.clone());
        connections.spawn_local(serving);
    }
    drop(socket);
    while connections.join_next().await.is_some() {}
}

fn pin_to(core: Option<usize>) {
    let Some(core) = core else { return };
    let mut cores = CpuSet::new();
    cores.set(core);
    if let Err(error) = sched_setaffinity(None, &cores) {
        tracing::warn!(core, %error, "the worker is not bound to its processor");
    }
}
