//! Refused attempts, as they are shown. Refuses nothing, and counts nothing: an event says how many
//! it stands for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use towpath_core::journal::Event;
use towpath_ports::store::{EventRow, StoreError};

use crate::views::time;

/// An order that was refused, or several that are alike and came within an hour.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RefusedView {
    /// The event that holds it, by which `before` continues a list.
    pub event: u64,
    /// Who, and by which token.
    pub by: String,
    /// From where, such as `user 1000 on the socket`; null where nobody knows.
    pub from: Option<String>,
    /// What they wanted to do, as the right to it is called: `promote`.
    pub order: String,
    /// Of what; null where the order belonged to no lane.
    pub service: Option<String>,
    /// Where; null likewise.
    pub environment: Option<String>,
    /// The promotion that they named.
    pub promotion: Option<u64>,
    /// The stable word of the refusal: `not-allowed`.
    pub code: String,
    /// Why, one sentence.
    pub why: String,
    /// How many times, at least 1.
    pub times: u64,
    /// When the first of them was refused.
    pub since: String,
    /// When it was written: of the first at once, of those like it when their hour was over.
    pub written: String,
}

/// What `row` holds.
///
/// # Errors
/// [`StoreError::Refused`] when this program cannot read it; nobody who was refused is left out
/// silently.
pub(crate) fn refused(row: EventRow) -> Result<RefusedView, StoreError> {
    let (service, environment) = match row.lane {
        Some(lane) => (Some(lane.service.to_string()), Some(lane.environment.to_string())),
        None => (None, None),
    };
    match serde_json::from_value(row.body) {
        Ok(Event::OrderRefused(refused)) => Ok(RefusedView {
            event: row.seq,
            by: row.actor,
            from: refused.from,
            order: refused.order,
            service,
            environment,
            promotion: refused.number.map(|number| number.0),
            code: refused.code,
            why: refused.sentence,
            times: refused.times,
            since: time(refused.since),
            written: time(row.at),
        }),
        Ok(_) => Err(unreadable(row.seq, "it is another one than it is called")),
        Err(error) => Err(unreadable(row.seq, &error.to_string())),
    }
}

fn unreadable(seq: u64, cause: &str) -> StoreError {
    StoreError::Refused(format!("event {seq} of the journal cannot be read: {cause}"))
}
