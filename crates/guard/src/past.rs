//! What is known of blue's traffic before a rollout begins. Owns that memory; judges nobody.

use serde::{Deserialize, Serialize};

use crate::Horizon;
use crate::clients::Crowd;
use crate::outcome::Observed;

/// Answers of an earlier release that go on counting: as many as a threshold is taken from at first.
const KEPT: u64 = 200;

/// How fast blue answers and fails, and whether one client stands for many: learnt while blue serves
/// alone, so that the guard of the next rollout need not begin with guesses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Past {
    pub(crate) horizon: Horizon,
    pub(crate) crowd: Crowd,
}

impl Past {
    /// Takes note of a request that blue served.
    pub fn saw(&mut self, observed: &Observed) {
        let outcome = &observed.outcome;
        if outcome.is_evidence() {
            self.horizon.saw(outcome.failed(), outcome.latency_us);
        }
        self.crowd.saw(observed.client);
    }

    /// Says that blue became another release: what was learnt of the one before is worth less.
    pub fn fade(&mut self) {
        self.horizon.fade(KEPT);
    }

    /// The p99 of the answers in microseconds; none while too few are known.
    pub fn usual_us(&self) -> Option<u64> {
        self.horizon.usual_us()
    }

    /// Whether one client sends so much that it must be a gateway.
    pub fn has_gateway(&self) -> bool {
        self.crowd.has_gateway()
    }
}

impl From<Horizon> for Past {
    fn from(horizon: Horizon) -> Self {
        Self { horizon, crowd: Crowd::default() }
    }
}
