//! What the worker threads read for every request: routes, arms and endpoints as they are in force.
//! Owns the shared counters; replaces nothing by itself.

use std::collections::HashSet;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use http::{HeaderName, HeaderValue};
use tokio::sync::Notify;
use towpath_guard::{Arm, Observed};

use crate::budget::Budget;
use crate::evidence::Delta;
use crate::mirror::{MirrorSpec, UnderWay};
use crate::rescue::Rules;
use crate::stream::{Arms, RouteEvent};
use crate::tally::Tally;
use crate::weight::{Readiness, candidate_share_bp};

/// First rest of an endpoint that refused a connection, doubled with every refusal that follows.
const FIRST_REST_US: u64 = 500_000;
/// Longest rest: about the time a process takes to start again.
const LONGEST_REST_US: u64 = 8_000_000;
/// Rest of an endpoint that is looked at again and again: it must not seem ready in between.
const SEEN_DEAD_REST_US: u64 = 2_000_000;
/// Outcomes that one worker keeps for the collector, which comes every few milliseconds.
const MAX_PENDING: usize = 16_384;

/// A deployment's names, how many of its requests are under way, and what of its failures the arm
/// behind it may mend.
#[derive(Debug)]
pub(crate) struct Deployment {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) in_flight: AtomicU64,
    pub(crate) budget: Budget,
    /// Copies under way to it.
    pub(crate) mirrored: UnderWay,
}

/// One address of an arm and its health, shared by all revisions that name it.
#[derive(Debug)]
pub(crate) struct LiveEndpoint {
    /// Unique in this process.
    pub(crate) key: u64,
    pub(crate) id: String,
    pub(crate) address: SocketAddr,
    ready_at_us: AtomicU64,
    refusals: AtomicU32,
}

/// An arm in force.
#[derive(Debug)]
pub(crate) struct LiveArm {
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) capacity: u32,
    pub(crate) endpoints: Vec<Arc<LiveEndpoint>>,
    next: AtomicUsize,
}

/// A route in force. A change makes a new one.
#[derive(Debug)]
pub(crate) struct LiveRoute {
    pub(crate) default: Option<Arc<LiveArm>>,
    pub(crate) candidate: Option<Arc<LiveArm>>,
    /// What is asked again what the default arm fails.
    pub(crate) standby: Option<Arc<LiveArm>>,
    /// The candidate's weight before readiness is looked at.
    pub(crate) weight_bp: u16,
    /// Whether the candidate was given weight, so that it may serve what the default arm cannot.
    pub(crate) candidate_may_stand_in: bool,
    /// Whether the weight stays when the lease ends.
    pub(crate) freezes: bool,
    /// End of the lease on the monotonic clock; `u64::MAX` where nothing is lent.
    pub(crate) deadline_us: AtomicU64,
    pub(crate) sticky: Option<Sticky>,
    /// Which failures the arm behind mends (see [`LiveRoute::behind`]); none of them without.
    pub(crate) rescue: Option<Rules>,
    /// Which requests of the default arm are copied to the candidate.
    pub(crate) mirror: Option<MirrorSpec>,
    pub(crate) pin_header: Option<HeaderName>,
    /// The header that says whose request it is.
    pub(crate) client_header: Option<HeaderName>,
    /// The paths whose requests the guard judges by themselves as well.
    pub(crate) strata: Vec<String>,
    pub(crate) response_timeout: Duration,
    pub(crate) drain: Duration,
    pub(crate) retry_after: HeaderValue,
    pub(crate) max_concurrent_requests: u64,
    pub(crate) streams: bool,
    pub(crate) bucket_ms: u64,
    pub(crate) arms: Arc<Arms>,
    pub(crate) shared: Arc<RouteShared>,
}

/// How a visitor is recognised.
#[derive(Debug)]
pub(crate) struct Sticky {
    /// Name of the cookie, different for every route.
    pub(crate) cookie: String,
    /// What tells this candidate's cookies from those of an earlier one.
    pub(crate) tag: String,
}

