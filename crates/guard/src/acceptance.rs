//! The tests that green must pass to be called healthy: that it is *not* much worse. Owns them; they
//! never send anything back.

use serde::{Deserialize, Serialize};

/// What a proof refutes: that green fails this many times as often as blue, or more. Twice is the
/// smallest harm that a rollout of half an hour can see at a hundred requests a second.
const TWICE: f64 = 2.0;
/// Ratios to blue that the capital is laid on.
const RATIOS: [f64; 3] = [1.0, 0.5, 0.1];
/// Fractions of the limit that the capital is laid on.
const FRACTIONS: [f64; 3] = [0.5, 0.2, 0.02];
/// As for the label test.
const ENOUGH: f64 = 1e15;

/// Tests "green fails at least twice as often as blue": the label test the other way round, with
/// `(D/m)^z (1 - rho + rho m) / (1 - rho + rho D)` for `D < m = 2`, whose expectation decreases with
/// the true ratio and is 1 at `m`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NotTwice {
    capital: [f64; RATIOS.len()],
}

impl Default for NotTwice {
    fn default() -> Self {
        Self { capital: [1.0 / real(RATIOS.len()); RATIOS.len()] }
    }
}

impl NotTwice {
    /// Takes note of a failure; see the label test.
    pub(crate) fn observe(&mut self, is_green: bool, green_probability: f64) {
        let rest = 1.0 - green_probability;
        for (capital, ratio) in self.capital.iter_mut().zip(RATIOS) {
            let label = if is_green { ratio / TWICE } else { 1.0 };
            let factor =
                label * (rest + green_probability * TWICE) / (rest + green_probability * ratio);
            *capital = (*capital * factor).min(ENOUGH);
        }
    }

    /// The evidence that green does not fail twice as often as blue.
    pub(crate) fn evidence(&self) -> f64 {
        self.capital.iter().sum()
    }
}

/// Tests "at least `limit` of green's requests fail", by Wald's likelihood ratio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BelowLimit {
    limit: f64,
    capital: [f64; FRACTIONS.len()],
}

impl BelowLimit {
    /// A test of `limit`, above 0 and below 1.
    pub(crate) fn new(limit: f64) -> Self {
        Self { limit, capital: [1.0 / real(FRACTIONS.len()); FRACTIONS.len()] }
    }

    /// Takes note of one of green's requests.
    pub(crate) fn observe(&mut self, failed: bool) {
        for (capital, fraction) in self.capital.iter_mut().zip(FRACTIONS) {
            let succeeded = (1.0 - fraction * self.limit) / (1.0 - self.limit);
            *capital = (*capital * if failed { fraction } else { succeeded }).min(ENOUGH);
        }
    }

    /// The evidence that green stays below the limit.
    pub(crate) fn evidence(&self) -> f64 {
        self.capital.iter().sum()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of three")]
fn real(count: usize) -> f64 {
    count as f64
}
