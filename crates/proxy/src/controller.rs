//! The table of routes and everything that may change it. Owns the order of a change: check, bind,
//! save, publish. Runs on the control thread; speaks no protocol.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::{Notify, watch};

use crate::disk::Disk;
use crate::live::{Listener, LiveEndpoint, Plan, RouteCell, RouteShared};
use crate::publish::{live_route, unique};
use crate::route::RouteSpec;
use crate::saver::Saver;
use crate::slot::{Serving, Slot};
use crate::state::{Admission, Hold, Now, RouteState, SavedRoute};
use crate::status::{Minutes, ProxyStatus, RouteStatus, UnreadableRoute};
use crate::stream::{Position, RouteEvent, StreamItem};
use crate::{Clock, Refusal, listener, tls};

/// Routes of one proxy, removed ones that are remembered included.
const MAX_ROUTES: usize = 1_024;
/// How long workers may take to close a socket: a moment to accept those who wait, and some for a
/// busy machine.
const CLOSING_US: u64 = 1_000_000;

/// The control side of the proxy.
#[derive(Debug)]
pub(crate) struct Controller {
    disk: Disk,
    clock: Clock,
    workers: usize,
    slots: BTreeMap<String, Slot>,
    /// Removed routes, so that an older owner cannot bring them back.
    removed: BTreeMap<String, SavedRoute>,
    unreadable: BTreeMap<String, String>,
    retiring: Vec<Retiring>,
    /// Addresses that the workers are about to close, and until when that may take.
    closing: BTreeMap<SocketAddr, u64>,
    plan: watch::Sender<Arc<Plan>>,
    saver: Saver,
    collector: Arc<Notify>,
    unix_offset_ms: Arc<AtomicU64>,
    stopping: bool,
}

/// Endpoints that left a route and may still be talked to for a while.
#[derive(Debug)]
struct Retiring {
    until_us: u64,
    endpoints: Vec<Arc<LiveEndpoint>>,
}

impl Controller {
    /// Reads the saved table; each route that cannot be served is kept and tried again.
    pub(crate) fn restore(
        disk: Disk,
        clock: Clock,
        workers: usize,
        plan: watch::Sender<Arc<Plan>>,
    ) -> std::io::Result<Self> {
        let saved = disk.load_routes()?;
        let saver = Saver::start()?;
        let mut controller = Self {
            disk,
            clock,
            workers,
            slots: BTreeMap::new(),
            removed: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            retiring: Vec::new(),
            closing: BTreeMap::new(),
            plan,
            saver,
            collector: Arc::new(Notify::new()),
            unix_offset_ms: Arc::default(),
            stopping: false,
        };
        controller.set_calendar();
        for (name, route) in saved {
            match route {
                Ok(route) => controller.restore_route(route),
                Err(reason) => {
                    tracing::error!(route = name, reason, "a saved route cannot be read");
                    controller.unreadable.insert(name, reason);
                }
            }
        }
        controller.publish_plan();
        Ok(controller)
    }

    /// Puts a route in force, unless it already is. What was refused changed nothing.
    pub(crate) fn apply(
        &mut self,
        spec: RouteSpec,
        epoch: u64,
        revision: u64,
    ) -> Result<RouteStatus, Refusal> {
        self.refuse_when_stopping()?;
        spec.check()?;
        let name = spec.name.clone();
        if let Some(saved) = self.saved(&name)
            && saved.admit(Some(&spec), epoch, revision)? == Admission::Repeated
        {
            return self.read(&name);
        }
        self.refuse_other_users(&spec)?;
        let before = self.slots.get(&name);
        let serving = self.prepare(&spec, before)?;
        let now = self.now();
        let state =
            RouteState::applied(spec, (epoch, revision), before.map(|slot| &slot.state), now);
        if self.unreadable.contains_key(&name) {
            self.disk.put_aside(&name);
        }
        self.save(&state.saved())?;
        self.unreadable.remove(&name);
        self.removed.remove(&name);
        self.install(state, serving);
        self.save_evidence(&name);
        self.read(&name)
    }

    /// Lends the candidate's weight for another while.
    pub(crate) fn renew(
        &mut self,
        name: &str,
        epoch: u64,
        lease_ms: u64,
    ) -> Result<RouteStatus, Refusal> {
        self.refuse_when_stopping()?;
        self.expire_leases();
        let now = self.now();
        let slot = self.slots.get_mut(name).ok_or_else(|| unknown(name))?;
        slot.state.renew(epoch, lease_ms, now)?;
        slot.publish_deadline();
        self.read(name)
    }

