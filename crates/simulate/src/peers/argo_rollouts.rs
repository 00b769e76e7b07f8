//! Argo Rollouts: a metric fails when more measurements than `failureLimit` failed
//! (`analysis/analysis.go`, `assessMetricFailureInconclusiveOrError`, commit 9f8d111d8).

use super::{Peer, after_minutes};
use crate::counts::Series;

/// The example of `docs/features/analysis.md`: a success rate of 95%, every 5 minutes, over the last
/// two scrapes (`irate`), `failureLimit: 3`. The prose says three failing measurements, the code needs
/// a fourth.
pub(super) const DOCUMENTED: Peer = Peer {
    name: "Argo Rollouts, documented: 5m, 95%, limit 3",
    source: "argoproj/argo-rollouts docs/features/analysis.md, analysis/analysis.go at 9f8d111d8",
    decide: documented,
};

/// The same once a minute, over that minute.
pub(super) const EACH_MINUTE: Peer = Peer {
    name: "Argo Rollouts, 1m, 95%, limit 3",
    source: "argoproj/argo-rollouts analysis/analysis.go at 9f8d111d8, interval of one minute",
    decide: each_minute,
};

const FAILURES: usize = 4;
const TOLERATED: f64 = 0.05;

fn documented(series: &Series) -> Option<usize> {
    let is_bad = |minute| series.green.end_of_minute(minute).is_some_and(|share| share > TOLERATED);
    after_minutes(series, 5, FAILURES, is_bad)
}

fn each_minute(series: &Series) -> Option<usize> {
    let is_bad = |minute| series.green.minute(minute).is_some_and(|share| share > TOLERATED);
    after_minutes(series, 1, FAILURES, is_bad)
}
