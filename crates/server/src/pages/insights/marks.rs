//! Each promotion as one mark: on the axis of time where it either ended well or did not, on that of how long it
//! took where there is a limit. Owns these two axes.

use maud::{Markup, html};

use super::figures::Kept;
use crate::pages::marks::took;

pub(super) fn row(kept: &Kept, since: i64, now: i64) -> Markup {
    let is_of_time =
        kept.marks.iter().any(|(_, seconds, _)| *seconds > 0.0) || kept.limit.is_some();
    let label = format!("{}: {} {}", kept.name, kept.value, kept.said);
    html! {
        svg role="img" aria-label=(label) {
            line.ax x1="0" x2="100%" y1="28" y2="28" {}
            @if is_of_time { (spans(kept)) } @else { (ends(kept, since, now)) }
        }
    }
}

/// Those that ended well are ticks, the others crosses, by when they ended.
fn ends(kept: &Kept, since: i64, now: i64) -> Markup {
    let x = |at: i64| {
        #[expect(clippy::cast_precision_loss, reason = "seconds of 90 days")]
        let share = (at - since) as f64 / (now - since).max(1) as f64;
        format!("{:.2}%", share.clamp(0.0, 1.0) * 98.0 + 1.0)
    };
    html! {
        @for (at, _, is_missed) in &kept.marks {
            @if *is_missed { (cross(&x(*at))) } @else { line.tk x1=(x(*at)) x2=(x(*at)) y1="10" y2="24" {} }
        }
        text x="0" y="42" { "earlier" }
        text x="100%" y="42" text-anchor="end" { "now" }
    }
}

/// By how long they took, with the limit as a red line.
fn spans(kept: &Kept) -> Markup {
    let most =
        kept.marks.iter().map(|(_, seconds, _)| *seconds).chain(kept.limit).fold(1.0_f64, f64::max)
            * 1.1;
    let x = |seconds: f64| format!("{:.2}%", (seconds / most * 100.0).clamp(0.5, 99.5));
    html! {
        @for (at, (_, seconds, is_missed)) in kept.marks.iter().enumerate() {
            @if *is_missed { (cross(&x(*seconds))) }
            @else {
                // Those that took as long stand beside each other.
                circle.pt cx=(x(*seconds)) cy=(12 + at * 7 % 11) r="3" {}
            }
        }
        @if let Some(limit) = kept.limit { line.lim x1=(x(limit)) x2=(x(limit)) y1="4" y2="28" {} }
        text x="0" y="42" { "0" }
        text x="100%" y="42" text-anchor="end" { (took(most)) }
    }
}

fn cross(x: &str) -> Markup {
    html! { svg x=(x) y="17" overflow="visible" { path.miss d="M-4-4L4 4M4-4L-4 4" {} } }
}
