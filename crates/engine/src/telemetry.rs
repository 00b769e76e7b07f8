//! Keeps counts per interval beside the journal: what visitors met and what probes found, at all
//! times. A gap stays a gap.

use std::collections::BTreeMap;
use std::sync::Arc;

use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::units::{Span, Timestamp};
use towpath_guard::{Histogram, Quantile};
use towpath_ports::store::{INTERVALS_KEPT, IntervalRow};

use crate::executor::{self, INTERVAL};
use crate::shared::Shared;
use crate::tokens;

/// How far back a new engine asks the routers: they keep two days (see the proxy).
const CATCH_UP: Span = Span::hours(48);

/// Rows that one sweep removes at most, so that it never holds the store up.
const SWEEP: u32 = 5_000;

/// Collects until the engine stops.
pub(crate) fn spawn(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let width = INTERVAL.faster(shared.setup.speed);
        let mut taken: BTreeMap<LaneId, Timestamp> = BTreeMap::new();
        while !shared.is_stopped() {
            collect(&shared, width, &mut taken).await;
            tokens::keep_uses(&shared).await;
            let before = shared.now().minus(INTERVALS_KEPT);
            if let Err(error) = shared.setup.store.drop_intervals(before, SWEEP).await {
                tracing::warn!(%error, "old telemetry was not removed");
            }
            tokio::time::sleep(width.into()).await;
        }
    });
}

async fn collect(shared: &Shared, width: Span, taken: &mut BTreeMap<LaneId, Timestamp>) {
    let mut lanes: Vec<_> =
        executor::deployments_of(shared).into_iter().map(|(lane, _, _, _)| lane).collect();
    lanes.dedup();
    for lane in lanes {
        let earliest = shared.now().minus(CATCH_UP);
        let since = taken.get(&lane).copied().unwrap_or(earliest);
        if let Some(last) = take_in(shared, &lane, since, width).await {
            // The last interval is not over: it is taken again next time.
            taken.insert(lane, last);
        }
    }
}

/// Takes what the router counted in a lane since `since` in; answers when the last interval began.
async fn take_in(
    shared: &Shared,
    lane: &LaneId,
    since: Timestamp,
    width: Span,
) -> Option<Timestamp> {
    let found = executor::deployments_of(shared).into_iter().find(|(own, _, _, _)| own == lane);
    let router = shared.setup.adapters.router(&found?.1.router?).ok()?;
    let intervals = router.intervals(lane, since).await.ok()?;
    let visitors = intervals.iter().map(|interval| IntervalRow {
        lane: lane.clone(),
        deployment: interval.deployment,
        source: IntervalRow::VISITORS.to_owned(),
        start: interval.start,
        width,
        total: interval.counts.requests,
        failed: interval.counts.failed,
        p99_us: interval.counts.latency.quantile_us(Quantile(99)),
        latency: Some(interval.counts.latency.clone()),
    });
    let failed = intervals.iter().flat_map(|interval| {
        interval.failed_paths.iter().map(|(pattern, count)| IntervalRow {
            lane: lane.clone(),
            deployment: interval.deployment,
            source: format!("{}{pattern}", IntervalRow::FAILED),
            start: interval.start,
            width,
            total: *count,
            failed: *count,
            p99_us: None,
            latency: None,
        })
    });
    let rows: Vec<IntervalRow> = visitors.chain(failed).collect();
    let last = intervals.last().map(|interval| interval.start)?;
    shared.setup.store.keep_intervals(&rows).await.ok().map(|()| last)
}

/// Adds probes to their interval.
pub(crate) async fn add(shared: &Shared, mut row: IntervalRow) {
    let known = shared.setup.store.intervals(&row.lane, row.start).await.unwrap_or_default();
    let same = known.iter().find(|known| {
        known.start == row.start && known.source == row.source && known.deployment == row.deployment
    });
    if let Some(known) = same {
        row.total += known.total;
        row.failed += known.failed;
    }
    if let Err(error) = shared.setup.store.keep_intervals(&[row]).await {
        tracing::warn!(%error, "probes were not kept");
    }
}

/// What visitors and probes met in a lane since `since`: totals and failures, and for how long nobody
/// counted them. The two are apart: an answered probe says nothing about visitors.
pub(crate) struct Record {
    pub(crate) visitors: (u64, u64),
    pub(crate) probes: (u64, u64),
    /// Time of which the router told nothing. Time in which it ran and nobody came is none: such
    /// intervals are there with zero requests.
    pub(crate) visitor_gaps: Span,
    /// Time in which a probe was due and none was made.
    pub(crate) probe_gaps: Span,
    /// How long the answers took, as far as it was kept.
    pub(crate) latency: Histogram,
    /// Whether a router counts visitors, and whether probes are declared.
    pub(crate) is_counted: (bool, bool),
    /// When the first interval began of which anything is kept.
    pub(crate) first: Option<Timestamp>,
}

