//! One project as it stands: the fold of its whole journal.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::evidence::{Withdrawn, withdrawn_of};
use crate::freezing::Freeze;
use crate::governing::Proposal;
use crate::ids::{Digest, Epoch, LaneId, Name, Person, PromotionNumber, Version};
use crate::journal::{Attested, Event};
use crate::matrix::Matrix;
use crate::notices::GivenUp;
use crate::promotion::state::Lane;
use crate::reason::Refusal;
use crate::release::{Release, ReleaseRef};
use crate::releases::Releases;
use crate::speaking::Heard;
use crate::tokens::Token;
use crate::units::Timestamp;

/// One project as it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Project {
    /// What belongs to no lane.
    pub common: Common,
    /// Every lane in which something happened.
    pub lanes: BTreeMap<LaneId, Lane>,
}

/// What belongs to no lane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Common {
    /// The owner of the journal.
    pub epoch: Epoch,
    /// The matrix in force for what has not started.
    pub matrix: Option<Matrix>,
    /// A changed matrix that waits for people, its time being over perhaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed: Option<Box<Proposal>>,
    /// Every release, in the order of creation.
    pub releases: Releases,
    /// Every statement of a person, in order.
    pub attestations: Vec<Attested>,
    /// The last promotion's number.
    pub last_promotion: PromotionNumber,
    /// When the engine last started, oldest first; at most [`STARTS_KEPT`].
    #[serde(default)]
    pub starts: VecDeque<Timestamp>,
    /// Freezes that people set, in order, some of them over perhaps; one for each scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<Freeze>,
    /// Evidence and statements that people withdrew.
    #[serde(default, skip_serializing_if = "Withdrawn::is_empty")]
    pub withdrawn: Withdrawn,
    /// Notices that never arrived and that nobody had sent again, oldest first; at most
    /// [`DEAD_KEPT`].
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub dead: VecDeque<DeadNotice>,
    /// Tokens, in the order of creation; those that ended are kept for a while.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<Token>,
    /// Signed words about what belongs to no lane, as long as they could be shown again.
    #[serde(default, skip_serializing_if = "Heard::is_empty")]
    pub taken: Heard,
    /// Who declared the settings of lanes where they have changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings_by: Vec<SettingsBy>,
}

/// Those who declared the settings of a lane as the matrix in force has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsBy {
    /// Where.
    pub lane: LaneId,
    /// Who.
    pub by: BTreeSet<Person>,
    /// Whether something has served there under them: the next change is another one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub served: bool,
}

/// A notice that never arrived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadNotice {
    /// All of it, and why.
    pub given_up: GivenUp,
    /// When it was given up.
    pub since: Timestamp,
}

/// Notices that never arrived and are kept to be sent again; the journal has all of them. Whoever
/// has more of them has a channel to mend first.
pub const DEAD_KEPT: usize = 100;

/// Starts that are remembered: beyond them what each gets of a chance of a false alarm is nothing.
pub const STARTS_KEPT: usize = 16;

impl Common {
    /// The release of `service` called `version`.
    pub fn release(&self, service: &Name, version: &Version) -> Option<&Release> {
        self.releases.named(service, version)
    }

    /// The refusal with commands that work in this project as they are: where there are several
    /// services, a command about a lane names its own. Safe to repeat.
    #[must_use]
    pub fn naming(&self, lane: &LaneId, refusal: Refusal) -> Refusal {
        let several = self.matrix.as_ref().is_some_and(|matrix| matrix.services.len() > 1);
        if several { refusal.of_service(&lane.service) } else { refusal }
    }

    /// How often the engine started since then, the moment included; at most [`STARTS_KEPT`].
    pub fn starts_since(&self, since: Timestamp) -> u32 {
        let starts = self.starts.iter().filter(|start| **start >= since).count();
        u32::try_from(starts).unwrap_or(u32::MAX)
    }

    /// Who declared the settings of a lane, where they have changed; those alone under which nothing has
    /// served there yet, unless `all` are wanted.
    pub fn declared_by(&self, lane: &LaneId, all: bool) -> Option<&BTreeSet<Person>> {
        let mut known = self.settings_by.iter();
        known.find(|one| one.lane == *lane && (all || !one.served)).map(|one| &one.by)
    }

    /// Takes note of the lanes whose settings are others under `matrix` than now.
    fn settings_declared(&mut self, matrix: &Matrix, by: &Person, lanes: &BTreeMap<LaneId, Lane>) {
        let Some(before) = &self.matrix else { return };
        let sections = matrix.environments.iter().flat_map(|environment| {
            environment.lanes.iter().map(|(service, section)| {
                let (service, environment) = (service.clone(), environment.name.clone());
                (LaneId { service, environment }, section)
            })
        });
        // What comes back into the matrix is held against what serves there meanwhile.
        let known = |id: &LaneId| match before.lane(id) {
            Some((_, before)) => Some(&before.settings),
            None => lanes.get(id).and_then(Lane::settings_of_serving),
        };
        let changed: Vec<LaneId> = sections
            .filter(|(id, section)| known(id).is_some_and(|known| *known != section.settings))
            .map(|(id, _)| id)
            .collect();
        for lane in changed {
            match self.settings_by.iter_mut().find(|one| one.lane == lane) {
                Some(known) if !known.served => drop(known.by.insert(by.clone())),
                Some(known) => (known.by, known.served) = ([by.clone()].into(), false),
                None => {
                    let by = [by.clone()].into();
                    self.settings_by.push(SettingsBy { lane, by, served: false });
                }
            }
        }
    }

