//! Notices of freezes that people set and end. They are of no lane and of no promotion, and each channel
//! hears of one once, however many environments it holds. Freezes of the matrix are known beforehand and
//! not told.

use std::collections::BTreeSet;

use crate::freezing::Scope;
use crate::ids::Name;
use crate::journal::Event;
use crate::matrix::Matrix;
use crate::notices::wording::{headed, line};
use crate::notices::{Notice, Occasion};
use crate::project::Common;
use crate::reason::Next;
use crate::units::Timestamp;

/// Who is told of the freezes that a turn sets or ends: the channels of `notify.freeze` in every
/// environment that one holds. `turn` is a text that no other turn has. Pure; safe to repeat.
pub fn of_freezes(
    common: &Common,
    events: &[Event],
    (now, turn, speed): (Timestamp, &str, u32),
) -> Vec<Notice> {
    let Some(matrix) = &common.matrix else { return Vec::new() };
    let rehearsal = Some(speed).filter(|speed| *speed > 1);
    let mut found = Vec::new();
    for event in events {
        let Some((scope, subject, rows, next)) = said(event) else { continue };
        for channel in channels(matrix, scope) {
            let (place, project) = (found.len(), matrix.project.clone());
            let own = scope.environment.as_ref().and_then(|name| matrix.environment(name));
            found.push(Notice {
                id: format!("{:x}-{turn}-{place}", now.0),
                channel: channel.to_string(),
                occasion: Occasion::Freeze,
                at: now,
                subject: headed(&project, rehearsal, &subject),
                project,
                rehearsal,
                lane: None,
                tier: own.map(|environment| environment.tier),
                promotion: None,
                release: None,
                rows: rows.clone(),
                next: vec![next.clone()],
                summary: None,
            });
        }
    }
    found
}

/// Channels that can be reached and hear of freezes somewhere in the scope, each once.
fn channels<'a>(matrix: &'a Matrix, scope: &Scope) -> BTreeSet<&'a Name> {
    let all = matrix.environments.iter();
    let held = all.filter(|one| scope.environment.as_ref().is_none_or(|name| *name == one.name));
    let named = held.filter_map(|one| one.notify.on.get(&Occasion::Freeze)).flatten();
    let is_reached =
        |name: &&Name| matrix.notifiers.get(*name).is_some_and(|channel| channel.missing.is_none());
    named.filter(is_reached).collect()
}

type Said<'a> = (&'a Scope, String, Vec<(String, String)>, Next);

/// What is told of an event; none where it is about no freeze.
fn said(event: &Event) -> Option<Said<'_>> {
    let row = |label: &str, value: String| (label.to_owned(), line(&value));
    match event {
        Event::Frozen(freeze) => {
            let mut rows = vec![
                row("who", freeze.by.to_string()),
                row("why", freeze.reason.clone()),
                row("until", freeze.until.map_or_else(|| "somebody thaws it".to_owned(), moment)),
            ];
            let except: Vec<_> = freeze.except.iter().map(|change| change.as_str()).collect();
            if !except.is_empty() {
                rows.push(row("but", except.join(", ")));
            }
            let subject = format!("FROZEN: {}", freeze.scope.words());
            let thaw = format!("{} --reason \"REASON\"", freeze.scope.thaw_command());
            Some((
                &freeze.scope,
                subject,
                rows,
                Next::new(thaw, "ends it; rollbacks work as always"),
            ))
        }
        Event::Thawed(thaw) => {
            let mut rows = vec![row("who", thaw.by.to_string())];
            rows.extend(thaw.reason.iter().map(|reason| row("why", reason.clone())));
            let subject = format!("not frozen any more: {}", thaw.scope.words());
            Some((&thaw.scope, subject, rows, Next::new("towpath status", "what is frozen still")))
        }
        _ => None,
    }
}

/// A moment in UTC, to the minute.
fn moment(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_microsecond(at.0);
    instant.map_or_else(|_| "for ever".to_owned(), |at| at.strftime("%F %R UTC").to_string())
}
