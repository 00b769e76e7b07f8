//! Looks at routers that hold a release back after commit, and says when its share is not what is
//! recorded: a copy was lost, or the router's own guard went back. Renews nothing, as nothing is lent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use towpath_core::ids::LaneId;
use towpath_core::matrix::{AdapterSpec, DEFAULT_LEASE, LEASE_RENEWALS};
use towpath_core::promotion::input::Input;
use towpath_core::units::Weight;

use crate::judging;
use crate::shared::Shared;

/// A lane to look at.
struct Looked {
    lane: LaneId,
    router: AdapterSpec,
    /// The share of the old release as it is recorded.
    recorded: Weight,
    /// Whether the router was ordered to end it, and may have done so unheard.
    is_ending: bool,
}

/// Looks until the engine stops, as often as a lease of the usual length is renewed.
pub(crate) fn spawn(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    let pause = Duration::from(DEFAULT_LEASE) / u32::try_from(LEASE_RENEWALS).unwrap_or(1);
    tokio::spawn(async move {
        let mut looking: BTreeMap<LaneId, tokio::task::JoinHandle<()>> = BTreeMap::new();
        while !shared.is_stopped() {
            looking.retain(|_, task| !task.is_finished());
            for lane in held_back(&shared) {
                // A router that does not answer keeps nobody else waiting.
                looking
                    .entry(lane.lane.clone())
                    .or_insert_with(|| tokio::spawn(look(Arc::clone(&shared), lane)));
            }
            tokio::time::sleep(pause).await;
        }
    });
}

async fn look(shared: Arc<Shared>, looked: Looked) {
    let Looked { lane, router, recorded, is_ending } = looked;
    let Ok(router) = shared.setup.adapters.router(&router) else { return };
    let Ok(Some(observed)) = router.observe(&lane).await else { return };
    judging::hear(&shared, &lane, &observed);
    let (revision, weight) = (observed.revision, observed.weight);
    let kept = observed.held_back.map_or(Weight::ZERO, |_| weight.rest());
    if (observed.held_back.is_some() || is_ending) && kept != recorded {
        shared.send(&lane, Input::RouteObserved { revision, weight }).await;
    }
}

fn held_back(shared: &Shared) -> Vec<Looked> {
    shared.read(|project| {
        let lanes = project.lanes.values().filter(|lane| lane.active.is_none());
        let looked = lanes.filter_map(|lane| {
            let holdback = lane.standby.as_ref()?.holdback.as_ref()?;
            // Without a share there is nothing to see until it ends.
            if !holdback.has_visitors() && holdback.ending.is_none() {
                return None;
            }
            let (_, section) = project.common.matrix.as_ref()?.lane(&lane.id)?;
            Some(Looked {
                lane: lane.id.clone(),
                router: section.router.clone()?,
                recorded: holdback.observed,
                is_ending: holdback.ending.is_some(),
            })
        });
        looked.collect()
    })
}
