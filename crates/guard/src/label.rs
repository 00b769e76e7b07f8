//! Green against blue: given a failure, whose was it? Owns that test; knows neither the order in
//! which outcomes arrive nor what is done about its answer.

use serde::{Deserialize, Serialize};

use crate::Policy;
use crate::capital::{Capital, real, together};

/// Effects that are weighed against each other, spaced geometrically.
const EFFECTS: usize = 22;

/// The range of effects over which capital is laid, as multiples of the margin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Effects {
    /// The smallest: what is found only slowly.
    pub(crate) least: f64,
    /// The largest.
    pub(crate) most: f64,
}

impl Effects {
    /// For failures: from "a third more" to "blue has hardly any".
    pub(crate) const FAILURES: Self = Self { least: 1.3, most: 1500.0 };
    /// For slow requests, of which blue has 1% to 50% by construction.
    pub(crate) const SLOWNESS: Self = Self { least: 1.1, most: 100.0 };

    /// For each effect, three figures of a test of `margin` at one probability of green: what one of
    /// green's failures adds to the logarithm of its capital; what blue's failures that fall to one
    /// request of green add, where blue fails with probability `blue`; and how far it is to `bar`,
    /// which is the logarithm of what the capital laid on all effects must grow by, with the last step
    /// beyond it. None where only one arm serves.
    pub(crate) fn growths(
        self,
        green_probability: f64,
        margin: f64,
        blue: f64,
        bar: f64,
    ) -> Vec<[f64; 3]> {
        if !(green_probability > 0.0 && green_probability < 1.0) {
            return Vec::new();
        }
        let factors = Factors::at(green_probability, margin, &self.each());
        let beside = blue * (1.0 - green_probability) / green_probability;
        let bar = bar + real(EFFECTS).ln();
        let pairs = factors.green.iter().zip(&factors.blue);
        pairs.map(|(green, other)| [green.ln(), beside * other.ln(), bar + green.ln()]).collect()
    }

    fn each(self) -> [f64; EFFECTS] {
        let step = (self.most / self.least).ln() / real(EFFECTS - 1);
        std::array::from_fn(|index| self.least * (step * real(index)).exp())
    }
}

/// Tests "green fails at most `margin` times as often as blue", for every request by itself.
///
/// The router tosses a coin that says green with probability `rho`, whatever becomes of the request.
/// If green would fail it with probability `d` times blue's, a failure is green's with probability
/// `rho d / (1 - rho + rho d)`. Capital is multiplied, for each effect `D > 1`, by
/// `D^z (1 - rho + rho m) / (1 - rho + rho D m)`, with `z = 1` for green and `m` the margin: its
/// expectation is `((1 - rho + rho d D) / (1 - rho + rho d)) / ((1 - rho + rho m D) / (1 - rho + rho m))`,
/// which is 1 at `d = m` and increases with `d`. So under the tested claim capital is a
/// supermartingale that begins at 1, and by Ville's inequality it ever reaches `1/alpha` with
/// probability at most `alpha`, however often one looks. What both arms suffer alike cancels, and
/// `rho` may change from request to request. After Lindon and Malek, arXiv 2011.03567.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub(crate) struct LabelTest {
    margin: f64,
    effects: [f64; EFFECTS],
    capital: Capital<[f64; EFFECTS]>,
    factors: Factors,
}

/// What one failure does to the capital at one probability of green.
#[derive(Clone, Debug, PartialEq)]
struct Factors {
    green_probability: f64,
    green: [f64; EFFECTS],
    blue: [f64; EFFECTS],
}

impl LabelTest {
    /// A test of `margin` (1 or more) over `effects`.
    pub(crate) fn new(margin: f64, effects: Effects) -> Self {
        Self::with(margin, effects.each())
    }

    /// The same for clients as `policy` knows them. Where each is tied to its arm only the first failure
    /// of each is told, and capital is laid down once: a better green's clients fail later than blue's,
    /// which from a moment in the middle looks as if green alone failed.
    pub(crate) fn of(policy: &Policy, margin: f64, effects: Effects) -> Self {
        let test = Self::new(margin, effects);
        match policy.client_window_us {
            Some(_) => test,
            None => Self { capital: Capital::from_the_beginning(), ..test },
        }
    }

    fn with(margin: f64, effects: [f64; EFFECTS]) -> Self {
        let factors = Factors::at(0.5, margin, &effects);
        Self { margin, effects, capital: Capital::default(), factors }
    }

    /// Takes note of a failure that was assigned while the coin said green with
    /// `green_probability`. At 0 and 1 there is nothing to compare: no evidence.
    pub(crate) fn observe(&mut self, is_green: bool, green_probability: f64) {
        if !(green_probability > 0.0 && green_probability < 1.0) {
            return;
        }
        if self.factors.differs_from(green_probability) {
            self.factors = Factors::at(green_probability, self.margin, &self.effects);
        }
        let factors = if is_green { &self.factors.green } else { &self.factors.blue };
        self.capital.multiply(factors);
    }

