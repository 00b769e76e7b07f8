//! A router that keeps epochs, revisions and leases as the port promises. Forwards nothing: a test
//! says what visitors met.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use towpath_core::ids::{Epoch, LaneId, PromotionNumber};
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_guard::{
    Arm, Counts, ErrorKind, Guard, Horizon, Observed, Outcome, Policy, StatusClass,
};
use towpath_ports::clock::Clock as _;
use towpath_ports::router::{
    DesiredRoute, GuardOrder, Interval, Load, ObservedRoute, Router, RouterError, RouterNews,
};

use crate::fakes::FakeClock;

/// How the router takes the next orders.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum RouterManner {
    /// As ordered, at once.
    Obeys,
    /// No answer, nothing done.
    Silent,
    /// Another engine was here.
    Stale,
    /// A final no.
    Refuses,
    /// No answer to orders, nothing done; leases and looks are answered.
    HearsNoOrders,
    /// Done so much later; the first call gets no answer.
    ObeysAfter(Duration),
}

/// A candidate's number and weight.
type Share = (Option<u64>, Weight);

/// One lane's table.
#[derive(Default)]
struct Table {
    route: Option<DesiredRoute>,
    lent_until: Option<Timestamp>,
    lapsed: bool,
    /// Whether the weight stayed when the lease lapsed.
    frozen: bool,
    /// No copy of the default arm answers.
    blue_is_dead: bool,
    counts: BTreeMap<PromotionNumber, Counts>,
    intervals: Vec<Interval>,
    /// When it was first routed.
    began: Option<Timestamp>,
    watchers: Vec<mpsc::Sender<RouterNews>>,
    /// Requests that it lost by its own doing.
    lost: u64,
    /// The guard of whom the route judges, and how many requests it saw.
    guard: Option<(GuardOrder, Guard, u64)>,
    /// What happened since the watchers were cut off.
    cut_off: Option<Vec<RouterNews>>,
}

/// One router for all lanes of a world. Cheap to clone.
#[derive(Clone)]
pub(crate) struct FakeRouter {
    clock: Arc<FakeClock>,
    manner: Arc<Mutex<RouterManner>>,
    tables: Arc<Mutex<BTreeMap<LaneId, Table>>>,
    /// Weights in the order in which they came into force.
    obeyed: Arc<Mutex<Vec<Share>>>,
    down: Arc<Mutex<Vec<(Timestamp, Timestamp)>>>,
}

impl FakeRouter {
    pub(crate) fn new(clock: &Arc<FakeClock>) -> Self {
        Self {
            clock: Arc::clone(clock),
            manner: Arc::new(Mutex::new(RouterManner::Obeys)),
            tables: Arc::default(),
            obeyed: Arc::default(),
            down: Arc::default(),
        }
    }

    /// From now on orders are taken so.
    pub(crate) fn behaves(&self, manner: RouterManner) {
        *self.manner.lock().unwrap() = manner;
    }

    fn manner(&self) -> RouterManner {
        *self.manner.lock().unwrap()
    }

    /// Who got how much of the default arm's traffic, in order: candidate and weight.
    pub(crate) fn obeyed(&self) -> Vec<Share> {
        self.obeyed.lock().unwrap().clone()
    }

    /// Number of the default arm.
    pub(crate) fn default_of(&self, lane: &LaneId) -> Option<u64> {
        self.look(lane)?.default.map(|number| number.0)
    }

