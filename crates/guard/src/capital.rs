//! Capital laid on several hypotheses and, by restarts, on every moment at which a fault may begin. Owns
//! the mixture; what one observation does to each part is the test's.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::restarts::Restarts;

/// Capital above which more evidence changes nothing; keeps the figures finite. Holding capital down can
/// only make a test slower to speak.
pub(crate) const ENOUGH: f64 = 1e15;

/// The capital of a mixture of `Parts`, an array with a place for each hypothesis: the sum over all
/// starts so far, laid on by the prior over starts, or all of it laid on at the beginning. It is an e-process when the factors of one
/// observation are expected to be at most 1 under the claim that is tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "Parts: Serialize + DeserializeOwned")]
pub(crate) struct Capital<Parts> {
    parts: Parts,
    /// None where all was laid on at the beginning.
    restarts: Option<Restarts>,
}

impl<const COUNT: usize> Default for Capital<[f64; COUNT]> {
    fn default() -> Self {
        Self { parts: [0.0; COUNT], restarts: Some(Restarts::default()) }
    }
}

impl<const COUNT: usize> Capital<[f64; COUNT]> {
    /// Capital that is laid on "the fault was there from the beginning" alone.
    pub(crate) fn from_the_beginning() -> Self {
        Self { parts: [1.0 / real(COUNT); COUNT], restarts: None }
    }

    /// Takes in one observation, which multiplies each part by its factor.
    pub(crate) fn multiply(&mut self, factors: &[f64; COUNT]) {
        let begins_here = self.restarts.as_mut().map_or(0.0, Restarts::take) / real(COUNT);
        for (part, factor) in self.parts.iter_mut().zip(factors) {
            *part = ((*part + begins_here) * factor).min(ENOUGH);
        }
    }

    /// The evidence against the claim: 1 at the start, `1/alpha` refutes it at level `alpha`.
    pub(crate) fn evidence(&self) -> f64 {
        self.parts.iter().sum::<f64>() + self.restarts.as_ref().map_or(0.0, Restarts::unspent)
    }
}

/// A count of hypotheses as a number to divide by.
#[expect(clippy::cast_precision_loss, reason = "a count of hypotheses or tests")]
pub(crate) fn real(count: usize) -> f64 {
    count as f64
}

/// What so many observations of two kinds do to each part, whatever their order: the product of their
/// factors, by way of logarithms, so that a great many of both are not infinity times nothing.
pub(crate) fn together<const COUNT: usize>(
    (one, ones): (&[f64; COUNT], u64),
    (other, others): (&[f64; COUNT], u64),
) -> [f64; COUNT] {
    /// Above it a factor is more than [`ENOUGH`] whatever it meets; holding it down is as harmless.
    const MOST: f64 = 600.0;
    std::array::from_fn(|index| {
        let power =
            |factor: f64, times: u64| if times == 0 { 0.0 } else { count(times) * factor.ln() };
        (power(one[index], ones) + power(other[index], others)).min(MOST).exp()
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests stay far below 2^52")]
fn count(times: u64) -> f64 {
    times as f64
}
