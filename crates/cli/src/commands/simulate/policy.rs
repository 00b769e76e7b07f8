//! From what a lane declares to what the guard tests. Owns that mapping; tests nothing.

use towpath_core::matrix::LaneSpec;
use towpath_guard::Policy;

/// Least error rate that the guard takes as a limit: the smallest share that a matrix can write.
const LEAST: f64 = 0.0001;

/// The guard's policy for a lane: the declared limits, and the guard's defaults for the rest. A limit
/// of 100% can never be broken, so it is none.
pub(super) fn of(lane: &LaneSpec) -> Policy {
    let limits = &lane.rollback.limits;
    Policy {
        error_rate: limits.error_rate.filter(|share| *share < 1.0).map(|share| share.max(LEAST)),
        latency: limits.latency.clone(),
        ..Policy::default()
    }
}
