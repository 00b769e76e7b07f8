//! How long an outcome waits for requests that were assigned before it. Owns that time, learnt from
//! blue; hands nothing out itself.

use serde::{Deserialize, Serialize};

use crate::{Histogram, Quantile};

/// Longest wait while blue's failures are not known: what analysis of the peers' traces allowed.
const UNKNOWN_US: u64 = 2_000_000;
/// Longest wait ever: the proxy's own time limit for an answer, after which every failure is known.
const LONGEST_US: u64 = 30_000_000;
/// Failures of blue from which their speed is known: the 95th of a hundred is then bracketed.
const KNOWN: u64 = 20;

/// The speed of blue's failures and answers, also from before the rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Horizon {
    failures: Histogram,
    answers: Histogram,
}

impl Horizon {
    /// Takes note of one of blue's requests.
    pub fn saw(&mut self, failed: bool, latency_us: u32) {
        self.answers.record(latency_us);
        if failed {
            self.failures.record(latency_us);
        }
    }

    /// How long to wait, in microseconds: as long as nearly all of blue's failures take, because a
    /// failure of blue that is still under way must be counted before a quicker one of green that
    /// was assigned later. While hardly any is known, as long as nearly all of blue's answers take,
    /// and two seconds at most.
    pub fn wait_us(&self) -> u64 {
        if self.failures.count() >= KNOWN {
            return self.failures.quantile_us(Quantile(99)).unwrap_or(UNKNOWN_US).min(LONGEST_US);
        }
        self.answers.thousandth_us(999).map_or(UNKNOWN_US, |latency| latency.min(UNKNOWN_US))
    }
}