    /// `count` visitors on an arm, every `failing`-th of whom fails; 0 for none.
    pub(crate) fn visit(&self, lane: &LaneId, arm: Arm, count: u64, failing: u64) {
        let now = self.clock.now();
        let mut tables = self.tables.lock().unwrap();
        let table = tables.entry(lane.clone()).or_default();
        let route = table.route.as_ref().expect("the lane is routed");
        let deployment = match arm {
            Arm::Green => route.candidate.as_ref().expect("green is there").deployment.number,
            Arm::Blue => route.default.as_ref().expect("blue is there").number,
        };
        let outcomes: Vec<_> = (1..=count)
            .map(|order| {
                let fails = failing > 0 && order % failing == 0;
                (deployment, outcome(order, arm, fails))
            })
            .collect();
        let mut counts = Counts::default();
        for (_, outcome) in &outcomes {
            counts.record(outcome);
        }
        table.counts.entry(deployment).or_default().merge(&counts);
        // Every failure is of one page, as most are.
        let failed = counts.failed;
        let failed_paths: BTreeMap<_, _> =
            (failed > 0).then(|| ("/checkout/*".to_owned(), failed)).into_iter().collect();
        let start = minute_of(now);
        table.intervals.push(Interval { start, deployment, counts, failed_paths });
        table.tell(&RouterNews::Outcomes(outcomes.clone()));
        table.judge(&outcomes);
    }

    /// All watchers lose their connection; the next one can go on from there, if `resumes`.
    pub(crate) fn cut_watchers(&self, lane: &LaneId, resumes: bool) {
        let mut tables = self.tables.lock().unwrap();
        let table = tables.entry(lane.clone()).or_default();
        table.watchers.clear();
        table.cut_off = resumes.then(Vec::new);
    }

    /// The router loses so many requests by its own doing.
    pub(crate) fn loses(&self, lane: &LaneId, count: u64) {
        self.tables.lock().unwrap().entry(lane.clone()).or_default().lost += count;
    }

    /// It turns out that the router did not run in this time: nothing was counted.
    pub(crate) fn ran_not(&self, from: Timestamp, to: Timestamp) {
        self.down.lock().unwrap().push((from, to));
    }

    /// No copy of the default arm answers any more, or all do again.
    pub(crate) fn blue_dies(&self, lane: &LaneId, dead: bool) {
        self.tables.lock().unwrap().entry(lane.clone()).or_default().blue_is_dead = dead;
    }

    /// The lease of what is lent ends now, whoever renews it.
    pub(crate) fn lapse(&self, lane: &LaneId) {
        let mut tables = self.tables.lock().unwrap();
        let table = tables.entry(lane.clone()).or_default();
        table.lent_until = Some(Timestamp(0));
        table.look(self.clock.now());
    }

    /// What is so now.
    pub(crate) fn look(&self, lane: &LaneId) -> Option<ObservedRoute> {
        let now = self.clock.now();
        self.tables.lock().unwrap().get_mut(lane)?.look(now)
    }

    fn obey(&self, desired: &DesiredRoute) -> Result<ObservedRoute, RouterError> {
        let now = self.clock.now();
        let mut tables = self.tables.lock().unwrap();
        let table = tables.entry(desired.lane.clone()).or_default();
        if let Some(known) = &table.route {
            if desired.epoch < known.epoch {
                return Err(RouterError::Stale { current: known.epoch });
            }
            if desired.epoch == known.epoch && desired.revision < known.revision {
                return Err(RouterError::Refused("a newer revision is in force".to_owned()));
            }
        }
        let lease = desired.candidate.as_ref().and_then(|candidate| candidate.lease);
        table.lent_until = lease.map(|lease| now.plus(lease));
        table.lapsed = false;
        table.frozen = false;
        table.route = Some(desired.clone());
        table.follow_guard(desired.guard.as_ref());
        table.began = table.began.or(Some(now));
        let candidate = desired.candidate.as_ref();
        let entry = (
            candidate.map(|candidate| candidate.deployment.number.0),
            candidate.map_or(Weight::ZERO, |candidate| candidate.weight),
        );
        let mut obeyed = self.obeyed.lock().unwrap();
        if obeyed.last() != Some(&entry) {
            obeyed.push(entry);
        }
        Ok(table.look(now).expect("it was just routed"))
    }
}

