//! Everything that can be true of a promotion. Changed only by folding events.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::approvals::Asked;
use crate::check::CheckResult;
use crate::deployment::Deployment;
use crate::ids::{CommandId, Digest, Name, Person, PromotionNumber, Revision};
use crate::plan::Plan;
use crate::trace_context::TraceContext;
use crate::units::{Timestamp, Weight};

pub use crate::promotion::gate::{CheckKey, CheckProgress, GateList};
pub use crate::promotion::holdback::{Holdback, HoldbackEnd};
pub use crate::promotion::lane::{
    Ask, Ended, Lane, Owed, Quarantine, REMEMBERED, Serving, Standby, Trouble, Verified,
};

/// Forward or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A release enters.
    Promote,
    /// The last good release returns.
    Rollback,
}

/// How a promotion ended, once and for ever.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The release serves.
    Succeeded,
    /// Visitors had met it, and the old release is back.
    RolledBack,
    /// A gate or a person said no before any visitor met it.
    Rejected,
    /// A newer one took its place.
    Superseded,
    /// A person stopped it.
    Aborted,
    /// It could not be carried out.
    Failed,
}

impl Outcome {
    /// As written in the journal and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::RolledBack => "rolled_back",
            Self::Rejected => "rejected",
            Self::Superseded => "superseded",
            Self::Aborted => "aborted",
            Self::Failed => "failed",
        }
    }
}
/// Carrying one release into one lane.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not one state")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Promotion {
    /// Counted per project, from 1.
    pub number: PromotionNumber,
    /// What will be done.
    pub plan: Plan,
    /// The predecessor that people named, or the automatic edge comes from.
    pub from: Option<Name>,
    /// The promotion elsewhere that offered the release, for an automatic edge.
    pub offered_by: Option<PromotionNumber>,
    /// Who asked.
    pub by: Person,
    /// Who made the token by which it was asked for, where that is somebody else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<Person>,
    /// Why.
    pub reason: Option<String>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// The span of a distributed trace in which it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
    /// When people were told last that it waits for them, after the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminded_at: Option<Timestamp>,
    /// When it began to have effects.
    pub started_at: Option<Timestamp>,
    /// Whose yes let it in, by role; empty before that and where nobody had to agree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved: Vec<Asked>,
    /// Answers of its checks.
    pub checks: BTreeMap<CheckKey, CheckProgress>,
    /// Withdrawn evidence that it rests on although it goes on, because it had started.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub doubts: BTreeSet<Digest>,
    /// What serves now; none for a first release, or when it was found dead at the start.
    pub blue: Option<Deployment>,
    /// The deployment that stood by and shall serve again, for a rollback onto it.
    #[serde(default)]
    pub standby: Option<PromotionNumber>,
    /// Why what stood by was given up, if it was tried first.
    #[serde(default)]
    pub standby_failed: Option<String>,
    /// What is coming, once its instances are ready.
    pub green: Option<Deployment>,
    /// Green's share as it was last observed.
    pub weight: Weight,
    /// The order under which it was observed first, until something else was observed.
    #[serde(default)]
    pub lent: Option<Revision>,
    /// Whether going back would lose data.
    pub irreversible: bool,
    /// Whether a person named the plan: then it does exactly that, or nothing.
    #[serde(default)]
    pub bound_to_plan: bool,
    /// Whether blue lost its health on the way; until a person lets the promotion go on.
    #[serde(default)]
    pub blue_lost: bool,
    /// Whether green was ever ordered a share of the visitors, recorded as observed or not.
    #[serde(default)]
    pub had_visitors: bool,
    /// Where it is.
    pub state: State,
    /// Set while a person, or the program on behalf of one, holds it.
    pub paused: Option<Pause>,
    /// Set while a freeze or a closed window holds it at the weight that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// Whether it goes past windows and declared freezes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overrides_window: bool,
    /// The verdict that condemned the release, once there is one.
    pub condemned: Option<String>,
    /// Index of the step that a person let go on after the program had called for one: because it held
    /// for evidence in vain, or was condemned, and could not go back by itself.
    #[serde(default)]
    pub waived: Option<usize>,
    /// Why the router did not do what was ordered last, while it has not.
    #[serde(default)]
    pub router_failed: Option<String>,
    /// Why its weight is what it is, where a budget of harm chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_reason: Option<String>,
    /// Since when the traffic is measured, and what was counted before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
    /// Set once a commit or a return has been ordered in vain for so long that a person was called.
    #[serde(default)]
    pub called: Option<Called>,
}

