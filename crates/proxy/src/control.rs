//! The control socket and the clockwork of the control thread. Owns who may wait how long; leaves
//! every decision to the controller.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinSet, spawn_local};
use tokio::time::{sleep, timeout};
use tokio_util::codec::{FramedRead, LinesCodec};

use crate::Refusal;
use crate::address::Reachable;
use crate::controller::Controller;
use crate::protocol::{Ask, MAX_REQUEST_BYTES, Say};
use crate::stream::{Position, StreamItem};

/// How long outcomes gather before they are sent: well inside the 5 ms that a batch may be late.
const GATHER: Duration = Duration::from_millis(2);
/// Between two rounds of housekeeping.
const TICK: Duration = Duration::from_secs(1);
/// Between two looks at default arms whose owner is silent.
const PROBE_EVERY: Duration = Duration::from_millis(500);
/// How long such a look may take.
const PROBE_TIMEOUT: Duration = Duration::from_millis(300);
/// Clients of the control socket at once: engines, command lines, subscriptions.
const MAX_CLIENTS: usize = 256;
/// How long a client may leave its answer lying before it is dropped.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// What the tasks of the control thread share.
pub(crate) struct Control {
    pub(crate) controller: RefCell<Controller>,
    /// Rings when a lease may have changed.
    leases: Notify,
    /// Counts up when a stream may have grown.
    grown: watch::Sender<u64>,
    /// Set when the proxy is to end.
    pub(crate) stop: watch::Sender<bool>,
}

impl Control {
    pub(crate) fn new(controller: Controller, stop: watch::Sender<bool>) -> Rc<Self> {
        let grown = watch::Sender::new(0);
        let leases = Notify::new();
        Rc::new(Self { controller: RefCell::new(controller), leases, grown, stop })
    }

    /// Runs the clockwork and answers clients until the thread ends.
    pub(crate) fn start(self: &Rc<Self>, socket: UnixListener) {
        spawn_local(Rc::clone(self).serve(socket));
        spawn_local(Rc::clone(self).gather());
        spawn_local(Rc::clone(self).watch_leases());
        spawn_local(Rc::clone(self).keep_house());
        spawn_local(Rc::clone(self).probe_silent());
    }

    async fn serve(self: Rc<Self>, socket: UnixListener) {
        let mut clients = JoinSet::new();
        loop {
            tokio::select! {
                Some(_) = clients.join_next() => {}
                accepted = socket.accept(), if clients.len() < MAX_CLIENTS => match accepted {
                    Ok((stream, _)) => {
                        clients.spawn_local(Rc::clone(&self).attend(stream));
                    }
                    Err(_) => sleep(GATHER).await,
                },
            }
        }
    }

    /// Answers one client, line by line.
    async fn attend(self: Rc<Self>, stream: UnixStream) {
        let (reader, mut writer) = stream.into_split();
        let codec = LinesCodec::new_with_max_length(MAX_REQUEST_BYTES);
        let mut lines = FramedRead::new(reader, codec);
        while let Some(line) = lines.next().await {
            let ask = match line {
                Ok(line) => serde_json::from_str(&line)
                    .map_err(|error| Refusal::invalid(format!("not understood: {error}"))),
                // Whatever follows in an endless line is not worth reading.
                Err(error) => {
                    let refused = Say::Refused(Refusal::invalid(format!("bad line: {error}")));
                    let _told = say(&mut writer, &refused).await;
                    return;
                }
            };
            let answer = match ask {
                Ok(Ask::Subscribe { routes }) => {
                    self.stream_to(lines.into_inner(), writer, routes).await;
                    return;
                }
                Ok(ask) => self.answer(ask),
                Err(refusal) => Say::Refused(refusal),
            };
            if say(&mut writer, &answer).await.is_err() {
                return;
            }
        }
    }

    fn answer(&self, ask: Ask) -> Say {
        let mut controller = self.controller.borrow_mut();
        let answered = match ask {
            Ask::Apply { spec, epoch, revision } => {
                let applied = controller.apply(*spec, epoch, revision);
                self.leases.notify_one();
                applied.map(|status| Say::Route(Box::new(status)))
            }
            Ask::Renew { name, epoch, lease_ms } => {
                let renewed = controller.renew(&name, epoch, lease_ms);
                self.leases.notify_one();
                renewed.map(|status| Say::Route(Box::new(status)))
            }
            Ask::Remove { name, epoch } => controller.remove(&name, epoch).map(|()| Say::Done),
            Ask::Read { name } => controller.read(&name).map(|status| Say::Route(Box::new(status))),
            Ask::ReadAll {} => Ok(Say::Routes(controller.read_all())),
            Ask::Minutes { name, since_ms } => {
                controller.minutes(&name, since_ms).map(Say::Minutes)
            }
            Ask::Reload {} => {
                controller.reload_certificates(true);
                Ok(Say::Done)
            }
            Ask::Shutdown {} => {
                self.stop.send_replace(true);
                Ok(Say::Done)
            }
            Ask::Subscribe { .. } => {
                Err(Refusal::invalid("a subscription needs a connection of its own"))
            }
        };
        // Reading collects, and applying tells: subscribers may have something to read.
        self.grown.send_modify(|count| *count += 1);
        answered.unwrap_or_else(Say::Refused)
    }

