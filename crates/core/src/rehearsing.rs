//! What a rehearsal makes of a matrix: the same with every declared duration shorter. Decides nothing.

use crate::matrix::Matrix;

impl Matrix {
    /// The same matrix with every declared duration `speed` times shorter, for a rehearsal. What
    /// depends on machines and not on the story keeps its length: time-outs and the lease.
    #[must_use]
    pub fn rehearsed(mut self, speed: u32) -> Self {
        let lanes =
            self.environments.iter_mut().flat_map(|environment| environment.lanes.values_mut());
        for lane in lanes {
            let of_types = lane.change_types.values_mut().filter_map(|it| it.rollout.as_mut());
            for step in of_types.chain([&mut lane.rollout]).flat_map(|it| &mut it.steps) {
                step.bake_min = step.bake_min.faster(speed);
                step.bake_max = step.bake_max.faster(speed);
            }
            lane.rollout.hold_limit = lane.rollout.hold_limit.faster(speed);
            lane.standby = lane.standby.faster(speed);
            if let Some(approvals) = &mut lane.approvals {
                approvals.expires = approvals.expires.faster(speed);
                approvals.remind_every = approvals.remind_every.map(|every| every.faster(speed));
            }
            for owes in lane.change_types.values_mut().filter_map(|it| it.owes.as_mut()) {
                owes.review_within = owes.review_within.map(|within| within.faster(speed));
            }
            lane.health.every = lane.health.every.map(|every| every.faster(speed));
            lane.rollback.within = lane.rollback.within.map(|within| within.faster(speed));
            for alarm in &mut lane.rollback.alarms {
                alarm.held_for = alarm.held_for.faster(speed);
            }
        }
        self
    }
}
