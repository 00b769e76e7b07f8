//! What the journal keeps of an order that was refused. A fact alone; changes no state.

use serde::{Deserialize, Serialize};

use crate::ids::{Person, PromotionNumber};
use crate::reason::RefusalKind;
use crate::units::Timestamp;

/// Orders that somebody gave and that were not carried out: one, or several alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedOrder {
    /// Who.
    pub by: Person,
    /// From where, such as `user 1000 on the socket`; none where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What they wanted to do, as the right to it is called: `promote`.
    pub order: String,
    /// The promotion that they named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<PromotionNumber>,
    /// The stable word of the refusal, such as `not-allowed`.
    pub code: String,
    /// What kind of no it was.
    pub kind: RefusalKind,
    /// What was said to them, one sentence.
    pub sentence: String,
    /// How many times, at least 1. The first is written at once; those like it that follow within an
    /// hour are one event with their number.
    pub times: u64,
    /// When the first of them was refused.
    pub since: Timestamp,
}
