//! Renews the leases of weights that are lent, as long as the journal can be reached. Returns no
//! traffic: a lease that is not renewed does that.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use towpath_core::ids::LaneId;
use towpath_core::matrix::{AdapterSpec, LEASE_RENEWALS};
use towpath_core::promotion::input::Input;
use towpath_core::promotion::lent_route;
use towpath_core::promotion::state::State;
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_guard::Standing;
use towpath_ports::router::{ObservedRoute, Router};

use crate::shared::Shared;
use crate::{blue, judging, losses};

/// How often leases are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How long the store may take to say that it is there.
const STORE_WITHIN: Duration = Duration::from_secs(2);

struct Lent {
    lane: LaneId,
    router: AdapterSpec,
    lease: Span,
    /// Green's share as recorded, while none is ordered.
    weight: Option<Weight>,
}

/// Renews until the engine stops.
pub(crate) fn spawn(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let mut renewed: BTreeMap<LaneId, Timestamp> = BTreeMap::new();
        while !shared.is_stopped() {
            renew_due(&shared, &mut renewed).await;
            tokio::time::sleep(LOOK).await;
        }
    });
}

async fn renew_due(shared: &Arc<Shared>, renewed: &mut BTreeMap<LaneId, Timestamp>) {
    let now = shared.now();
    let due: Vec<Lent> = lent(shared)
        .into_iter()
        .filter(|lent| {
            let last = renewed.get(&lent.lane).copied().unwrap_or_default();
            now.since(last).milliseconds() >= lent.lease.milliseconds() / LEASE_RENEWALS
        })
        .collect();
    if due.is_empty() || !store_answers(shared).await {
        return;
    }
    for lent in due {
        renewed.insert(lent.lane.clone(), now);
        tokio::spawn(renew(Arc::clone(shared), lent));
    }
}

/// Renews one lease, and reads back what the router does: a lapse that nobody was there to hear of,
/// or a share that an arm lost with its copies.
async fn renew(shared: Arc<Shared>, lent: Lent) {
    let Ok(router) = shared.setup.adapters.router(&lent.router) else { return };
    let renewed = router.renew(&lent.lane, shared.epoch, lent.lease).await;
    let Ok(Some(observed)) = router.observe(&lent.lane).await else { return };
    losses::note(&shared, &lent.lane, &observed);
    judging::hear(&shared, &lent.lane, &observed);
    if lost_its_weight(&observed) {
        judging::tell(&shared, &lent.lane).await;
        return;
    }
    let revision = observed.revision;
    if observed.lapsed || observed.frozen {
        let frozen = observed.frozen;
        shared.send(&lent.lane, Input::LeaseLapsed { revision, frozen }).await;
    } else if observed.candidate.is_some() && lent.weight.is_some_and(|own| own != observed.weight)
    {
        let weight = observed.weight;
        shared.send(&lent.lane, Input::RouteObserved { revision, weight }).await;
    } else if let Err(error) = renewed {
        tracing::warn!(lane = %lent.lane, %error, "the lease was not renewed");
        if observed.epoch < shared.epoch {
            take_over(&shared, router.as_ref(), &lent.lane).await;
        }
    }
    blue::watch(&shared, &lent.lane, router.as_ref(), &observed).await;
}

/// Whether the router's guard took green's weight away: that is a verdict, and neither a lapse nor a
/// lost copy.
fn lost_its_weight(observed: &ObservedRoute) -> bool {
    let judged = observed.judged.as_ref().map(|(_, verdict)| verdict.standing);
    let ended = observed.lapsed || observed.frozen;
    judged == Some(Standing::Unhealthy) && !ended && observed.weight == Weight::ZERO
}

/// The route that the last engine ordered is ordered again as it is, by this one: a router lends to
/// its owner only.
async fn take_over(shared: &Shared, router: &dyn Router, lane: &LaneId) {
    let route = shared.read(|project| {
        let lane = project.lanes.get(lane)?;
        let promotion = lane.active.as_ref()?;
        let bakes = matches!(promotion.state, State::Baking { .. });
        bakes.then(|| lent_route(promotion, lane.last_revision, promotion.weight)).flatten()
    });
    let Some(route) = route else { return };
    let desired = crate::executor::desired(shared, lane, route);
    if let Err(error) = router.ensure(&desired).await {
        tracing::warn!(%lane, %error, "the route was not taken over; its lease will lapse");
    }
}

fn lent(shared: &Shared) -> Vec<Lent> {
    shared.read(|project| {
        let lanes = project.lanes.values();
        let lent = lanes.filter_map(|lane| {
            let promotion = lane.active.as_ref()?;
            let has_weight = matches!(
                promotion.state,
                State::Shifting { .. } | State::Baking { .. } | State::Committing { .. }
            );
            let router = promotion.plan.section.router.clone()?;
            (has_weight && promotion.blue.is_some()).then(|| Lent {
                lane: lane.id.clone(),
                router,
                lease: promotion.plan.section.rollout.lease,
                weight: matches!(promotion.state, State::Baking { .. }).then_some(promotion.weight),
            })
        });
        lent.collect()
    })
}

/// Asks the store for anything at all: what the run loop saw last may be long ago.
async fn store_answers(shared: &Shared) -> bool {
    let asked = tokio::time::timeout(STORE_WITHIN, shared.setup.store.has_turn("-")).await;
    matches!(asked, Ok(Ok(_))) && shared.store_answers.load(Ordering::SeqCst)
}