    /// Takes a route away and remembers by whom; one that is not there is fine.
    pub(crate) fn remove(&mut self, name: &str, epoch: u64) -> Result<(), Refusal> {
        self.refuse_when_stopping()?;
        crate::route::check_name("route", name)?;
        let Some(saved) = self.saved(name) else {
            if self.unreadable.contains_key(name) {
                self.disk.put_aside(name);
                self.unreadable.remove(name);
            }
            return Ok(());
        };
        if epoch < saved.epoch {
            return Err(Refusal::StaleEpoch { current: saved.epoch });
        }
        let revision = if epoch == saved.epoch { saved.revision } else { 0 };
        let gone =
            SavedRoute { name: name.to_owned(), epoch, revision, hold: Hold::Held, spec: None };
        self.save(&gone)?;
        self.removed.insert(name.to_owned(), gone);
        if let Some(slot) = self.slots.remove(name) {
            self.retire(&slot.endpoints(), slot.state.spec.drain_ms);
            self.note_closing(slot.state.spec.listen);
            self.saver.forget(&self.disk, name);
        }
        self.publish_plan();
        Ok(())
    }

    /// One route as it is now.
    pub(crate) fn read(&mut self, name: &str) -> Result<RouteStatus, Refusal> {
        self.expire_leases();
        let now = self.now();
        let slot = self.slots.get_mut(name).ok_or_else(|| unknown(name))?;
        slot.collect(now.unix_ms);
        Ok(slot.status(now, self.saver.problem().as_deref()))
    }

    /// All routes as they are now.
    pub(crate) fn read_all(&mut self) -> ProxyStatus {
        self.expire_leases();
        let now = self.now();
        let problem = self.saver.problem();
        let routes = self.slots.values_mut().map(|slot| {
            slot.collect(now.unix_ms);
            slot.status(now, problem.as_deref())
        });
        let unreadable = self
            .unreadable
            .iter()
            .map(|(name, reason)| UnreadableRoute { name: name.clone(), reason: reason.clone() });
        ProxyStatus { routes: routes.collect(), unreadable: unreadable.collect() }
    }

    /// The kept intervals of a route from `since_ms` on.
    pub(crate) fn minutes(&mut self, name: &str, since_ms: u64) -> Result<Minutes, Refusal> {
        let now = self.now();
        let slot = self.slots.get_mut(name).ok_or_else(|| unknown(name))?;
        slot.collect(now.unix_ms);
        Ok(Minutes { name: name.to_owned(), buckets: slot.evidence.buckets_since(since_ms) })
    }

    /// Reads changed certificates, or all of them when `forced`.
    pub(crate) fn reload_certificates(&mut self, forced: bool) {
        for slot in self.slots.values_mut() {
            slot.reload_certificate(forced);
        }
    }

    /// Where a subscriber begins; none if there is no such route yet.
    pub(crate) fn begin(&self, name: &str, wanted: Option<Position>) -> Option<Position> {
        self.slots.get(name).map(|slot| slot.ring.begin(wanted))
    }

    /// The next message for a subscriber of a route, and where it goes on.
    pub(crate) fn next_item(&self, name: &str, from: Position) -> Option<(StreamItem, Position)> {
        let ring = &self.slots.get(name)?.ring;
        let begin = ring.begin(Some(from));
        if begin.incarnation != from.incarnation {
            let item = StreamItem::Started { route: name.to_owned(), position: begin };
            return Some((item, begin));
        }
        let (item, sequence) = ring.read(name, begin.sequence)?;
        Some((item, Position { sequence, ..begin }))
    }

    /// Rings when a worker has something to stream.
    pub(crate) fn collector(&self) -> Arc<Notify> {
        Arc::clone(&self.collector)
    }

    /// Brings what the workers noted into the rings and the counts.
    pub(crate) fn collect(&mut self) {
        let unix_ms = self.now().unix_ms;
        for slot in self.slots.values_mut() {
            slot.collect(unix_ms);
        }
    }

    /// Collects from routes whose workers rang.
    pub(crate) fn collect_ringing(&mut self) {
        let unix_ms = self.now().unix_ms;
        for slot in self.slots.values_mut().filter(|slot| slot.take_ringing()) {
            slot.collect(unix_ms);
        }
    }

    /// Ends leases whose time is up and says whether there were any. The workers have acted on it
    /// already.
    pub(crate) fn expire_leases(&mut self) -> bool {
        let now = self.now();
        let mut any = false;
        for slot in self.slots.values_mut() {
            let default_ready = slot.default_ready(now.monotonic_us);
            let Some(hold) = slot.state.expire(default_ready, now) else { continue };
            any = true;
            let frozen = hold == Hold::Frozen;
            tracing::warn!(route = slot.state.spec.name, frozen, "a lease ended unrenewed");
            slot.republish();
            // A weight that was lent comes back lapsed anyway; a frozen one must not.
            if let Err(error) = self.disk.save_route(&slot.state.saved()) {
                tracing::error!(route = slot.state.spec.name, %error, "not saved");
            }
            slot.tell(if frozen { RouteEvent::Frozen } else { RouteEvent::Lapsed });
        }
        any
    }

