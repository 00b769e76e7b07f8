//! What the terminal, the API and the pages show. The names are those of the matrix; durations are
//! seconds, shares are fractions of 1, times are RFC 3339 in UTC, unknown is null and never left
//! out. Shows, decides nothing.

mod approval;
mod earliest;
mod figures;
mod latest;
mod people;
mod picture;
mod planned;
mod proposal;
mod quarantine;
mod refused;
mod show;
mod telling;
mod traffic;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use towpath_core::evidence::Evidence;
use towpath_core::promotion::state::{Kind, Outcome};
use towpath_core::reason::Next;

use crate::following::FollowingView;
pub use crate::summary::text as summary;
pub use approval::ApprovalView;
pub use earliest::EarliestView;
pub use figures::{FigureView, LoadView};
pub use people::{TokenView, WaitView, WaitingView, YouView};
pub use picture::{ArmView, LimitView, PictureView, PointView};
pub use planned::{HoldbackPlanView, PlanView, QuietHourView, StartView};
pub use proposal::ProposalView;
pub use quarantine::QuarantineView;
pub use refused::RefusedView;
pub(crate) use refused::refused;
pub use show::time;
pub(crate) use show::{approvals, checks, lane, promotion, promotion_rows, span_seconds};
pub use telling::{
    ChannelView, DeadNoticeView, DeliveredNoticeView, NoticesView, PendingNoticeView, TestView,
};
pub use traffic::{TrafficPointView, TrafficView};

/// The version of these shapes; grows only when a name changes its meaning.
pub const FORMAT: u32 = 1;

/// What serves where.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// [`FORMAT`].
    pub format: u32,
    /// Whose.
    pub project: String,
    /// How many times faster declared durations run; null outside a rehearsal.
    pub rehearsal: Option<u32>,
    /// When this was so.
    pub at: String,
    /// The engine.
    pub engine: EngineView,
    /// What people froze, oldest first.
    #[serde(default)]
    pub frozen: Vec<FreezeView>,
    /// By environment in the order of the file, then by service.
    pub lanes: Vec<LaneView>,
    /// How many notices never arrived and wait for a person.
    #[serde(default)]
    pub dead_notices: usize,
    /// The repository in which the matrix is followed; absent where none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub following: Option<FollowingView>,
}

/// A freeze that somebody set and that is not over.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FreezeView {
    /// Only this environment; null: all.
    pub environment: Option<String>,
    /// Only this service; null: all.
    pub service: Option<String>,
    /// Why.
    pub reason: String,
    /// Who set it.
    pub by: String,
    /// Since when.
    pub since: String,
    /// When it ends by itself; null: when somebody thaws it.
    pub until: Option<String>,
    /// Types of change that it lets through.
    pub except: Vec<String>,
}

/// The engine.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EngineView {
    /// Whether one runs.
    pub running: bool,
    /// Since when.
    pub since: Option<String>,
    /// What is wrong with the disk, while nothing new is taken for want of space.
    #[serde(default)]
    pub short_of_space: Option<String>,
    /// Why checkpoints of the journal cannot be signed, or kept where the matrix says.
    #[serde(default)]
    pub unsigned: Option<String>,
}

/// One lane.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LaneView {
    /// What.
    pub service: String,
    /// Where.
    pub environment: String,
    /// How much is at stake.
    pub tier: String,
    /// What serves.
    pub serves: Option<ServesView>,
    /// Shares of the arms.
    pub weights: WeightsView,
    /// What stands by.
    pub standby: Option<StandbyView>,
    /// How it answers its probes.
    pub health: HealthView,
    /// Whether what the environment promises is kept, as it was when the engine last looked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub promises: Vec<CheckView>,
    /// The promotion that holds the lane, or else the oldest that waits.
    pub promotion: Option<PromotionView>,
    /// How many others wait.
    pub more_waiting: usize,
    /// Releases verified here, the latest last.
    pub verified: Vec<String>,
    /// What may not enter.
    pub quarantined: Vec<QuarantineView>,
    /// A trigger that asks a person to roll back.
    pub asks: Option<String>,
    /// Reasons that people still owe for rollbacks; nothing waits for them.
    #[serde(default)]
    pub owes: Vec<BlockerView>,
    /// Names of the settings that the matrix declares otherwise than what serves runs under.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings_differ: Vec<String>,
}

/// What serves.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ServesView {
    /// Which release.
    pub release: String,
    /// Its digest.
    pub digest: String,
    /// Since when.
    pub since: String,
    /// By which promotion.
    pub promotion: u64,
}

/// Shares of the arms.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WeightsView {
    /// Of what serves.
    pub blue: f64,
    /// Of what is coming.
    pub green: f64,
    /// Of what stands by, where it keeps visitors.
    #[serde(default)]
    pub held_back: f64,
}

/// What stands by.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct StandbyView {
    /// Which release.
    pub release: String,
    /// Until when.
    pub until: String,
    /// The visitors who stay on it.
    #[serde(default)]
    pub holdback: Option<HoldbackView>,
}

/// Visitors who stay on what stands by.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HoldbackView {
    /// Their share of the requests as it was ordered.
    pub share: f64,
    /// Their share as the router was last seen to give it.
    pub observed: f64,
    /// Until when.
    pub until: String,
    /// Why it is being ended, once it is.
    pub ending: Option<String>,
}

/// How a lane answers its probes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HealthView {
    /// `healthy`, `unhealthy`, or `unknown`.
    pub state: String,
    /// How many endpoints are declared.
    pub endpoints: usize,
    /// Those that fail.
    pub failing: Vec<String>,
    /// When they were last asked.
    pub at: Option<String>,
}