impl Promotion {
    /// What the passes of its checks rest on.
    pub fn rests_on(&self) -> impl Iterator<Item = &Digest> {
        let answers = self.checks.values().filter_map(|progress| progress.answer.as_ref());
        let passes = answers.filter(|(answer, _)| answer.result == CheckResult::Pass);
        passes.flat_map(|(answer, _)| answer.evidence.iter().map(|piece| &piece.digest))
    }

    /// Index of the first step that is taken: the last where blue was found dead at the start, as there
    /// is nothing to compare with and nothing to fall back to.
    pub(super) fn first_step(&self) -> usize {
        match self.blue {
            Some(_) => 0,
            None => self.plan.steps.len().saturating_sub(1),
        }
    }

    /// Whether the traffic can return by itself: blue is there and well, and a return loses no data.
    pub fn can_return(&self) -> bool {
        self.blue.is_some() && !self.blue_lost && !self.irreversible
    }

    /// Whether the router is told to freeze a lent weight instead of returning it when it hears
    /// nothing. The health of blue is no part of it: the router sees that for itself.
    pub fn freezes_on_silence(&self) -> bool {
        self.blue.is_none() || self.irreversible
    }

    /// Whether visitors may be on green, recorded or not.
    pub fn may_have_visitors(&self) -> bool {
        match self.state {
            State::Shifting { .. }
            | State::Baking { .. }
            | State::Reconciling { .. }
            | State::Committing { .. } => true,
            State::Waiting { .. }
            | State::Starting { .. }
            | State::Validating
            | State::GoingBack { .. } => false,
        }
    }

    /// Whether any visitor may ever have met green. States of versions that did not keep it tell by
    /// the weight.
    pub fn may_have_had_visitors(&self) -> bool {
        self.had_visitors || self.weight > Weight::ZERO || self.may_have_visitors()
    }

    /// Whether a release that is on its way can be thrown out: visitors may be on it, and can return.
    pub(super) fn can_be_thrown_out(&self) -> bool {
        self.plan.kind == Kind::Promote && self.can_return() && self.may_have_visitors()
    }

    /// Since when a commit or a return is ordered, while one is.
    pub(super) fn route_ordered_since(&self) -> Option<Timestamp> {
        match &self.state {
            State::Committing { since, .. } | State::GoingBack { since, .. } => *since,
            _ => None,
        }
    }

    /// When a commit or a return was ordered in vain for as long as a step may hold.
    pub(super) fn route_overdue_at(&self) -> Option<Timestamp> {
        let limit = self.plan.section.rollout.hold_limit;
        self.route_ordered_since().map(|since| since.plus(limit))
    }

    /// Whether a release that is on its way can be held with the visitors that it has.
    pub(super) fn can_be_held(&self) -> bool {
        let has_step = !matches!(self.state, State::Committing { .. });
        self.plan.kind == Kind::Promote && self.may_have_visitors() && has_step
    }

    /// Index of the step that is being taken, while one is.
    pub(super) fn step(&self) -> Option<usize> {
        match self.state {
            State::Shifting { step, .. }
            | State::Baking { step, .. }
            | State::Reconciling { step, .. } => Some(step),
            _ => None,
        }
    }

    /// Whether a person has let this step go on, knowing what spoke against it.
    pub(super) fn is_waived(&self) -> bool {
        self.waived.is_some() && self.waived == self.step()
    }

