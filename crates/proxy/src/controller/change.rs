//! How a route is changed: check and bind, then save, then publish. Owns that order; the saving
//! itself is done by whoever holds the turn, off this thread.

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};

use super::{Controller, Retiring};
use crate::live::{Listener, LiveEndpoint, RouteCell};
use crate::publish::{live_route, unique};
use crate::route::RouteSpec;
use crate::slot::{Serving, Slot};
use crate::state::{Admission, Hold, RouteState, SavedRoute};
use crate::status::RouteStatus;
use crate::stream::RouteEvent;
use crate::{Refusal, listener, tls};

/// Routes of one proxy, removed ones that are remembered included.
const MAX_ROUTES: usize = 1_024;
/// How long workers may take to close a socket: a moment to accept those who wait, and some for a
/// busy machine.
const CLOSING_US: u64 = 1_000_000;

/// What asking for a change comes to.
#[derive(Debug)]
pub(crate) enum Begun {
    /// Nothing is left to do; this is how the route is.
    Nothing(Option<Box<RouteStatus>>),
    /// It may be done once it is saved.
    Change(Box<Change>),
}

/// A change that was found possible. Until it is saved and finished, nobody sees anything of it;
/// no other may be begun in between.
#[derive(Debug)]
pub(crate) struct Change {
    /// What must be saved first.
    pub(crate) saved: SavedRoute,
    /// Where the route is reachable from now on; none where it is removed.
    serving: Option<Serving>,
}

impl Controller {
    /// Checks that a route can be put in force as asked.
    pub(crate) fn begin_apply(
        &mut self,
        spec: RouteSpec,
        epoch: u64,
        revision: u64,
    ) -> Result<Begun, Refusal> {
        self.refuse_when_stopping()?;
        spec.check()?;
        let name = spec.name.clone();
        if let Some(saved) = self.saved(&name)
            && saved.admit(Some(&spec), epoch, revision)? == Admission::Repeated
        {
            return Ok(Begun::Nothing(Some(Box::new(self.read(&name)?))));
        }
        if let Some(slot) = self.slots.get(&name)
            && enters(&spec, slot).is_some_and(|it| slot.is_barred(it, self.clock.now_us()))
        {
            return Err(Refusal::Unhealthy);
        }
        self.refuse_other_users(&spec)?;
        let serving = Some(self.prepare(&spec, self.slots.get(&name))?);
        let saved = SavedRoute { name, epoch, revision, hold: Hold::Held, spec: Some(spec) };
        Ok(self.ready(saved, serving))
    }

    /// Checks that a route can be taken away; one that is not there is fine.
    pub(crate) fn begin_remove(&mut self, name: &str, epoch: u64) -> Result<Begun, Refusal> {
        self.refuse_when_stopping()?;
        crate::route::check_name("route", name)?;
        let Some(saved) = self.saved(name) else {
            if self.unreadable.remove(name).is_some() {
                self.disk.put_aside(name);
            }
            return Ok(Begun::Nothing(None));
        };
        if epoch < saved.epoch {
            return Err(Refusal::StaleEpoch { current: saved.epoch });
        }
        let revision = if epoch == saved.epoch { saved.revision } else { 0 };
        let name = name.to_owned();
        let gone = SavedRoute { name, epoch, revision, hold: Hold::Held, spec: None };
        Ok(self.ready(gone, None))
    }

    /// Brings a change that was saved in force.
    pub(crate) fn finish_change(&mut self, change: Change) -> Option<RouteStatus> {
        let Change { saved, serving } = change;
        let name = saved.name.clone();
        self.unreadable.remove(&name);
        let (Some(spec), Some(serving)) = (saved.spec.clone(), serving) else {
            self.uninstall(saved);
            return None;
        };
        self.removed.remove(&name);
        let before = self.slots.get(&name).map(|slot| &slot.state);
        let order = (saved.epoch, saved.revision);
        let state = RouteState::applied(spec, order, before, self.now());
        self.install(state, serving);
        self.save_evidence(&name);
        self.read(&name).ok()
    }

    fn ready(&self, saved: SavedRoute, serving: Option<Serving>) -> Begun {
        if self.unreadable.contains_key(&saved.name) {
            self.disk.put_aside(&saved.name);
        }
        Begun::Change(Box::new(Change { saved, serving }))
    }

    fn uninstall(&mut self, saved: SavedRoute) {
        if let Some(slot) = self.slots.remove(&saved.name) {
            self.retire(&slot.endpoints(), slot.state.spec.drain_ms);
            self.note_closing(slot.state.spec.listen);
            self.saver.forget(&self.disk, &saved.name);
        }
        self.removed.insert(saved.name.clone(), saved);
        self.publish_plan();
    }

    /// Everything that can go wrong before the table changes: certificates and ports.
    pub(super) fn prepare(
        &self,
        spec: &RouteSpec,
        before: Option<&Slot>,
    ) -> Result<Serving, Refusal> {
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
        let empty = live_route(&empty, &[], self.shared());
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
        let now = self.now();
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
                slot.change(state, serving, now);
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

    fn saved(&self, name: &str) -> Option<SavedRoute> {
        let here = self.slots.get(name).map(|slot| slot.state.saved());
        here.or_else(|| self.removed.get(name).cloned())
    }

    pub(super) fn refuse_other_users(&self, spec: &RouteSpec) -> Result<(), Refusal> {
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
}

/// Who takes the place of what served, under this order: the default arm, or a candidate beside it that
/// is no longer only lent its share.
fn enters<'a>(spec: &'a RouteSpec, slot: &Slot) -> Option<&'a str> {
    let candidate = spec.candidate.as_ref().filter(|it| it.lease_ms.is_none());
    let kept = candidate.map(|it| it.arm.deployment.as_str()).filter(|it| slot.lends(it));
    kept.or(spec.default.as_ref().map(|arm| arm.deployment.as_str()))
}
