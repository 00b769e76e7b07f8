//! The account of one request, from its assignment to its end. Owns when an outcome is counted:
//! exactly once, also when the client goes away in between.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::uri::PathAndQuery;
use towpath_guard::{Arm, ErrorKind, Observed, Outcome, StatusClass};

use crate::budget::{Place, Refused};
use crate::forward::Visitor;
use crate::live::{Deployment, LiveRoute};
use crate::paths;
use crate::rescue::Attempt;
use crate::tally::RescueCounts;

/// A request under way on one arm. Dropped before its end, it counts as given up by the client.
#[derive(Debug)]
pub(crate) struct Record {
    visitor: Rc<Visitor>,
    route: Arc<LiveRoute>,
    deployment: Arc<Deployment>,
    outcome: Outcome,
    start_us: u64,
    /// Whose request it is, for the guard; 0 is nobody known.
    client: u64,
    /// Whether an earlier toss binds the client.
    returning: bool,
    /// Of which stratum the request is.
    stratum: u8,
    /// What was asked for; read where it failed, and never before.
    path: Option<PathAndQuery>,
    counted: bool,
    /// Whether a failure is not, or not yet, the visitor's: a tester chose the arm, or the other arm
    /// is asked.
    spared: bool,
    /// Set where this is the second attempt of a request that failed elsewhere.
    rescue: Option<Attempt>,
}

/// A request that takes up room in its route.
#[derive(Debug)]
pub(crate) struct Admitted(Arc<LiveRoute>);

impl Record {
    /// Opens the account of a request that was assigned at `start_us`.
    pub(crate) fn open(
        visitor: &Rc<Visitor>,
        route: &Arc<LiveRoute>,
        deployment: &Arc<Deployment>,
        (arm, green_bp, pinned): (Arm, u16, bool),
        start_us: u64,
    ) -> Self {
        let order = route.shared.assigned.fetch_add(1, Ordering::Relaxed) + 1;
        Self::begin(visitor, route, deployment, (arm, green_bp, pinned), (order, start_us))
    }

    fn begin(
        visitor: &Rc<Visitor>,
        route: &Arc<LiveRoute>,
        deployment: &Arc<Deployment>,
        (arm, green_bp, pinned): (Arm, u16, bool),
        (order, start_us): (u64, u64),
    ) -> Self {
        deployment.in_flight.fetch_add(1, Ordering::Relaxed);
        let outcome = Outcome {
            order,
            arm,
            green_probability: f32::from(green_bp) / f32::from(crate::route::ALL_BP),
            status: StatusClass::None,
            error: ErrorKind::None,
            latency_us: 0,
            pinned,
        };
        Self {
            visitor: Rc::clone(visitor),
            route: Arc::clone(route),
            deployment: Arc::clone(deployment),
            outcome,
            start_us,
            client: 0,
            returning: false,
            stratum: 0,
            path: None,
            counted: false,
            spared: false,
            rescue: None,
        }
    }

    /// Says whose request it is, and whether an earlier toss binds the client.
    pub(crate) fn by(mut self, client: u64, returning: bool) -> Self {
        (self.client, self.returning) = (client, returning);
        self
    }

    /// Says of which of the guard's strata it is.
    pub(crate) fn of(mut self, stratum: u8) -> Self {
        self.stratum = stratum;
        self
    }

    /// Says what is asked for.
    pub(crate) fn asking(mut self, path: Option<&PathAndQuery>) -> Self {
        self.path = path.cloned();
        self
    }

    /// What is asked for.
    pub(crate) fn path(&self) -> Option<PathAndQuery> {
        self.path.clone()
    }

    /// Opens the account of a second attempt on the default arm. It has no place in the order of
    /// assignment: nobody tossed for it.
    pub(crate) fn open_rescue(
        visitor: &Rc<Visitor>,
        route: &Arc<LiveRoute>,
        deployment: &Arc<Deployment>,
        place: Place,
        start_us: u64,
    ) -> Self {
        let nobody_tossed = (Arm::Blue, 0, true);
        let mut record = Self::begin(visitor, route, deployment, nobody_tossed, (0, start_us));
        record.rescue = Some(Attempt::new(place));
        record.note_for_rescue(|counts| counts.tried += 1);
        record
    }

    /// Whether this is a second attempt that is not counted yet.
    pub(crate) fn is_rescue(&self) -> bool {
        self.rescue.is_some()
    }

    /// Says that the visitor does not meet a failure of this request, as far as is known.
    pub(crate) fn spare(&mut self) {
        self.spared = true;
    }

