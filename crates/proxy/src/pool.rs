//! The connections of one worker to the upstreams. Owns reuse, idle times and cutting; chooses no
//! endpoint.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::timeout;

use crate::body::RequestBody;
use crate::live::LiveEndpoint;
use crate::socket::Socket;

/// How long a connection may take to come up. A refused one says so at once; this is for a machine
/// that is gone, and is below what visitors bear.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Idle connections kept for one endpoint by one worker.
const MAX_IDLE: usize = 256;
/// Longest idleness after which a connection is used for a request that can be sent twice.
/// Upstreams close theirs after 5 s (Node) to 75 s (nginx); a stale one costs a second try.
pub(crate) const REPEATABLE_IDLE_US: u64 = 55_000_000;
/// The same for a request that cannot be sent twice: below the shortest keep-alive time in wide
/// use (2 s, gunicorn), so that the upstream is not closing while we send.
pub(crate) const UNREPEATABLE_IDLE_US: u64 = 1_000_000;
/// Largest response head, in bytes (hyper's own default is 400 kB).
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The connections of one worker.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    endpoints: RefCell<HashMap<u64, Endpoint>>,
    next_task: Cell<u64>,
}

#[derive(Debug, Default)]
struct Endpoint {
    idle: Vec<Idle>,
    tasks: HashMap<u64, AbortHandle>,
    cut: bool,
}

#[derive(Debug)]
struct Idle {
    sender: SendRequest<RequestBody>,
    since_us: u64,
}

/// A connection lent to one request.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) sender: SendRequest<RequestBody>,
    endpoint: u64,
    worker: Rc<crate::worker::Worker>,
}

impl Connection {
    /// An idle connection of the endpoint that was used at `oldest_us` or later.
    pub(crate) fn idle(
        worker: &Rc<crate::worker::Worker>,
        endpoint: u64,
        oldest_us: u64,
    ) -> Option<Self> {
        let mut endpoints = worker.pool.endpoints.borrow_mut();
        let idle = &mut endpoints.get_mut(&endpoint)?.idle;
        // The youngest is last. Those that are too old for this request may do for another.
        while idle.last()?.since_us >= oldest_us {
            let sender = idle.pop()?.sender;
            if sender.is_ready() {
                let worker = Rc::clone(worker);
                return Some(Self { sender, endpoint, worker });
            }
        }
        None
    }

    /// A new connection to the endpoint.
    pub(crate) async fn open(
        worker: &Rc<crate::worker::Worker>,
        endpoint: &LiveEndpoint,
    ) -> io::Result<Self> {
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(endpoint.address)).await??;
        stream.set_nodelay(true)?;
        let handshake = http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .handshake::<_, RequestBody>(TokioIo::new(Socket(stream)));
        let (sender, driver) = handshake.await.map_err(io::Error::other)?;
        worker.pool.spawn(worker, endpoint.key, async move {
            // How the connection ended is told to the request that used it.
            let _ended = driver.with_upgrades().await;
        });
        Ok(Self { sender, endpoint: endpoint.key, worker: Rc::clone(worker) })
    }

    /// Whether the proxy itself ended this connection, its arm having left the route for long.
    pub(crate) fn was_cut(&self) -> bool {
        self.worker.pool.is_cut(self.endpoint)
    }

    /// Keeps the connection for another request.
    pub(crate) fn give_back(self, now_us: u64) {
        if self.sender.is_closed() {
            return;
        }
        let mut endpoints = self.worker.pool.endpoints.borrow_mut();
        let Some(endpoint) = endpoints.get_mut(&self.endpoint) else { return };
        if endpoint.idle.len() < MAX_IDLE && !endpoint.cut {
            endpoint.idle.push(Idle { sender: self.sender, since_us: now_us });
        }
    }

    /// Gives the connection to a tunnel, which runs until it ends or its endpoint is cut.
    pub(crate) fn hand_to(self, tunnel: impl Future<Output = ()> + 'static) {
        let worker = Rc::clone(&self.worker);
        worker.pool.spawn(&worker, self.endpoint, async move {
            let _held = (self.sender, Rc::clone(&self.worker.tunnels));
            tunnel.await;
        });
    }
}

impl Pool {
    /// Cuts every connection to endpoints that `keep` does not want, under way or not.
    pub(crate) fn retain(&self, keep: impl Fn(u64) -> bool) {
        let mut aborted = Vec::new();
        self.endpoints.borrow_mut().retain(|key, endpoint| {
            if keep(*key) {
                endpoint.cut = false;
                return true;
            }
            endpoint.cut = true;
            endpoint.idle.clear();
            aborted.extend(endpoint.tasks.values().cloned());
            !endpoint.tasks.is_empty()
        });
        aborted.iter().for_each(AbortHandle::abort);
    }

    /// Closes connections that were idle for too long or that the upstream closed.
    pub(crate) fn sweep(&self, now_us: u64) {
        let oldest_us = now_us.saturating_sub(REPEATABLE_IDLE_US);
        for endpoint in self.endpoints.borrow_mut().values_mut() {
            endpoint.idle.retain(|idle| idle.since_us >= oldest_us && !idle.sender.is_closed());
        }
    }

    fn is_cut(&self, endpoint: u64) -> bool {
        self.endpoints.borrow().get(&endpoint).is_none_or(|endpoint| endpoint.cut)
    }

    fn spawn(
        &self,
        worker: &Rc<crate::worker::Worker>,
        endpoint: u64,
        task: impl Future<Output = ()> + 'static,
    ) {
        let number = self.next_task.get();
        self.next_task.set(number + 1);
        let entry = Registered { worker: Rc::clone(worker), endpoint, number };
        let handle = spawn_local(async move {
            let _registered = entry;
            task.await;
        });
        let mut endpoints = self.endpoints.borrow_mut();
        endpoints.entry(endpoint).or_default().tasks.insert(number, handle.abort_handle());
    }
}

/// A running task's place in the pool, given up when the task ends in whatever way.
struct Registered {
    worker: Rc<crate::worker::Worker>,
    endpoint: u64,
    number: u64,
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut endpoints = self.worker.pool.endpoints.borrow_mut();
        if let Some(endpoint) = endpoints.get_mut(&self.endpoint) {
            endpoint.tasks.remove(&self.number);
        }
    }
}
