//! Each promotion as one mark: on the axis of time where it either ended well or did not, on that of how long it
//! took where there is a limit; a figure of each week as a bar, a day as a line. Owns these axes; counts nothing.

use maud::{Markup, html};

use super::delivery::Figure;
use super::figures::Kept;
use super::judged::said;
use crate::pages::marks::took;

/// Figures of lanes or environments on one axis: a value, whether it misses its target, and its name.
#[derive(Debug, Default)]
pub(super) struct Dots {
    /// The key of `slo` by which they are measured.
    pub(super) key: &'static str,
    pub(super) all: Vec<(f64, bool, String)>,
    pub(super) limit: Option<f64>,
}

/// Each of them as a mark, with the target as a red line; what misses it is a cross.
pub(super) fn dots(found: &Dots) -> Markup {
    let values = || found.all.iter().map(|(value, ..)| *value).chain(found.limit);
    let is_share = matches!(found.key, "uptime" | "availability");
    let most = if is_share { 1.0 } else { values().fold(f64::MIN_POSITIVE, f64::max) * 1.1 };
    // Shares of what went well lie near one: the axis begins below the worst of them.
    let least = if is_share { (values().fold(1.0, f64::min) - 0.005).max(0.0) } else { 0.0 };
    let x = |value: f64| {
        let share = (value - least) / (most - least).max(f64::MIN_POSITIVE);
        format!("{:.1}%", (share * 98.0 + 1.0).clamp(1.0, 99.0))
    };
    let label = found.all.iter().map(|(.., name)| name.as_str()).collect::<Vec<_>>().join(", ");
    html! {
        svg role="img" aria-label=(label) {
            line.ax x1="0" x2="100%" y1="20" y2="20" {}
            @for (at, (value, is_missed, _)) in found.all.iter().enumerate() {
                @if *is_missed { svg x=(x(*value)) y="10" overflow="visible" { path.miss d="M-4-4L4 4M4-4L-4 4" {} } }
                @else { circle.pt cx=(x(*value)) cy=(6 + at * 7 % 11) r="3" {} }
            }
            @if let Some(limit) = found.limit { line.lim x1=(x(limit)) x2=(x(limit)) y1="0" y2="20" {} }
            text x="0" y="33" { (said(found.key, least)) }
            text x="100%" y="33" text-anchor="end" { (said(found.key, most)) }
        }
    }
}

pub(super) fn row(kept: &Kept, since: i64, now: i64) -> Markup {
    if let Some(found) = &kept.dots {
        return dots(found);
    }
    if kept.marks.is_empty() && kept.limit.is_none() {
        // Nothing happened that could have a place on an axis.
        return html! { svg aria-hidden="true" { line.ax x1="0" x2="100%" y1="28" y2="28" {} } };
    }
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

/// Those that are drawn.
fn newest(kept: &Kept) -> &[(i64, f64, bool)] {
    &kept.marks[kept.marks.len().saturating_sub(super::MARKS)..]
}

/// Those that ended well are ticks, the others crosses, by when they ended.
fn ends(kept: &Kept, since: i64, now: i64) -> Markup {
    let x = |at: i64| {
        #[expect(clippy::cast_precision_loss, reason = "seconds of 90 days")]
        let share = (at - since) as f64 / (now - since).max(1) as f64;
        format!("{:.2}%", share.clamp(0.0, 1.0) * 98.0 + 1.0)
    };
    html! {
        @for (at, _, is_missed) in newest(kept) {
            @if *is_missed { (cross(&x(*at))) } @else { line.tk x1=(x(*at)) x2=(x(*at)) y1="10" y2="24" {} }
        }
        text x="0" y="42" { "earlier" }
        text x="100%" y="42" text-anchor="end" { "now" }
    }
}

/// By how long they took, with the limit as a red line.
fn spans(kept: &Kept) -> Markup {
    let most = newest(kept)
        .iter()
        .map(|(_, seconds, _)| *seconds)
        .chain(kept.limit)
        .fold(1.0_f64, f64::max)
        * 1.1;
    let x = |seconds: f64| format!("{:.2}%", (seconds / most * 100.0).clamp(0.5, 99.5));
    html! {
        @for (at, (_, seconds, is_missed)) in newest(kept).iter().enumerate() {
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

/// A figure by pieces of time as bars, the last one darker; one that nobody counted has none.
pub(super) fn bars(figure: &Figure, first: &str, last: &str) -> Markup {
    let most =
        figure.weeks.iter().flatten().copied().fold(0.0_f64, f64::max).max(f64::MIN_POSITIVE);
    let count = figure.weeks.len().max(1);
    #[expect(clippy::cast_precision_loss, reason = "some weeks")]
    let width = 100.0 / count as f64;
    let label = figure
        .weeks
        .iter()
        .map(|week| week.map_or_else(|| "none".to_owned(), figure.said))
        .collect::<Vec<_>>()
        .join(", ");
    html! {
        svg role="img" aria-label={ (figure.name) ", oldest first: " (label) } {
            @for (at, week) in figure.weeks.iter().enumerate() {
                @if let Some(week) = week {
                    @let height = (week / most * 100.0).max(if *week > 0.0 { 3.0 } else { 0.0 });
                    @let is_last = at + 1 == count;
                    rect class=(if is_last { "week last" } else { "week" }) x=(at_percent(at, width)) width=(format!("{:.1}%", width * 0.8))
                        y=(format!("{:.1}%", 100.0 - height)) height=(format!("{height:.1}%")) { title { ((figure.said)(*week)) } }
                }
            }
            line.ax x1="0" x2="100%" y1="100%" y2="100%" {}
            text x="0" y="100%" dy="15" { (first) }
            text x="100%" y="100%" dy="15" text-anchor="end" { (last) }
        }
    }
}

fn at_percent(at: usize, width: f64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "some weeks")]
    let left = at as f64 * width + width * 0.1;
    format!("{left:.1}%")
}

/// Points within 0 and 1 of the time, as a line from 0 up, with the target dashed.
pub(super) fn line(points: &[(f64, f64)], limit: Option<f64>, label: &str) -> Markup {
    let values = points.iter().map(|(_, value)| *value).chain(limit);
    let most = values.fold(0.0_f64, f64::max).max(f64::MIN_POSITIVE);
    let height = |value: f64| 95.0 - value / most * 90.0;
    let pair = |(at, value): &(f64, f64)| format!("{:.0},{:.1}", at * 1_000.0, height(*value));
    let pairs = points.iter().map(pair).collect::<Vec<_>>().join(" ");
    html! {
        svg role="img" aria-label={ (label) ", over the last day" } {
            line.ax x1="0" x2="100%" y1="100%" y2="100%" {}
            @if let Some(y) = limit.map(height) { line.bound x1="0" x2="100%" y1=(format!("{y:.1}%")) y2=(format!("{y:.1}%")) {} }
            svg viewBox="0 0 1000 100" preserveAspectRatio="none" { polyline.lk points=(pairs) {} }
        }
    }
}
