//! Green against blue: given a failure, whose was it? Owns that test; knows neither the order in
//! which outcomes arrive nor what is done about its answer.

use serde::{Deserialize, Serialize};

use crate::restarts::Restarts;

/// Effects that are weighed against each other, spaced geometrically.
const EFFECTS: usize = 22;
/// Capital above which more evidence changes nothing; keeps the figures finite. Holding capital
/// down can only make the test slower to speak.
const ENOUGH: f64 = 1e15;

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
    capital: [f64; EFFECTS],
    restarts: Restarts,
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

    fn with(margin: f64, effects: [f64; EFFECTS]) -> Self {
        let capital = [0.0; EFFECTS];
        let factors = Factors::at(0.5, margin, &effects);
        Self { margin, effects, capital, restarts: Restarts::default(), factors }
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
        let begins_here = self.restarts.take() / real(EFFECTS);
        let factors = if is_green { &self.factors.green } else { &self.factors.blue };
        for (capital, factor) in self.capital.iter_mut().zip(factors) {
            *capital = ((*capital + begins_here) * factor).min(ENOUGH);
        }
    }

    /// The evidence against the claim: 1 at the start, `1/alpha` refutes it at level `alpha`.
    pub(crate) fn evidence(&self) -> f64 {
        self.capital.iter().sum::<f64>() + self.restarts.unspent()
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
    capital: [f64; EFFECTS],
    restarts: Restarts,
}

impl From<Saved> for LabelTest {
    fn from(saved: Saved) -> Self {
        let Saved { margin, effects, capital, restarts } = saved;
        Self { capital, restarts, ..Self::with(margin, effects) }
    }
}

impl From<LabelTest> for Saved {
    fn from(test: LabelTest) -> Self {
        let LabelTest { margin, effects, capital, restarts, factors: _ } = test;
        Self { margin, effects, capital, restarts }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of effects")]
fn real(count: usize) -> f64 {
    count as f64
}