/// One promotion.
#[expect(clippy::struct_excessive_bools, reason = "each is shown by itself, not one state")]
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PromotionView {
    /// Its number.
    pub number: u64,
    /// `promote` or `rollback`.
    pub kind: Kind,
    /// What.
    pub service: String,
    /// Where it comes from, as it was named.
    pub from: Option<String>,
    /// Where.
    pub to: String,
    /// The tier of where.
    pub release: String,
    /// Its digest.
    pub digest: String,
    /// What served when it was asked for.
    pub replaces: Option<String>,
    /// Who asked.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// `waiting` and so on, or the outcome.
    pub state: String,
    /// How it ended; null while it has not.
    pub outcome: Option<Outcome>,
    /// Why it ended as it did.
    pub sentence: Option<String>,
    /// What the release itself said, when it did not start.
    pub said: Vec<String>,
    /// First 12 digits of its plan's hash.
    pub plan: String,
    /// Its steps.
    pub steps: Vec<StepView>,
    /// Index of the step that it is at; null outside the rollout.
    pub step: Option<usize>,
    /// Seconds that the step has baked.
    pub baked_seconds: Option<f64>,
    /// Whether the step holds for evidence.
    pub held: bool,
    /// Green's share as observed.
    pub weight: f64,
    /// Why it is this much, one sentence; null or left out where no budget of harm chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_reason: Option<String>,
    /// Its checks, in the order of the file.
    pub checks: Vec<CheckView>,
    /// The roles that must agree to it; empty where nobody has to.
    #[serde(default)]
    pub approvals: Vec<ApprovalView>,
    /// What visitors met.
    pub evidence: EvidenceView,
    /// What the guard says now.
    pub verdict: Option<VerdictView>,
    /// Who holds it, and why.
    pub paused: Option<String>,
    /// Whether a freeze or a closed window keeps it at its weight.
    #[serde(default)]
    pub frozen: bool,
    /// Whether it goes past windows and declared freezes, by a person's word.
    #[serde(default)]
    pub overrides_window: bool,
    /// Whether the glass was broken for it: it went past all that is asked before a start.
    #[serde(default)]
    pub broke_glass: bool,
    /// What it waits for.
    pub waits_for: Vec<BlockerView>,
    /// When it could start at the earliest; left out unless it waits for its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earliest_start: Option<EarliestView>,
    /// When it was asked for.
    pub requested_at: String,
    /// When it began to have effects.
    pub started_at: Option<String>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// From the start to the end, or to now.
    pub seconds: Option<f64>,
    /// Visitors that got a failure from green.
    pub harmed_requests: u64,
    /// Visitors that got no answer because of the router meanwhile; null where nobody counted them.
    #[serde(default)]
    pub lost_requests: Option<u64>,
    /// Visitors that were served again by blue.
    pub rescued_requests: u64,
    /// Copies of blue's requests that both arms answered; no visitors.
    #[serde(default)]
    pub mirrored_requests: u64,
    /// Those of them that green answered otherwise.
    #[serde(default)]
    pub mirrored_differing: u64,
    /// Channels to which its end was told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<String>,
    /// Channels that should have heard of its end and that nothing can be sent to, each with why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_told: Vec<String>,
    /// Whether its release was quarantined.
    pub quarantined: bool,
    /// How long what it leaves stands by, in seconds.
    pub standby_seconds: f64,
    /// What of the requests stays on what it replaces after commit, where something does.
    #[serde(default)]
    pub holdback: Option<HoldbackPlanView>,
}

/// One step.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct StepView {
    /// Green's share.
    pub weight: f64,
    /// Share of blue's safe requests that are copied to green; null where none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<f64>,
    /// How long it bakes at the most, in seconds.
    pub bake_seconds: f64,
}

/// One check.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CheckView {
    /// `prerequisites` or `validation`.
    pub list: String,
    /// Its name for people.
    pub title: String,
    /// Which adapter answers.
    pub kind: String,
    /// `open`, `asking`, `pass`, `fail`, `pending`, `inconclusive`.
    pub state: String,
    /// What it said last.
    pub sentence: Option<String>,
    /// What its answer rests on, of which the bytes are kept; none of checks that are asked aside from any
    /// promotion.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// What visitors met during a rollout.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceView {
    /// On green.
    pub green: SideView,
    /// On blue at the same time.
    pub blue: SideView,
}

/// What visitors met on one arm.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct SideView {
    /// Requests.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
    /// p99 in milliseconds.
    pub p99_ms: Option<f64>,
}

/// What the guard says.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct VerdictView {
    /// `healthy`, `unhealthy`, `undecided`, `blind`.
    pub standing: String,
    /// One sentence.
    pub sentence: String,
}

/// A named thing that is waited for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BlockerView {
    /// What kind of thing.
    pub what: String,
    /// One sentence.
    pub sentence: String,
    /// Who can do something about it.
    pub who: Vec<String>,
    /// When it is tried again or ends by itself.
    pub until: Option<String>,
    /// What helps.
    pub next: Vec<Next>,
}

/// Something that is declared and that nothing enforces.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct UnenforcedView {
    /// Its dotted path, entries of lists by their names.
    pub path: String,
    /// Why, a few words.
    pub reason: String,
    /// Whether it refuses promotions until it is accepted by name.
    pub refuses: bool,
    /// Whether it is only kept and shown, so that nobody has to accept it.
    pub kept: bool,
}
