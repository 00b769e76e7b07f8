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
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::{JoinSet, spawn_blocking, spawn_local};
use tokio::time::{sleep, timeout};
use tokio_util::codec::{FramedRead, LinesCodec};

use crate::Refusal;
use crate::address::Reachable;
use crate::controller::{Begun, Controller};
use crate::protocol::{Ask, MAX_REQUEST_BYTES, Say};
use crate::state::SavedRoute;
use crate::stream::{Position, StreamItem};

/// How long outcomes gather before they are sent: well inside the 5 ms that a batch may be late.
const GATHER: Duration = Duration::from_millis(2);
/// Between two rounds of housekeeping.
const TICK: Duration = Duration::from_secs(1);
/// Between two looks at default arms whose owner is silent.
const PROBE_EVERY: Duration = Duration::from_millis(200);
/// How long such a look may take.
const PROBE_TIMEOUT: Duration = Duration::from_millis(300);
/// Clients of the control socket at once: engines, command lines, subscriptions.
const MAX_CLIENTS: usize = 256;
/// How long a client may leave its answer lying before it is dropped.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// What the tasks of the control thread share.
pub(crate) struct Control {
    pub(crate) controller: RefCell<Controller>,
    /// Held by whoever changes the saved table.
    turn: Mutex<()>,
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
        let turn = Mutex::new(());
        Rc::new(Self { controller: RefCell::new(controller), turn, leases, grown, stop })
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
                Ok(ask) => self.answer(ask).await,
                Err(refusal) => Say::Refused(refusal),
            };
            if say(&mut writer, &answer).await.is_err() {
                return;
            }
        }
    }

    async fn answer(&self, ask: Ask) -> Say {
        let answered = match ask {
            Ask::Apply { spec, epoch, revision } => {
                self.change(|controller| controller.begin_apply(*spec, epoch, revision)).await
            }
            Ask::Remove { name, epoch } => {
                self.change(|controller| controller.begin_remove(&name, epoch)).await
            }
            other => self.answer_at_once(other),
        };
        // Reading collects, and applying tells: subscribers may have something to read.
        self.leases.notify_one();
        self.grown.send_modify(|count| *count += 1);
        answered.unwrap_or_else(Say::Refused)
    }

    fn answer_at_once(&self, ask: Ask) -> Result<Say, Refusal> {
        let mut controller = self.controller.borrow_mut();
        let route = |status| Say::Route(Box::new(status));
        match ask {
            Ask::Renew { name, epoch, lease_ms } => {
                controller.renew(&name, epoch, lease_ms).map(route)
            }
            Ask::Read { name } => controller.read(&name).map(route),
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
            Ask::Apply { .. } | Ask::Remove { .. } | Ask::Subscribe { .. } => {
                unreachable!("these are answered elsewhere")
            }
        }
    }

    /// Changes the table: one change at a time, and nobody else waits while the disk does.
    async fn change(
        &self,
        begin: impl FnOnce(&mut Controller) -> Result<Begun, Refusal>,
    ) -> Result<Say, Refusal> {
        let _turn = self.turn.lock().await;
        let begun = begin(&mut self.controller.borrow_mut())?;
        let status = match begun {
            Begun::Nothing(status) => status,
            Begun::Change(change) => {
                self.save(change.saved.clone()).await?;
                self.controller.borrow_mut().finish_change(*change).map(Box::new)
            }
        };
        Ok(status.map_or(Say::Done, Say::Route))
    }

    /// Saves a route; whoever calls holds the turn, so that the last one saved is the last one.
    async fn save(&self, route: SavedRoute) -> Result<(), Refusal> {
        let disk = self.controller.borrow().disk();
        let saved = spawn_blocking(move || disk.save_route(&route)).await;
        let saved = saved.map_err(io::Error::other).and_then(|saved| saved);
        saved.map_err(|error| Refusal::NotSaved { reason: error.to_string() })
    }

    /// Saves what became of leases that ended.
    async fn save_ended(&self) {
        let _turn = self.turn.lock().await;
        let ended = self.controller.borrow_mut().take_unsaved();
        for route in ended {
            let name = route.name.clone();
            if let Err(refusal) = self.save(route).await {
                tracing::error!(route = name, %refusal, "tried again in a second");
                self.controller.borrow_mut().save_later(name);
            }
        }
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
            let due = self.controller.borrow().next_judging_us().map(Duration::from_micros);
            tokio::select! {
                () = collector.notified() => {
                    sleep(GATHER).await;
                    self.controller.borrow_mut().collect_ringing();
                }
                () = sleep(due.unwrap_or(TICK).max(GATHER)) => {
                    self.controller.borrow_mut().judge_due();
                }
            }
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
            self.save_ended().await;
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
                    endpoint.rest_until_seen(now_us);
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
