//! What environments promise, and the goals of all of them, beside what was measured in the last day: uptime, response
//! time, errors. Owns what is drawn of it; whether a target is met is [`judged`](super::judged)'s, and whether a promise
//! is kept over its own time the engine's answer.

use std::collections::BTreeMap;

use maud::{Markup, html};
use towpath_core::ids::LaneId;
use towpath_core::matrix::Matrix;
use towpath_core::units::Span;
use towpath_engine::views::{LaneView, TrafficView};

use super::figures::{Goal, Kept};
use super::judged::{Judged, Measure, judged, said, value};
use super::marks;
use crate::error::ApiError;
use crate::pages::frame::Look;
use crate::pages::lane::measures;
use crate::pages::marks::{counted, sentence, state};
use crate::pages::{environment, words};

/// Lanes that are drawn beside each other: what is measured of each is read from the store, and a page is to be there
/// at once. The others are one link away.
const MOST: usize = 12;
/// The same of lanes that are marks beside each other, which weigh little.
const MARKED: usize = 60;
/// What is looked back at, and in how many pieces.
const BACK: (Span, u32) = (Span::hours(24), 48);

/// One lane with what it promises.
pub(super) struct Lane {
    view: LaneView,
    promised: BTreeMap<String, String>,
    traffic: TrafficView,
}

/// Environments that have a row of their own, those that miss something before the others.
const ROWS: usize = 24;
/// Lanes of one environment that are named because they miss something.
const NAMED: usize = 8;

/// Whether goals of all environments are held against what is measured here.
fn speaks(goals: &[Goal]) -> bool {
    let keys = ["environment_uptime", "response_time", "error_rate"];
    goals.iter().any(|goal| keys.contains(&goal.key()))
}

/// Lanes of environments for which there is a target, as far as they are drawn.
#[derive(Default)]
pub(super) struct Read {
    lanes: Vec<Lane>,
    /// How many come before these.
    passed: usize,
    /// How many there are.
    count: usize,
    /// How many one page has.
    most: usize,
}

/// How many lanes one page has: alone in its environment one has lines, and several are marks.
fn most(matrix: &Matrix) -> usize {
    let is_alone = matrix.environments.iter().all(|one| one.lanes.len() <= 1);
    if is_alone { MOST } else { MARKED }
}

/// Reads some of them, after as many that are passed over.
pub(super) async fn read(
    look: &Look,
    matrix: &Matrix,
    goals: &[Goal],
    passed: usize,
) -> Result<Read, ApiError> {
    let mut all = Vec::new();
    // Where most is at stake first: that is looked at, whatever else there is no room for.
    let mut environments: Vec<_> = matrix.environments.iter().collect();
    environments.sort_by_key(|environment| std::cmp::Reverse(environment.tier));
    for environment in environments {
        let promised = measures::promised(environment);
        if !promised.is_empty() || speaks(goals) {
            all.extend(
                environment.lanes.keys().map(|service| (service, environment, promised.clone())),
            );
        }
    }
    let count = all.len();
    // An address of a larger matrix than this one leads to its last lanes.
    let most = most(matrix);
    let passed = passed.min(count.saturating_sub(1) / most * most);
    let mut lanes = Vec::new();
    for (service, environment, promised) in all.into_iter().skip(passed).take(most) {
        let id = LaneId { service: service.clone(), environment: environment.name.clone() };
        let Some(view) = look.engine.lane(&id) else { continue };
        let traffic = look.engine.traffic(&id, BACK.0, BACK.1).await?;
        lanes.push(Lane { view, promised, traffic });
    }
    Ok(Read { lanes, passed, count, most })
}

/// The lanes of one environment with what they are held to.
struct Group<'a> {
    name: &'a str,
    lanes: Vec<(&'a Lane, [Vec<Judged>; 3])>,
}

impl Group<'_> {
    /// Figures of a measure beside its first target, of every lane.
    fn first(&self, measure: usize) -> impl Iterator<Item = (&Lane, &Judged)> {
        self.lanes.iter().filter_map(move |(lane, all)| Some((*lane, all[measure].first()?)))
    }

    fn is_missing(&self) -> bool {
        self.lanes.iter().any(|(lane, all)| is_broken(lane) || misses(all))
    }
}

