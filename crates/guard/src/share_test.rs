//! An absolute limit: do more than so many of green's requests fail? Owns that test; compares with
//! nobody.

use serde::{Deserialize, Serialize};

use crate::capital::{Capital, real, together};

/// Alternatives that are weighed against each other, spaced geometrically in their odds.
const ALTERNATIVES: usize = 8;
/// The smallest alternative, as a multiple of the limit's odds: what is found only slowly.
const LEAST: f64 = 1.4;
/// The largest alternative, as odds: 19 of 20 requests fail.
const MOST_ODDS: f64 = 19.0;

/// Tests "each request fails with probability at most `limit`, whatever came before".
///
/// Capital is multiplied, for each alternative `q > limit`, by `q/limit` for a failure and by
/// `(1-q)/(1-limit)` otherwise: its expectation is linear and increasing in the probability of
/// failure and 1 at the limit, so capital is a supermartingale under the tested claim (Wald's
/// likelihood ratio, mixed over alternatives and over the moment at which the fault begins).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ShareTest {
    failed: [f64; ALTERNATIVES],
    succeeded: [f64; ALTERNATIVES],
    capital: Capital<[f64; ALTERNATIVES]>,
}

impl ShareTest {
    /// A test of `limit`, above 0 and below 1.
    pub(crate) fn new(limit: f64) -> Self {
        let least = (LEAST * limit / (1.0 - limit)).ln();
        let most = MOST_ODDS.ln().max(least);
        let alternatives: [f64; ALTERNATIVES] = std::array::from_fn(|index| {
            let odds = (least + (most - least) * real(index) / real(ALTERNATIVES - 1)).exp();
            odds / (1.0 + odds)
        });
        Self {
            failed: alternatives.map(|share| share / limit),
            succeeded: alternatives.map(|share| (1.0 - share) / (1.0 - limit)),
            capital: Capital::default(),
        }
    }

    /// Takes note of one request.
    pub(crate) fn observe(&mut self, failed: bool) {
        self.capital.multiply(if failed { &self.failed } else { &self.succeeded });
    }

    /// Takes note of all requests of one interval, in whatever order they came. They are one
    /// observation, before which capital is laid down once; see [`crate::IntervalGuard`].
    pub(crate) fn observe_together(&mut self, failed: u64, succeeded: u64) {
        if failed + succeeded > 0 {
            let factors = together((&self.failed, failed), (&self.succeeded, succeeded));
            self.capital.multiply(&factors);
        }
    }

    /// The evidence against the claim: 1 at the start, `1/alpha` refutes it at level `alpha`.
    pub(crate) fn evidence(&self) -> f64 {
        self.capital.evidence()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coin::Coin;

    /// Worked out from the formula as a sum over all starts, in another language.
    #[test]
    fn evidence_is_that_of_the_formula() {
        let mut test = ShareTest::new(0.05);
        for failed in [false, false, true, false, true, true] {
            test.observe(failed);
        }
        assert!((test.evidence() / 75.585_960_980_975_41 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn capital_grows_by_nothing_at_the_limit_and_shrinks_below() {
        for limit in [0.0005, 0.05, 0.4, 0.97] {
            let test = ShareTest::new(limit);
            for index in 0..ALTERNATIVES {
                let expected = |p: f64| p * test.failed[index] + (1.0 - p) * test.succeeded[index];
                assert!((expected(limit) - 1.0).abs() < 1e-9, "{limit}");
                assert!(expected(limit / 2.0) < 1.0, "{limit}");
            }
        }
    }

    /// 4,000 runs of 500 requests at the limit itself, looked at after each; see the label test.
    #[test]
    fn a_release_at_its_limit_is_hardly_ever_refuted() {
        let mut refuted = 0;
        for seed in 0..4_000 {
            let mut coin = Coin::new(seed);
            let mut test = ShareTest::new(0.05);
            refuted += u32::from((0..500).any(|_| {
                test.observe(coin.says(0.05));
                test.evidence() >= 100.0
            }));
        }
        assert!(refuted < 60, "{refuted}");
    }
}
