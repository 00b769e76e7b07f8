//! Everything that can be true of a lane. Changed only by folding events.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::approvals::Word;
use crate::code_owners::OwnersTold;
use crate::debts::{OpenDebt, REASON_WITHIN, REMIND_EVERY};
use crate::deployment::Deployment;
use crate::ids::{CommandId, Digest, LaneId, Person, PromotionNumber, Revision};
use crate::journal::Remembered;
use crate::promotion::state::{Holdback, Kind, Outcome, Promotion, State};
use crate::release::ReleaseRef;
use crate::settings::Settings;
use crate::speaking::Heard;
use crate::trace_context::TraceContext;
use crate::units::Timestamp;

/// One service in one environment, as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    /// Which.
    pub id: LaneId,
    /// What the default arm serves; none before the first commit.
    pub serving: Option<Serving>,
    /// The release before it, kept at full capacity.
    pub standby: Option<Standby>,
    /// The promotion that holds the lane. At most one has effects (I2).
    pub active: Option<Promotion>,
    /// Promotions that wait and hold nothing, oldest first.
    pub waiting: Vec<Promotion>,
    /// Releases verified here, the latest last; each digest once under the same settings.
    pub verified: Vec<Verified>,
    /// Digests that may not enter until a person lifts it.
    pub quarantined: Vec<Quarantine>,
    /// What the matrix declared as settings for what is verified, serves or stands by, by digest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub known_settings: BTreeMap<Digest, Settings>,
    /// Deployments that are being stopped, with the command that does it.
    pub stopping: BTreeMap<PromotionNumber, CommandId>,
    /// Deployments that could not be stopped, and when they are told again.
    #[serde(default)]
    pub stop_again: BTreeMap<PromotionNumber, Timestamp>,
    /// A trigger that asks a person to roll back, where the matrix says `mode: manual`.
    pub asks: Option<Ask>,
    /// Since when nothing is left of its error budget, and what was counted then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_spent: Option<Ask>,
    /// The last thing that went wrong here while something served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// A rollback of what serves that waits until what was on its way is gone; nothing else takes the
    /// lane before it.
    #[serde(default)]
    pub remembered: Option<Remembered>,
    /// Rollbacks that were ordered without a reason and still owe it, oldest first, at most
    /// [`REMEMBERED`].
    #[serde(default)]
    pub owed: Vec<Owed>,
    /// What promotions of this lane left owed, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub debts: Vec<OpenDebt>,
    /// Words of people about plans that no promotion has ended with yet, oldest first, each person's
    /// last about each plan; at most
    /// [`crate::approvals::MOST_KEPT`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
    /// Signed words about this lane, as long as they could be shown again.
    #[serde(default, skip_serializing_if = "Heard::is_empty")]
    pub taken: Heard,
    /// What the repository said of whose files changes are, oldest first, at most
    /// [`crate::code_owners::MOST_KEPT`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owned: Vec<OwnersTold>,
    /// The last promotions that ended, oldest first, at most [`REMEMBERED`].
    pub ended: Vec<Ended>,
    /// The last command that was ordered.
    pub last_command: CommandId,
    /// The last revision of the route that was ordered.
    pub last_revision: Revision,
}

/// How many ended promotions a lane remembers; the journal has all of them.
pub const REMEMBERED: usize = 20;

impl Lane {
    /// A lane in which nothing happened yet.
    pub fn new(id: LaneId) -> Self {
        Self {
            id,
            serving: None,
            standby: None,
            active: None,
            waiting: Vec::new(),
            verified: Vec::new(),
            quarantined: Vec::new(),
            known_settings: BTreeMap::new(),
            stopping: BTreeMap::new(),
            stop_again: BTreeMap::new(),
            asks: None,
            budget_spent: None,
            trouble: None,
            remembered: None,
            owed: Vec::new(),
            debts: Vec::new(),
            words: Vec::new(),
            taken: Heard::default(),
            owned: Vec::new(),
            ended: Vec::new(),
            last_command: CommandId(0),
            last_revision: Revision(0),
        }
    }

    /// The promotion with this number that has not ended.
    pub fn promotion(&self, number: PromotionNumber) -> Option<&Promotion> {
        self.active.iter().chain(&self.waiting).find(|promotion| promotion.number == number)
    }

    /// Whether `digest` is verified here.
    pub fn is_verified(&self, digest: &Digest) -> bool {
        self.verified.iter().any(|verified| verified.release.digest == *digest)
    }

    /// The quarantine of `digest` here, whatever its settings.
    pub fn quarantine_of(&self, digest: &Digest) -> Option<&Quarantine> {
        self.quarantine_under(digest, None)
    }

    /// What keeps `digest` out under these settings: its own quarantine, or that of both together.
    pub fn quarantine_under(
        &self,
        digest: &Digest,
        settings: Option<&Digest>,
    ) -> Option<&Quarantine> {
        self.quarantined.iter().find(|one| {
            one.release.digest == *digest
                && (one.settings.is_none() || one.settings.as_ref() == settings)
        })
    }

    /// What a rollback returns to: the last that was verified, is not quarantined and does not serve;
    /// the release that serves under the settings it had before among them, as long as that stands by.
    /// Later a fault is as likely the release's own, and its former settings are no way back.
    pub fn rollback_target(&self) -> Option<&Verified> {
        let mut to = self.verified.iter().rev().filter(|one| self.may_return_to(one));
        to.find(|one| {
            let digest = &one.release.digest;
            self.stands_by(digest) || !self.serves(digest)
        })
    }