fn misses(all: &[Vec<Judged>; 3]) -> bool {
    all.iter().flatten().any(|one| one.is_met() == Some(false))
}

fn is_broken(lane: &Lane) -> bool {
    lane.view.promises.iter().any(|promise| promise.state == "fail")
}

fn groups<'a>(lanes: &'a [Lane], goals: &[Goal]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for lane in lanes {
        let own = Measure::ALL.map(|it| judged(it, &lane.traffic, &lane.promised, goals));
        match groups.iter_mut().find(|group| group.name == lane.view.environment) {
            Some(group) => group.lanes.push((lane, own)),
            None => groups.push(Group { name: &lane.view.environment, lanes: vec![(lane, own)] }),
        }
    }
    groups
}

pub(super) fn section(look: &Look, read: &Read, goals: &[Goal], days: i64) -> Markup {
    let Read { lanes, passed, count, most } = read;
    let to = |passed: usize| look.to(&format!("/insights?days={days}&lanes={passed}#environments"));
    let mut groups = groups(lanes, goals);
    let all = groups.len();
    if all > ROWS {
        groups.sort_by_key(|group| !group.is_missing());
        groups.truncate(ROWS);
    }
    html! {
        @if *count == 0 {
            p.q { "No environment promises anything: " code { "slo: { uptime: \">= 99.9%\", latency_p95: \"< 500ms\", error_rate: \"< 0.5%\" }" } " in the matrix is held against what is measured." }
        } @else {
            table.slo {
                thead { tr { th scope="col" { "Environment" } th scope="col" { "Uptime" } th scope="col" { "Response" } th scope="col" { "Errors" } } }
                tbody { @for group in &groups { (row(look, group)) } }
            }
            @if all > ROWS { p.sm.qq { "Of " (counted(all, "environment")) " those that miss a target, and of the others as many as fit; each has its own page." } }
            @if lanes.len() < *count {
                p.sm.qq { "Judged by the lanes " (passed + 1) " to " (passed + lanes.len()) " of " (counted(*count, "lane")) "; the page of each has its own." }
                p.pager {
                    @if *passed > 0 { a href=(to(passed.saturating_sub(*most))) rel="prev" { "Lanes before" } }
                    @if passed + lanes.len() < *count { a href=(to(passed + most)) rel="next" { "More lanes" } }
                }
            }
        }
    }
}

impl Read {
    /// The goals of all environments as rows, each environment by the worst of its lanes.
    pub(super) fn overall(&self, goals: &[Goal]) -> Vec<Kept> {
        let names = [
            (
                "Uptime of environments",
                "probes that were answered, in the last day",
                "environment_uptime",
            ),
            ("Response time", "mean time of an answer, in the last day", "response_time"),
            ("Error rate", "requests that failed, in the last day", "error_rate"),
        ];
        let groups = groups(&self.lanes, goals);
        let declared =
            Measure::ALL.iter().enumerate().zip(names).filter_map(|((at, measure), named)| {
                let goal = goals.iter().find(|goal| goal.key() == named.2)?;
                let worst: Vec<(&str, &Judged)> = groups
                    .iter()
                    .filter_map(|group| Some((group.name, worst_by_goal(group, at)?)))
                    .collect();
                Some(self.as_far(kept(*measure, named, goal, &worst)))
            });
        declared.collect()
    }

    /// Nothing is kept everywhere as long as not all were looked at.
    fn as_far(&self, mut kept: Kept) -> Kept {
        if self.lanes.len() < self.count {
            kept.is_met = kept.is_met.filter(|is_met| !is_met);
            let seen = format!(" By {} of {}.", self.lanes.len(), counted(self.count, "lane"));
            kept.said.push_str(&seen);
        }
        kept
    }
}