    /// Why the traffic cannot return by itself, where it cannot.
    pub fn why_not_back(&self) -> &'static str {
        if self.irreversible {
            "going back would lose data"
        } else if self.blue_lost {
            "what it would go back to lost its health"
        } else {
            "there is nothing to go back to"
        }
    }
}

/// Where a promotion is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum State {
    /// Waits for checks, people or the lane; holds nothing.
    Waiting {
        /// When it ends `rejected` if it still waits.
        deadline: Timestamp,
    },
    /// The route is being made ready and green's instances are being started.
    Starting {
        /// The command that does it.
        command: CommandId,
    },
    /// Green is asked at weight 0.
    Validating,
    /// A weight is ordered and not yet observed.
    Shifting {
        /// Index of the step.
        step: usize,
        /// The command that orders it.
        command: CommandId,
        /// The revision that it orders.
        revision: Revision,
        /// Since when recorded and observed weights differ, if this is another try.
        #[serde(default)]
        reconciling_since: Option<Timestamp>,
    },
    /// Green has its weight and is judged.
    Baking {
        /// Index of the step.
        step: usize,
        /// Since when the weight was observed.
        since: Timestamp,
        /// When it was found that there is too little evidence, and the step began to hold.
        held_since: Option<Timestamp>,
    },
    /// Recorded and observed weights differ, or it is not known whether they do.
    Reconciling {
        /// Index of the step that will be taken again.
        step: usize,
        /// Since when.
        since: Timestamp,
        /// When it is tried again.
        retry_at: Timestamp,
    },
    /// Green is being made the default arm.
    Committing {
        /// The command that does it; none while a failed one waits to be repeated.
        command: Option<CommandId>,
        /// The revision that it orders.
        revision: Revision,
        /// When it is tried again.
        retry_at: Option<Timestamp>,
        /// Since when it was ordered first.
        #[serde(default)]
        since: Option<Timestamp>,
        /// Whether nothing of what it replaces stays in the route, because that is quarantined.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        barred: bool,
    },
    /// All traffic is being returned to blue.
    GoingBack {
        /// The command that does it; none while a failed one waits to be repeated.
        command: Option<CommandId>,
        /// The revision that it orders.
        revision: Revision,
        /// When it is tried again.
        retry_at: Option<Timestamp>,
        /// Since when it was ordered first.
        #[serde(default)]
        since: Option<Timestamp>,
        /// How the promotion will end.
        ending: Ending,
        /// Whether the traffic is back already, at something that does not answer.
        #[serde(default)]
        returned: bool,
    },
}

impl State {
    /// The word for it in JSON, pages and lists.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Starting { .. } => "starting",
            Self::Validating => "validating",
            Self::Shifting { .. } => "shifting",
            Self::Baking { .. } => "baking",
            Self::Reconciling { .. } => "reconciling",
            Self::Committing { .. } => "committing",
            Self::GoingBack { .. } => "going-back",
        }
    }
}

/// How and why a promotion will end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// How.
    pub outcome: Outcome,
    /// Why, one sentence.
    pub sentence: String,
    /// What the release itself said, when it did not start.
    pub said: Vec<String>,
    /// Whether the digest is quarantined.
    pub quarantine: bool,
}

/// A call for a person, while it is tried on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Called {
    /// Why.
    pub reason: String,
    /// When a person is called again.
    pub again_at: Timestamp,
}

/// Where the measuring of the traffic begins: with the first weight, and anew with each step that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Since when.
    pub since: Timestamp,
    /// Requests to both arms that were counted before.
    pub requests: u64,
}

/// What a freeze or a closed window does to a promotion that is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// What held it first.
    pub sentence: String,
    /// Since when.
    pub since: Timestamp,
    /// When it goes back by itself.
    pub until: Timestamp,
}

/// A promotion that is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pause {
    /// Who holds it.
    pub by: Person,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// When it goes back by itself.
    pub until: Timestamp,
}
