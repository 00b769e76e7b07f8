//! How much of a test's capital is laid on "the fault begins here". Owns the prior over change
//! times; knows nothing of what is tested.

use serde::{Deserialize, Serialize};

/// Weight of the part of the prior that falls with the square of the index: a fault that is there
/// from the start.
const EARLY: f64 = 0.5;
/// Weight of the part that falls hardly faster than the index: a fault that begins late. The largest
/// round figure that keeps the whole at most 1, because
/// `sum over k >= 1 of 1/((k+1) ln^2(k+2)) < 1.3067` (summed to two million terms, plus the integral
/// of the rest), so that `0.5 + 0.38 * 1.3067 < 0.9966`.
const LATE: f64 = 0.38;

/// The prior over the index at which a fault begins, handed out one index after the other:
/// `0.5/(k(k+1)) + 0.38/((k+1) ln^2(k+2))`, which sums to less than 1.
///
/// A mixture of supermartingales that start at 1 with weights that sum to at most 1 is itself one,
/// so a test that adds this share of its capital before the k-th observation stays valid at every
/// moment, whenever the fault begins. Source: shared mathematics of change-point mixtures; the proof
/// stands in the documentation of the guard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Restarts {
    next: u64,
    unspent: f64,
    /// `LATE / ln^2`, taken at `until`: a little less than at the index itself, never more.
    late: f64,
    until: u64,
}

impl Default for Restarts {
    fn default() -> Self {
        Self { next: 1, unspent: 1.0, late: 0.0, until: 0 }
    }
}

/// The share of the capital for a fault that begins with the observation of this index, 1 or more:
/// what [`Restarts::take`] gives, or up to a fiftieth less.
pub(crate) fn share_at(index: u64) -> f64 {
    let index = index.max(1);
    let logarithm = real(index + index / 64 + 2).ln();
    (EARLY / real(index) + LATE / (logarithm * logarithm)) / real(index + 1)
}

impl Restarts {
    /// The share of the capital, 0 to 1, for a fault that begins with the next observation.
    pub(crate) fn take(&mut self) -> f64 {
        if self.next > self.until {
            self.until = self.next + self.next / 64;
            let logarithm = real(self.until + 2).ln();
            self.late = LATE / (logarithm * logarithm);
        }
        let index = real(self.next);
        let share = (EARLY / index + self.late) / (index + 1.0);
        self.next += 1;
        self.unspent -= share;
        share
    }

    /// The share of the capital that no index was given yet.
    pub(crate) fn unspent(&self) -> f64 {
        self.unspent.max(0.0)
    }
}

#[expect(clippy::cast_precision_loss, reason = "indices of observations stay far below 2^52")]
fn real(index: u64) -> f64 {
    index as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_follow_the_formula_and_never_exceed_the_capital() {
        let mut restarts = Restarts::default();
        let mut sum = 0.0;
        for index in 1..=3_000_000_u64 {
            let k = real(index);
            let logarithm = (k + 2.0).ln();
            let exact = 0.5 / (k * (k + 1.0)) + 0.38 / ((k + 1.0) * logarithm * logarithm);
            let share = restarts.take();
            assert!(share <= exact * (1.0 + 1e-12) && share > exact * 0.98, "{index}");
            assert!(share_at(index) <= share && share_at(index) > exact * 0.97, "{index}");
            sum += exact;
        }
        // What is left of the slow part, by its integral.
        let rest = LATE / real(3_000_000).ln() + 1.0 / 3e6;
        assert!(sum + rest < 1.0, "{sum} + {rest}");
        assert!(restarts.unspent() > 0.0);
    }
}
