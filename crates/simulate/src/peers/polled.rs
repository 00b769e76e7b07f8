//! The seeds' own threshold, asked once a minute with no second chance: Argo Rollouts' defaults with
//! `error_rate > 5%`.

use super::{Peer, after_minutes};
use crate::counts::Series;

/// More than 5% in one minute.
pub(super) const FIVE_PERCENT: Peer = Peer {
    name: "polled each minute, > 5%, limit 0",
    source: "the threshold of the seed documents with Argo Rollouts' default failureLimit 0",
    decide,
};

fn decide(series: &Series) -> Option<usize> {
    let is_bad = |minute| series.green.minute(minute).is_some_and(|share| share > 0.05);
    after_minutes(series, 1, 1, is_bad)
}
