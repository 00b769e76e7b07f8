//! The sum of many outcomes of one arm. Owns no rule about what is good or bad.

use serde::{Deserialize, Serialize};

use crate::{Histogram, Outcome};

/// What one arm did over some stretch of time. Only evidence is counted; pinned requests and
/// aborted clients stand apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests that are evidence.
    pub requests: u64,
    /// Those of them that the arm failed.
    pub failed: u64,
    /// Requests assigned by something other than the coin.
    pub pinned: u64,
    /// Requests whose client went away first.
    pub aborted: u64,
    /// Latencies of the requests that are evidence.
    pub latency: Histogram,
}

impl Counts {
    /// Adds one outcome.
    pub fn record(&mut self, outcome: &Outcome) {
        if outcome.pinned {
            self.pinned += 1;
        } else if !outcome.is_evidence() {
            self.aborted += 1;
        } else {
            self.requests += 1;
            self.failed += u64::from(outcome.failed());
            self.latency.record(outcome.latency_us);
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failed += other.failed;
        self.pinned += other.pinned;
        self.aborted += other.aborted;
        self.latency.merge(&other.latency);
    }

    /// What was counted since `earlier`, an older reading of the same counter. A counter that went
    /// backwards (it was started anew) counts from zero.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        if self.requests < earlier.requests {
            return self.clone();
        }
        Self {
            requests: self.requests - earlier.requests,
            failed: self.failed.saturating_sub(earlier.failed),
            pinned: self.pinned.saturating_sub(earlier.pinned),
            aborted: self.aborted.saturating_sub(earlier.aborted),
            latency: self.latency.since(&earlier.latency),
        }
    }
}
