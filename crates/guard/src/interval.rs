//! Judges counts per interval, for sources that do not say what became of each request. Owns what an
//! interval may be evidence for; the tests are those of single requests.

use serde::{Deserialize, Serialize};

use crate::capital::real;
use crate::label::{Effects, LabelTest};
use crate::limit::Limit;
use crate::{Cause, Counts, Evidence, Finding, Policy, Standing, Verdict, words};

/// How alpha is laid on the tests, in the proportion of [`crate::Guard`]. What is left out of it: the
/// test for a catastrophe, which exists for another order of outcomes, and there is one order here; and
/// latencies, which counts do not have.
const MARGIN_WEIGHT: f64 = 0.75;
const LIMITS_WEIGHT: f64 = 0.25;

/// What both arms did in one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntervalCounts {
    /// What is coming.
    pub green: Tally,
    /// What serves.
    pub blue: Tally,
}

/// What one arm did over some stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Requests that are evidence: without those whose clients went away first.
    pub requests: u64,
    /// Those of them that the arm failed; at most as many.
    pub failed: u64,
}

impl Tally {
    fn add(&mut self, more: Self) {
        self.requests = self.requests.saturating_add(more.requests);
        self.failed = self.failed.saturating_add(more.failed);
    }
}

/// The judge of a rollout by counts per interval. Deterministic.
///
/// # Why it is valid
///
/// Take the requests in the order in which they were tossed for, which nobody here knows. For one effect
/// each failure multiplies capital by a factor `M` whose expectation, given all that came before, is at
/// most 1 under the tested claim (see the label test). Capital is laid on starts: before failure `k` the
/// share `s_k`, which must be known before its label is. Any such sequence with a sum of at most 1 gives
/// an e-process, by linearity. Here `s_k` is `pi_j` where failure `k` is the *first of its interval*, the
/// `j`-th with a failure in it, and 0 otherwise: that a failure is the first is known when it happens.
///
/// At the end of an interval with `g` failures of green and `b` of blue this e-process is
/// `(C + pi_j) M(green)^g M(blue)^b`: the product does not depend on the order, and no start lies within.
/// So the counts are enough, the true order may be any, and failures may breed failures. Ville's
/// inequality holds at all moments, so it holds at the ends of intervals, the only ones looked at.
///
/// To lay down `pi_k` for every failure of the interval at its beginning would *not* do: how much is laid
/// would depend on how many failures come, which may depend on whose the first ones are. To assume an
/// order within (blue's first, say) would not do either: a start in the middle would then see nothing but
/// green's. What is lost by restarts at intervals alone: a fault that begins in the middle of one is
/// diluted by what blue failed before it, once; what is won: there are fewer starts to pay for.
///
/// The same holds for absolute limits, request by request instead of failure by failure.
///
/// # What must hold
///
/// - The coin said green with the same probability for every request that was *counted* in the interval,
///   those that were tossed for before it and ended in it included. Otherwise the interval is no evidence.
/// - Every request counts once, with the arm that it was tossed to.
/// - An interval is long beside the time that a failure takes. What befalls both arms near its end is
///   counted of the faster arm now and of the slower one in the next interval; the margin must cover that.
/// - One rollout is judged by requests or by intervals, not by both: the same failures would be evidence
///   twice. Where both are there, the evidence is averaged.
#[derive(Clone, Debug)]
pub struct IntervalGuard {
    policy: Policy,
    margin: LabelTest,
    limits: Vec<Limit>,
    /// What the evidence rests on.
    seen: IntervalCounts,
    finding: Option<Finding>,
}

impl IntervalGuard {
    /// A guard that has seen nothing. Of the policy it uses alpha, the margin and the error rate; the
    /// other limits are on single requests.
    pub fn new(policy: &Policy) -> Self {
        let of_errors = Policy { latency: Vec::new(), ..policy.clone() };
        Self {
            seen: IntervalCounts::default(),
            margin: LabelTest::new(policy.margin, Effects::FAILURES),
            limits: Limit::all(&of_errors),
            policy: of_errors,
            finding: None,
        }
    }

    /// Takes in one interval, in which the coin said green with `green_probability` from 0 to 1; none
    /// where that was not the same for all that was counted. Counts that cannot be are no evidence.
    /// Answers the finding, once there is one.
    pub fn observe(
        &mut self,
        counts: &IntervalCounts,
        green_probability: Option<f64>,
    ) -> Option<Finding> {
        let can_be = [counts.green, counts.blue].iter().all(|it| it.failed <= it.requests);
        let known = green_probability.filter(|it| (0.0..=1.0).contains(it) && can_be);
        if let Some(green_probability) = known {
            let IntervalCounts { green, blue } = counts;
            if self.finding.is_none() {
                self.seen.green.add(*green);
                self.seen.blue.add(*blue);
            }
            self.margin.observe_together(green.failed, blue.failed, green_probability);
            for limit in &mut self.limits {
                limit.observe_together(counts, green_probability);
            }
            self.weigh();
        }
        self.finding
    }

