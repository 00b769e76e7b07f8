//! The tests that green must pass to be called healthy: that it is *not* much worse. Owns them; they
//! never send anything back.

use serde::{Deserialize, Serialize};

use crate::capital::{ENOUGH, real};

/// What a proof refutes: that green fails this many times as often as blue, or more. Twice is the
/// smallest harm that a rollout of half an hour can see at a hundred requests a second.
const TWICE: f64 = 2.0;
/// Ratios to blue that the capital is laid on.
const RATIOS: [f64; 3] = [1.0, 0.5, 0.1];
/// Fractions of the limit that the capital is laid on.
const FRACTIONS: [f64; 3] = [0.5, 0.2, 0.02];

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked out from the formulas in another language.
    #[test]
    fn evidence_is_that_of_the_formulas() {
        let close = |evidence: f64, exact: f64| (evidence / exact - 1.0).abs() < 1e-12;
        let mut twice = NotTwice::default();
        let failures = [(false, 0.1), (false, 0.5), (true, 0.5), (false, 0.5)];
        for (is_green, rho) in failures {
            twice.observe(is_green, rho);
        }
        assert!(close(twice.evidence(), 1.799_362_051_425_448_7));
        let mut below = BelowLimit::new(0.05);
        for n in 0..61 {
            below.observe(n == 60);
        }
        assert!(close(below.evidence(), 1.720_027_127_230_146));
    }

    #[test]
    fn what_is_twice_as_bad_or_at_its_limit_proves_nothing_on_average() {
        for rho in [0.01, 0.1, 0.5, 0.95] {
            let green = rho * TWICE / (1.0 - rho + rho * TWICE);
            let after = |is_green: bool| {
                let mut test = NotTwice::default();
                test.observe(is_green, rho);
                test.evidence()
            };
            assert!((green * after(true) + (1.0 - green) * after(false) - 1.0).abs() < 1e-12);
        }
        let after = |failed: bool| {
            let mut test = BelowLimit::new(0.05);
            test.observe(failed);
            test.evidence()
        };
        assert!((0.05 * after(true) + 0.95 * after(false) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_hundred_good_answers_prove_a_limit_of_five_percent() {
        let mut test = BelowLimit::new(0.05);
        let needed = (1..200).find(|_| {
            test.observe(false);
            test.evidence() >= 20.0
        });
        assert!(needed.is_some_and(|needed| (60..110).contains(&needed)), "{needed:?}");
    }
}