/// The lane of an environment that is worst by the goal of a measure.
fn worst_by_goal<'a>(group: &'a Group<'_>, measure: usize) -> Option<&'a Judged> {
    let all = group.lanes.iter().flat_map(|(_, all)| &all[measure]);
    let own = all.filter(|one| one.target.as_ref().is_some_and(|target| target.is_goal));
    let own = own.filter(|one| one.value.is_some());
    // One that certainly misses is worse than one of which it cannot be told.
    let misses = |one: &Judged| one.is_met() == Some(false);
    own.max_by(|one, other| {
        let badness = one.badness().total_cmp(&other.badness());
        misses(one).cmp(&misses(other)).then(badness)
    })
}

fn kept(
    measure: Measure,
    (name, means, _): (&'static str, &'static str, &'static str),
    goal: &Goal,
    worst: &[(&str, &Judged)],
) -> Kept {
    let missed: Vec<&str> = worst
        .iter()
        .filter(|(_, one)| one.is_met() == Some(false))
        .map(|(name, _)| *name)
        .collect();
    let is_known = !worst.is_empty() && worst.iter().all(|(_, one)| one.is_met().is_some());
    let last = worst.iter().max_by(|one, other| one.1.badness().total_cmp(&other.1.badness()));
    Kept {
        name,
        means,
        value: last.and_then(|(_, one)| one.said()).unwrap_or_else(|| "none".to_owned()),
        target: Some(goal.text().to_owned()),
        is_met: (!missed.is_empty()).then_some(false).or(is_known.then_some(true)),
        said: match (missed.as_slice(), worst.len()) {
            (_, 0) => format!("There was {} in any environment.", measure.wants()),
            ([], 1) => "The one environment that is measured keeps it.".to_owned(),
            ([], count) if is_known => {
                format!("The worst of {count} environments, and all keep it.")
            }
            ([], count) => format!("The worst of {count} environments; of some it cannot be told."),
            ([only], 1) => format!("Missed in {only}, the one that is measured."),
            (missed, count) => {
                format!("The worst of {count} environments. Missed in {}.", missed.join(", "))
            }
        },
        marks: Vec::new(),
        limit: None,
        dots: dots(worst.iter().map(|(name, one)| (*name, *one))),
    }
}

/// Lanes or environments on the axis of a figure, each with its name.
fn dots<'a>(all: impl Iterator<Item = (&'a str, &'a Judged)>) -> Option<marks::Dots> {
    let mut found = marks::Dots::default();
    for (name, one) in all {
        let Some((_, value)) = one.value else { continue };
        found.key = one.key();
        found.limit = found.limit.or(one.limit());
        let label = format!("{name}: {}", said(one.key(), value));
        found.all.push((value, one.is_met() == Some(false), label));
    }
    (!found.all.is_empty()).then_some(found)
}

fn row(look: &Look, group: &Group<'_>) -> Markup {
    let [(only, _)] = group.lanes.as_slice() else { return many(look, group) };
    let place = words::lane_place(&only.view.service, &only.view.environment);
    html! {
        tr {
            th scope="row" { a href=(look.to(&place)) { (group.name) } br; span.qq { (only.view.service) } (standing(only)) }
            @for measure in 0..Measure::ALL.len() { td { (one(only, &group.lanes[0].1[measure], Measure::ALL[measure])) } }
        }
        (why(only))
    }
}

/// What the engine answers about the promise over its own time.
fn standing(lane: &Lane) -> Markup {
    html! {
        @if let Some(kept) = lane.view.promises.first() {
            br;
            @match kept.state.as_str() {
                "pass" => span.sm { (state("ok", "", "kept")) },
                "fail" => span.sm { (state("x", "harm", "broken")) },
                _ => span.sm { (state("half", "wait", "cannot be told")) },
            }
        }
    }
}

fn why(lane: &Lane) -> Markup {
    let said = lane.view.promises.first().and_then(|kept| kept.sentence.as_ref());
    html! { @if let Some(said) = said { tr.why { td colspan="4" { p.sm.q { (sentence(said)) } } } } }
}