    /// Microseconds on the proxy's clock.
    pub(crate) fn now_us(&self) -> u64 {
        self.clock.now_us()
    }

    /// When the next lease ends, in microseconds from now; none where nothing is lent.
    pub(crate) fn next_expiry_us(&self) -> Option<u64> {
        let now_us = self.clock.now_us();
        let ends = self.slots.values().filter_map(|slot| slot.state.deadline_us);
        ends.min().map(|deadline| deadline.saturating_sub(now_us))
    }

    /// Default arms whose route has not heard from its owner for half a lease: whether they could
    /// take the traffic back must be known before the lease ends.
    pub(crate) fn silent_defaults(&self) -> Vec<Arc<LiveEndpoint>> {
        let now = self.now();
        let silent = self.slots.values().filter(|slot| slot.is_silent(now));
        silent.flat_map(Slot::default_endpoints).collect()
    }

    /// What is due about once a second: broken routes, certificates, arms to cut, evidence to save.
    pub(crate) fn tick(&mut self) {
        self.set_calendar();
        self.collect();
        self.repair();
        self.reload_certificates(false);
        let now_us = self.clock.now_us();
        let before = self.retiring.len();
        self.retiring.retain(|retiring| retiring.until_us > now_us);
        if self.retiring.len() != before {
            self.publish_plan();
        }
        let names: Vec<String> = self.slots.keys().cloned().collect();
        for name in &names {
            self.save_evidence(name);
        }
    }

    /// Stops listening; requests under way go on. Nothing is applied from here on.
    pub(crate) fn stop(&mut self) {
        self.stopping = true;
        self.publish_plan();
    }

    /// Saves everything that was counted and waits until it is written.
    pub(crate) fn finish(&mut self) {
        self.tick();
        self.saver.flush();
        self.disk.forget_process();
    }

    fn restore_route(&mut self, saved: SavedRoute) {
        let Some(spec) = saved.spec else {
            self.removed.insert(saved.name.clone(), saved);
            return;
        };
        let (evidence, problem) = self.disk.load_evidence(&spec.name);
        let now = self.now();
        let serving = self.refuse_other_users(&spec).and_then(|()| self.prepare(&spec, None));
        let state =
            RouteState::restored(spec, (saved.epoch, saved.revision), saved.hold, now.unix_ms);
        let mut slot = self.new_slot(state, serving);
        slot.evidence = evidence;
        slot.evidence_problem = problem;
        self.slots.insert(saved.name, slot);
    }

    /// Tries again to serve what could not be served.
    fn repair(&mut self) {
        let broken = self.slots.iter().filter(|(_, slot)| slot.serving.is_err());
        let names: Vec<String> = broken.map(|(name, _)| name.clone()).collect();
        for name in names {
            let spec = self.slots[&name].state.spec.clone();
            let serving = self.refuse_other_users(&spec).and_then(|()| self.prepare(&spec, None));
            if let (Ok(serving), Some(slot)) = (serving, self.slots.get_mut(&name)) {
                tracing::info!(route = name, "the route is served again");
                slot.serving = Ok(serving);
                slot.publish();
                self.publish_plan();
            }
        }
    }

    /// Everything that can go wrong before the table changes: certificates and ports.
    fn prepare(&self, spec: &RouteSpec, before: Option<&Slot>) -> Result<Serving, Refusal> {
        let marks = spec.tls.as_ref().map(tls::marks);
        let config = match &spec.tls {
            None => None,
            Some(files) => {
                Some(tls::load(files).map_err(|reason| Refusal::Certificate { reason })?)
            }
        };
        let same_port = before
            .filter(|slot| slot.state.spec.listen == spec.listen)
            .and_then(|slot| slot.serving.as_ref().ok());
        if let Some(serving) = same_port {
            let listener = Arc::clone(&serving.listener);
            return Ok(Serving { listener, certificate: config, marks });
        }
        let closing = self.closing.get(&spec.listen);
        let still_closing = closing.is_some_and(|until_us| *until_us > self.clock.now_us());
        let sockets =
            listener::bind(spec.listen, self.workers, still_closing).map_err(|error| {
                Refusal::Listen { listen: spec.listen.to_string(), reason: error.to_string() }
            })?;
        // Nobody sees this one: the route is published before the workers hear of the socket.
        let empty = RouteState::restored(spec.clone(), (0, 0), Hold::Held, 0);
        let empty = live_route(&empty, None, None, self.shared());
        let cell = RouteCell {
            live: ArcSwap::from_pointee(empty),
            tls: ArcSwapOption::new(config.clone()),
        };
        let id = unique();
        let listener = Arc::new(Listener { id, cell: Arc::new(cell), sockets });
        Ok(Serving { listener, certificate: config, marks })
    }

