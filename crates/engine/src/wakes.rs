//! Which lane is due next. Wakes nobody itself.

use std::collections::BTreeMap;
use std::time::Duration;

use towpath_core::ids::LaneId;
use towpath_core::units::Timestamp;

use crate::shared::Shared;

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
