//! Flagger: every interval, a metric outside its range is a failed check and halts the step; it goes
//! back on the next tick once the failed checks reach the threshold (`pkg/controller/scheduler.go`,
//! commit 15bd6ad5). Because it halts, it draws requests of its own.

use rand::SeedableRng;
use rand_distr::{Binomial, Distribution, Poisson};
use rand_pcg::Pcg64Mcg;

use crate::{Fault, Schedule, Traffic};

/// What it is called in the tables.
pub const NAME: &str = "Flagger, documented: 1m, 99%, threshold 5";
/// Where the rule stands.
pub const SOURCE: &str =
    "fluxcd/flagger pkg/controller/scheduler.go at 15bd6ad5, tutorials' settings";

const THRESHOLD: u32 = 5;
const SUCCESS: f64 = 0.99;
const INTERVAL_S: f64 = 60.0;

/// When it would have gone back, in seconds (none if never), and the visitors harmed until then or
/// until the end.
pub fn rollout(
    (traffic, fault, schedule): (&Traffic, &Fault, &Schedule),
    seed: u64,
) -> (Option<f64>, f64) {
    let mut chance = Pcg64Mcg::seed_from_u64(!seed);
    let (mut failed_checks, mut progress_s, mut now_s, mut harmed) = (0, 0.0, 0.0, 0.0);
    loop {
        let weight = schedule.weight_at(progress_s).0;
        let share = if now_s >= fault.onset_s { fault.error_rate } else { traffic.error_rate };
        let requests = poisson(traffic.requests_per_s * INTERVAL_S * weight, &mut chance);
        let usual = binomial(requests, traffic.error_rate, &mut chance);
        let excess = ((share - traffic.error_rate) / (1.0 - traffic.error_rate)).clamp(0.0, 1.0);
        let more = binomial(requests - usual, excess, &mut chance);
        harmed += real(more);
        now_s += INTERVAL_S;
        if failed_checks >= THRESHOLD {
            return (Some(now_s), harmed);
        }
        if requests > 0 && 1.0 - real(usual + more) / real(requests) >= SUCCESS {
            progress_s += INTERVAL_S;
            if progress_s >= schedule.seconds() {
                return (None, harmed);
            }
        } else {
            failed_checks += 1;
        }
    }
}

fn poisson(mean: f64, chance: &mut Pcg64Mcg) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    Poisson::new(mean).map_or(0, |draw| draw.sample(chance) as u64)
}

fn binomial(count: u64, share: f64, chance: &mut Pcg64Mcg) -> u64 {
    Binomial::new(count, share).map_or(0, |draw| draw.sample(chance))
}

#[expect(clippy::cast_precision_loss, reason = "requests of a minute")]
fn real(count: u64) -> f64 {
    count as f64
}
