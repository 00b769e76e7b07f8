//! Which lane is due next. Wakes nobody itself.

use std::collections::BTreeMap;
use std::time::Duration;

use towpath_core::ids::LaneId;
use towpath_core::promotion::state::Lane;
use towpath_core::reason::Wake;
use towpath_core::units::Timestamp;

use crate::shared::Shared;

/// How soon a wake-up may follow another one of the same lane: keeps a lane that is always due from
/// taking the whole loop.
const SHORTEST_WAKE: Duration = Duration::from_millis(20);

/// Keeps when a lane wants to be woken next.
pub(crate) fn plan(
    wakes: &mut BTreeMap<LaneId, Timestamp>,
    lane: &LaneId,
    wake: Option<&Wake>,
    now: Timestamp,
) {
    match wake {
        Some(wake) => {
            let soonest = i64::try_from(SHORTEST_WAKE.as_micros()).expect("a short time");
            wakes.insert(lane.clone(), wake.at.max(Timestamp(now.0 + soonest)));
        }
        None => {
            wakes.remove(lane);
        }
    }
}

/// Waits until a lane is due, and says which; for ever while none will be.
pub(crate) async fn next(shared: &Shared, wakes: &BTreeMap<LaneId, Timestamp>) -> LaneId {
    /// The machine may sleep or its clock may be set: a due time is looked at at least this often.
    const LONGEST_SLEEP: Duration = Duration::from_secs(1);
    loop {
        let Some((lane, at)) = wakes.iter().min_by_key(|(_, at)| **at) else {
            std::future::pending::<()>().await;
            unreachable!("pending never ends");
        };
        let now = shared.now();
        if *at <= now {
            return lane.clone();
        }
        let left = Duration::from_micros(u64::try_from(at.0 - now.0).unwrap_or(0));
        tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
    }
}

/// Lanes in which something waits.
pub(crate) fn waiting(shared: &Shared) -> Vec<LaneId> {
    shared.read(|project| {
        let lanes = project.lanes.values().filter(|lane| !lane.waiting.is_empty());
        lanes.map(|lane| lane.id.clone()).collect()
    })
}

/// Lanes that serve and in which nothing is under way or waits.
pub(crate) fn free(shared: &Shared) -> Vec<LaneId> {
    shared.read(|project| {
        let lanes = project.lanes.values();
        let is_free = |lane: &&Lane| lane.active.is_none() && lane.waiting.is_empty();
        let free = lanes.filter(is_free).filter(|lane| lane.serving.is_some());
        free.map(|lane| lane.id.clone()).collect()
    })
}
