//! The client of a proxy's control socket. Owns time-outs and what a lost connection means; never
//! repeats a request by itself.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::unfold;
use futures_util::{Stream, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::codec::{FramedRead, LinesCodec};

use crate::address::Reachable;
use crate::protocol::{Ask, MAX_ANSWER_BYTES, Say};
use crate::status::{Minutes, ProxyStatus, RouteStatus};
use crate::stream::{Position, StreamItem};
use crate::{Refusal, RouteSpec};

/// How long an answer may take: saving a route waits for the disk, and a busy one was seen to take
/// five seconds for a sync.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Requests that one handle and its clones have under way at once; more wait for their turn.
const MAX_REQUESTS: usize = 16;

/// A way to a proxy. Clones share it; every request has a connection for itself, so that a renewal
/// does not wait for an apply, which waits for a disk. Every method may be repeated after any
/// failure, with the same effect as once.
#[derive(Clone, Debug)]
pub struct Handle {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    turns: Arc<Semaphore>,
}

/// Why a request to a proxy came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// The proxy said no; nothing changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The connection is gone, and whether the request took effect is not known: read, and repeat
    /// it.
    #[error("the proxy at {path} is gone: {reason}")]
    Disconnected {
        /// The control socket.
        path: String,
        /// What the system said.
        reason: String,
    },
}

#[derive(Debug)]
struct Connection {
    lines: FramedRead<OwnedReadHalf, LinesCodec>,
    writer: OwnedWriteHalf,
}

impl Handle {
    /// Connects to the control socket at `path`. Safe to repeat.
    ///
    /// # Errors
    /// [`HandleError::Disconnected`] when no proxy listens there.
    pub async fn connect(path: impl AsRef<Path>) -> Result<Self, HandleError> {
        let path = path.as_ref().to_owned();
        let connection = open(&path).await?;
        let idle = Arc::new(Mutex::new(vec![connection]));
        Ok(Self { path, idle, turns: Arc::new(Semaphore::new(MAX_REQUESTS)) })
    }

    /// Puts a route in force and answers how it is then; the same epoch, revision and spec again
    /// change nothing. Safe to repeat.
    ///
    /// # Errors
    /// A [`Refusal`] of any kind but [`Refusal::Lapsed`], with the old route still in force.
    pub async fn apply(
        &self,
        spec: RouteSpec,
        epoch: u64,
        revision: u64,
    ) -> Result<RouteStatus, HandleError> {
        self.route(Ask::Apply { spec: Box::new(spec), epoch, revision }).await
    }

    /// Lends the candidate's weight for `lease_ms` from now. Safe to repeat.
    ///
    /// # Errors
    /// [`Refusal::Lapsed`] when it came too late: apply a higher revision. [`Refusal::StaleEpoch`]
    /// when somebody else owns the route now: stop.
    pub async fn renew(
        &self,
        name: &str,
        epoch: u64,
        lease_ms: u64,
    ) -> Result<RouteStatus, HandleError> {
        self.route(Ask::Renew { name: name.to_owned(), epoch, lease_ms }).await
    }

    /// Takes a route away with its evidence; one that is not there is fine. Safe to repeat.
    ///
    /// # Errors
    /// [`Refusal::StaleEpoch`] when somebody else owns it.
    pub async fn remove(&self, name: &str, epoch: u64) -> Result<(), HandleError> {
        self.done(Ask::Remove { name: name.to_owned(), epoch }).await
    }

    /// One route as it is now. Safe to repeat.
    ///
    /// # Errors
    /// [`Refusal::UnknownRoute`].
    pub async fn read(&self, name: &str) -> Result<RouteStatus, HandleError> {
        self.route(Ask::Read { name: name.to_owned() }).await
    }

    /// All routes as they are now, unreadable ones included. Safe to repeat.
    ///
    /// # Errors
    /// Only a lost connection.
    pub async fn read_all(&self) -> Result<ProxyStatus, HandleError> {
        match self.ask(Ask::ReadAll {}).await? {
            Say::Routes(status) => Ok(status),
            other => Err(self.unexpected(&other)),
        }
    }

