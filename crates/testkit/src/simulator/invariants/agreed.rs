//! Nothing starts before everybody who must has agreed to just that (I3). Counts for itself.

use std::collections::{BTreeMap, BTreeSet};

use towpath_core::approvals::Approval;
use towpath_core::ids::{Digest, LaneId, Person, PromotionNumber};
use towpath_core::promotion::state::Kind;
use towpath_core::release::Release;
use towpath_core::units::Timestamp;

use super::{Chaos, Watcher, World};
use crate::agreement::is_enough;

/// Each person's last yes to each plan of a lane that no promotion has ended with.
pub(super) type Words = BTreeMap<(LaneId, Digest), BTreeMap<Person, Timestamp>>;

impl Watcher {
    pub(super) fn said(&mut self, lane: &LaneId, approval: &Approval) {
        let words = self.words.entry((lane.clone(), approval.plan.clone())).or_default();
        if approval.agrees {
            words.insert(approval.by.clone(), self.at);
        } else {
            words.remove(&approval.by);
        }
    }

    /// What was said is said to one promotion.
    pub(super) fn forget_words(&mut self, lane: &LaneId, number: PromotionNumber) {
        let plan = self.started.get(&number).or_else(|| self.asked_for.get(&number));
        if let Some(plan) = plan {
            self.words.remove(&(lane.clone(), plan.hash()));
        }
    }

    pub(super) fn is_agreed(
        &mut self,
        world: &World<Chaos>,
        lane: &LaneId,
        number: PromotionNumber,
    ) {
        let Some(plan) = self.asked_for.get(&number) else { return };
        let common = &world.disk.project().common;
        let Some(matrix) = common.matrix.as_ref().filter(|matrix| matrix.knows_people()) else {
            return;
        };
        let (Some(rules), Kind::Promote) = (&plan.section.approvals, plan.kind) else { return };
        let Some((environment, _)) = matrix.lane(lane) else { return };
        let Some(release) = common.release_of(&lane.service, &plan.release) else { return };
        let state = world.disk.project().lane(lane);
        let by = state.promotion(number).map(|promotion| promotion.by.clone());
        let Some(by) = by else { return };
        let words = self.words.get(&(lane.clone(), plan.hash()));
        let holds = |at: Timestamp| self.at.since(at) < rules.expires;
        let yes: BTreeSet<Person> = words
            .into_iter()
            .flatten()
            .filter(|(_, at)| holds(**at))
            .map(|(person, _)| person.clone())
            .collect();
        // A change of settings alone is of a type of its own, whatever brought its release.
        let release = Release { change_type: plan.change_type(release), ..release.clone() };
        if !is_enough(matrix, environment, rules, &release, &by, &yes) {
            let sentence = format!("promotion {number} of {lane} started, agreed to by {yes:?}");
            self.fail("I3", sentence);
        }
    }
}