/// Sums what is kept of one deployment since `since`; of all that ever served there when none is named.
pub(crate) async fn record_of(
    shared: &Shared,
    lane: &LaneId,
    deployment: Option<PromotionNumber>,
    since: Timestamp,
) -> Result<Record, String> {
    let width = INTERVAL.faster(shared.setup.speed);
    // The interval in which `since` lies counts as well, and so does the one that is under way.
    let from = executor::interval_of(shared, since);
    take_in(shared, lane, from, width).await;
    let rows = shared.setup.store.intervals(lane, from).await.map_err(|error| error.to_string())?;
    let own = |source: &str| {
        let is_meant = |row: &&IntervalRow| deployment.is_none_or(|it| it == row.deployment);
        let own = rows.iter().filter(is_meant).filter(|row| row.source == source);
        own.collect::<Vec<_>>()
    };
    let (visitors, probes) = (own(IntervalRow::VISITORS), own("probes"));
    let (has_router, every) = expected(shared, lane);
    let until = shared.now();
    let none = Span::ZERO;
    Ok(Record {
        visitors: sum(&visitors),
        probes: sum(&probes),
        visitor_gaps: if has_router { uncovered(&visitors, none, since, until) } else { none },
        probe_gaps: every.map_or(none, |every| uncovered(&probes, every, since, until)),
        latency: latency_of(&visitors),
        is_counted: (has_router, every.is_some()),
        first: visitors.iter().chain(&probes).map(|row| row.start).min(),
    })
}

/// Whether somebody counts visitors in the lane, and how long it is from the end of one round of
/// probes to that of the next at the most; none where none are declared.
fn expected(shared: &Shared, lane: &LaneId) -> (bool, Option<Span>) {
    shared.read(|project| {
        let matrix = project.common.matrix.as_ref();
        let Some((_, section)) = matrix.and_then(|matrix| matrix.lane(lane)) else {
            return (false, None);
        };
        let health = &section.health;
        let paths = health.endpoints.len() as u64;
        let round = Span(health.timeout.milliseconds().saturating_mul(paths));
        let every = health.every.filter(|_| paths > 0);
        let every = every.map(|every| Span(every.milliseconds().saturating_add(round.0)));
        (section.router.is_some(), every)
    })
}

fn sum(rows: &[&IntervalRow]) -> (u64, u64) {
    rows.iter().fold((0, 0), |sum, row| (sum.0 + row.total, sum.1 + row.failed))
}

fn latency_of(rows: &[&IntervalRow]) -> Histogram {
    let mut all = Histogram::default();
    rows.iter().filter_map(|row| row.latency.as_ref()).for_each(|one| all.merge(one));
    all
}

/// How much of the time from `since` to `until` no row speaks for; each speaks for its interval and
/// for `beyond` after it. `rows` are ordered by their beginning.
fn uncovered(rows: &[&IntervalRow], beyond: Span, since: Timestamp, until: Timestamp) -> Span {
    let mut gaps = Span::ZERO;
    let mut at = since;
    for row in rows {
        gaps.0 += row.start.since(at).milliseconds();
        at = at.max(row.start.plus(row.width).plus(beyond));
    }
    gaps.0 += until.since(at).milliseconds();
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(minutes: &[i64]) -> Vec<IntervalRow> {
        let row = |minute: &i64| IntervalRow {
            lane: LaneId::try_from("api/staging".to_owned()).unwrap(),
            deployment: PromotionNumber(1),
            source: IntervalRow::VISITORS.to_owned(),
            start: Timestamp(minute * 60_000_000),
            width: Span::minutes(1),
            total: 0,
            failed: 0,
            p99_us: None,
            latency: None,
        };
        minutes.iter().map(row).collect()
    }

    fn gaps(minutes: &[i64], beyond: Span) -> Span {
        let rows = rows(minutes);
        let rows: Vec<_> = rows.iter().collect();
        uncovered(&rows, beyond, Timestamp(30_000_000), Timestamp(600_000_000))
    }

    #[test]
    fn an_interval_without_requests_is_no_gap_and_a_missing_one_is() {
        assert_eq!(gaps(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], Span::ZERO), Span::ZERO);
        assert_eq!(gaps(&[0, 1, 2, 5, 6, 7, 8, 9], Span::ZERO), Span::minutes(2));
        assert_eq!(gaps(&[], Span::ZERO), Span::seconds(570));
    }

    #[test]
    fn probes_that_are_rare_as_declared_leave_no_gap() {
        assert_eq!(gaps(&[0, 5], Span::minutes(5)), Span::ZERO);
        assert_eq!(gaps(&[0, 9], Span::minutes(5)), Span::minutes(3));
    }
}
