//! Counts the requests that a router lost while a promotion was under way: what it had lost before is
//! noted when the promotion begins, and taken off what it says later. Keeps beside it what the router
//! says that visitors met. Judges nothing; what an arm failed is evidence and counted elsewhere.

use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_ports::router::{Met, ObservedRoute, Router};
use towpath_ports::store::IntervalRow;

use crate::shared::Shared;

/// Under which source the count from before is kept beside the journal, so that the next engine has it.
const SOURCE: &str = "lost-before";

/// What is known of the promotion that holds a lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Losses {
    promotion: PromotionNumber,
    /// What the router had lost when the promotion began.
    before: u64,
    /// What it had lost when it was last looked at.
    now: u64,
    /// What visitors met at the promotion's own deployment by then; none where the router does not
    /// tell.
    met: Option<Met>,
}

/// Notes what the router lost before the lane's promotion moves anything. Does nothing where that is
/// known, and where it is too late to learn it. Safe to repeat.
pub(crate) async fn begin(shared: &Shared, lane: &LaneId, router: &dyn Router) {
    let Some((promotion, since, weight)) = active(shared, lane) else { return };
    if of(shared, lane, promotion).is_some() {
        return;
    }
    let before = match kept(shared, lane, promotion, since).await {
        Some(before) => before,
        None if weight > Weight::ZERO => return,
        None => {
            let Ok(observed) = router.observe(lane).await else { return };
            let before = observed.map_or(0, |observed| observed.lost);
            keep(shared, lane, promotion, since, before).await;
            before
        }
    };
    let losses = Losses { promotion, before, now: before, met: None };
    shared.losses.lock().expect("no holder of this lock panics").insert(lane.clone(), losses);
}

/// Takes in what the router says that it has lost.
pub(crate) fn note(shared: &Shared, lane: &LaneId, observed: &ObservedRoute) {
    let mut all = shared.losses.lock().expect("no holder of this lock panics");
    if let Some(losses) = all.get_mut(lane) {
        // A router that was killed may have forgotten the last few.
        losses.now = losses.now.max(observed.lost);
        if let Some(met) = &observed.met {
            losses.met = Some(met.get(&losses.promotion).copied().unwrap_or_default());
        }
    }
}

/// What visitors met at the deployment that the promotion made, when the router was last looked at;
/// none where it does not tell.
pub(crate) fn met(shared: &Shared, lane: &LaneId, promotion: PromotionNumber) -> Option<Met> {
    let all = shared.losses.lock().expect("no holder of this lock panics");
    all.get(lane).filter(|losses| losses.promotion == promotion)?.met
}

/// Requests that the router lost since the promotion began; none where nobody knows.
pub(crate) fn of(shared: &Shared, lane: &LaneId, promotion: PromotionNumber) -> Option<u64> {
    let all = shared.losses.lock().expect("no holder of this lock panics");
    let losses = all.get(lane).filter(|losses| losses.promotion == promotion)?;
    Some(losses.now.saturating_sub(losses.before))
}

fn active(shared: &Shared, lane: &LaneId) -> Option<(PromotionNumber, Timestamp, Weight)> {
    shared.read(|project| {
        let active = project.lanes.get(lane)?.active.as_ref()?;
        Some((active.number, active.started_at?, active.weight))
    })
}

async fn kept(
    shared: &Shared,
    lane: &LaneId,
    promotion: PromotionNumber,
    since: Timestamp,
) -> Option<u64> {
    let rows = shared.setup.store.intervals(lane, since).await.ok()?;
    let own = rows.iter().find(|row| row.source == SOURCE && row.deployment == promotion);
    own.map(|row| row.total)
}

async fn keep(
    shared: &Shared,
    lane: &LaneId,
    promotion: PromotionNumber,
    since: Timestamp,
    before: u64,
) {
    let row = IntervalRow {
        lane: lane.clone(),
        deployment: promotion,
        source: SOURCE.to_owned(),
        start: since,
        width: Span::ZERO,
        total: before,
        failed: 0,
        p99_us: None,
        latency: None,
    };
    if let Err(error) = shared.setup.store.keep_intervals(&[row]).await {
        tracing::warn!(%lane, %error, "after a restart nobody will know what the router lost");
    }
}
