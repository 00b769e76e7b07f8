//! How many requests a release could still harm, as far as the evidence goes, before the guard would
//! send it back: what an adaptive rollout chooses its weights by. Owns that estimate; it never judges a
//! release, and what follows from it is decided elsewhere.

use serde::{Deserialize, Serialize};

use crate::capital::real;
use crate::kept::{CATASTROPHE, CATASTROPHE_SHARE, margin_share};
use crate::label::Effects;
use crate::{Evidence, Policy, restarts};

/// Evidence at which a failure probability counts as excluded: one in twenty, as for a proof of health.
const EXCLUDED: f64 = 20.0;
/// Fractions of a failure probability that the capital against it is laid on: close ones tell after many
/// requests, nought tells soonest while nothing has failed.
const FRACTIONS: [f64; 8] = [0.95, 0.9, 0.8, 0.65, 0.5, 0.25, 0.1, 0.0];
/// Halvings until a probability is known to the last digit that matters.
const HALVINGS: u32 = 60;
/// Cells into which the failure probabilities in question are divided, spaced geometrically: neighbours
/// differ by 7% where the range is a millionfold.
const CELLS: u32 = 200;
/// What is told from no failures at all, as a part of the largest probability in question.
const LEAST_PART: f64 = 1e-6;
/// From the deciding outcome to the last request on green, in seconds; the proxy's own time is a
/// twentieth of it.
const REACTION_S: f64 = 0.1;
/// How long an outcome waits for those that were assigned before it, in seconds, where blue seldom
/// fails; see [`crate::Horizon`].
const WAIT_S: f64 = 2.0;

/// What was seen of a rollout so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Green's requests.
    pub green_requests: u64,
    /// Those of them that it failed; at most as many.
    pub green_failed: u64,
    /// Blue's requests over the same time.
    pub blue_requests: u64,
    /// Those of them that it failed; at most as many.
    pub blue_failed: u64,
    /// Requests to both, a second.
    pub requests_per_s: f64,
}

impl Seen {
    /// The figures of a verdict.
    pub fn of(evidence: &Evidence, requests_per_s: f64) -> Self {
        Self {
            green_requests: evidence.green_requests,
            green_failed: evidence.green_failed,
            blue_requests: evidence.blue_requests,
            blue_failed: evidence.blue_failed,
            requests_per_s,
        }
    }
}

/// A weight that could be taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rung {
    /// Green's share, above 0 and at most 1.
    pub weight: f64,
    /// The most time at it, in seconds.
    pub seconds: f64,
}

/// The harm of a rollout, past and to come. A request is harmed if green failed it and blue would not
/// have. What is tolerated, up to the policy's margin times blue's failures, counts for nothing.
#[derive(Clone, Copy, Debug)]
pub struct Forecast<'a> {
    policy: &'a Policy,
    seen: Seen,
    /// The largest failure probability of green that the evidence does not exclude.
    most: f64,
    /// Blue's failure probability, taken low where that makes more of green's failures harm, and high
    /// where it makes them harder to tell from blue's: `f/(n+1)` and `(f+1)/(n+1)`.
    blue: (f64, f64),
}

impl<'a> Forecast<'a> {
    /// The harm that `seen` leaves possible under a guard of `policy`.
    pub fn new(policy: &'a Policy, seen: Seen) -> Self {
        let (failed, requests) = (count(seen.blue_failed), count(seen.blue_requests));
        Self {
            policy,
            seen,
            most: most_failing(seen.green_requests, seen.green_failed),
            blue: (failed / (requests + 1.0), (failed + 1.0) / (requests + 1.0)),
        }
    }

    /// The largest failure probability of green that the evidence does not exclude, 0 to 1: a release
    /// with a larger one is excluded wrongly, ever, in at most one rollout of twenty.
    pub fn most_failing(&self) -> f64 {
        self.most
    }

    /// Requests harmed so far: green's failures beyond blue's share of them, at least none. In
    /// expectation, whenever it is looked at; single figures go up and down with chance.
    pub fn harmed(&self) -> f64 {
        let usual = count(self.seen.green_requests) * self.blue.0;
        (count(self.seen.green_failed) - usual).max(0.0)
    }

    /// Requests that may yet be harmed if green gets this weight for this time, in expectation and at
    /// the worst failure probability that the evidence allows, until the guard sends it back. Infinite
    /// where the traffic is not known: fewer requests than the policy's minimum sample tell no rate.
    pub fn worst(&self, rung: Rung) -> f64 {
        let green_per_s = self.seen.requests_per_s * rung.weight;
        let is_known =
            self.seen.green_requests + self.seen.blue_requests >= self.policy.minimum_sample;
        if !is_known || green_per_s.is_nan() || green_per_s <= 0.0 {
            return f64::INFINITY;
        }
        let tolerated = self.policy.margin * self.blue.0;
        if self.most <= tolerated {
            return 0.0;
        }
        let least = tolerated.max(self.most * LEAST_PART);
        let ratio = (self.most / least).powf(1.0 / f64::from(CELLS));
        let race = Race::new(self, rung.weight, green_per_s);
        let all = green_per_s * (rung.seconds + REACTION_S);
        // In each cell the harm of one request is largest at its upper end, and the time until the guard
        // acts at its lower end. Once all requests of a cell would harm less than is found already, so
        // would those of the cells below.
        let (mut upper, mut worst) = (self.most, 0.0_f64);
        for _ in 0..CELLS {
            let of_one = upper - self.blue.0;
            if of_one * all <= worst {
                break;
            }
            let lower = (upper / ratio).max(least);
            worst = worst.max(of_one * all.min(race.requests(lower)));
            upper = lower;
        }
        worst.max((least - self.blue.0) * all)
    }