impl Table {
    fn tell(&mut self, news: &RouterNews) {
        if let Some(missed) = &mut self.cut_off {
            missed.push(news.clone());
        }
        self.watchers.retain(|watcher| watcher.try_send(news.clone()).is_ok());
    }

    fn follow_guard(&mut self, order: Option<&GuardOrder>) {
        let Some(order) = order else {
            self.guard = None;
            return;
        };
        if self.guard.as_ref().is_none_or(|(own, ..)| own.subject != order.subject) {
            let policy = Policy { warm_up_us: 0, ..order.policy.clone() };
            self.guard = Some((order.clone(), Guard::new(policy, Horizon::default(), 1), 0));
        }
    }

    /// Shows the guard every outcome, one a millisecond, and tells what it found.
    fn judge(&mut self, outcomes: &[(PromotionNumber, Outcome)]) {
        let Some((order, guard, seen)) = &mut self.guard else { return };
        let before = guard.verdict().standing;
        let subject = order.subject;
        for (deployment, outcome) in outcomes {
            *seen += 1;
            let is_green = *deployment == subject;
            let is_alone = is_green && outcome.arm == Arm::Blue;
            let outcome = Outcome {
                order: *seen,
                arm: if is_green { Arm::Green } else { Arm::Blue },
                green_probability: if is_alone { 1.0 } else { outcome.green_probability },
                ..*outcome
            };
            let observed = Observed {
                outcome,
                assigned_us: *seen * 1000,
                client: 0,
                returning: false,
                stratum: 0,
            };
            guard.observe(&observed, *seen * 1000 + 10_000_000);
        }
        let verdict = guard.verdict();
        if verdict.standing != before {
            self.tell(&RouterNews::Judged(subject, Box::new(verdict)));
        }
    }

    fn look(&mut self, now: Timestamp) -> Option<ObservedRoute> {
        let route = self.route.clone()?;
        let candidate = route.candidate.as_ref();
        let over = self.lent_until.is_some_and(|until| now >= until);
        if over && !self.lapsed && !self.frozen {
            let on_silence = candidate.is_some_and(|candidate| candidate.freeze_on_silence);
            self.frozen = on_silence || self.blue_is_dead;
            self.lapsed = !self.frozen;
            let news = if self.frozen { RouterNews::Frozen } else { RouterNews::Lapsed };
            self.tell(&news(route.revision));
        }
        let weight = candidate.map_or(Weight::ZERO, |candidate| candidate.weight);
        Some(ObservedRoute {
            epoch: route.epoch,
            revision: route.revision,
            default: route.default.as_ref().map(|blue| blue.number),
            default_ready: u32::from(!self.blue_is_dead),
            candidate: candidate.map(|candidate| candidate.deployment.number),
            candidate_ready: 1,
            weight: if self.lapsed { Weight::ZERO } else { weight },
            lapsed: self.lapsed,
            frozen: self.frozen,
            lost: self.lost,
            judged: self.guard.as_ref().map(|(order, guard, _)| (order.subject, guard.verdict())),
            held_back: None,
            leaving: 0,
            met: None,
        })
    }
}

fn minute_of(at: Timestamp) -> Timestamp {
    Timestamp(at.0 - at.0.rem_euclid(60_000_000))
}

fn outcome(order: u64, arm: Arm, fails: bool) -> Outcome {
    Outcome {
        order,
        arm,
        green_probability: 0.1,
        status: if fails { StatusClass::ServerError } else { StatusClass::Success },
        error: ErrorKind::None,
        latency_us: 1_000,
        pinned: false,
    }
}

