//! The table of routes and what happens to it by itself: leases that end, certificates, evidence.
//! Runs on the control thread and never waits for a disk; speaks no protocol.

mod change;

pub(crate) use change::Begun;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, watch};

use crate::disk::Disk;
use crate::live::{LiveEndpoint, Plan, RouteShared};
use crate::saver::Saver;
use crate::slot::{Serving, Slot};
use crate::state::{Hold, Now, RouteState, SavedRoute};
use crate::status::{Minutes, ProxyStatus, RouteStatus, UnreadableRoute};
use crate::stream::{Position, RouteEvent, StreamItem};
use crate::{Clock, Refusal};

/// The control side of the proxy.
#[derive(Debug)]
pub(crate) struct Controller {
    disk: Arc<Disk>,
    clock: Clock,
    workers: usize,
    slots: BTreeMap<String, Slot>,
    /// Removed routes, so that an older owner cannot bring them back.
    removed: BTreeMap<String, SavedRoute>,
    unreadable: BTreeMap<String, String>,
    retiring: Vec<Retiring>,
    /// Addresses that the workers are about to close, and until when that may take.
    closing: BTreeMap<SocketAddr, u64>,
    /// Routes whose lease ended since they were last saved.
    unsaved: BTreeSet<String>,
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
        let disk = Arc::new(disk);
        let mut controller = Self {
            disk,
            clock,
            workers,
            slots: BTreeMap::new(),
            removed: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            retiring: Vec::new(),
            closing: BTreeMap::new(),
            unsaved: BTreeSet::new(),
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

    /// One route as it is now.
    pub(crate) fn read(&mut self, name: &str) -> Result<RouteStatus, Refusal> {
        self.expire_leases();
        let now = self.now();
        let slot = self.slots.get_mut(name).ok_or_else(|| unknown(name))?;
        if slot.collect(now) {
            self.unsaved.insert(name.to_owned());
        }
        Ok(slot.status(now, self.saver.problem().as_deref()))
    }

    /// All routes as they are now.
    pub(crate) fn read_all(&mut self) -> ProxyStatus {
        self.expire_leases();
        let now = self.now();
        let problem = self.saver.problem();
        self.collect();
        let routes = self.slots.values().map(|slot| slot.status(now, problem.as_deref()));
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
        if slot.collect(now) {
            self.unsaved.insert(name.to_owned());
        }
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
        self.collect_from(|_| true);
    }

    /// Collects from routes whose workers rang.
    pub(crate) fn collect_ringing(&mut self) {
        self.collect_from(Slot::take_ringing);
    }

    /// Lets the guards hand on what has waited long enough.
    pub(crate) fn judge_due(&mut self) {
        let now_us = self.clock.now_us();
        self.collect_from(|slot| slot.judge_due_us().is_some_and(|due_us| due_us <= now_us));
    }

    /// When a guard has something to hand on, in microseconds from now; none while nothing waits.
    pub(crate) fn next_judging_us(&self) -> Option<u64> {
        let now_us = self.clock.now_us();
        let due = self.slots.values().filter_map(Slot::judge_due_us).min();
        due.map(|due_us| due_us.saturating_sub(now_us))
    }

    fn collect_from(&mut self, wanted: impl Fn(&Slot) -> bool) {
        let now = self.now();
        for (name, slot) in self.slots.iter_mut().filter(|(_, slot)| wanted(slot)) {
            if slot.collect(now) {
                self.unsaved.insert(name.clone());
            }
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
            self.unsaved.insert(slot.state.spec.name.clone());
            slot.tell(if frozen { RouteEvent::Frozen } else { RouteEvent::Lapsed });
        }
        any
    }

    /// What must be saved because leases ended, as it is now.
    pub(crate) fn take_unsaved(&mut self) -> Vec<SavedRoute> {
        let names = std::mem::take(&mut self.unsaved);
        names.iter().filter_map(|name| Some(self.slots.get(name)?.state.saved())).collect()
    }

    /// Has a route saved again later.
    pub(crate) fn save_later(&mut self, name: String) {
        self.unsaved.insert(name);
    }

    /// Where routes are saved.
    pub(crate) fn disk(&self) -> Arc<Disk> {
        Arc::clone(&self.disk)
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
        match self.disk.load_judge(&saved.name) {
            Ok(Some(judge)) => slot.resume_judge(judge, now),
            Ok(None) => {}
            Err(problem) => slot.evidence_problem = Some(problem),
        }
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

    fn publish_plan(&mut self) {
        let serving = self.slots.values().filter_map(|slot| slot.serving.as_ref().ok());
        let mut plan = Plan { stopping: self.stopping, ..Plan::default() };
        plan.listeners.extend(serving.map(|serving| Arc::clone(&serving.listener)));
        let current = self.slots.values().flat_map(Slot::endpoints);
        let retiring = self.retiring.iter().flat_map(|retiring| retiring.endpoints.iter().cloned());
        plan.endpoints.extend(current.chain(retiring).map(|endpoint| endpoint.key));
        self.plan.send_replace(Arc::new(plan));
    }

    fn save_evidence(&mut self, name: &str) {
        if let Some(slot) = self.slots.get_mut(name) {
            self.saver.save(&self.disk, name, &mut slot.evidence);
            if let Some(judge) = slot.take_unwritten_judge() {
                self.saver.save_judge(&self.disk, name, judge);
            }
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