    /// Sends what happens until the client goes away. A slow client loses entries, not the proxy.
    async fn stream_to(
        &self,
        reader: OwnedReadHalf,
        mut writer: OwnedWriteHalf,
        routes: Vec<(String, Option<Position>)>,
    ) {
        let mut grown = self.grown.subscribe();
        let mut places: BTreeMap<String, Option<Position>> = BTreeMap::new();
        let wanted: BTreeMap<String, Option<Position>> = routes.into_iter().collect();
        let gone = async {
            let mut byte = [0];
            loop {
                let read = reader.readable().await.and_then(|()| reader.try_read(&mut byte));
                match read {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Ok(1..) => {}
                    _ => return,
                }
            }
        };
        let feed = async {
            loop {
                for (name, first) in &wanted {
                    let place = places.entry(name.clone()).or_default();
                    while let Some(item) = self.next_item(name, *first, place) {
                        if say(&mut writer, &Say::Stream(item)).await.is_err() {
                            return;
                        }
                    }
                }
                if grown.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = gone => {}
            () = feed => {}
        }
    }

    fn next_item(
        &self,
        name: &str,
        wanted: Option<Position>,
        place: &mut Option<Position>,
    ) -> Option<StreamItem> {
        let controller = self.controller.borrow();
        let Some(from) = *place else {
            let position = controller.begin(name, wanted)?;
            *place = Some(position);
            return Some(StreamItem::Started { route: name.to_owned(), position });
        };
        let (item, next) = controller.next_item(name, from)?;
        *place = Some(next);
        Some(item)
    }

    /// Collects what the workers stream, a moment after the first of them rings.
    async fn gather(self: Rc<Self>) {
        let collector = self.controller.borrow().collector();
        loop {
            collector.notified().await;
            sleep(GATHER).await;
            self.controller.borrow_mut().collect_ringing();
            self.grown.send_modify(|count| *count += 1);
        }
    }

    async fn watch_leases(self: Rc<Self>) {
        loop {
            let left = self.controller.borrow().next_expiry_us();
            let wait = left.map_or(TICK, Duration::from_micros);
            tokio::select! {
                () = sleep(wait) => {}
                () = self.leases.notified() => continue,
            }
            if self.controller.borrow_mut().expire_leases() {
                self.grown.send_modify(|count| *count += 1);
            }
        }
    }

    async fn keep_house(self: Rc<Self>) {
        loop {
            sleep(TICK).await;
            self.controller.borrow_mut().tick();
            self.grown.send_modify(|count| *count += 1);
        }
    }

    /// Finds out whether default arms could take their traffic back, when it looks as if they will
    /// have to.
    async fn probe_silent(self: Rc<Self>) {
        loop {
            sleep(PROBE_EVERY).await;
            let endpoints = self.controller.borrow().silent_defaults();
            let mut looks = JoinSet::new();
            for endpoint in endpoints {
                let address = endpoint.address;
                looks.spawn_local(async move {
                    let look = timeout(PROBE_TIMEOUT, TcpStream::connect(address)).await;
                    (endpoint, matches!(look, Ok(Ok(_))))
                });
            }
            while let Some(Ok((endpoint, reachable))) = looks.join_next().await {
                let now_us = self.controller.borrow().now_us();
                if reachable {
                    endpoint.accept();
                } else {
                    endpoint.eject(now_us);
                }
            }
        }
    }
}

/// Listens on the control socket, which nobody but the owner can open at any moment.
pub(crate) fn listen(path: &Path) -> io::Result<UnixListener> {
    let explain = |error: io::Error| {
        io::Error::new(error.kind(), format!("cannot listen on {}: {error}", path.display()))
    };
    let temporary = path.with_extension("new");
    let _left_over = fs::remove_file(&temporary);
    let reachable = Reachable::new(&temporary).map_err(explain)?;
    let listener = UnixListener::bind(&reachable.path).map_err(explain)?;
    fs::set_permissions(&temporary, fs::Permissions::from_mode(0o600)).map_err(explain)?;
    fs::rename(&temporary, path).map_err(explain)?;
    Ok(listener)
}

async fn say(writer: &mut OwnedWriteHalf, what: &Say) -> io::Result<()> {
    let line = crate::disk::encode(what);
    timeout(WRITE_TIMEOUT, writer.write_all(&line)).await?
}
