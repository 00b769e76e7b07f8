//! The matrix in its resolved form: every default filled in, every reference checked. Built by
//! `towpath-config`; this file owns the meaning of its parts and the order of the pipeline.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::approvals::{ApprovalRules, Need};
pub use crate::auditing::AuditRules;
use crate::branches::BranchRule;
use crate::calendar::Calendar;
use crate::canonical;
use crate::change_types::ChangeTypes;
use crate::debts::Owes;
use crate::guarding::GuardRules;
use crate::ids::{Digest, LaneId, Name, Person};
use crate::notices::{Channel, NotifyRules};
use crate::people::{PersonSpec, WhoMay};
use crate::units::{Span, Weight};

pub use crate::unenforced::{ACCEPTED, Unenforced};

/// One project's matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    /// Whose matrix it is.
    pub project: Name,
    /// What is released, by name; at least one.
    pub services: BTreeMap<Name, Service>,
    /// Where releases run, in the order of the file.
    pub environments: Vec<Environment>,
    /// Who we are; empty where nobody is named, and then nobody is refused anything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub people: BTreeMap<Person, PersonSpec>,
    /// Which roles may do what where an environment does not say it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub who_may: WhoMay,
    /// Who must agree before a changed matrix counts: how many people of each role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Need>,
    /// How people are told, by the channel's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notifiers: BTreeMap<Name, Channel>,
    /// How often the end of the journal is signed, and where that is kept.
    #[serde(default, skip_serializing_if = "AuditRules::is_default")]
    pub audit: AuditRules,
    /// Sections at the top that are kept and that nothing here acts on, by name, every default
    /// filled in.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        serialize_with = "canonical::values"
    )]
    pub declared: BTreeMap<String, Value>,
}

impl Matrix {
    /// The environment called `name`.
    pub fn environment(&self, name: &Name) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.name == *name)
    }

    /// What is declared for one lane.
    pub fn lane(&self, lane: &LaneId) -> Option<(&Environment, &LaneSpec)> {
        let environment = self.environment(&lane.environment)?;
        Some((environment, environment.lanes.get(&lane.service)?))
    }

    /// Environments that come directly after `name`, in the order of the file.
    pub fn successors<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a Environment> {
        self.environments.iter().filter(move |environment| environment.after.names().contains(name))
    }

    /// Digest of the resolved form.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }
}

/// Something that is released on its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// For people.
    pub purpose: Option<String>,
}

/// A place where releases run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// What it is called.
    pub name: Name,
    /// How much is at stake in it.
    pub tier: Tier,
    /// Its full name, for people.
    pub title: Option<String>,
    /// What it is for, for people.
    pub purpose: Option<String>,
    /// Where people reach it.
    pub url: Option<String>,
    /// Where its releases must have been verified.
    pub after: Predecessors,
    /// Who decides that a verified release goes on into it.
    pub promote: Decider,
    /// Which roles may do what in it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub who_may: WhoMay,
    /// Who hears of what happens in it.
    #[serde(default, skip_serializing_if = "NotifyRules::is_empty")]
    pub notify: NotifyRules,
    /// What it promises, as questions about whatever serves there; no promotion is asked them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub promises: Vec<CheckSpec>,
    /// What is declared for each service in it.
    pub lanes: BTreeMap<Name, LaneSpec>,
    /// Its sections that are kept and that nothing here acts on, by name, every default filled in;
    /// `services` has those that are different for a service.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        serialize_with = "canonical::values"
    )]
    pub declared: BTreeMap<String, Value>,
}

/// How much is at stake in an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Nobody but its developers is hurt.
    Development,
    /// Testers are hurt.
    Testing,
    /// The next release is held up.
    Staging,
    /// Users are hurt.
    Production,
}

impl Tier {
    /// As written in the matrix.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Testing => "testing",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// Which environments a release must be verified in before it may enter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Predecessors {
    /// None: releases start here.
    Root,
    /// All of these.
    All(Vec<Name>),
    /// At least one of these.
    Any(Vec<Name>),
}

impl Predecessors {
    /// The environments named; empty for a root.
    pub fn names(&self) -> &[Name] {
        match self {
            Self::Root => &[],
            Self::All(names) | Self::Any(names) => names,
        }
    }
}

/// Who decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decider {
    /// The program, as soon as its conditions hold.
    Automatic,
    /// A person.
    #[default]
    Manual,
}

