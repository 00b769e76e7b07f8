//! The picture of a rollout: weight, failures one by one, p99 and the evidence against green on one axis of
//! time. Owns its scales; coordinates are percent, so that marks never stretch. Draws what it is given.

use jiff::Timestamp as Moment;
use maud::{Markup, html};
use towpath_engine::views::{ArmView, PictureView, PointView, PromotionView};

use super::requests;
use crate::pages::frame::Look;
use crate::pages::marks::{grouped, percent};

mod evidence;
mod latency;

/// Marks of one arm from which on they would touch: then columns say how many there were.
const TOUCHING: usize = 80;
/// Columns of the axis in which they are counted then.
const COLUMNS: u32 = 80;

/// Seconds of the axis, and what stands on it.
pub(super) struct Axis<'a> {
    picture: &'a PictureView,
    end: f64,
}

impl Axis<'_> {
    /// Where a moment is, in percent of the width.
    fn x(&self, seconds: f64) -> f64 {
        (seconds / self.end * 100.0).clamp(0.0, 100.0)
    }

    fn at(&self, seconds: f64) -> String {
        format!("{:.2}%", self.x(seconds))
    }

    /// A line through points, each the corner of a step, for a box of 1000 by 100; `y` is in percent.
    fn line(&self, points: &[(f64, f64)]) -> String {
        let pair = |(at, y): &(f64, f64)| format!("{:.1},{:.1}", self.x(*at) * 10.0, y);
        points.iter().map(pair).collect::<Vec<_>>().join(" ")
    }

    /// The lines between steps, and the one for now or for the moment that everything went back.
    fn grid(&self) -> Markup {
        let all = self.picture.weights.iter().skip(1).chain(self.picture.planned.iter().skip(1));
        let steps = all.filter(|step| step.at < self.end);
        html! {
            @for step in steps {
                line.ax x1=(self.at(step.at)) x2=(self.at(step.at)) y1="0" y2="100%" {}
            }
            @match self.picture.went_back {
                Some(at) => line.bound.cut x1=(self.at(at)) x2=(self.at(at)) y1="-4" y2="100%" {},
                None => line.nowl x1=(self.at(self.picture.at)) x2=(self.at(self.picture.at)) y1="-4" y2="100%" {},
            }
        }
    }
}

/// A box for lines, which stretches without their strokes.
fn stretched(content: &Markup) -> Markup {
    html! { svg viewBox="0 0 1000 100" preserveAspectRatio="none" { (content) } }
}

/// Figures beside a plot, each at its height in percent.
fn scale(all: &[(f64, String)]) -> Markup {
    html! {
        div.yax aria-hidden="true" {
            svg { @for (y, text) in all {
                text x="100%" y=(format!("{y:.1}%")) dy="4" text-anchor="end" { (text) }
            } }
        }
    }
}

pub(super) fn picture(look: &Look, picture: Option<&PictureView>, view: &PromotionView) -> Markup {
    let Some(picture) = picture else { return nothing(view) };
    let axis = Axis { picture, end: end_of(picture) };
    html! {
        header {
            h2 { "Traffic" }
            p.legend {
                @if picture.blue.is_some() { span.arm.b { "blue: serves now, solid" } }
                span.arm.g { "green: is coming, hatched or dotted" }
            }
        }
        (weight(&axis))
        (failures(&axis, view))
        (latency::row(&axis))
        (evidence::row(&axis))
        (times(look, &axis))
    }
}

fn nothing(view: &PromotionView) -> Markup {
    html! {
        header { h2 { "Traffic" } }
        p.q {
            @if view.steps.is_empty() { "No router moves visitors here: the release is put in place at once." }
            @else if view.ended_at.is_some() { "It never had a visitor, or what was counted is older than is kept." }
            @else { "No visitor is on " (view.release) " yet. The picture begins with the first weight: who serves how much, each failure, latencies, and the evidence as it grows." }
        }
    }
}

/// Where the axis ends: what is live has room for what comes next.
fn end_of(picture: &PictureView) -> f64 {
    let planned = picture.planned.last().map_or(picture.at, |last| last.at);
    let end = if picture.live {
        planned.min(picture.at * 1.7 + 20.0).max(picture.at * 1.15)
    } else {
        picture.at
    };
    end.max(1.0)
}

