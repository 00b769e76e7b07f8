//! An absolute limit: do more than so many of green's requests fail? Owns that test; compares with
//! nobody.

use serde::{Deserialize, Serialize};

use crate::restarts::Restarts;

/// Alternatives that are weighed against each other, spaced geometrically in their odds.
const ALTERNATIVES: usize = 8;
/// The smallest alternative, as a multiple of the limit's odds: what is found only slowly.
const LEAST: f64 = 1.4;
/// The largest alternative, as odds: 19 of 20 requests fail.
const MOST_ODDS: f64 = 19.0;
/// As for the label test.
const ENOUGH: f64 = 1e15;

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
    capital: [f64; ALTERNATIVES],
    restarts: Restarts,
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
            capital: [0.0; ALTERNATIVES],
            restarts: Restarts::default(),
        }
    }

    /// Takes note of one request.
    pub(crate) fn observe(&mut self, failed: bool) {
        let begins_here = self.restarts.take() / real(ALTERNATIVES);
        let factors = if failed { &self.failed } else { &self.succeeded };
        for (capital, factor) in self.capital.iter_mut().zip(factors) {
            *capital = ((*capital + begins_here) * factor).min(ENOUGH);
        }
    }

    /// The evidence against the claim: 1 at the start, `1/alpha` refutes it at level `alpha`.
    pub(crate) fn evidence(&self) -> f64 {
        self.capital.iter().sum::<f64>() + self.restarts.unspent()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of alternatives")]
fn real(count: usize) -> f64 {
    count as f64
}
