//! Looks whether what the traffic would return to is there, before something moves it there: probes are
//! rare, and may not have seen it yet. Decides nothing.

use std::time::Duration;

use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::matrix::AdapterSpec;
use towpath_core::promotion::input::Input;
use towpath_ports::router::{ObservedRoute, Router};

use crate::shared::Shared;

/// How often blue is looked at again that nobody reaches, and the pause before: a program that its
/// supervisor starts again at once is back within this time.
const LOOKS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// Says that blue is lost if the router reaches none of its instances now. A router that does not
/// answer says nothing about it.
pub(crate) async fn look(shared: &Shared, lane: &LaneId) {
    let Some((blue, spec)) = of(shared, lane) else { return };
    let Ok(router) = shared.setup.adapters.router(&spec) else { return };
    if is_gone(router.as_ref(), lane, blue).await {
        say(shared, lane, blue).await;
    }
}

/// The same for who has just observed the router without being about to move anything: it may be a
/// restart, and is looked at again for a few seconds.
pub(crate) async fn watch(
    shared: &Shared,
    lane: &LaneId,
    router: &dyn Router,
    observed: &ObservedRoute,
) {
    let Some((blue, _)) = of(shared, lane) else { return };
    if !lacks(observed, blue) {
        return;
    }
    for _ in 0..LOOKS {
        tokio::time::sleep(PAUSE).await;
        if !is_gone(router, lane, blue).await {
            return;
        }
    }
    say(shared, lane, blue).await;
}

fn of(shared: &Shared, lane: &LaneId) -> Option<(PromotionNumber, AdapterSpec)> {
    shared.read(|project| {
        let promotion = project.lanes.get(lane)?.active.as_ref()?;
        Some((promotion.blue.as_ref()?.number, promotion.plan.section.router.clone()?))
    })
}

fn lacks(observed: &ObservedRoute, blue: PromotionNumber) -> bool {
    observed.default == Some(blue) && observed.default_ready == 0
}

async fn is_gone(router: &dyn Router, lane: &LaneId, blue: PromotionNumber) -> bool {
    matches!(router.observe(lane).await, Ok(Some(observed)) if lacks(&observed, blue))
}

async fn say(shared: &Shared, lane: &LaneId, deployment: PromotionNumber) {
    let sentence = "the router reaches none of its instances".to_owned();
    shared.send(lane, Input::HealthLost { deployment, sentence }).await;
}
