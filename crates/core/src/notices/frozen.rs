//! Notices of freezes that people set and end. Freezes of the matrix are known beforehand and not told.
//! Decides nothing about who can be reached.

use std::collections::BTreeSet;

use crate::freezing::Scope;
use crate::ids::Name;
use crate::journal::Event;
use crate::matrix::Matrix;
use crate::notices::Occasion;
use crate::notices::beside::Said;
use crate::notices::wording::line;
use crate::reason::Next;
use crate::units::Timestamp;

/// Channels that hear of freezes somewhere in the scope, each once.
fn channels<'a>(matrix: &'a Matrix, scope: &Scope) -> BTreeSet<&'a Name> {
    let all = matrix.environments.iter();
    let held = all.filter(|one| scope.environment.as_ref().is_none_or(|name| *name == one.name));
    held.filter_map(|one| one.notify.on.get(&Occasion::Freeze)).flatten().collect()
}

/// What is told of an event; none where it is about no freeze.
pub(super) fn said<'a>(matrix: &'a Matrix, event: &Event) -> Option<Said<'a>> {
    let (scope, subject, rows, next) = words(event)?;
    let own = scope.environment.as_ref().and_then(|name| matrix.environment(name));
    Some(Said {
        occasion: Occasion::Freeze,
        channels: channels(matrix, scope),
        tier: own.map(|environment| environment.tier),
        subject,
        rows,
        next: vec![next],
    })
}

type Words<'a> = (&'a Scope, String, Vec<(String, String)>, Next);

fn words(event: &Event) -> Option<Words<'_>> {
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
pub(super) fn moment(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_microsecond(at.0);
    instant.map_or_else(|_| "for ever".to_owned(), |at| at.strftime("%F %R UTC").to_string())
}