    /// The last of `rungs`, which rise, up to which the harm so far and the worst to come stay within
    /// `budget` requests, with that sum.
    pub fn largest(&self, rungs: &[Rung], budget: f64) -> Option<(usize, f64)> {
        let sums = rungs.iter().map(|rung| self.harmed() + self.worst(*rung));
        sums.take_while(|sum| *sum <= budget).enumerate().last()
    }
}

/// The largest failure probability that `failed` failures of `requests` do not exclude at any time: the
/// test of a limit the other way round, as that of health, over all limits at once.
///
/// Against "each request fails with probability `p` or more" capital is multiplied by `f` for a failure
/// and by `(1 - f p)/(1 - p)` otherwise, for each fraction `f < 1`: its expectation is 1 at `p` and less
/// above. It rises with `p`, so that the probabilities that are excluded are those above one.
fn most_failing(requests: u64, failed: u64) -> f64 {
    let (answered, failed) = (count(requests.saturating_sub(failed)), count(failed));
    let is_excluded = |probability: f64| {
        let capital = FRACTIONS.map(|fraction| {
            let of_failures = if failed > 0.0 { failed * fraction.ln() } else { 0.0 };
            let of_answers = (-fraction * probability).ln_1p() - (-probability).ln_1p();
            (of_failures + answered * of_answers).exp()
        });
        capital.iter().sum::<f64>() / real(FRACTIONS.len()) >= EXCLUDED
    };
    let (mut kept, mut excluded) = (0.0_f64, 1.0_f64);
    if answered <= 0.0 {
        return 1.0;
    }
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(kept, excluded);
        if is_excluded(middle) { excluded = middle } else { kept = middle }
    }
    excluded
}

/// How soon the guard would act at one weight.
struct Race {
    margin: Run,
    catastrophe: Run,
}

/// One test on its way to its bar.
struct Run {
    /// For each effect, what one request of green adds to the logarithm of the capital, times green's
    /// failure probability, and apart from it; and what is needed.
    effects: Vec<[f64; 3]>,
    /// Requests of green that go by beside it: warming up, waiting, reacting.
    beside: f64,
}

impl Race {
    fn new(forecast: &Forecast<'_>, weight: f64, green_per_s: f64) -> Self {
        let Forecast { policy, seen, .. } = forecast;
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a warm-up")]
        let warm_up_s = policy.warm_up_us as f64 / 1e6;
        let late_s = [warm_up_s + WAIT_S + REACTION_S, REACTION_S];
        let shares = [margin_share(policy), CATASTROPHE_SHARE];
        let begun = restarts::share_at(seen.green_failed + seen.blue_failed + 1);
        let run = |test: usize, margin: f64| {
            // Only what is laid down from now on is counted on, and of it what the best effect has.
            let bar = -(policy.alpha * shares[test] * begun).ln();
            Run {
                effects: Effects::FAILURES.growths(weight, margin, forecast.blue.1, bar),
                beside: green_per_s * late_s[test],
            }
        };
        Self { margin: run(0, policy.margin), catastrophe: run(1, CATASTROPHE) }
    }

    /// Requests of green until the guard acts, at most and in expectation, where each fails with
    /// `probability`; infinite where it is not expected to.
    fn requests(&self, probability: f64) -> f64 {
        self.margin.requests(probability).min(self.catastrophe.requests(probability))
    }
}

