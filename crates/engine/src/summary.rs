//! What a promotion was, once it has ended, for people who were not there: what, who, how long, on what
//! evidence, and what visitors met. Plain text; knows no channel.

use std::fmt::Write as _;

use towpath_core::units::Span;

use crate::views::{CheckView, PromotionView, SideView};

/// Pieces of evidence of one check that are named, so that the text stays one that people read.
const MOST_NAMED: usize = 5;

/// The summary; every figure is that of the row that lists and pages show. Ends in a line break.
pub fn text(view: &PromotionView) -> String {
    let mut text = String::new();
    for (label, value) in rows(view) {
        let _ = writeln!(text, "{label:10}{}", one_line(&value));
    }
    text
}

fn rows(view: &PromotionView) -> Vec<(&'static str, String)> {
    let mut rows = vec![("outcome", outcome(view))];
    let replaces = match &view.replaces {
        Some(old) => format!("replaces {old}"),
        None => "the first".to_owned(),
    };
    rows.push(("release", format!("{} ({}), {replaces}", view.release, short(&view.digest))));
    let from = view.from.as_ref().map(|from| format!("from {from} ")).unwrap_or_default();
    rows.push(("where", format!("{from}into {}, service {}", view.to, view.service)));
    let reason = view.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    rows.push(("who", format!("{} at {}{reason}", view.by, view.requested_at)));
    rows.push(("took", took(view)));
    rows.push(("plan", view.plan.clone()));
    for check in &view.checks {
        rows.push(("gate", checked(check)));
        rows.extend(rests_on(check, view.number).map(|pieces| ("evidence", pieces)));
    }
    if let Some(verdict) = &view.verdict {
        rows.push(("verdict", format!("{}: {}", verdict.standing, verdict.sentence)));
    }
    rows.push(("new", side(&view.evidence.green)));
    if view.replaces.is_some() {
        rows.push(("old", side(&view.evidence.blue)));
    }
    rows.push(("visitors", visitors(view)));
    rows.extend(view.said.last().map(|said| ("said", said.clone())));
    if view.quarantined {
        let what = format!("may not enter {} again until a person lifts it", view.to);
        rows.push(("quarantine", what));
    }
    rows
}

fn outcome(view: &PromotionView) -> String {
    match &view.sentence {
        Some(sentence) => format!("{}: {sentence}", view.state),
        None => view.state.clone(),
    }
}

fn took(view: &PromotionView) -> String {
    let times = match (&view.started_at, &view.ended_at) {
        (Some(start), Some(end)) => format!(", from {start} to {end}"),
        _ => String::new(),
    };
    match view.seconds {
        Some(seconds) => format!("{}{times}", span(seconds)),
        None => "it never started".to_owned(),
    }
}

/// To the second where it took long.
fn span(seconds: f64) -> Span {
    let step = if seconds < 10.0 { 1.0 } else { 1000.0 };
    let milliseconds = (seconds.max(0.0) * 1000.0 / step).round() * step;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a promotion's time"
    )]
    Span(milliseconds as u64)
}

fn checked(check: &CheckView) -> String {
    let sentence = check.sentence.as_deref().map(|said| format!(": {said}")).unwrap_or_default();
    format!("{} {}{sentence}", check.title, check.state)
}

/// Its pieces by name, each with the digest under which its bytes are kept.
fn rests_on(check: &CheckView, promotion: u64) -> Option<String> {
    let named = check.evidence.iter().take(MOST_NAMED);
    let named = named.map(|piece| format!("{} ({})", piece.name, short(piece.digest.hex())));
    let mut pieces = named.collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = check.evidence.len().checked_sub(MOST_NAMED) {
        let _ = write!(pieces, " and {more} more; towpath evidence list {promotion}");
    }
    (!pieces.is_empty()).then_some(pieces)
}

fn side(side: &SideView) -> String {
    let p99 = side.p99_ms.map(|p99| format!(", p99 {p99:.0} ms")).unwrap_or_default();
    format!("{} requests, {} failed{p99}", side.requests, side.failed)
}

fn visitors(view: &PromotionView) -> String {
    let lost = match view.lost_requests {
        Some(lost) => lost.to_string(),
        None => "not counted".to_owned(),
    };
    format!("harmed {}, rescued {}, lost {lost}", view.harmed_requests, view.rescued_requests)
}

/// The first twelve digits, as everywhere.
fn short(digest: &str) -> &str {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.get(..12).unwrap_or(hex)
}

/// What people and programs said may hold anything.
fn one_line(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}