fn weight(axis: &Axis<'_>) -> Markup {
    let picture = axis.picture;
    let until = picture.went_back.unwrap_or(picture.at);
    let last = picture.weights.last().map_or(0.0, |point| point.value);
    let label = format!(
        "Green has {} now; it had {}",
        percent(last),
        picture
            .weights
            .iter()
            .map(|point| percent(point.value))
            .collect::<Vec<_>>()
            .join(", then ")
    );
    let steps = steps_of(&picture.weights, picture.at);
    let outline: Vec<(f64, f64)> = std::iter::once((0.0, 100.0))
        .chain(steps.iter().flat_map(|(from, to, value)| {
            let y = 100.0 - value * 100.0;
            [(*from, y), (*to, y)]
        }))
        .collect();
    html! {
        div.row {
            h3 { "Weight " span { "share of requests" @if picture.live { "; dashed: what the plan does next" } } }
            (scale(&[(0.0, "100%".to_owned()), (50.0, "50".to_owned()), (100.0, "0".to_owned())]))
            div.plot.h-weight {
                svg role="img" aria-label=(label) {
                    @if picture.blue.is_some() {
                        rect.fbw x="0" y="0" width=(axis.at(picture.at)) height="100%" {}
                    }
                    @for (from, to, value) in &steps {
                        @if *value > 0.0 {
                            rect.fg.plain x=(axis.at(*from)) width=(format!("{:.2}%", axis.x(*to) - axis.x(*from)))
                                y=(format!("{:.2}%", 100.0 - value * 100.0)) height=(format!("{:.2}%", value * 100.0)) {}
                        }
                    }
                    (stretched(&html! { polyline.lg.line points=(axis.line(&outline)) {} }))
                    @if picture.live { (planned(axis)) }
                    @if let Some(blue) = &picture.blue { text.bl x="8" y="20" { "blue " (blue.release) } }
                    (weight_words(axis, &steps))
                    (axis.grid())
                    @if picture.went_back.is_some() && axis.x(until) < 80.0 {
                        text.k.wide x=(axis.at(until)) dx="8" y="50%" { "all on blue again" }
                    }
                }
            }
            div.note {
                @if let Some(blue) = &picture.blue { p { span.arm.b { "blue " (blue.release) " · " (percent(1.0 - last)) } } }
                p { span.arm.g { "green " (picture.green.release) " · " (percent(last)) } }
            }
        }
    }
}

/// From when, until when and how much.
fn steps_of(points: &[PointView], until: f64) -> Vec<(f64, f64, f64)> {
    let ends = points.iter().skip(1).map(|point| point.at).chain(std::iter::once(until));
    points.iter().zip(ends).map(|(point, end)| (point.at, end, point.value)).collect()
}

/// What each share is called, where there is room for it.
fn weight_words(axis: &Axis<'_>, steps: &[(f64, f64, f64)]) -> Markup {
    html! {
        @for (from, to, value) in steps {
            @if *value > 0.0 && axis.x(*to) - axis.x(*from) > 12.0 {
                // Above the hatching, or on top of it where there is no room above.
                @let y = if *value > 0.75 { "14%".to_owned() } else { format!("{:.1}%", 100.0 - value * 100.0) };
                text.gl.halo.onblue.wide x=(axis.at(*from)) dx="6" y=(y) dy="-7" { "green " (percent(*value)) }
            }
        }
    }
}

fn planned(axis: &Axis<'_>) -> Markup {
    let steps = steps_of(&axis.picture.planned, axis.end);
    let line: Vec<(f64, f64)> = steps
        .iter()
        .filter(|(from, ..)| *from <= axis.end)
        .flat_map(|(from, to, value)| {
            let y = 100.0 - value * 100.0;
            [(*from, y), (to.min(axis.end), y)]
        })
        .collect();
    let next = axis.picture.planned.iter().find(|point| point.at > axis.picture.at);
    html! {
        (stretched(&html! { polyline.lp points=(axis.line(&line)) {} }))
        @if let Some(next) = next {
            @let y = (92.0 - next.value * 100.0).max(16.0);
            text.k.halo x="100%" dx="-6" text-anchor="end" y=(format!("{y:.0}%")) { "next " (percent(next.value)) }
        }
    }
}

fn failures(axis: &Axis<'_>, view: &PromotionView) -> Markup {
    let picture = axis.picture;
    let (green, blue) = (&view.evidence.green, &view.evidence.blue);
    let rate = |failed: u64, requests: u64| {
        #[expect(clippy::cast_precision_loss, reason = "a share for people")]
        let share = if requests == 0 { 0.0 } else { failed as f64 / requests as f64 };
        format!("{:.3}%", share * 100.0)
    };
    let label = format!(
        "green failed {} of {}, blue {} of {}",
        grouped(green.failed),
        requests(green.requests),
        grouped(blue.failed),
        requests(blue.requests)
    );
    html! {
        div.row {
            h3 { "Failures " span { "each one: ring = rescued, served again by blue; disc = reached a visitor; bar = blue's own" } }
            div.yax aria-hidden="true" { svg {
                text x="100%" y="18" text-anchor="end" { "green" }
                @if picture.blue.is_some() { text x="100%" y="43" text-anchor="end" { "blue" } }
            } }
            div.plot.h-fails {
                svg role="img" aria-label=(label) {
                    (axis.grid())
                    line.ax x1="0" x2=(axis.at(picture.at)) y1="14" y2="14" {}
                    @if picture.blue.is_some() { line.ax x1="0" x2=(axis.at(picture.at)) y1="39" y2="39" {} }
                    @if let Some(blue) = &picture.blue { (of_blue(axis, blue)) }
                    (of_green(axis))
                }
            }
            div.note {
                p { span.arm.g { (grouped(green.failed)) " of " (grouped(green.requests)) " · " (rate(green.failed, green.requests)) } }
                @if picture.blue.is_some() {
                    p { span.arm.b { (grouped(blue.failed)) " of " (grouped(blue.requests)) " · " (rate(blue.failed, blue.requests)) } }
                }
            }
        }
    }
}

