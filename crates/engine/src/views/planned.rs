//! What is shown of a promotion before it is ordered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use towpath_core::quiet::{QuietHour, Start};
use towpath_core::release::ChangeType;
use towpath_core::settings::SettingChange;

use super::{ApprovalView, BlockerView, CheckView, StepView, UnenforcedView, time};

/// What a promotion would do.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PlanView {
    /// [`super::FORMAT`].
    pub format: u32,
    /// All of the plan's hash.
    pub hash: String,
    /// What.
    pub service: String,
    /// Where it comes from.
    pub from: Vec<String>,
    /// Where.
    pub to: String,
    /// How much is at stake there.
    pub tier: String,
    /// Which release.
    pub release: String,
    /// What kind of change it is.
    pub change_type: ChangeType,
    /// Who wrote it.
    pub author: Option<String>,
    /// The commit it was built from.
    pub commit: Option<String>,
    /// Where and when it was verified, a phrase for each predecessor.
    pub verified: Vec<String>,
    /// What it replaces, and since when that serves.
    pub replaces: Option<(String, String)>,
    /// Names of settings that differ from those under which something serves.
    pub settings_changed: Vec<String>,
    /// What they were and become, where nothing else changes; without values that are secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets_up: Vec<SettingChange>,
    /// Files that it brings for whoever agrees: their names and digests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<(String, String)>,
    /// How many migrations it brings.
    pub migrations: usize,
    /// What stands by now and is retired by it.
    pub retires: Option<String>,
    /// The share of the requests that stays on what stands by until then, where some do.
    #[serde(default)]
    pub retires_holdback: Option<f64>,
    /// Checks before anything changes.
    pub prerequisites: Vec<CheckView>,
    /// Checks on green.
    pub validation: Vec<CheckView>,
    /// The roles that must agree to it; empty where nobody has to.
    #[serde(default)]
    pub approvals: Vec<ApprovalView>,
    /// How many instances are started beside how many.
    pub instances: (u32, Option<u32>),
    /// Steps as they will be taken.
    pub steps: Vec<StepView>,
    /// How long what it leaves stands by, in seconds.
    pub standby_seconds: f64,
    /// What of the requests stays on what it replaces after commit, where something does.
    #[serde(default)]
    pub holdback: Option<HoldbackPlanView>,
    /// What sends it back at once, phrases.
    pub goes_back: Vec<String>,
    /// What a step without evidence does.
    pub without_evidence: String,
    /// What the old release serves again when the new one fails it; none where there is no old one
    /// or no step in which it could.
    #[serde(default)]
    pub served_again: Option<String>,
    /// How the weights are chosen, where a budget of harm chooses them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_chosen: Option<String>,
    /// Dotted paths of what touches this promotion and is declared, not enforced.
    pub not_enforced: Vec<String>,
    /// The same with why.
    pub unenforced: Vec<UnenforcedView>,
    /// Sum of the bakes, in seconds.
    pub bake_seconds: f64,
    /// Windows and declared freezes that it goes by, in words.
    #[serde(default)]
    pub windows: Vec<String>,
    /// What would hold it now.
    #[serde(default)]
    pub held: Vec<BlockerView>,
    /// When nothing holds it any more, as far as is known; null where nothing holds it, or nobody knows.
    #[serde(default)]
    pub opens: Option<String>,
    /// When the least traffic is to be expected; null where that is no question: nothing serves there, nothing
    /// counts visitors, or it is in a hurry.
    #[serde(default)]
    pub quiet_hour: Option<QuietHourView>,
    /// Whether it goes past windows and declared freezes.
    #[serde(default)]
    pub overrides_window: bool,
    /// Whether the glass would be broken: nothing is asked before the start, and a review is owed.
    #[serde(default)]
    pub breaks_glass: bool,
    /// What is owed once it serves, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owes: Vec<String>,
    /// When this was so.
    pub at: String,
}

/// Visitors who will stay on what stands by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldbackPlanView {
    /// Their share of the requests.
    pub share: f64,
    /// For how long, in seconds.
    pub seconds: f64,
}

/// When the least traffic is to be expected within a week, by what the lane counted before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuietHourView {
    /// The start to choose; null where no hour is worth naming.
    pub best: Option<StartView>,
    /// The first moment at which it may start, where that is another one and is known.
    pub first: Option<StartView>,
    /// Requests in the middle one of all hours of a week.
    pub usual: Option<u64>,
    /// Requests in the busiest one.
    pub busiest: Option<u64>,
    /// Whole days of counts that this rests on.
    pub days: Option<usize>,
    /// Whether it takes longer than windows are open, so that it will be held in its midst.
    pub outlasts: bool,
    /// Why no hour is named, one sentence; null where one is.
    pub none_because: Option<String>,
}

/// A moment to start at, and what is to be expected then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StartView {
    /// When.
    pub at: String,
    /// The same on the clock of the place, such as `Tue 2026-11-24 03:00 Europe/Berlin`.
    pub local: String,
    /// Requests an hour, over all of the promotion.
    pub requests: u64,
}

impl From<Start> for StartView {
    fn from(start: Start) -> Self {
        Self { at: time(start.at), local: start.local, requests: start.requests }
    }
}

impl From<Result<QuietHour, String>> for QuietHourView {
    fn from(found: Result<QuietHour, String>) -> Self {
        match found {
            Ok(found) => Self {
                best: Some(found.best.into()),
                first: found.first.map(Into::into),
                usual: Some(found.usual),
                busiest: Some(found.busiest),
                days: Some(found.days),
                outlasts: found.outlasts,
                none_because: None,
            },
            Err(because) => Self {
                best: None,
                first: None,
                usual: None,
                busiest: None,
                days: None,
                outlasts: false,
                none_because: Some(because),
            },
        }
    }
}