/// The figure of one lane beside its targets, with the day as a line.
fn one(lane: &Lane, all: &[Judged], measure: Measure) -> Markup {
    let Some(first) = all.first() else { return html! {} };
    let points = if first.key() == "uptime" { Vec::new() } else { points(lane, first.key()) };
    html! {
        div.c {
            div {
                @match first.said() {
                    Some(value) => { span.v { (value) } (verdict(first)) }
                    None => span.v.qq { (measure.wants()) },
                }
                @for one in all { (target(one, one.key() != first.key())) }
            }
            @if points.len() > 1 { div.plot { (marks::line(&points, first.limit(), &first.said().unwrap_or_default())) } }
        }
    }
}

fn verdict(one: &Judged) -> Markup {
    html! {
        @match (one.is_met(), &one.target) {
            (Some(true), _) => span.sm { (state("ok", "", "met")) },
            (Some(false), _) => span.sm { (state("x", "harm", "missed")) },
            (None, Some(_)) => span.sm { (state("half", "", "too near to tell")) },
            (None, None) => {}
        }
    }
}

/// One target in words; of another figure than the one that stands above it, with that figure.
fn target(one: &Judged, has_own: bool) -> Markup {
    html! {
        span.xs.qq {
            @match &one.target {
                None => "nothing promised",
                Some(target) => {
                    @if target.is_goal { "goal " } @else { "promised " } @if !one.what().is_empty() { (one.what()) " " } (target.text)
                    @if has_own { @if let Some(value) = one.said() { ": " (value) " " (verdict(one)) } }
                }
            }
        }
    }
}

fn points(lane: &Lane, key: &str) -> Vec<(f64, f64)> {
    let length = (lane.traffic.seconds * f64::from(BACK.1)).max(1.0);
    let points = lane.traffic.points.iter();
    points.filter_map(|point| Some((point.at / length, value(key, point)?.1))).collect()
}

/// An environment with several services: how many keep each target, and all of them as marks.
fn many(look: &Look, group: &Group<'_>) -> Markup {
    let missing: Vec<&(&Lane, [Vec<Judged>; 3])> =
        group.lanes.iter().filter(|(lane, all)| is_broken(lane) || misses(all)).collect();
    html! {
        tr {
            th scope="row" { a href=(look.to(&environment::place(group.name))) { (group.name) } br; span.qq { (counted(group.lanes.len(), "service")) } }
            @for (measure, own) in Measure::ALL.iter().enumerate() { td { (spread(group, measure, *own)) } }
        }
        @if !missing.is_empty() {
            tr.why { td colspan="4" { p.sm {
                span.q { "A target is missed by " }
                @for (at, (lane, _)) in missing.iter().take(NAMED).enumerate() {
                    @if at > 0 { ", " } a href=(look.to(&words::lane_place(&lane.view.service, &lane.view.environment))) { (lane.view.service) }
                }
                @if missing.len() > NAMED { span.q { " and " (missing.len() - NAMED) " more" } } "."
            } } }
        }
    }
}

/// The worst figure of a measure, how many keep the first target, and each lane as a mark.
fn spread(group: &Group<'_>, measure: usize, own: Measure) -> Markup {
    let known: Vec<&Judged> =
        group.first(measure).map(|(_, one)| one).filter(|one| one.value.is_some()).collect();
    let worst = known.iter().max_by(|one, other| one.badness().total_cmp(&other.badness()));
    let Some(worst) = worst else { return html! { span.v.qq { (own.wants()) } } };
    let met = known.iter().filter(|one| one.is_met() == Some(true)).count();
    let missed = known.iter().filter(|one| one.is_met() == Some(false)).count();
    let all = dots(group.first(measure).map(|(lane, one)| (lane.view.service.as_str(), one)));
    html! {
        div.c {
            div {
                span.v { span.xs.qq { "worst " } @if let Some(value) = worst.said() { (value) } }
                @if worst.target.is_some() {
                    @if missed > 0 { span.sm { (state("x", "harm", &format!("{missed} of {} missed", known.len()))) } }
                    @else { span.sm { (state("ok", "", &format!("{met} of {} met", known.len()))) } }
                }
                (target(worst, false))
            }
            @if let Some(all) = &all { div.plot { (marks::dots(all)) } }
        }
    }
}