/// What is declared for one service in one environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneSpec {
    /// What runs the release.
    pub target: AdapterSpec,
    /// What sends visitors to it. None: nothing is routed, and a rollout is a restart.
    pub router: Option<AdapterSpec>,
    /// Copies of the release that carry all traffic, at least 1.
    pub instances: u32,
    /// Environment variables of the release; they win over the release's own settings.
    pub settings: BTreeMap<String, String>,
    /// Environment variables of the release whose values are secrets, and where each is kept; never a
    /// value. They win over settings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, AdapterSpec>,
    /// How it is probed.
    pub health: Health,
    /// What a release must show.
    pub gate: Gate,
    /// Who must agree to it; none: nobody has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<ApprovalRules>,
    /// What is different for one type of change.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub change_types: ChangeTypes,
    /// Where the branches of releases must start, by branch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<BranchRule>,
    /// What is owed once it serves; set in plans alone, where the type of change is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owes: Option<Owes>,
    /// How traffic moves.
    pub rollout: Rollout,
    /// How long the old release is kept at full capacity after commit; zero keeps none.
    pub standby: Span,
    /// What the old release still has to do with visitors after commit; none: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdback: Option<HoldbackRule>,
    /// When and by whom it is taken back.
    pub rollback: RollbackPolicy,
    /// How sure the guard must be.
    #[serde(default, skip_serializing_if = "GuardRules::is_default")]
    pub guard: GuardRules,
    /// When promotions may run.
    #[serde(default, skip_serializing_if = "Calendar::is_empty")]
    pub calendar: Calendar,
    /// What happens to an older waiting promotion when a newer one arrives.
    pub supersede: Supersede,
    /// Whether a hotfix may take the place of a promotion that is under way.
    pub hotfix_preempts: bool,
    /// Demands of the matrix that this version does not enforce and that touch a promotion into
    /// this lane.
    pub unenforced: Vec<Unenforced>,
}

/// An adapter chosen by its kind, with its settings as the kind understands them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdapterSpec {
    /// Which adapter.
    pub kind: String,
    /// An object, checked by the kind's own parser, with every default filled in.
    #[serde(serialize_with = "canonical::value")]
    pub settings: Value,
}

/// How an environment is probed (seed 000, health checks).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// Time between two rounds; none means only when asked (`every: manual`).
    pub every: Option<Span>,
    /// How long one answer may take.
    pub timeout: Span,
    /// Failures in a row after which an endpoint counts as failing; at least 1.
    pub retries: u32,
    /// Paths that must answer 2xx. Empty: not probed.
    pub endpoints: Vec<String>,
}

/// The checks around an edge.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Asked before anything changes.
    pub prerequisites: Vec<CheckSpec>,
    /// Asked of green, at weight 0 unless the check says otherwise.
    pub validation: Vec<CheckSpec>,
}

/// One question of a gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckSpec {
    /// Its name in paths: the title in lower case with hyphens. Unique within its list.
    pub slug: String,
    /// Its name for people.
    pub title: String,
    /// The adapter that answers, with its settings.
    pub check: AdapterSpec,
    /// How long one answer may take.
    pub timeout: Span,
    /// Asked when green has this share of the traffic; zero is before any visitor.
    pub at: Weight,
}

/// How traffic moves from blue to green.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// The name of the shape.
    pub strategy: Strategy,
    /// Rising weights; the last is 100%. At least one.
    pub steps: Vec<Step>,
    /// Whether a step may pass only when green is shown to be healthy.
    pub proof_required: bool,
    /// How long a step may wait beyond its bake for evidence.
    pub hold_limit: Span,
    /// What happens when no evidence came by then.
    pub on_blind: OnBlind,
    /// What happens after a lease has lapsed and the engine is back.
    pub on_lapse: OnLapse,
    /// For how long a weight is lent to green.
    pub lease: Span,
    /// What blue serves again when green fails it; none: nothing. Rollouts that older versions
    /// stored have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rescue: Option<Rescue>,
    /// What holds for the copies of steps that mirror, where the matrix says something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Mirror>,
    /// Requests that may be harmed. Then the steps are the weights that may be taken, and the next is
    /// the largest whose worst case, as far as is known, keeps within it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harm_budget: Option<u32>,
}

