//! One rollout under the guard. Owns the order in which outcomes become known; the judging is the
//! guard's.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use towpath_guard::{
    Arm, Cause, ErrorKind, Guard, Horizon, Observed, Outcome, Policy, StatusClass,
};

use crate::numbers::{micro, narrow, seconds};
use crate::{Fault, Latency, Schedule, Series, Trace, Traffic};

/// From the deciding outcome to the last request on green, in seconds: what the reference simulation
/// charges; the proxy's own reaction is measured apart.
pub(crate) const REACTION_S: f64 = 0.1;
/// Requests of blue from before the rollout, from which its speed is known.
const HISTORY: u64 = 20_000;

/// When and why the guard went back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decided {
    /// When traffic was back on blue, in seconds from the start.
    pub at_s: f64,
    /// What was found.
    pub cause: Cause,
    /// Visitors harmed until then.
    pub harmed: f64,
}

/// What became of one rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    /// The guard's finding; none if the rollout went through.
    pub decided: Option<Decided>,
    /// Visitors harmed, until the end or until it went back, without those of the warm-up.
    pub harmed: f64,
    /// Visitors harmed while a change of weight was warming up, by declaration.
    pub harmed_warming: f64,
    /// Whether green was proven good at the end.
    pub is_proven: bool,
    /// When it was first, in seconds from the start; none if never.
    pub proven_s: Option<f64>,
    /// The counts of the whole rollout, as if nobody had gone back.
    pub series: Option<Series>,
}

/// Runs one rollout. With `keep_series` it goes on after the guard's decision, for what others would
/// have done with the same requests.
pub fn rollout(
    (traffic, fault, schedule): (&Traffic, &Fault, &Schedule),
    policy: &Policy,
    seed: u64,
    keep_series: bool,
) -> Rollout {
    let end_us = micro(schedule.seconds());
    let mut run = Run::new(policy, horizon_of(traffic, seed));
    let mut weight_since_s = -1.0;
    let mut series = keep_series.then(|| Series::new(end_us / 1_000_000));
    for request in Trace::new(traffic, fault, schedule, seed) {
        if request.at_us >= end_us {
            break;
        }
        run.hear_until(request.at_us);
        if run.decided.is_none() {
            let since_s = schedule.weight_at(seconds(request.at_us)).1;
            if since_s > weight_since_s {
                weight_since_s = since_s;
                run.guard.weight_changed(micro(since_s));
            }
            let is_warming = seconds(request.at_us) - since_s < seconds(policy.warm_up_us);
            run.take(&request, (traffic, fault), is_warming);
        } else if series.is_none() {
            break;
        }
        if let Some(series) = &mut series {
            series.record(&request);
        }
    }
    let guard = run.guard;
    Rollout {
        decided: run.decided,
        harmed: run.decided.map_or(run.harmed, |decided| decided.harmed),
        harmed_warming: run.harmed_warming,
        is_proven: guard.is_proven(),
        proven_s: run.proven_s,
        series,
    }
}

struct Run {
    guard: Guard,
    order: u64,
    under_way: BinaryHeap<Reverse<(u64, u64)>>,
    outcomes: std::collections::HashMap<u64, Observed>,
    harmed: f64,
    harmed_warming: f64,
    /// Harm that is done between the deciding outcome and the way back, per second.
    decided: Option<Decided>,
    excess_per_s: f64,
    proven_s: Option<f64>,
}

impl Run {
    fn new(policy: &Policy, horizon: Horizon) -> Self {
        Self {
            guard: Guard::new(policy.clone(), horizon, 1),
            order: 0,
            under_way: BinaryHeap::new(),
            outcomes: std::collections::HashMap::new(),
            harmed: 0.0,
            harmed_warming: 0.0,
            decided: None,
            excess_per_s: 0.0,
            proven_s: None,
        }
    }

    fn take(
        &mut self,
        request: &crate::Request,
        (traffic, fault): (&Traffic, &Fault),
        is_warming: bool,
    ) {
        self.order += 1;
        let harmed = if is_warming { &mut self.harmed_warming } else { &mut self.harmed };
        *harmed += f64::from(u8::from(request.harmed));
        let begun = seconds(request.at_us) >= fault.onset_s;
        let excess = if begun { fault.error_rate - traffic.error_rate } else { 0.0 };
        self.excess_per_s = request.green_probability * traffic.requests_per_s * excess;
        let outcome = Outcome {
            order: self.order,
            arm: if request.is_green { Arm::Green } else { Arm::Blue },
            green_probability: narrow(request.green_probability),
            status: if request.failed { StatusClass::ServerError } else { StatusClass::Success },
            error: ErrorKind::None,
            latency_us: u32::try_from(request.latency_us).unwrap_or(u32::MAX),
            pinned: false,
        };
        let observed = Observed {
            outcome,
            assigned_us: request.at_us,
            client: request.client,
            returning: false,
        };
        if traffic.latency == Latency::AtOnce {
            self.observe(&observed, request.at_us);
        } else {
            self.under_way.push(Reverse((request.at_us + request.latency_us, self.order)));
            self.outcomes.insert(self.order, observed);
        }
    }

    fn hear_until(&mut self, now_us: u64) {
        while let Some(Reverse((done_us, order))) = self.under_way.peek().copied() {
            if done_us > now_us || self.decided.is_some() {
                return;
            }
            self.under_way.pop();
            if let Some(observed) = self.outcomes.remove(&order) {
                self.observe(&observed, done_us);
            }
        }
    }

    fn observe(&mut self, observed: &Observed, now_us: u64) {
        let found = self.guard.observe(observed, now_us);
        if self.proven_s.is_none() && self.guard.is_proven() {
            self.proven_s = Some(seconds(now_us));
        }
        let Some(finding) = found else { return };
        if self.decided.is_none() {
            let at_s = seconds(now_us) + REACTION_S;
            let harmed = self.harmed + REACTION_S * self.excess_per_s;
            self.decided = Some(Decided { at_s, cause: finding.cause, harmed });
        }
    }
}

/// Blue has served before: its speed is known.
fn horizon_of(traffic: &Traffic, seed: u64) -> Horizon {
    let mut horizon = Horizon::default();
    if traffic.latency == Latency::AtOnce {
        return horizon;
    }
    let before = Schedule::new(vec![crate::Step { weight: 0.0, seconds: f64::MAX }]);
    let none = Fault::none(traffic.error_rate);
    let history = Trace::new(traffic, &none, &before, !seed);
    for (_, request) in (0..HISTORY).zip(history) {
        horizon.saw(request.failed, u32::try_from(request.latency_us).unwrap_or(u32::MAX));
    }
    horizon
}
