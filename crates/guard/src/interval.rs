//! What a source counted in one interval. Owns the counts; judges nothing.

use serde::{Deserialize, Serialize};

/// What both arms did in one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntervalCounts {
    /// What is coming.
    pub green: Tally,
    /// What serves.
    pub blue: Tally,
}

/// What one arm did in one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Requests that are evidence: without those whose clients went away first.
    pub requests: u64,
    /// Those of them that the arm failed.
    pub failed: u64,
}
