//! What adapters may do: only what was planned, and nothing under visitors. Knows nothing of the
//! journal's events.

use towpath_core::ids::PromotionNumber;
use towpath_core::matrix::LaneSpec;
use towpath_core::promotion::command::{Command, Order};
use towpath_core::promotion::state::Lane;
use towpath_core::units::Weight;

use super::{Chaos, Watcher, World};

impl Watcher {
    pub(super) fn effect(&mut self, world: &World<Chaos>, command: &Command) {
        let lane = &command.lane;
        let state = world.disk.project().lane(lane);
        match &command.order {
            Order::StartInstances { deployment, section, .. } => {
                self.starts(*deployment, section);
            }
            Order::StopInstances { deployment, .. } => self.stopped(world, &state, *deployment),
            Order::SetRoute { route, .. } => {
                let candidate = route.candidate.as_ref().map(|(green, _)| green.number);
                let default = route.default.as_ref().map(|one| one.number);
                let held = route.held_back.as_ref().map(|held| held.deployment.number);
                for number in candidate.into_iter().chain(default).chain(held) {
                    if !world.target.runs(lane, number) {
                        self.fail("I9", format!("visitors of {lane} go to {number}: not there"));
                    }
                }
            }
            Order::AskCheck { .. } | Order::OfferRelease { .. } => {}
        }
    }

    fn starts(&mut self, deployment: PromotionNumber, section: &LaneSpec) {
        let Some(plan) = self.started.get(&deployment) else {
            self.fail("I3", format!("deployment {deployment} starts, promotion does not"));
            return;
        };
        // What stands by is made sure of under the plan of the rollback, as many copies as it has.
        let rollback = self.ensured_for.get(&deployment).and_then(|one| self.started.get(one));
        let capacity = section.instances;
        let ensured = rollback.map(|plan| LaneSpec { instances: capacity, ..plan.section.clone() });
        if plan.section != *section && ensured.as_ref() != Some(section) {
            let sentence = format!("deployment {deployment} starts otherwise than planned");
            self.fail("I12", sentence);
        }
    }

    fn stopped(&mut self, world: &World<Chaos>, state: &Lane, deployment: PromotionNumber) {
        let lane = &state.id;
        if let Some(router) = world.routers.get(lane) {
            let visited = router.candidate.filter(|(_, weight)| *weight > Weight::ZERO);
            let keeps = router.held_back.is_some_and(|(number, ..)| number == deployment);
            if router.default == Some(deployment)
                || keeps
                || visited.is_some_and(|(number, _)| number == deployment && !router.lapsed)
            {
                self.fail("I9", format!("{deployment} of {lane} is stopped under its visitors"));
            }
        }
        let serves = state.serving.as_ref().is_some_and(|one| one.deployment.number == deployment);
        if serves {
            self.fail("I13", format!("{deployment} of {lane} is stopped while it serves"));
        }
    }
}