    /// Makes an accepted state the one in force.
    fn install(&mut self, state: RouteState, serving: Serving) {
        let name = state.spec.name.clone();
        let (epoch, revision) = (state.epoch, state.revision);
        let drain_ms = state.spec.drain_ms;
        match self.slots.remove(&name) {
            None => {
                let slot = self.new_slot(state, Ok(serving));
                self.slots.insert(name.clone(), slot);
            }
            Some(mut slot) => {
                let before = slot.endpoints();
                if slot.state.spec.listen != state.spec.listen {
                    self.note_closing(slot.state.spec.listen);
                }
                slot.change(state, serving);
                let stays = slot.endpoints();
                let left = |one: &&Arc<LiveEndpoint>| !stays.iter().any(|s| s.key == one.key);
                let gone: Vec<_> = before.iter().filter(left).cloned().collect();
                self.retire(&gone, drain_ms);
                self.slots.insert(name.clone(), slot);
            }
        }
        // First what may be talked to, then who talks to it.
        self.publish_plan();
        let slot = self.slots.get_mut(&name).expect("it was just put there");
        slot.publish();
        slot.tell(RouteEvent::Applied { epoch, revision });
    }

    fn new_slot(&self, state: RouteState, serving: Result<Serving, Refusal>) -> Slot {
        let shared = self.shared();
        let slot = Slot::new(state, serving, shared);
        slot.publish();
        slot
    }

    fn shared(&self) -> Arc<RouteShared> {
        let collector = Arc::clone(&self.collector);
        let offset = Arc::clone(&self.unix_offset_ms);
        Arc::new(RouteShared::new(self.workers, collector, offset))
    }

    fn retire(&mut self, endpoints: &[Arc<LiveEndpoint>], drain_ms: u64) {
        if !endpoints.is_empty() {
            let until_us = self.clock.now_us() + drain_ms * 1000;
            self.retiring.push(Retiring { until_us, endpoints: endpoints.to_vec() });
        }
    }

    fn note_closing(&mut self, address: SocketAddr) {
        let now_us = self.clock.now_us();
        self.closing.retain(|_, until_us| *until_us > now_us);
        self.closing.insert(address, now_us + CLOSING_US);
    }

    fn publish_plan(&mut self) {
        let serving = self.slots.values().filter_map(|slot| slot.serving.as_ref().ok());
        let mut plan = Plan { stopping: self.stopping, ..Plan::default() };
        plan.listeners.extend(serving.map(|serving| Arc::clone(&serving.listener)));
        let current = self.slots.values().flat_map(Slot::endpoints);
        let retiring = self.retiring.iter().flat_map(|retiring| retiring.endpoints.iter().cloned());
        plan.endpoints.extend(current.chain(retiring).map(|endpoint| endpoint.key));
        self.plan.send_replace(Arc::new(plan));
    }

    fn save(&self, route: &SavedRoute) -> Result<(), Refusal> {
        let saved = self.disk.save_route(route);
        saved.map_err(|error| Refusal::NotSaved { reason: error.to_string() })
    }

    fn save_evidence(&mut self, name: &str) {
        if let Some(slot) = self.slots.get_mut(name) {
            self.saver.save(&self.disk, name, &mut slot.evidence);
        }
    }

    fn saved(&self, name: &str) -> Option<SavedRoute> {
        let here = self.slots.get(name).map(|slot| slot.state.saved());
        here.or_else(|| self.removed.get(name).cloned())
    }

    fn refuse_other_users(&self, spec: &RouteSpec) -> Result<(), Refusal> {
        let known = self.slots.contains_key(&spec.name) || self.removed.contains_key(&spec.name);
        if !known && self.slots.len() + self.removed.len() >= MAX_ROUTES {
            return Err(Refusal::invalid(format!("a proxy has at most {MAX_ROUTES} routes")));
        }
        let mut others = self.slots.values().filter(|slot| slot.state.spec.name != spec.name);
        match others.find(|slot| slot.state.spec.listen == spec.listen) {
            None => Ok(()),
            Some(other) => Err(Refusal::Listen {
                listen: spec.listen.to_string(),
                reason: format!("the route {} listens there", other.state.spec.name),
            }),
        }
    }

    fn refuse_when_stopping(&self) -> Result<(), Refusal> {
        if self.stopping { Err(Refusal::ShuttingDown) } else { Ok(()) }
    }

    fn set_calendar(&self) {
        let offset = self.clock.unix_ms().saturating_sub(self.clock.now_us() / 1000);
        self.unix_offset_ms.store(offset, Ordering::Relaxed);
    }

    fn now(&self) -> Now {
        Now { monotonic_us: self.clock.now_us(), unix_ms: self.clock.unix_ms() }
    }
}

fn unknown(name: &str) -> Refusal {
    Refusal::UnknownRoute { name: name.to_owned() }
}
