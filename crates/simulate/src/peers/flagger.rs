//! Flagger: every interval, a metric outside its range is a failed check and halts the step; it goes
//! back on the next tick once the failed checks reach the threshold (`pkg/controller/scheduler.go`,
//! commit 15bd6ad5). Because it halts, it draws requests of its own.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use crate::arrivals::{binomial, poisson};
use crate::numbers::real;
use crate::{Fault, Schedule, Traffic};

/// What it is called in the tables.
pub const NAME: &str = "Flagger, documented: 1m, 99%, threshold 5";
/// Where the rule stands.
pub const SOURCE: &str =
    "fluxcd/flagger pkg/controller/scheduler.go at 15bd6ad5, tutorials' settings";

const THRESHOLD: u32 = 5;
const SUCCESS: f64 = 0.99;
const INTERVAL_S: f64 = 60.0;

/// What green did in one minute.
#[derive(Clone, Copy, Debug, Default)]
pub struct Minute {
    /// Requests.
    pub requests: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Visitors harmed.
    pub harmed: u64,
}

/// When it would have gone back, in seconds (none if never), and the visitors harmed until then or
/// until the end.
pub fn rollout(
    (traffic, fault, schedule): (&Traffic, &Fault, &Schedule),
    seed: u64,
) -> (Option<f64>, f64) {
    let mut chance = Pcg64Mcg::seed_from_u64(!seed);
    let ended = decide(schedule, |now_s, weight| {
        let share = if now_s >= fault.onset_s { fault.error_rate } else { traffic.error_rate };
        let requests = poisson(traffic.requests_per_s * INTERVAL_S * weight, &mut chance);
        let usual = binomial(requests, traffic.error_rate, &mut chance);
        let excess = ((share - traffic.error_rate) / (1.0 - traffic.error_rate)).clamp(0.0, 1.0);
        let harmed = binomial(requests - usual, excess, &mut chance);
        Minute { requests, failed: usual + harmed, harmed }
    });
    (ended.back_s, ended.harmed)
}

/// How a rollout ended under this rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ended {
    /// When it went back, in seconds from the start; none if never.
    pub back_s: Option<f64>,
    /// When it was through otherwise, in seconds from the start.
    pub end_s: f64,
    /// Visitors harmed until then.
    pub harmed: f64,
}

/// The rule alone: `minute` says what green does in the minute from its first figure on (seconds
/// from the start), while it has its second as weight. Ends within the rollout's length and as many
/// minutes more as checks may fail.
pub fn decide(schedule: &Schedule, mut minute: impl FnMut(f64, f64) -> Minute) -> Ended {
    let (mut failed_checks, mut progress_s, mut now_s, mut harmed) = (0, 0.0, 0.0, 0.0);
    loop {
        let seen = minute(now_s, schedule.weight_at(progress_s).0);
        harmed += real(seen.harmed);
        now_s += INTERVAL_S;
        if failed_checks >= THRESHOLD {
            return Ended { back_s: Some(now_s), end_s: now_s, harmed };
        }
        if seen.requests > 0 && 1.0 - real(seen.failed) / real(seen.requests) >= SUCCESS {
            progress_s += INTERVAL_S;
            if progress_s >= schedule.seconds() {
                return Ended { back_s: None, end_s: now_s, harmed };
            }
        } else {
            failed_checks += 1;
        }
    }
}