/// What all revisions of a route count into.
#[derive(Debug)]
pub(crate) struct RouteShared {
    pub(crate) assigned: AtomicU64,
    /// Pairs of requests and copies that were compared.
    pub(crate) mirrored: AtomicU64,
    pub(crate) in_flight: AtomicU64,
    /// The time that 99 of 100 answers of the default arm take, in microseconds; `u64::MAX` while it
    /// is not known.
    pub(crate) usual_us: AtomicU64,
    logs: Box<[Mutex<WorkerLog>]>,
    /// Whether there is something to stream.
    pub(crate) ringing: AtomicBool,
    /// Rings when there is something to stream.
    pub(crate) collector: Arc<Notify>,
    /// What to add to the monotonic clock to get the calendar, in milliseconds.
    pub(crate) unix_offset_ms: Arc<AtomicU64>,
}

/// What one worker noted for one route and nobody collected yet.
#[derive(Debug, Default)]
pub(crate) struct WorkerLog {
    pub(crate) deltas: Vec<Delta>,
    pub(crate) outcomes: Vec<(Arc<Arms>, Observed)>,
    /// Of each pair of a request and its copy the one that the coin picked; no visitor's outcome.
    pub(crate) mirrored: Vec<(Arc<Arms>, Observed)>,
    pub(crate) events: Vec<RouteEvent>,
    /// Outcomes that found no room. The counts have them.
    pub(crate) missed: u64,
    pub(crate) lost: u64,
    pub(crate) unserved: u64,
}

/// Where a route listens. Connections look here for what is in force.
#[derive(Debug)]
pub(crate) struct RouteCell {
    pub(crate) live: ArcSwap<LiveRoute>,
    pub(crate) tls: ArcSwapOption<rustls::ServerConfig>,
}

/// A listening address: one socket for each worker, taken once.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) id: u64,
    pub(crate) cell: Arc<RouteCell>,
    pub(crate) sockets: Vec<Mutex<Option<TcpListener>>>,
}

/// What every worker should be doing.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) listeners: Vec<Arc<Listener>>,
    /// Endpoints that may still be talked to; connections to others are cut.
    pub(crate) endpoints: HashSet<u64>,
    /// Whether it is time to end.
    pub(crate) stopping: bool,
}

impl Deployment {
    pub(crate) fn new(id: &str, label: &str) -> Self {
        Self {
            id: id.to_owned(),
            label: label.to_owned(),
            in_flight: AtomicU64::new(0),
            budget: Budget::default(),
            mirrored: UnderWay::default(),
        }
    }
}

impl LiveEndpoint {
    pub(crate) fn new(key: u64, id: &str, address: SocketAddr) -> Self {
        Self {
            key,
            id: id.to_owned(),
            address,
            ready_at_us: AtomicU64::new(0),
            refusals: AtomicU32::new(0),
        }
    }

    pub(crate) fn is_ready(&self, now_us: u64) -> bool {
        self.ready_at_us.load(Ordering::Relaxed) <= now_us
    }

    /// Lets it rest after a refused connection; says whether it was taking traffic before.
    pub(crate) fn eject(&self, now_us: u64) -> bool {
        let was_ready = self.is_ready(now_us);
        if was_ready {
            let before = self.refusals.fetch_add(1, Ordering::Relaxed).min(16);
            let rest = (FIRST_REST_US << before).min(LONGEST_REST_US);
            self.ready_at_us.store(now_us + rest, Ordering::Relaxed);
        }
        was_ready
    }

    /// Lets it rest until well after the next look at it, which comes at least once a second.
    pub(crate) fn rest_until_seen(&self, now_us: u64) {
        self.eject(now_us);
        self.ready_at_us.fetch_max(now_us + SEEN_DEAD_REST_US, Ordering::Relaxed);
    }

    /// Notes a connection that worked; says whether the one before it was refused.
    pub(crate) fn accept(&self) -> bool {
        if self.refusals.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.ready_at_us.store(0, Ordering::Relaxed);
        self.refusals.swap(0, Ordering::Relaxed) > 0
    }
}