    /// The release that a record names.
    pub fn release_of(&self, service: &Name, reference: &ReleaseRef) -> Option<&Release> {
        self.release(service, &reference.version)
            .filter(|release| release.digest == reference.digest)
    }
}

impl Project {
    /// The lane as it stands; a fresh one where nothing happened yet.
    pub fn lane(&self, id: &LaneId) -> Lane {
        self.lanes.get(id).cloned().unwrap_or_else(|| Lane::new(id.clone()))
    }

    /// Whether a release is verified in a lane, and nothing of what that rests on was withdrawn: the
    /// lane may not have been told yet.
    pub fn is_verified(&self, lane: &LaneId, digest: &Digest) -> bool {
        let all = self.lanes.get(lane).map(|lane| lane.verified.as_slice()).unwrap_or_default();
        let holds = |evidence| withdrawn_of(&self.common.withdrawn, evidence).is_none();
        all.iter().any(|one| one.release.digest == *digest && holds(&one.evidence))
    }

    /// What people said of a release under a check's title before it enters a lane, oldest first. Where
    /// the release serves in the lane already, its settings are what enters, and words from before that
    /// say nothing of those. What was withdrawn was never said.
    pub fn words<'a>(
        &'a self,
        lane: &LaneId,
        digest: &Digest,
        title: &str,
    ) -> impl DoubleEndedIterator<Item = &'a Attested> {
        let serving = self.lanes.get(lane).and_then(|lane| lane.serving.as_ref());
        let own = serving.filter(|one| one.deployment.release.digest == *digest);
        let since = own.map(|serving| serving.since);
        let withdrawn = &self.common.withdrawn;
        self.common.attestations.iter().filter(move |one| {
            one.lane == *lane
                && one.release.digest == *digest
                && one.title == title
                && since.is_none_or(|since| one.at > since)
                && (withdrawn.is_empty() || !withdrawn.contains_key(&one.digest()))
        })
    }

    /// Whether what is on its way into a lane runs under the settings that are declared there.
    fn sets_up_what_is_declared(&self, id: &LaneId) -> bool {
        let declared = self.common.matrix.as_ref().and_then(|matrix| matrix.lane(id));
        let active = self.lanes.get(id).and_then(|lane| lane.active.as_ref());
        declared
            .zip(active)
            .is_some_and(|((_, section), active)| section.settings == active.plan.section.settings)
    }

    /// What is so after `event`.
    pub fn apply(&mut self, lane: Option<&LaneId>, event: &Event, at: Timestamp) {
        if let Some(signed) = event.signed().filter(|_| event.is_of_project()) {
            self.common.taken.note(signed, at);
        }
        match event {
            Event::EngineStarted(started) => {
                self.common.epoch = started.epoch;
                self.common.starts.push_back(at);
                if self.common.starts.len() > STARTS_KEPT {
                    self.common.starts.pop_front();
                }
            }
            Event::MatrixApplied { matrix, by, .. } => {
                self.common.settings_declared(matrix, by, &self.lanes);
                self.common.tokens_under(matrix, at);
                self.common.matrix = Some((**matrix).clone());
                self.common.governed(event, at);
            }
            Event::MatrixProposed(_)
            | Event::MatrixWordGiven(_)
            | Event::MatrixReminded(_)
            | Event::MatrixLapsed(_) => self.common.governed(event, at),
            Event::TokenCreated(_) | Event::TokenRevoked(_) => self.common.token_changed(event, at),
            Event::ReleaseCreated { release, .. } => self.common.releases.push((**release).clone()),
            Event::Attested(attested) => self.common.attestations.push(attested.clone()),
            Event::EvidenceWithdrawn(withdrawal) => {
                self.common.withdrawn.insert(withdrawal.digest.clone(), withdrawal.clone());
            }
            Event::Frozen(_) | Event::Thawed(_) => self.common.freeze_changed(event, at),
            Event::PromotionRequested(requested) => {
                self.common.last_promotion = self.common.last_promotion.max(requested.number);
            }
            Event::NoticeGivenUp(given_up) => {
                self.common
                    .dead
                    .push_back(DeadNotice { given_up: (**given_up).clone(), since: at });
                if self.common.dead.len() > DEAD_KEPT {
                    self.common.dead.pop_front();
                }
            }
            Event::NoticeRetried(again) => {
                self.common.dead.retain(|dead| dead.given_up.notice.id != again.id);
            }
            _ => {}
        }
        if let Some(id) = lane {
            if matches!(event, Event::Committed { .. }) && self.sets_up_what_is_declared(id) {
                let mut known = self.common.settings_by.iter_mut();
                known.find(|one| one.lane == *id).into_iter().for_each(|one| one.served = true);
            }
            let lane = self.lanes.entry(id.clone()).or_insert_with(|| Lane::new(id.clone()));
            lane.apply(event, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::EngineStart;

    #[test]
    fn starts_of_the_engine_are_counted_from_a_moment_on_and_the_oldest_forgotten() {
        let mut project = Project::default();
        for number in 1..=20 {
            let (epoch, program) = (Epoch(number), "1.0.0".to_owned());
            let event = Event::EngineStarted(EngineStart { epoch, program, words: 0 });
            project.apply(None, &event, Timestamp(i64::try_from(number).unwrap()));
        }
        assert_eq!(project.common.epoch, Epoch(20));
        assert_eq!(project.common.starts_since(Timestamp(19)), 2);
        assert_eq!(project.common.starts_since(Timestamp(21)), 0);
        assert_eq!(project.common.starts_since(Timestamp(0)), 16);
    }
}
