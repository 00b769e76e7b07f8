//! Keeps counts per interval beside the journal: what visitors met and what probes found, at all
//! times. A gap stays a gap.

use std::collections::BTreeMap;
use std::sync::Arc;

use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::units::{Span, Timestamp};
use towpath_guard::Quantile;
use towpath_ports::store::IntervalRow;

use crate::executor::{self, INTERVAL};
use crate::shared::Shared;

/// How far back a new engine asks the routers: they keep two days (see the proxy).
const CATCH_UP: Span = Span::hours(48);

/// How long telemetry is kept: a month of comparisons and some days to look back at it.
const KEPT: Span = Span::hours(35 * 24);
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
            let before =
                Timestamp(shared.now().0.saturating_sub_unsigned(KEPT.milliseconds() * 1000));
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
        let earliest =
            Timestamp(shared.now().0.saturating_sub_unsigned(CATCH_UP.milliseconds() * 1000));
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
    let rows: Vec<IntervalRow> = intervals
        .iter()
        .map(|interval| IntervalRow {
            lane: lane.clone(),
            deployment: interval.deployment,
            source: "visitors".to_owned(),
            start: interval.start,
            width,
            total: interval.counts.requests,
            failed: interval.counts.failed,
            p99_us: interval.counts.latency.quantile_us(Quantile(99)),
        })
        .collect();
    let last = rows.last().map(|row| row.start)?;
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

/// What visitors and probes met in a lane since `since`: totals, failures, and how long nothing at
/// all was recorded.
pub(crate) struct Record {
    pub(crate) visitors: (u64, u64),
    pub(crate) probes: (u64, u64),
    pub(crate) gaps: Span,
}

/// Sums what is kept of one deployment since `since`.
pub(crate) async fn record_of(
    shared: &Shared,
    lane: &LaneId,
    deployment: PromotionNumber,
    since: Timestamp,
) -> Result<Record, String> {
    let width = INTERVAL.faster(shared.setup.speed);
    let micros = i64::try_from(width.milliseconds() * 1000).unwrap_or(i64::MAX);
    // The interval in which `since` lies counts as well, and so does the one that is under way.
    let from = Timestamp(since.0 - since.0.rem_euclid(micros));
    take_in(shared, lane, from, width).await;
    let rows = shared.setup.store.intervals(lane, from).await.map_err(|error| error.to_string())?;
    let mut record = Record { visitors: (0, 0), probes: (0, 0), gaps: Span::ZERO };
    let mut covered = BTreeMap::new();
    for row in rows.iter().filter(|row| row.deployment == deployment) {
        let sum = if row.source == "probes" { &mut record.probes } else { &mut record.visitors };
        sum.0 += row.total;
        sum.1 += row.failed;
        covered.insert(row.start, row.width);
    }
    let mut at = since;
    for (start, width) in covered {
        record.gaps.0 += start.since(at).milliseconds();
        at = at.max(start.plus(width));
    }
    record.gaps.0 += shared.now().since(at).milliseconds();
    Ok(record)
}