impl Run {
    /// Wald's equation: what is expected to be added by then is at most the bar and one step beyond.
    fn requests(&self, probability: f64) -> f64 {
        let of_effects = self.effects.iter().map(|[failing, otherwise, needed]| {
            let growth = failing * probability + otherwise;
            if growth > 0.0 { needed / growth } else { f64::INFINITY }
        });
        of_effects.fold(f64::INFINITY, f64::min) + self.beside
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests stay far below 2^52")]
fn count(requests: u64) -> f64 {
    requests as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coin::Coin;
    use proptest::prelude::*;

    fn policy() -> Policy {
        Policy { alpha: 0.0081, ..Policy::default() }
    }

    fn seen((green_requests, green_failed): (u64, u64), blue: (u64, u64)) -> Seen {
        let (blue_requests, blue_failed) = blue;
        Seen { green_requests, green_failed, blue_requests, blue_failed, requests_per_s: 100.0 }
    }

    /// Worked out from the formula of the page in another language, to the last digit that is kept.
    #[test]
    fn what_is_not_excluded_is_that_of_the_formula() {
        let figures = [
            ((100, 0), 0.041_666_127_623_153_42),
            ((2_000, 10), 0.011_311_945_360_254_76),
            ((10_000, 50), 0.007_439_231_019_872_483),
            ((30_000, 150), 0.006_366_835_550_076_833),
            ((61, 7), 0.270_153_386_663_677_57),
            ((0, 0), 1.0),
            ((3, 3), 1.0),
        ];
        for ((requests, failed), exact) in figures {
            let most = most_failing(requests, failed);
            assert!((most / exact - 1.0).abs() < 1e-9, "{requests} {failed}: {most}");
        }
    }

    /// Worked out in another language as the largest of 20,000 failure probabilities, without cells. What
    /// is said here may be a cell's width more, 7%, and never less.
    #[test]
    fn the_worst_is_that_of_the_formula_and_never_less() {
        let cases = [
            ((0, 0), (6_000, 30), 0.01, 17.410_407_458_664_98),
            ((0, 0), (6_000, 30), 0.1, 87.932_958_956_503_2),
            ((300, 1), (30_000, 150), 0.05, 28.104_447_596_481_37),
            ((2_000, 10), (40_000, 200), 0.1, 18.942_523_141_746_644),
            ((2_000, 10), (40_000, 200), 0.5, 94.712_615_708_733_24),
            ((30_000, 150), (60_000, 300), 1.0, 41.021_235_649_459_264),
            ((0, 0), (6_000, 0), 0.1, 33.928_036_658_943_58),
        ];
        let policy = policy();
        for (green, blue, weight, exact) in cases {
            let forecast = Forecast::new(&policy, seen(green, blue));
            let worst = forecast.worst(Rung { weight, seconds: 300.0 });
            assert!(worst >= exact * 0.9999 && worst <= exact * 1.08, "{weight}: {worst} {exact}");
        }
    }

    #[test]
    fn what_is_tolerated_is_no_harm_and_unknown_traffic_is_without_bound() {
        let policy = policy();
        let good = Forecast::new(&policy, seen((60_000, 300), (60_000, 300)));
        assert!(good.most_failing() < 0.005 * 1.25, "{}", good.most_failing());
        let full = Rung { weight: 1.0, seconds: 3600.0 };
        assert!(good.worst(full) <= 0.0);
        let unknown = Seen { requests_per_s: 0.0, ..seen((0, 0), (0, 0)) };
        assert!(Forecast::new(&policy, unknown).worst(full).is_infinite());
        assert_eq!(Forecast::new(&policy, unknown).largest(&[full], 1e9), None);
    }

    #[test]
    fn the_largest_weight_within_the_budget_is_taken() {
        let policy = policy();
        let rungs = [0.01, 0.05, 0.1, 0.2, 1.0].map(|weight| Rung { weight, seconds: 300.0 });
        let forecast = Forecast::new(&policy, seen((2_000, 12), (40_000, 200)));
        assert!((forecast.harmed() - 2.0).abs() < 0.01, "{}", forecast.harmed());
        let (index, sum) = forecast.largest(&rungs, 30.0).expect("one fits");
        assert_eq!(index, 2);
        assert!((sum - forecast.harmed() - forecast.worst(rungs[2])).abs() < 1e-9 && sum <= 30.0);
        assert!(forecast.harmed() + forecast.worst(rungs[3]) > 30.0);
        assert_eq!(forecast.largest(&rungs, 2.0), None);
    }

    /// The chance that the truth is ever excluded, looked at after every request.
    #[test]
    fn the_truth_is_hardly_ever_excluded() {
        let mut wrong = 0;
        for seed in 0..400 {
            let mut coin = Coin::new(seed);
            let mut failed = 0;
            wrong += u32::from((1..=1_500_u64).any(|requests| {
                failed += u64::from(coin.says(0.05));
                // Tight around what is asked: excluded exactly where the truth is above the bound.
                requests % 25 == 0 && most_failing(requests, failed) < 0.05
            }));
        }
        assert!(wrong <= 20, "{wrong} of 400");
    }

    proptest! {
        #[test]
        fn more_weight_and_more_time_are_never_less_harm(
            requests in 0_u64..20_000, failed in 0_u64..40, blue in 100_u64..50_000,
            weight in 0.001_f64..0.5, more in 1.0_f64..2.0, seconds in 1.0_f64..1000.0,
        ) {
            let policy = policy();
            let known = seen((requests.max(failed), failed), (blue, blue / 200));
            let forecast = Forecast::new(&policy, known);
            let worst = forecast.worst(Rung { weight, seconds });
            let heavier = forecast.worst(Rung { weight: weight * more, seconds });
            let longer = forecast.worst(Rung { weight, seconds: seconds * more });
            prop_assert!(heavier >= worst * (1.0 - 1e-9), "{} {}", worst, heavier);
            prop_assert!(longer >= worst * (1.0 - 1e-9), "{} {}", worst, longer);
        }
    }
}