#[async_trait]
impl Router for FakeRouter {
    async fn ensure(&self, desired: &DesiredRoute) -> Result<ObservedRoute, RouterError> {
        let silent = || Err(RouterError::Unavailable("no answer".to_owned()));
        match self.manner() {
            RouterManner::Obeys => self.obey(desired),
            RouterManner::Silent | RouterManner::HearsNoOrders => silent(),
            RouterManner::Stale => Err(RouterError::Stale { current: Epoch(99) }),
            RouterManner::Refuses => Err(RouterError::Refused("no".to_owned())),
            RouterManner::ObeysAfter(time) => {
                let now = self.look(&desired.lane);
                if let Some(now) = now.filter(|now| now.revision == desired.revision) {
                    return Ok(now);
                }
                let (router, desired) = (self.clone(), desired.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(time).await;
                    // Obeyed twice or out of order is the test's business to see.
                    let _ = router.obey(&desired);
                });
                silent()
            }
        }
    }

    async fn renew(&self, lane: &LaneId, epoch: Epoch, lease: Span) -> Result<(), RouterError> {
        if self.manner() == RouterManner::Silent {
            return Err(RouterError::Unavailable("no answer".to_owned()));
        }
        let now = self.clock.now();
        let mut tables = self.tables.lock().unwrap();
        let table = tables.entry(lane.clone()).or_default();
        table.look(now);
        let current = table.route.as_ref().map_or(Epoch(0), |route| route.epoch);
        if current != epoch {
            return Err(RouterError::Stale { current });
        }
        if table.lapsed || table.frozen {
            return Err(RouterError::Refused("the lease has lapsed".to_owned()));
        }
        table.lent_until = table.lent_until.map(|_| now.plus(lease));
        Ok(())
    }

    async fn observe(&self, lane: &LaneId) -> Result<Option<ObservedRoute>, RouterError> {
        if self.manner() == RouterManner::Silent {
            return Err(RouterError::Unavailable("no answer".to_owned()));
        }
        Ok(self.look(lane))
    }

    async fn counts(
        &self,
        lane: &LaneId,
    ) -> Result<BTreeMap<PromotionNumber, Counts>, RouterError> {
        Ok(self
            .tables
            .lock()
            .unwrap()
            .get(lane)
            .map(|table| table.counts.clone())
            .unwrap_or_default())
    }

    async fn intervals(
        &self,
        lane: &LaneId,
        since: Timestamp,
    ) -> Result<Vec<Interval>, RouterError> {
        let now = self.clock.now();
        let down = self.down.lock().unwrap().clone();
        let tables = self.tables.lock().unwrap();
        let Some(table) = tables.get(lane) else { return Ok(Vec::new()) };
        let is_wanted = |at: Timestamp| {
            at >= since && !down.iter().any(|(from, to)| (*from..*to).contains(&at))
        };
        let deployment = table.route.as_ref().and_then(|route| route.default.as_ref());
        let mut all = Vec::new();
        let mut start = table.began.map_or(now, minute_of);
        while let (Some(deployment), true) = (deployment, start < now) {
            let quiet = Interval {
                start,
                deployment: deployment.number,
                counts: Counts::default(),
                failed_paths: BTreeMap::new(),
            };
            all.push(quiet);
            start = start.plus(Span::minutes(1));
        }
        all.extend(table.intervals.iter().cloned());
        all.retain(|interval| is_wanted(interval.start));
        all.sort_by_key(|interval| interval.start);
        Ok(all)
    }

    async fn load(&self, lane: &LaneId) -> Result<Option<Load>, RouterError> {
        let known = self.tables.lock().unwrap().contains_key(lane);
        Ok(known.then_some(Load { in_flight: 3, most: 100, ready: 1, capacity: 2 }))
    }

    async fn watch(&self, lane: &LaneId) -> Result<mpsc::Receiver<RouterNews>, RouterError> {
        let (watcher, news) = mpsc::channel(4096);
        let mut tables = self.tables.lock().unwrap();
        let table = tables.entry(lane.clone()).or_default();
        if let Some(missed) = table.cut_off.take() {
            for one in std::iter::once(RouterNews::Resumed).chain(missed) {
                watcher.try_send(one).unwrap();
            }
        }
        table.watchers.push(watcher);
        Ok(news)
    }
}