impl LiveArm {
    pub(crate) fn new(
        deployment: Arc<Deployment>,
        capacity: u32,
        endpoints: Vec<Arc<LiveEndpoint>>,
    ) -> Self {
        Self { deployment, capacity, endpoints, next: AtomicUsize::new(0) }
    }

    pub(crate) fn ready(&self, now_us: u64) -> u32 {
        let ready = self.endpoints.iter().filter(|endpoint| endpoint.is_ready(now_us)).count();
        u32::try_from(ready).unwrap_or(u32::MAX)
    }

    /// The endpoint whose turn it is, a rested one if there is any, leaving out those `tried`.
    pub(crate) fn pick(&self, now_us: u64, tried: &[u64]) -> Option<&Arc<LiveEndpoint>> {
        let count = self.endpoints.len();
        if count == 0 {
            return None;
        }
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let turn = (0..count).map(|step| &self.endpoints[start.wrapping_add(step) % count]);
        let mut untried = turn.filter(|endpoint| !tried.contains(&endpoint.key));
        let first = untried.next()?;
        if first.is_ready(now_us) {
            return Some(first);
        }
        Some(untried.find(|endpoint| endpoint.is_ready(now_us)).unwrap_or(first))
    }

    fn readiness(&self, now_us: u64) -> Readiness {
        Readiness { ready: self.ready(now_us), capacity: self.capacity }
    }
}

impl LiveRoute {
    /// The arm in force.
    pub(crate) fn of(&self, arm: Arm) -> Option<&Arc<LiveArm>> {
        match arm {
            Arm::Blue => self.default.as_ref(),
            Arm::Green => self.candidate.as_ref(),
        }
    }

    /// Who is asked again what an arm fails: the default arm behind the candidate, what stands by behind
    /// the default arm.
    pub(crate) fn behind(&self, arm: Arm) -> Option<&Arc<LiveArm>> {
        match arm {
            Arm::Blue => self.standby.as_ref(),
            Arm::Green => self.default.as_ref(),
        }
    }

    /// The candidate's share of new requests now, in basis points. A lease that just ended acts
    /// here at once, whatever the control thread is doing.
    pub(crate) fn candidate_share_bp(&self, now_us: u64) -> u16 {
        let Some(candidate) = &self.candidate else { return 0 };
        if self.weight_bp == 0 {
            return 0;
        }
        let default = self.default.as_ref().map_or(Readiness::default(), |a| a.readiness(now_us));
        let over = now_us >= self.deadline_us.load(Ordering::Relaxed);
        if over && !self.freezes && default.ready > 0 {
            return 0;
        }
        candidate_share_bp(self.weight_bp, default, candidate.readiness(now_us))
    }

    /// Start of the kept interval that holds this moment, in milliseconds since 1970.
    pub(crate) fn bucket_start_ms(&self, now_us: u64) -> u64 {
        let unix_ms = self.shared.unix_offset_ms.load(Ordering::Relaxed) + now_us / 1000;
        unix_ms - unix_ms % self.bucket_ms
    }
}

impl RouteShared {
    pub(crate) fn new(
        workers: usize,
        collector: Arc<Notify>,
        unix_offset_ms: Arc<AtomicU64>,
    ) -> Self {
        Self {
            assigned: AtomicU64::new(0),
            mirrored: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            usual_us: AtomicU64::new(u64::MAX),
            ringing: AtomicBool::new(false),
            logs: (0..workers).map(|_| Mutex::default()).collect(),
            collector,
            unix_offset_ms,
        }
    }

    /// The log of one worker. Nobody but it and the collector asks, so this hardly ever waits.
    pub(crate) fn log(&self, worker: usize) -> MutexGuard<'_, WorkerLog> {
        self.logs[worker].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what all workers noted.
    pub(crate) fn collect(&self) -> impl Iterator<Item = WorkerLog> {
        (0..self.logs.len()).map(|worker| std::mem::take(&mut *self.log(worker)))
    }