    /// Takes note of all failures of one interval in which the coin said green with the same
    /// `green_probability`, in whatever order they came. Their labels are one observation, before
    /// which capital is laid down once; see [`crate::IntervalGuard`].
    pub(crate) fn observe_together(&mut self, green: u64, blue: u64, green_probability: f64) {
        if green + blue == 0 || !(green_probability > 0.0 && green_probability < 1.0) {
            return;
        }
        let of_one = Factors::at(green_probability, self.margin, &self.effects);
        self.capital.multiply(&together((&of_one.green, green), (&of_one.blue, blue)));
    }

    /// The evidence against the claim: 1 at the start, `1/alpha` refutes it at level `alpha`.
    pub(crate) fn evidence(&self) -> f64 {
        self.capital.evidence()
    }
}

impl Factors {
    fn at(green_probability: f64, margin: f64, effects: &[f64; EFFECTS]) -> Self {
        let rest = 1.0 - green_probability;
        let blue = effects.map(|effect| {
            (rest + green_probability * margin) / (rest + green_probability * effect * margin)
        });
        let green = std::array::from_fn(|index| blue[index] * effects[index]);
        Self { green_probability, green, blue }
    }

    fn differs_from(&self, green_probability: f64) -> bool {
        self.green_probability.to_bits() != green_probability.to_bits()
    }
}

/// What is kept over a restart of the process; the factors follow from it.
#[derive(Serialize, Deserialize)]
struct Saved {
    margin: f64,
    effects: [f64; EFFECTS],
    capital: Capital<[f64; EFFECTS]>,
}

impl From<Saved> for LabelTest {
    fn from(saved: Saved) -> Self {
        let Saved { margin, effects, capital } = saved;
        Self { capital, ..Self::with(margin, effects) }
    }
}

impl From<LabelTest> for Saved {
    fn from(test: LabelTest) -> Self {
        let LabelTest { margin, effects, capital, factors: _ } = test;
        Self { margin, effects, capital }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coin::Coin;
    use proptest::prelude::*;

    fn evidence_of(margin: f64, failures: &[(bool, f64)]) -> f64 {
        let mut test = LabelTest::new(margin, Effects::FAILURES);
        for (is_green, rho) in failures {
            test.observe(*is_green, *rho);
        }
        test.evidence()
    }

    /// The figures were worked out from the formula as a sum over all starts, in another language.
    #[test]
    fn evidence_is_that_of_the_formula() {
        let close = |evidence: f64, exact: f64| (evidence / exact - 1.0).abs() < 1e-12;
        assert!(close(evidence_of(1.25, &[(true, 0.01), (true, 0.01)]), 784.274_870_209_142_1));
        let mixed = [(false, 0.01), (false, 0.01), (false, 0.01), (true, 0.1), (true, 0.1)];
        let rest = [(true, 0.1), (true, 0.1), (false, 0.5), (true, 0.5)];
        assert!(close(evidence_of(1.0, &[&mixed[..], &rest].concat()), 62.067_771_557_500_826));
    }

    #[test]
    fn where_only_one_arm_serves_there_is_no_evidence() {
        let nothing = evidence_of(1.0, &[(true, 1.0), (true, 1.0), (false, 0.0)]);
        assert!((nothing - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn it_survives_being_written_and_read() {
        let mut test = LabelTest::new(1.25, Effects::SLOWNESS);
        for n in 0..40 {
            test.observe(n % 3 == 0, 0.1);
        }
        let text = serde_json::to_string(&test).expect("plain data");
        let mut read: LabelTest = serde_json::from_str(&text).expect("own text");
        test.observe(true, 0.5);
        read.observe(true, 0.5);
        assert!((read.evidence() / test.evidence() - 1.0).abs() < 1e-9);
    }

    proptest! {
        /// What makes the test valid: given a failure, capital is expected to stay where it is at
        /// the margin and to shrink below it.
        #[test]
        fn capital_grows_by_nothing_at_the_margin_and_shrinks_below(
            rho in 0.0001_f64..0.9999, margin in 1.0_f64..4.0, part in 0.0_f64..1.0,
        ) {
            let factors = Factors::at(rho, margin, &Effects::FAILURES.each());
            let expected = |ratio: f64, index: usize| {
                let green = rho * ratio / (1.0 - rho + rho * ratio);
                green * factors.green[index] + (1.0 - green) * factors.blue[index]
            };
            for index in 0..EFFECTS {
                prop_assert!((expected(margin, index) - 1.0).abs() < 1e-9);
                prop_assert!(expected(margin * part, index) <= 1.0 + 1e-9);
                prop_assert!(expected(margin * 2.0, index) > 1.0);
            }
        }
    }

    /// Looked at after every failure, with the weight changing in the middle: a release at the very
    /// edge of what is tolerated is refuted in at most one of a hundred runs. 4,000 runs with fixed
    /// seeds; 60 refutations (1.5%) would be five standard deviations above the bound.
    #[test]
    fn a_release_at_the_margin_is_hardly_ever_refuted() {
        let mut refuted = 0;
        for seed in 0..4_000 {
            let mut coin = Coin::new(seed);
            let mut test = LabelTest::new(1.25, Effects::FAILURES);
            let looks = (0..400).map(|n| [0.01, 0.1, 0.5, 0.2][n / 100]);
            refuted += u32::from(looks.into_iter().any(|rho| {
                test.observe(coin.says(rho * 1.25 / (1.0 - rho + rho * 1.25)), rho);
                test.evidence() >= 100.0
            }));
        }
        assert!(refuted < 60, "{refuted}");
    }
}