    /// What was found, if anything.
    pub fn finding(&self) -> Option<Finding> {
        self.finding
    }

    /// The finding as a verdict, with the counts that it rests on; none while nothing was found.
    pub fn unhealthy(&self) -> Option<Verdict> {
        let finding = self.finding?;
        let IntervalCounts { green, blue } = self.seen;
        let evidence = Evidence {
            green_requests: green.requests,
            green_failed: green.failed,
            blue_requests: blue.requests,
            blue_failed: blue.failed,
            once_in: Some(words::once_in(finding.evidence)),
            ..Evidence::default()
        };
        let nothing = Counts::default();
        let sentence = words::found(finding, &self.policy, (&nothing, &nothing), &evidence);
        Some(Verdict { standing: Standing::Unhealthy, sentence, evidence })
    }

    fn weigh(&mut self) {
        if self.finding.is_some() {
            return;
        }
        let limits = if self.limits.is_empty() { 0.0 } else { LIMITS_WEIGHT };
        let whole = MARGIN_WEIGHT + limits;
        let of_margin = MARGIN_WEIGHT / whole * self.margin.evidence();
        let share = limits / whole / real(self.limits.len().max(1));
        let of_limits: f64 = self.limits.iter().map(|limit| share * limit.evidence()).sum();
        let evidence = of_margin + of_limits;
        if evidence * self.policy.alpha >= 1.0 {
            let cause = if of_limits > of_margin { Cause::Limit(0) } else { Cause::Margin };
            self.finding = Some(Finding { cause, evidence });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coin::Coin;
    use crate::share_test::ShareTest;
    use proptest::prelude::*;

    fn policy() -> Policy {
        Policy { error_rate: Some(0.05), ..Policy::default() }
    }

    fn counts(green: (u64, u64), blue: (u64, u64)) -> IntervalCounts {
        let tally = |(requests, failed)| Tally { requests, failed };
        IntervalCounts { green: tally(green), blue: tally(blue) }
    }

    /// The figures were worked out from the formula with another program.
    #[test]
    fn evidence_is_that_of_the_formula() {
        let mut label = LabelTest::new(1.25, Effects::FAILURES);
        for (green, blue, rho) in [(1, 3, 0.1), (0, 0, 0.1), (4, 2, 0.1), (3, 1, 0.5)] {
            label.observe_together(green, blue, rho);
        }
        assert!((label.evidence() / 9.776_394_202_316_995 - 1.0).abs() < 1e-12);
        let mut share = ShareTest::new(0.05);
        for (failed, succeeded) in [(1, 20), (0, 0), (5, 12), (0, 3)] {
            share.observe_together(failed, succeeded);
        }
        assert!((share.evidence() / 4.249_462_368_938_523 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn an_interval_with_one_failure_is_that_failure() {
        let (mut together, mut single) =
            (LabelTest::new(1.25, Effects::FAILURES), LabelTest::new(1.25, Effects::FAILURES));
        for (is_green, rho) in [(true, 0.1), (false, 0.1), (true, 0.5), (true, 0.01)] {
            together.observe_together(u64::from(is_green), u64::from(!is_green), rho);
            single.observe(is_green, rho);
            assert!((together.evidence() / single.evidence() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_change_of_weight_and_counts_that_cannot_be_are_no_evidence() {
        let bad = counts((1000, 900), (1000, 10));
        let mut guard = IntervalGuard::new(&policy());
        for probability in [None, Some(f64::NAN), Some(-0.1), Some(1.1)] {
            assert_eq!(guard.observe(&bad, probability), None);
        }
        assert_eq!(guard.observe(&counts((10, 900), (1000, 10)), Some(0.5)), None);
        assert!(guard.observe(&bad, Some(0.5)).is_some());
    }

    #[test]
    fn a_green_that_fails_is_found_in_its_first_intervals_whenever_it_begins() {
        for late in [0, 10, 100, 1000] {
            let mut guard = IntervalGuard::new(&policy());
            for _ in 0..late {
                assert_eq!(guard.observe(&counts((60, 0), (540, 3)), Some(0.1)), None, "{late}");
            }
            let first =
                (1..=3).find(|_| guard.observe(&counts((60, 12), (540, 3)), Some(0.1)).is_some());
            assert!(first.is_some(), "{late}");
        }
    }

    #[test]
    fn a_finding_says_what_was_counted_until_then() {
        let mut guard = IntervalGuard::new(&policy());
        assert_eq!(guard.observe(&counts((6, 0), (600, 2)), Some(0.1)), None);
        assert_eq!(guard.unhealthy(), None);
        assert!(guard.observe(&counts((55, 17), (5_439, 10)), Some(0.1)).is_some());
        guard.observe(&counts((1_000, 0), (1_000, 0)), Some(0.1));
        let verdict = guard.unhealthy().expect("it was found");
        let seen = "green failed 17 of 61 requests while blue failed 12 of 6,039";
        assert!(verdict.sentence.starts_with(seen), "{}", verdict.sentence);
        assert!(verdict.sentence.contains("by chance less than once in"), "{}", verdict.sentence);
        assert_eq!(verdict.evidence.green_failed, 17);
        assert!(verdict.evidence.once_in >= Some(100));
    }

    #[test]
    fn a_fault_that_blue_shares_is_none_of_greens_and_without_blue_the_limit_speaks() {
        let mut guard = IntervalGuard::new(&policy());
        for _ in 0..100 {
            assert_eq!(guard.observe(&counts((100, 30), (900, 270)), Some(0.1)), None);
        }
        let mut alone = IntervalGuard::new(&policy());
        let found = (0..5).find_map(|_| alone.observe(&counts((100, 30), (0, 0)), Some(1.0)));
        assert_eq!(found.unwrap().cause, Cause::Limit(0));
        let mut none = IntervalGuard::new(&Policy::default());
        assert!((0..100).all(|_| none.observe(&counts((100, 30), (0, 0)), Some(1.0)).is_none()));
    }

    /// What one rollout shows of failures at the margin itself, interval by interval; `breed` is the
    /// chance that a failure of green is followed by one more.
    fn failures(coin: &mut Coin, rho: f64, mean: u32, breed: f64) -> (u64, u64) {
        const MARGIN: f64 = 1.25;
        let is_greens = rho * MARGIN / (1.0 - rho + rho * MARGIN);
        let (mut green, mut blue) = (0, 0);
        // Twice the mean at most, so that intervals differ much in what happens in them.
        let mut left = (0..2 * mean).filter(|_| coin.says(0.5)).count();
        while left > 0 {
            left -= 1;
            if coin.says(is_greens) {
                green += 1;
                left += usize::from(coin.says(breed));
            } else {
                blue += 1;
            }
        }
        (green, blue)
    }

    /// Of 1,500 rollouts of 60 intervals at the margin, looked at after each interval and after each
    /// failure, 1% is 15; more than 27 has two chances in a thousand.
    #[test]
    fn a_release_at_the_margin_is_hardly_ever_refuted_by_intervals_or_by_requests() {
        for (rho, mean, breed) in [(0.1, 2, 0.0), (0.5, 10, 0.0), (0.1, 4, 0.5), (0.5, 4, 0.5)] {
            let (mut by_interval, mut by_request) = (0, 0);
            for seed in 0..1_500 {
                let mut coin = Coin::new(seed);
                let mut together = LabelTest::new(1.25, Effects::FAILURES);
                let mut single = together.clone();
                let (mut refuted, mut refuted_singly) = (false, false);
                for _ in 0..60 {
                    let (green, blue) = failures(&mut coin, rho, mean, breed);
                    together.observe_together(green, blue, rho);
                    refuted |= together.evidence() >= 100.0;
                    let (mut green, mut blue) = (green, blue);
                    while green + blue > 0 {
                        let is_green = coin.says(real_of(green) / real_of(green + blue));
                        if is_green {
                            green -= 1;
                        } else {
                            blue -= 1;
                        }
                        single.observe(is_green, rho);
                        refuted_singly |= single.evidence() >= 100.0;
                    }
                }
                by_interval += u32::from(refuted);
                by_request += u32::from(refuted_singly);
            }
            assert!(
                by_interval <= 27 && by_request <= 27,
                "{rho} {breed}: {by_interval} {by_request}"
            );
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    fn real_of(count: u64) -> f64 {
        count as f64
    }

    /// 1,500 rollouts of 60 intervals of 20 requests at the limit itself, without blue.
    #[test]
    fn a_release_at_its_limit_is_hardly_ever_refuted() {
        let mut refuted = 0;
        for seed in 0..1_500 {
            let mut coin = Coin::new(seed);
            let mut guard = IntervalGuard::new(&policy());
            refuted += u32::from((0..60).any(|_| {
                let failed = (0..20).filter(|_| coin.says(0.05)).count() as u64;
                guard.observe(&counts((20, failed), (0, 0)), Some(1.0)).is_some()
            }));
        }
        assert!(refuted <= 27, "{refuted}");
    }

    proptest! {
        #[test]
        fn whatever_is_counted_evidence_stays_a_number(
            intervals in prop::collection::vec((any::<[u64; 4]>(), 0.0..=1.0_f64), 0..20)
        ) {
            let mut guard = IntervalGuard::new(&policy());
            for ([a, b, c, d], rho) in intervals {
                let most = |count: u64| count >> 12;
                let (green, blue) = ((most(a.max(b)), most(a.min(b))), (most(c.max(d)), most(c.min(d))));
                let found = guard.observe(&counts(green, blue), Some(rho));
                prop_assert!(found.is_none_or(|found| found.evidence.is_finite()));
                prop_assert!(guard.margin.evidence().is_finite());
                prop_assert!(guard.limits.iter().all(|limit| limit.evidence().is_finite()));
            }
        }
    }
}