    /// Notes an event for the stream.
    pub(crate) fn tell(&self, worker: usize, event: RouteEvent) {
        self.log(worker).events.push(event);
        self.ring();
    }

    /// Calls the collector.
    pub(crate) fn ring(&self) {
        self.ringing.store(true, Ordering::Release);
        self.collector.notify_one();
    }
}

impl WorkerLog {
    /// The tally of a deployment in an interval.
    pub(crate) fn tally(
        &mut self,
        deployment: &Arc<Deployment>,
        bucket_start_ms: u64,
    ) -> &mut Tally {
        let known = self.deltas.iter().rposition(|delta| {
            delta.bucket_start_ms == bucket_start_ms && Arc::ptr_eq(&delta.deployment, deployment)
        });
        let index = known.unwrap_or_else(|| {
            let deployment = Arc::clone(deployment);
            self.deltas.push(Delta { deployment, bucket_start_ms, tally: Tally::default() });
            self.deltas.len() - 1
        });
        &mut self.deltas[index].tally
    }

    /// Keeps an outcome for the stream; says whether it is the first since the last collection.
    pub(crate) fn stream(&mut self, arms: &Arc<Arms>, outcome: Observed) -> bool {
        if self.outcomes.len() == MAX_PENDING {
            self.missed += 1;
            return false;
        }
        self.outcomes.push((Arc::clone(arms), outcome));
        self.outcomes.len() == 1
    }
}

impl WorkerLog {
    /// Keeps the outcome that was picked of a pair; says whether it is the first since the last
    /// collection. One that finds no room is in the counts alone.
    pub(crate) fn mirror(&mut self, arms: &Arc<Arms>, outcome: Observed) -> bool {
        if self.mirrored.len() < MAX_PENDING {
            self.mirrored.push((Arc::clone(arms), outcome));
        }
        self.mirrored.len() == 1
    }
}

impl Listener {
    /// The socket of a worker, the first time it asks.
    pub(crate) fn take_socket(&self, worker: usize) -> Option<TcpListener> {
        let slot = self.sockets.get(worker)?;
        slot.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(endpoints: u64) -> LiveArm {
        let address = "127.0.0.1:9".parse().unwrap();
        let endpoints = (0..endpoints).map(|key| Arc::new(LiveEndpoint::new(key, "e", address)));
        LiveArm::new(Arc::new(Deployment::new("d", "1")), 1, endpoints.collect())
    }

    #[test]
    fn a_resting_endpoint_is_passed_over_until_its_rest_is_over() {
        let arm = arm(2);
        assert!(arm.endpoints[0].eject(0));
        assert!(!arm.endpoints[0].eject(1), "it was resting already");
        assert!((0..10).all(|_| arm.pick(10, &[]).unwrap().key == 1));
        assert_eq!(arm.ready(10), 1);
        assert_eq!(arm.ready(FIRST_REST_US), 2);
    }

    #[test]
    fn when_all_rest_one_is_tried_anyway_but_none_twice() {
        let arm = arm(1);
        arm.endpoints[0].eject(0);
        assert_eq!(arm.pick(1, &[]).unwrap().key, 0);
        assert!(arm.pick(1, &[0]).is_none());
    }

    #[test]
    fn an_endpoint_that_is_looked_at_never_seems_ready_between_two_looks() {
        let arm = arm(1);
        for second in 0..30 {
            let now_us = second * 1_000_000;
            arm.endpoints[0].rest_until_seen(now_us);
            assert!((0..10).all(|tenth| arm.ready(now_us + tenth * 100_000) == 0), "{second}");
        }
    }

    #[test]
    fn a_working_connection_ends_the_rest() {
        let arm = arm(1);
        arm.endpoints[0].eject(0);
        assert!(arm.endpoints[0].accept());
        assert!(!arm.endpoints[0].accept());
        assert!(arm.endpoints[0].is_ready(1));
    }
}