    /// The kept intervals of a route that began at or after `since_ms` (milliseconds since 1970,
    /// UTC), oldest first. Safe to repeat.
    ///
    /// # Errors
    /// [`Refusal::UnknownRoute`].
    pub async fn minutes(&self, name: &str, since_ms: u64) -> Result<Minutes, HandleError> {
        match self.ask(Ask::Minutes { name: name.to_owned(), since_ms }).await? {
            Say::Minutes(minutes) => Ok(minutes),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Reads all certificates again. Safe to repeat.
    ///
    /// # Errors
    /// Only a lost connection; a bad certificate shows in the route's warnings.
    pub async fn reload(&self) -> Result<(), HandleError> {
        self.done(Ask::Reload {}).await
    }

    /// Makes the proxy drain and end; returns before it has. Safe to repeat.
    ///
    /// # Errors
    /// Only a lost connection, which also means that it is gone.
    pub async fn shutdown(&self) -> Result<(), HandleError> {
        self.done(Ask::Shutdown {}).await
    }

    /// What happens on these routes, each from its position on, or from now where it has none. A
    /// route that does not exist yet joins when it comes. Uses a connection of its own, and ends
    /// when that does: subscribe again from the position after the last item. Safe to repeat.
    ///
    /// # Errors
    /// [`HandleError::Disconnected`] when the proxy is gone.
    pub async fn subscribe(
        &self,
        routes: &BTreeMap<String, Option<Position>>,
    ) -> Result<impl Stream<Item = StreamItem> + Send + Unpin + use<>, HandleError> {
        let mut connection = open(&self.path).await?;
        let routes = routes.iter().map(|(name, from)| (name.clone(), *from)).collect();
        let sent = connection.send(&Ask::Subscribe { routes }).await;
        sent.map_err(|error| disconnected(&self.path, &error))?;
        let items = unfold(connection, |mut connection| async {
            let line = connection.lines.next().await?.ok()?;
            match serde_json::from_str(&line) {
                Ok(Say::Stream(item)) => Some((item, connection)),
                _ => None,
            }
        });
        Ok(Box::pin(items))
    }

    async fn route(&self, ask: Ask) -> Result<RouteStatus, HandleError> {
        match self.ask(ask).await? {
            Say::Route(status) => Ok(*status),
            other => Err(self.unexpected(&other)),
        }
    }

    async fn done(&self, ask: Ask) -> Result<(), HandleError> {
        match self.ask(ask).await? {
            Say::Done => Ok(()),
            other => Err(self.unexpected(&other)),
        }
    }

    /// One request and its answer. A connection on which that failed, or that was dropped in
    /// between, is never used again: the next answer on it would belong to this request.
    async fn ask(&self, ask: Ask) -> Result<Say, HandleError> {
        let _turn = self.turns.acquire().await.expect("the semaphore is never closed");
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => open(&self.path).await?,
        };
        let answered = timeout(ANSWER_TIMEOUT, connection.exchange(&ask)).await;
        let answered = answered.map_err(io::Error::from).and_then(|answered| answered);
        let say = match answered {
            Ok(say) => say,
            Err(error) => {
                // The others are most likely gone as well.
                self.idle().clear();
                return Err(disconnected(&self.path, &error));
            }
        };
        self.idle().push(connection);
        match say {
            Say::Refused(refusal) => Err(refusal.into()),
            say => Ok(say),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unexpected(&self, say: &Say) -> HandleError {
        disconnected(&self.path, &io::Error::other(format!("it answered {say:?}")))
    }
}

impl Connection {
    async fn exchange(&mut self, ask: &Ask) -> io::Result<Say> {
        self.send(ask).await?;
        let line = self.lines.next().await.ok_or(io::ErrorKind::UnexpectedEof)?;
        let line = line.map_err(io::Error::other)?;
        Ok(serde_json::from_str(&line)?)
    }

    async fn send(&mut self, ask: &Ask) -> io::Result<()> {
        self.writer.write_all(&crate::disk::encode(ask)).await
    }
}

async fn open(path: &Path) -> Result<Connection, HandleError> {
    let reachable = Reachable::new(path).map_err(|error| disconnected(path, &error))?;
    let connected = timeout(ANSWER_TIMEOUT, UnixStream::connect(&reachable.path)).await;
    let connected = connected.map_err(io::Error::from).and_then(|connected| connected);
    let (reader, writer) = connected.map_err(|error| disconnected(path, &error))?.into_split();
    let lines = FramedRead::new(reader, LinesCodec::new_with_max_length(MAX_ANSWER_BYTES));
    Ok(Connection { lines, writer })
}

fn disconnected(path: &Path, reason: &io::Error) -> HandleError {
    HandleError::Disconnected { path: path.display().to_string(), reason: reason.to_string() }
}
