//! A freeze binds at once (I12): no start and no rise of a weight under one. Keeps freezes and weights of its
//! own, from the journal alone.

use std::collections::BTreeMap;

use towpath_core::freezing::{Freeze, Scope};
use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::journal::Event;
use towpath_core::promotion::state::Kind;
use towpath_core::units::Weight;

use super::{Chaos, Watcher, World};

/// What is frozen, and the weights that were last recorded.
#[derive(Debug, Default)]
pub(super) struct Frozen {
    freezes: BTreeMap<Scope, Freeze>,
    weights: BTreeMap<PromotionNumber, Weight>,
}

impl Frozen {
    /// Takes in an event of the project.
    pub(super) fn changed(&mut self, event: &Event) {
        match event {
            Event::Frozen(freeze) => {
                self.freezes.insert(freeze.scope.clone(), freeze.clone());
            }
            Event::Thawed(thaw) => {
                self.freezes.remove(&thaw.scope);
            }
            _ => {}
        }
    }

    /// Whether this event lets more visitors onto a release, given what was recorded before it.
    fn rises(&mut self, event: &Event) -> Option<PromotionNumber> {
        let before = |number| self.weights.get(number).copied().unwrap_or(Weight::ZERO);
        match event {
            Event::PromotionStarted { number, .. } => Some(*number),
            Event::WeightOrdered { number, weight, .. } => {
                (*weight > before(number)).then_some(*number)
            }
            Event::WeightObserved { number, weight, .. }
            | Event::ReconciliationBegan { number, weight, .. } => {
                self.weights.insert(*number, *weight);
                None
            }
            _ => None,
        }
    }
}

impl Watcher {
    pub(super) fn freezes_bind(&mut self, world: &World<Chaos>, lane: &LaneId, event: &Event) {
        let Some(number) = self.frozen.rises(event) else { return };
        let Some(plan) = self.asked_for.get(&number).filter(|plan| plan.kind == Kind::Promote)
        else {
            return;
        };
        let project = world.disk.project();
        let release = project.common.release_of(&lane.service, &plan.release);
        let Some(change) = release.map(|release| release.change_type) else { return };
        let again = self.visited.contains(&number);
        let state = project.lane(lane);
        let stuck = state.promotion(number).is_some_and(|one| !one.can_return());
        // What serves visitors that cannot return is taken again whatever is frozen.
        if again && stuck {
            return;
        }
        // Clocks jump here, and what has an end is over for whoever believes that it is later.
        let endless = |freeze: &&Freeze| freeze.until.is_none();
        let freezes = self.frozen.freezes.values().filter(endless);
        let mut binding =
            freezes.filter(|freeze| freeze.holds(lane, change)).map(|one| one.scope.words());
        if let Some(words) = binding.next() {
            let kind = event.kind();
            self.fail("I12", format!("{kind} {number} in {lane} while {words} is frozen"));
        }
    }
}