    /// Notes that this second attempt did not wait for the first one to fail.
    pub(crate) fn hedges(&self) {
        self.note_for_rescue(|counts| counts.hedged += 1);
    }

    /// Ends the account of a second attempt that the visitor has no answer of, because the first one
    /// answered or may answer yet.
    pub(crate) fn outrun(&mut self, failed: bool) {
        self.counted = true;
        if let Some(attempt) = &self.rescue
            && failed
        {
            attempt.candidate().budget.note(false);
            self.note_for_rescue(|counts| counts.failed += 1);
        }
    }

    /// Notes why the request could not be rescued.
    pub(crate) fn refuse_rescue(&self, why: Refused) {
        self.note_for_rescue(|counts| counts.refused(why));
    }

    /// Notes that the response head arrived.
    pub(crate) fn head(&mut self, status: u16) {
        self.outcome.status = StatusClass::of(status);
        self.outcome.latency_us = self.elapsed_us();
    }

    /// Counts the request. Only the first call does.
    pub(crate) fn finish(&mut self, error: ErrorKind) {
        if !self.counted {
            self.count(error, false, self.now_us());
        }
    }

    /// Counts a request that was answered in full at `now_us`. Only the first count counts.
    pub(crate) fn complete(&mut self, now_us: u64) {
        if !self.counted {
            self.count(ErrorKind::None, false, now_us);
        }
    }

    /// Counts a request that the proxy cut off: no evidence, but a loss, since the visitor does not
    /// have the whole answer.
    pub(crate) fn cut(&mut self) {
        if !self.counted {
            self.count(ErrorKind::ClientAbort, true, self.now_us());
        }
    }

    /// Whether the outcome is known.
    pub(crate) fn is_counted(&self) -> bool {
        self.counted
    }

    /// Since the assignment, in microseconds.
    pub(crate) fn elapsed_us(&self) -> u32 {
        self.elapsed_us_at(self.now_us())
    }

    /// The time of the worker's clock.
    pub(crate) fn now_us(&self) -> u64 {
        self.visitor.worker.clock.now_us()
    }

    fn elapsed_us_at(&self, now_us: u64) -> u32 {
        u32::try_from(now_us - self.start_us).unwrap_or(u32::MAX)
    }

    fn count(&mut self, error: ErrorKind, lost: bool, now_us: u64) {
        self.counted = true;
        self.outcome.error = error;
        if self.outcome.status == StatusClass::None {
            self.outcome.latency_us = self.elapsed_us_at(now_us);
        }
        let shared = &self.route.shared;
        let bucket = self.route.bucket_start_ms(now_us);
        let mut log = shared.log(self.visitor.worker.index);
        log.lost += u64::from(lost);
        if let Some(attempt) = self.rescue.take() {
            attempt.close(&self.outcome, log.tally(attempt.candidate(), bucket));
            return;
        }
        let tally = log.tally(&self.deployment, bucket);
        tally.record(&self.outcome);
        tally.lost += u64::from(lost);
        tally.harmed += u64::from(self.outcome.failed() && !self.spared);
        if self.outcome.failed()
            && let Some(path) = &self.path
        {
            tally.failed_paths.add(paths::pattern(path.path()), 1);
        }
        self.route.earn_rescues(&self.outcome, now_us);
        if self.route.streams {
            let (outcome, client) = (self.outcome, self.client);
            let (assigned_us, returning) = (self.start_us, self.returning);
            let stratum = self.stratum;
            let observed = Observed { outcome, assigned_us, client, returning, stratum };
            if log.stream(&self.route.arms, observed) {
                shared.ring();
            }
        }
    }

    fn note_for_rescue(&self, note: impl FnOnce(&mut RescueCounts)) {
        let bucket = self.route.bucket_start_ms(self.now_us());
        let candidate = self.rescue.as_ref().map_or(&self.deployment, Attempt::candidate);
        let mut log = self.route.shared.log(self.visitor.worker.index);
        note(&mut log.tally(candidate, bucket).rescue);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // Nobody finished it: the visitor left, or we hung up on the visitor.
        if self.visitor.hung_up.get() || self.visitor.worker.ending.get() {
            self.cut();
        } else {
            self.finish(ErrorKind::ClientAbort);
        }
        self.deployment.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Admitted {
    /// Lets a request in, unless the route is full.
    pub(crate) fn enter(route: &Arc<LiveRoute>) -> Option<Self> {
        let inside = route.shared.in_flight.fetch_add(1, Ordering::Relaxed);
        let admitted = Self(Arc::clone(route));
        (inside < route.max_concurrent_requests).then_some(admitted)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.shared.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