fn of_blue(axis: &Axis<'_>, blue: &ArmView) -> Markup {
    html! {
        @if blue.failures.len() > TOUCHING { (columns(axis, &blue.failures, 39.0, "mb")) }
        @else {
            @for at in &blue.failures { line.mb x1=(axis.at(*at)) x2=(axis.at(*at)) y1="33" y2="45" {} }
        }
    }
}

/// Which of the failures reached a visitor is known in sums; the first ones of each sum are drawn as those.
fn of_green(axis: &Axis<'_>) -> Markup {
    let picture = axis.picture;
    let harmed_by = |at: f64| {
        let next = picture.harmed.iter().find(|point| point.at >= at);
        next.or(picture.harmed.last()).map_or(f64::INFINITY, |point| point.value)
    };
    let mut discs = 0.0;
    let marks = picture.green.failures.iter().map(|at| {
        let is_disc = discs < harmed_by(*at);
        discs += f64::from(u8::from(is_disc));
        (*at, is_disc)
    });
    let marks: Vec<(f64, bool)> = marks.collect();
    html! {
        @if marks.len() > TOUCHING { (columns(axis, &picture.green.failures, 14.0, "mgx")) }
        @else {
            @for (at, is_disc) in marks {
                circle class=(if is_disc { "mgx" } else { "mg" }) cx=(axis.at(at)) cy="14" r="4.5" {}
            }
        }
    }
}

/// How many there were in each column, as its height.
fn columns(axis: &Axis<'_>, all: &[f64], middle: f64, class: &str) -> Markup {
    let width = 100.0 / f64::from(COLUMNS);
    let within = |column: u32| {
        let from = f64::from(column) * width;
        all.iter().filter(|at| (from..from + width).contains(&axis.x(**at).min(99.9))).count()
    };
    let counts: Vec<(u32, usize)> = (0..COLUMNS)
        .map(|column| (column, within(column)))
        .filter(|(_, count)| *count > 0)
        .collect();
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(1);
    let height = |count: usize| 2 + 9 * count / most;
    html! {
        @for (column, count) in counts {
            @let x = format!("{:.2}%", (f64::from(column) + 0.5) * width);
            @let (top, bottom) = (middle - real(height(count)), middle + real(height(count)));
            line class=(class) x1=(x) x2=(x) y1=(format!("{top:.1}")) y2=(format!("{bottom:.1}")) {}
        }
    }
}

fn real(few: usize) -> f64 {
    u32::try_from(few).map_or(f64::MAX, f64::from)
}

/// The axis itself: its ends and now, in local time once the script has read it.
fn times(look: &Look, axis: &Axis<'_>) -> Markup {
    let picture = axis.picture;
    let Ok(from) = picture.from.parse::<Moment>() else { return Markup::default() };
    let moment = |seconds: f64| {
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a rollout")]
        let at = from.checked_add(jiff::SignedDuration::from_millis((seconds * 1_000.0) as i64));
        at.unwrap_or(look.now())
    };
    let exact = axis.end < 600.0;
    let label = |at: Moment| at.strftime(if exact { "%H:%M:%S" } else { "%H:%M" }).to_string();
    let whole = |at: Moment| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let now = axis.x(picture.at);
    let word = if picture.live { "now" } else { "end" };
    html! {
        div.row {
            div.yax {}
            div.xt aria-hidden="true" {
                svg {
                    @for (x, anchor) in [(0.0, "start"), (50.0, "middle"), (100.0, "end")] {
                        @if (x - now).abs() > 9.0 {
                            @let at = moment(axis.end * x / 100.0);
                            text x=(format!("{x}%")) y="15" text-anchor=(anchor)
                                data-at=(whole(at)) data-exact=[exact.then_some("")] { (label(at)) }
                        }
                    }
                    text.k x=(format!("{now:.2}%")) y="15" text-anchor=(if now > 96.0 { "end" } else { "middle" }) { (word) }
                }
            }
        }
    }
}
