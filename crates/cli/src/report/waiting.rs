//! What waits for somebody, in all lanes.

use std::fmt::Write as _;

use towpath_core::reason::Next;
use towpath_engine::views::{LaneView, Status};

use crate::report::block::{commands, folded};
use crate::report::status;
use crate::report::style::{Style, Symbol, counted, printable};

/// The answer, with the changed matrix that waits, if one does; there is nothing to add on stderr, each entry says what helps.
pub(crate) fn text(all: &Status, proposed: Option<String>, style: &Style) -> (String, String) {
    let each = |lane| one(lane, style).into_iter().chain(owed(lane, style));
    let waits: Vec<String> = all.lanes.iter().flat_map(each).chain(proposed).collect();
    if waits.is_empty() {
        return (format!("{} nothing waits\n", style.symbol(Symbol::Passed)), String::new());
    }
    let verb = if waits.len() == 1 { "waits" } else { "wait" };
    let mut text = format!("{} {verb}\n", counted(waits.len(), "thing"));
    for entry in waits {
        text.push('\n');
        text.push_str(&entry);
    }
    (text, String::new())
}

/// Takes back what serves in a lane.
pub(crate) fn rollback(lane: &LaneView, style: &Style) -> Next {
    style.of_lane(&lane.service, status::rollback(lane))
}

fn one(lane: &LaneView, style: &Style) -> Option<String> {
    let mark = style.symbol(Symbol::Waits);
    let arrow = style.arrow();
    if let Some(asks) = &lane.asks {
        let name = status::lane_name(&lane.service, &lane.environment, style);
        let head = format!("  {mark} {name} {arrow} rollback?   {}\n", printable(asks));
        let line = commands(&[rollback(lane, style)]).concat();
        return Some(format!("{head}      {line}\n"));
    }
    let promotion = lane.promotion.as_ref().filter(|promotion| !promotion.waits_for.is_empty())?;
    let since =
        style.ago(&promotion.requested_at).unwrap_or_else(|| style.moment(&promotion.requested_at));
    let mut text = format!(
        "  {mark} {}   {} {} {arrow} {}   asked by {} {since}\n",
        promotion.number,
        promotion.service,
        promotion.release,
        promotion.to,
        printable(&promotion.by)
    );
    for blocker in &promotion.waits_for {
        let who = if blocker.who.is_empty() {
            String::new()
        } else {
            format!("   {}", blocker.who.join(", "))
        };
        let sentence = format!("{}{who}", printable(&blocker.sentence));
        for part in folded(&sentence, 6, style.width) {
            let _ = writeln!(text, "      {part}");
        }
        for line in commands(&blocker.next) {
            let _ = writeln!(text, "        {line}");
        }
    }
    Some(text)
}

/// Reasons that people owe for rollbacks of a lane.
fn owed(lane: &LaneView, style: &Style) -> Vec<String> {
    let mark = style.symbol(Symbol::Waits);
    let each = lane.owes.iter().map(|owed| {
        let name = status::lane_name(&lane.service, &lane.environment, style);
        let mut text = format!("  {mark} {name}   {}\n", printable(&owed.sentence));
        for line in commands(&owed.next) {
            let _ = writeln!(text, "      {line}");
        }
        text
    });
    each.collect()
}
