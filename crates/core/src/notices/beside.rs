//! Notices of what belongs to no lane and to no promotion: each channel hears of it once, however many
//! environments it is about. What is said and to whom stands with what it is about.

use std::collections::BTreeSet;

use crate::ids::Name;
use crate::journal::Event;
use crate::matrix::Tier;
use crate::notices::wording::headed;
use crate::notices::{Notice, Occasion, frozen, governed};
use crate::project::Common;
use crate::reason::Next;
use crate::units::Timestamp;

/// What is told of an event, and to whom.
pub(super) struct Said<'a> {
    pub(super) occasion: Occasion,
    /// By the rules of the matrix, those included that nobody can reach.
    pub(super) channels: BTreeSet<&'a Name>,
    /// Of the one environment that it is about.
    pub(super) tier: Option<Tier>,
    pub(super) subject: String,
    pub(super) rows: Vec<(String, String)>,
    pub(super) next: Vec<Next>,
}

/// The notices of events that belong to no lane: of freezes that people set and end, and of a changed matrix
/// that waits for people. `common` is what was before them; `turn` is a text that no other turn has. Pure;
/// safe to repeat.
pub fn of_project(
    common: &Common,
    events: &[Event],
    (now, turn, speed): (Timestamp, &str, u32),
) -> Vec<Notice> {
    let Some(matrix) = &common.matrix else { return Vec::new() };
    let rehearsal = Some(speed).filter(|speed| *speed > 1);
    let is_reached =
        |name: &Name| matrix.notifiers.get(name).is_some_and(|channel| channel.missing.is_none());
    let mut found = Vec::new();
    for event in events {
        let said = frozen::said(matrix, event).or_else(|| governed::said(common, matrix, event));
        let Some(said) = said else { continue };
        for channel in said.channels.iter().filter(|channel| is_reached(channel)) {
            let (place, project) = (found.len(), matrix.project.clone());
            found.push(Notice {
                id: format!("{:x}-{turn}-{place}", now.0),
                channel: channel.to_string(),
                occasion: said.occasion,
                at: now,
                subject: headed(&project, rehearsal, &said.subject),
                project,
                rehearsal,
                lane: None,
                tier: said.tier,
                promotion: None,
                release: None,
                serves: None,
                served: None,
                rows: said.rows.clone(),
                next: said.next.clone(),
                summary: None,
            });
        }
    }
    found
}
