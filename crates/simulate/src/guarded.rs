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
    under_way: BinaryHeap<Reverse<UnderWay>>,
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
        let harmed = if is_warming { &mut self.harmed_warming } else { &mut self.harmed };
        *harmed += f64::from(u8::from(request.harmed));
        let begun = seconds(request.at_us) >= fault.onset_s;
        let excess = if begun { fault.error_rate - traffic.error_rate } else { 0.0 };
        self.excess_per_s = request.green_probability * traffic.requests_per_s * excess;
        if tells_nothing(request, traffic) {
            return;
        }
        self.order += 1;
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
            stratum: 0,
        };
        if traffic.latency == Latency::AtOnce {
            self.observe(&observed, request.at_us);
        } else {
            let done_us = request.at_us + request.latency_us;
            self.under_way.push(Reverse(UnderWay { done_us, observed }));
        }
    }

    fn hear_until(&mut self, now_us: u64) {
        while let Some(Reverse(UnderWay { done_us, observed })) = self.under_way.peek().copied() {
            if done_us > now_us || self.decided.is_some() {
                return;
            }
            self.under_way.pop();
            self.observe(&observed, done_us);
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

/// A request whose outcome is not known yet; the first one to be known is the least.
#[derive(Clone, Copy)]
struct UnderWay {
    done_us: u64,
    observed: Observed,
}

impl UnderWay {
    fn key(&self) -> (u64, u64) {
        (self.done_us, self.observed.outcome.order)
    }
}

impl Ord for UnderWay {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for UnderWay {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for UnderWay {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for UnderWay {}

/// Whether the guard learns nothing from a request, so that it need not be handed over: an answer of
/// blue's that took no time and whose client nobody knows is no failure to compare, no latency to
/// learn from, no share of a client, and keeps nothing waiting.
fn tells_nothing(request: &crate::Request, traffic: &Traffic) -> bool {
    !request.is_green
        && !request.failed
        && request.client == 0
        && traffic.latency == Latency::AtOnce
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

#[cfg(test)]
mod tests {
    use towpath_guard::{LatencyLimit, Quantile};

    use super::*;

    /// Every outcome handed over, as the proxy does it.
    fn handed_everything(
        (traffic, fault, schedule): (&Traffic, &Fault, &Schedule),
        policy: &Policy,
        seed: u64,
    ) -> (Option<(Cause, f64)>, Option<f64>) {
        let mut guard = Guard::new(policy.clone(), Horizon::default(), 1);
        let (mut proven_s, mut since_s) = (None, -1.0);
        let requests = Trace::new(traffic, fault, schedule, seed);
        let requests = requests.take_while(|request| seconds(request.at_us) < schedule.seconds());
        for (order, request) in (1..).zip(requests) {
            let step_s = schedule.weight_at(seconds(request.at_us)).1;
            if step_s > since_s {
                since_s = step_s;
                guard.weight_changed(micro(step_s));
            }
            let status =
                if request.failed { StatusClass::ServerError } else { StatusClass::Success };
            let outcome = Outcome {
                order,
                arm: if request.is_green { Arm::Green } else { Arm::Blue },
                green_probability: narrow(request.green_probability),
                status,
                error: ErrorKind::None,
                latency_us: 0,
                pinned: false,
            };
            let observed = Observed {
                outcome,
                assigned_us: request.at_us,
                client: 0,
                returning: false,
                stratum: 0,
            };
            let found = guard.observe(&observed, request.at_us);
            if proven_s.is_none() && guard.is_proven() {
                proven_s = Some(seconds(request.at_us));
            }
            if let Some(finding) = found {
                return (Some((finding.cause, seconds(request.at_us) + REACTION_S)), proven_s);
            }
        }
        (None, proven_s)
    }

    #[test]
    fn leaving_out_what_tells_nothing_changes_no_finding_and_no_proof() {
        let latency = vec![LatencyLimit::Factor(Quantile(50), 1.2)];
        let policy = Policy { error_rate: Some(0.05), latency, ..Policy::default() };
        let (traffic, schedule) = (Traffic::plain(50.0, 0.005), Schedule::of_the_seeds());
        let mut went_back = 0;
        for (seed, share) in [0.005, 0.01, 0.025, 0.2, 1.0].into_iter().cycle().take(25).enumerate()
        {
            let fault = Fault { onset_s: 200.0, ..Fault::none(share) };
            let described = (&traffic, &fault, &schedule);
            let ended = rollout(described, &policy, seed as u64, false);
            let found = ended.decided.map(|decided| (decided.cause, decided.at_s));
            let expected = handed_everything(described, &policy, seed as u64);
            assert_eq!((found, ended.proven_s), expected, "seed {seed}");
            went_back += usize::from(found.is_some());
        }
        assert!((10..25).contains(&went_back), "{went_back}");
    }
}
