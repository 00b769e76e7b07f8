//! What was found against green, and how a person reads it. Owns the words; weighs nothing.

use serde::{Deserialize, Serialize};

/// What was found against green.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It fails more than the margin times as often as blue.
    Margin,
    /// It fails more than the margin times as often as blue, and that shows in the stratum at this
    /// position of the policy's at least as clearly as in all requests.
    Stratum(usize),
    /// It fails far more often than blue, whatever the order.
    Catastrophe,
    /// It breaks the absolute limit of this position: the error rate first, then latencies.
    Limit(usize),
    /// It is slower than blue by more than the factor at this position of the policy's latencies.
    Slower(usize),
}

/// A finding, once and for ever.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What weighed most.
    pub cause: Cause,
    /// The evidence at the deciding outcome: a good release shows as much, by chance, in at most one
    /// rollout of so many.
    pub evidence: f64,
}