    /// What is returned to where the release that serves must go, whatever it runs under: another release.
    /// Where none was ever verified, what [`Self::rollback_target`] names is still better than nothing.
    pub fn target_of_another_release(&self) -> Option<&Verified> {
        let mut to = self.verified.iter().rev().filter(|one| self.may_return_to(one));
        to.find(|one| !self.serves(&one.release.digest)).or_else(|| self.rollback_target())
    }

    fn may_return_to(&self, one: &Verified) -> bool {
        let quarantine = self.quarantine_under(&one.release.digest, one.settings.as_ref());
        !self.serves_as(one) && quarantine.is_none()
    }

    fn stands_by(&self, digest: &Digest) -> bool {
        let standby = self.standby.as_ref();
        standby.is_some_and(|standby| standby.deployment.release.digest == *digest)
    }

    fn serves(&self, digest: &Digest) -> bool {
        let serving = self.serving.as_ref();
        serving.is_some_and(|serving| serving.deployment.release.digest == *digest)
    }

    /// Whether this is what serves. Where it is not known under which settings, the release decides.
    fn serves_as(&self, verified: &Verified) -> bool {
        self.serving.as_ref().is_some_and(|serving| {
            let differ = match (&serving.settings, &verified.settings) {
                (Some(now), Some(then)) => now != then,
                _ => false,
            };
            serving.deployment.release.digest == verified.release.digest && !differ
        })
    }

    /// What the matrix declared as settings for what serves; none where older versions put it there.
    pub fn settings_of_serving(&self) -> Option<&Settings> {
        self.known_settings.get(self.serving.as_ref()?.settings.as_ref()?)
    }

    /// Commands whose outcome is waited for, in no order. An outcome of any other changes nothing,
    /// so an executor may drop a command that is not among them, and must not start what is not.
    pub fn awaited(&self) -> Vec<CommandId> {
        let mut awaited: Vec<CommandId> = self.stopping.values().copied().collect();
        let holdback = self.standby.as_ref().and_then(|standby| standby.holdback.as_ref());
        let ending = holdback.and_then(|holdback| holdback.ending.as_ref());
        awaited.extend(ending.and_then(|ending| ending.command));
        for promotion in self.active.iter().chain(&self.waiting) {
            awaited.extend(promotion.checks.values().filter_map(|progress| progress.asking));
            awaited.extend(match &promotion.state {
                State::Starting { command } | State::Shifting { command, .. } => Some(*command),
                State::Committing { command, .. } | State::GoingBack { command, .. } => *command,
                State::Waiting { .. }
                | State::Validating
                | State::Baking { .. }
                | State::Reconciling { .. } => None,
            });
        }
        awaited
    }

    /// Whether anything here still needs an engine: a promotion, a standby, a stop.
    pub fn is_quiet(&self) -> bool {
        self.active.is_none()
            && self.waiting.is_empty()
            && self.standby.is_none()
            && self.stopping.is_empty()
            && self.stop_again.is_empty()
    }
}

/// What the default arm serves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Serving {
    /// What runs.
    pub deployment: Deployment,
    /// The promotion that made it the default arm.
    pub promotion: PromotionNumber,
    /// Since when.
    pub since: Timestamp,
    /// What the matrix declared as its settings. Stored by older versions there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Digest>,
}

/// The release before, kept at full capacity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standby {
    /// What runs.
    pub deployment: Deployment,
    /// Until when.
    pub until: Timestamp,
    /// The visitors who stay on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdback: Option<Holdback>,
    /// What the matrix declared as its settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Digest>,
}

/// A release that was shown to work here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verified {
    /// Which.
    pub release: ReleaseRef,
    /// By which promotion.
    pub promotion: PromotionNumber,
    /// When.
    pub at: Timestamp,
    /// What its checks rested on.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub evidence: BTreeSet<Digest>,
    /// What the matrix declared as its settings then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Digest>,
}

/// What may not enter: a release, or a release under the settings that were changed alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quarantine {
    /// Which.
    pub release: ReleaseRef,
    /// Which promotion threw it out.
    pub promotion: PromotionNumber,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// The settings under which it may not; none: under any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Digest>,
}

/// A trigger that asks a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trouble {
    /// When.
    pub at: Timestamp,
    /// What, as the end of a sentence: `a rollback (promotion 7): …`.
    pub sentence: String,
}

/// A rollback that owes its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// Which.
    pub number: PromotionNumber,
    /// Who ordered it.
    pub by: Person,
    /// Since when.
    pub since: Timestamp,
    /// What it put back; none of rollbacks that older versions remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseRef>,
    /// When people were told last that it is overdue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminded_at: Option<Timestamp>,
}

impl Owed {
    /// Until when it is to be given; nothing waits for it.
    pub fn due(&self) -> Timestamp {
        self.since.plus(REASON_WITHIN)
    }

    /// When people are told that it is overdue, the first time or again.
    pub fn remind_at(&self) -> Timestamp {
        self.reminded_at.map_or_else(|| self.due(), |at| at.plus(REMIND_EVERY))
    }
}

/// A promotion that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Which.
    pub number: PromotionNumber,
    /// Forward or back.
    pub kind: Kind,
    /// What it carried.
    pub release: ReleaseRef,
    /// How.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
    /// The promotion elsewhere that offered the release, for an automatic edge.
    pub offered_by: Option<PromotionNumber>,
    /// The settings that it brought, where it brought nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Digest>,
    /// When it was asked for; none of one that an earlier version kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Timestamp>,
    /// The span of a distributed trace in which it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}