/// What holds for copies of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mirror {
    /// Paths that are never copied, each with all below it.
    pub except: Vec<String>,
    /// Whether bodies are compared as well as status and time.
    pub compare_bodies: bool,
}

/// Which requests that green failed are served again by blue while green is a candidate: GET, HEAD
/// and OPTIONS, and those named here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rescue {
    /// Paths that are never served twice, each with all below it.
    pub except: Vec<String>,
    /// Other methods that are served again, if the request has an `Idempotency-Key`.
    pub methods: Vec<String>,
    /// Largest request body that is kept for a second attempt, in bytes.
    pub body_bytes: u32,
    /// How long blue may take to begin its answer.
    pub within: Span,
    /// Whether blue is asked as well when green is slower than blue usually is.
    #[serde(default)]
    pub hedge: bool,
}

/// What the old release still has to do with visitors after commit: the share of them who stay on it, so
/// that the new one is still judged beside it, and the requests that the new one fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldbackRule {
    /// Their share, at most a half. Zero: nobody stays, and it is only asked what the new one fails.
    pub share: Weight,
    /// For how long; at most as long as the standby.
    pub lasts: Span,
}

/// Lease of green's weight (design.md section 6).
pub const DEFAULT_LEASE: Span = Span::seconds(30);
/// How often the lease is renewed, as a part of it: 5 s of 30 s.
pub const LEASE_RENEWALS: u64 = 6;
/// How long a step may wait for evidence beyond its bake (design.md section 6).
pub const DEFAULT_HOLD_LIMIT: Span = Span::minutes(30);

/// The name of a rollout's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Green at full capacity beside blue, then steps.
    BlueGreen,
    /// Green grows with its weight.
    Canary,
    /// Equal steps in equal times.
    Linear,
    /// Steps end as soon as the guard is sure.
    Adaptive,
    /// One step of 100%.
    AllAtOnce,
}

impl Strategy {
    /// As written in the matrix.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BlueGreen => "blue-green",
            Self::Canary => "canary",
            Self::Linear => "linear",
            Self::Adaptive => "adaptive",
            Self::AllAtOnce => "all-at-once",
        }
    }
}

/// One step of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Green's share, above the step before; zero only in a first step that mirrors.
    pub weight: Weight,
    /// Share of blue's safe requests that are copied to green, above zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Weight>,
    /// The least time at this weight.
    pub bake_min: Span,
    /// The most time at this weight; equal to `bake_min` unless the matrix gives a range.
    pub bake_max: Span,
}

/// What a step without evidence does in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnBlind {
    /// Goes back to blue.
    Rollback,
    /// Waits for a person.
    Pause,
}

/// What a lapsed lease does when the engine is back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnLapse {
    /// Goes on from its step.
    #[default]
    Resume,
    /// Waits for a person.
    Pause,
    /// Ends, on blue.
    Rollback,
}

/// When and by whom a release is taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollbackPolicy {
    /// Whether a trigger acts after commit or asks. Before commit it always acts.
    pub mode: Decider,
    /// Limit that somebody should keep (seed 000: 5 minutes); kept, and not measured yet.
    pub within: Option<Span>,
    /// The guard's limits.
    pub limits: towpath_guard::Limits,
    /// Signals that take a release back.
    pub signals: Vec<Signal>,
    /// Thresholds of metrics sources that take a release back, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<Alarm>,
}

/// A threshold of a gauge that takes a release back once it has held for so long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// What it is called; unique among those of its lane.
    pub name: Name,
    /// The name of the source in the matrix.
    pub source: Name,
    /// The adapter that is asked.
    pub adapter: AdapterSpec,
    /// What it is asked, with places for what is judged.
    pub query: String,
    /// What is too much, as the matrix writes it: `> 1000`.
    pub is: String,
    /// For how long that must hold.
    pub held_for: Span,
}

/// A person's or a tool's word that something is wrong (seed 000, rollback triggers 3 and 4).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// Security incident detected.
    SecurityIncident,
    /// Business impact identified.
    BusinessImpact,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::SecurityIncident, Self::BusinessImpact];

    /// As written in the matrix and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SecurityIncident => "security-incident",
            Self::BusinessImpact => "business-impact",
        }
    }
}

/// What a newer release does to an older one that still waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Supersede {
    /// Takes its place.
    #[default]
    Newest,
    /// Waits behind it.
    Queue,
}
