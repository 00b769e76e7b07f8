//! The row of the evidence against green on its log scale, with the bound and what the next failures would make
//! of it. Owns the scale; the figures are the guard's, flat between failures as they are.

use maud::{Markup, html};
use towpath_engine::views::{PictureView, PointView};

use super::{Axis, scale, stretched};
use crate::pages::marks::grouped;

/// The least odds that are drawn: far below what was begun with, where it does not matter how far.
const LEAST: f64 = 0.3;
/// How far apart the points of what is thought ahead stand, in percent of the width.
const APART: f64 = 3.0;

/// From odds to a height in percent.
struct Odds {
    highest: f64,
}

impl Odds {
    fn of(picture: &PictureView) -> Self {
        let values = picture.against.iter().map(|point| point.value).chain(picture.bound);
        let most = values.fold(10.0_f64, f64::max);
        Self { highest: (most * 5.0).log10() }
    }

    fn y(&self, odds: f64) -> f64 {
        let lowest = LEAST.log10();
        let share = (odds.max(LEAST).log10() - lowest) / (self.highest - lowest);
        (100.0 - share * 100.0).clamp(0.0, 100.0)
    }
}

pub(super) fn row(axis: &Axis<'_>) -> Markup {
    let picture = axis.picture;
    let (Some(last), Some(bound)) = (picture.against.last(), picture.bound) else {
        return without();
    };
    let odds = Odds::of(picture);
    let now = figure(last.value);
    let decided = last.value >= bound;
    let label = format!("Evidence is {now}; the bound is {}", figure(bound));
    let powers = (0_u8..9).map(|power| 10.0_f64.powi(i32::from(power)));
    let ticks: Vec<(f64, String)> = powers
        .filter(|power| power.log10() < odds.highest)
        .map(|power| (odds.y(power), figure(power)))
        .collect();
    let of_bound = format!("{:.1}%", odds.y(bound));
    html! {
        div.row {
            h3 { "Evidence against green " span { "odds against chance, log scale" } }
            (scale(&ticks))
            div.plot.h-odds {
                svg role="img" aria-label=(label) {
                    (axis.grid())
                    @for (y, _) in &ticks { line.ax x1="0" x2="100%" y1=(format!("{y:.1}%")) y2=(format!("{y:.1}%")) {} }
                    line.bound x1="0" x2="100%" y1=(of_bound) y2=(of_bound) {}
                    (stretched(&html! { polyline.lk points=(axis.line(&steps(&picture.against, axis, &odds))) {} }))
                    text.h.halo x="6" y=(of_bound) dy="-7" { "goes back at " (figure(bound)) }
                    @if decided { (deciding(axis, last, &odds)) } @else { (ahead(axis, last, bound, &odds)) }
                }
            }
            div.note {
                @if decided { p { "Ended at " b { (now) } ", over its bound of " (figure(bound)) "." } }
                @else { p { "Now " b { (now) } ". 1 means nothing seen." } }
                p.qq.wide { "A good release reaches " (figure(bound)) " by chance in at most one rollout of so many." }
            }
        }
    }
}

fn without() -> Markup {
    html! {
        div.row {
            h3 { "Evidence against green" }
            div.yax {}
            p.sm.q { "Not known: the router does not see single requests, or nobody has asked it yet." }
        }
    }
}

/// Flat until the next figure.
fn steps(points: &[PointView], axis: &Axis<'_>, odds: &Odds) -> Vec<(f64, f64)> {
    let first = points.first().map(|first| (0.0, odds.y(first.value)));
    let mut line: Vec<(f64, f64)> = first.into_iter().collect();
    for point in points {
        let before = line.last().map_or(100.0, |(_, y)| *y);
        line.extend([(point.at, before), (point.at, odds.y(point.value))]);
    }
    let until = axis.picture.went_back.filter(|_| !axis.picture.live).unwrap_or(axis.picture.at);
    let last = line.last().map(|(at, y)| (until.max(*at), *y));
    line.extend(last);
    line
}

fn deciding(axis: &Axis<'_>, last: &PointView, odds: &Odds) -> Markup {
    let y = format!("{:.1}%", odds.y(last.value));
    let is_right = axis.x(last.at) > 70.0;
    html! {
        circle.mgx cx=(axis.at(last.at)) cy=(y) r="5" {}
        text.k.halo x=(axis.at(last.at)) dx=(if is_right { "-10" } else { "12" }) y=(y) dy="-9"
            text-anchor=(if is_right { "end" } else { "start" }) { (figure(last.value)) " decided" }
    }
}

/// The evidence now, and hollow points for failures that have not happened.
fn ahead(axis: &Axis<'_>, last: &PointView, bound: f64, odds: &Odds) -> Markup {
    let picture = axis.picture;
    let x = axis.x(picture.at);
    let room = ((100.0 - x) / APART - 1.0).max(0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few points")]
    let shown = picture.ahead.iter().take(room as usize);
    let mut points: Vec<(f64, f64)> = Vec::new();
    let mut at = x;
    for value in shown.filter(|_| picture.live) {
        at += APART;
        points.push((at, odds.y(*value)));
    }
    let mut line = vec![(x, odds.y(last.value))];
    for (x, y) in &points {
        let before = line.last().map_or(100.0, |(_, y)| *y);
        line.extend([(*x, before), (*x, *y)]);
    }
    let pairs = line.iter().map(|(x, y)| format!("{:.1},{y:.1}", x * 10.0)).collect::<Vec<_>>();
    let decides = picture.ahead.iter().position(|value| *value >= bound);
    let is_shown = decides.is_some_and(|at| at < points.len());
    html! {
        @if !points.is_empty() { (stretched(&html! { polyline.lp points=(pairs.join(" ")) {} })) }
        @for (x, y) in &points { circle.mo cx=(format!("{x:.2}%")) cy=(format!("{y:.1}%")) r="4" {} }
        circle.mk cx=(format!("{x:.2}%")) cy=(format!("{:.1}%", odds.y(last.value))) r="4.5" {}
        @if let (Some(at), true) = (decides, is_shown) {
            @let (x, y) = points[at];
            @if x < 70.0 {
                text.k.halo.wide x=(format!("{x:.2}%")) dx="14" y=(format!("{:.1}%", y.max(8.0))) dy="-7" {
                    @if at == 0 { "one more decides" } @else { (at + 1) " more in a row decide" }
                }
            }
        }
    }
}

fn figure(odds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and drawn"
    )]
    let whole = odds.round() as u64;
    if odds >= 10.0 || (odds - odds.round()).abs() < 0.005 {
        grouped(whole)
    } else {
        format!("{odds:.1}")
    }
}
