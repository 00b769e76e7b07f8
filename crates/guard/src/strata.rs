//! Kinds of requests that are judged by themselves as well. Owns the test and the counts of each, and
//! what of the margin's share is laid on them; which request is of which kind is told with it.

use serde::{Deserialize, Serialize};

use crate::capital::real;
use crate::label::{Effects, LabelTest};
use crate::outcome::{Arm, Outcome};
use crate::verdict::StratumEvidence;
use crate::{Policy, Tally};

/// The part of the margin's share that stays with all requests together where strata are declared; the
/// rest is divided evenly among them. With a quarter, a half and three quarters of it a fault of one of
/// four strata took 6, 6 and 7 failures of green to be found, and one that doubles all failures 91, 86
/// and 79 where it takes 75 without strata (medians, as in `tests/rollouts/strata.rs`): evidence grows by
/// a factor with every failure, so that the choice hardly matters, and a half favours neither.
const OF_ALL: f64 = 0.5;

/// The requests of one kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stratum {
    margin: LabelTest,
    counts: [Tally; 2],
}

impl Stratum {
    /// The strata of a policy, of which nothing is known.
    pub(crate) fn all(policy: &Policy) -> Vec<Self> {
        let unknown = |_: &String| Self {
            margin: LabelTest::of(policy, policy.margin, Effects::FAILURES),
            counts: [Tally::default(); 2],
        };
        policy.strata.iter().map(unknown).collect()
    }

    /// Counts a request that is evidence and of which no test knows yet.
    pub(crate) fn count(&mut self, outcome: &Outcome) {
        let tally = &mut self.counts[outcome.arm as usize];
        tally.requests += 1;
        tally.failed += u64::from(outcome.failed());
    }

    /// Takes note of a failure that was assigned while the coin said green with `green_probability`.
    pub(crate) fn observe(&mut self, is_green: bool, green_probability: f64) {
        self.margin.observe(is_green, green_probability);
    }

    /// The evidence that green fails these requests more than the margin times as often as blue.
    pub(crate) fn evidence(&self) -> f64 {
        self.margin.evidence()
    }

    /// The figures, under this name.
    pub(crate) fn figures(&self, name: &str) -> StratumEvidence {
        let [blue, green] = [Arm::Blue, Arm::Green].map(|arm| self.counts[arm as usize]);
        StratumEvidence { name: name.to_owned(), green, blue }
    }
}

/// Of the margin's share the part that is laid on all requests together, and that on each of so many
/// strata; they sum to 1.
pub(crate) fn parts(strata: usize) -> (f64, f64) {
    if strata == 0 { (1.0, 0.0) } else { (OF_ALL, (1.0 - OF_ALL) / real(strata)) }
}
