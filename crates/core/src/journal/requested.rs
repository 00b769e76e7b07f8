//! What the journal keeps of an order: a promotion as it was asked for, and a rollback that has to wait.
//! Facts alone; decides nothing.

use serde::{Deserialize, Serialize};

use crate::ids::{Name, Person, PromotionNumber};
use crate::plan::Plan;
use crate::speaking::Signed;
use crate::trace_context::TraceContext;
use crate::units::Timestamp;

/// A rollback that waits until what was on its way is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Who ordered it, or sent the signal.
    pub by: Person,
    /// Why; owed if it is missing.
    pub reason: Option<String>,
    /// Whether the release that goes is quarantined.
    pub quarantine: bool,
    /// Whether the release itself must go, so that its former settings are no way back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaves_release: bool,
    /// Whether a person ordered it: then it acts. A signal acts or asks, as the matrix says.
    pub ordered: bool,
    /// The promotion that was on its way.
    pub after: PromotionNumber,
}

/// A promotion as it was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Requested {
    /// Its number.
    pub number: PromotionNumber,
    /// What will be done.
    pub plan: Plan,
    /// The predecessor that was named.
    pub from: Option<Name>,
    /// The promotion elsewhere that offered the release.
    pub offered_by: Option<PromotionNumber>,
    /// Who asked.
    pub by: Person,
    /// Who made the token by which it was asked for, where that is somebody else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<Person>,
    /// Why.
    pub reason: Option<String>,
    /// When it ends if it still waits.
    pub deadline: Timestamp,
    /// Whether going back from the release would lose data.
    pub irreversible: bool,
    /// Whether a person named the plan: then it does exactly that, or nothing.
    #[serde(default)]
    pub bound_to_plan: bool,
    /// Whether it goes past windows and declared freezes, by the word of a person who may.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overrides_window: bool,
    /// The order as it was signed, of whoever has a key, where it goes past the rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
    /// The span of a distributed trace in which it was asked for; set by the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}
