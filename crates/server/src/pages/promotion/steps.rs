//! The step tree: gates with the sentence of each check, steps as they went, what comes. Owns its order.

use jiff::Timestamp as Moment;
use maud::{Markup, html};
use towpath_core::promotion::state::{Kind, Outcome};
use towpath_core::units::Timestamp;
use towpath_engine::views::{CheckView, PromotionView, VerdictView};

use super::{Told, lasted};
use crate::pages::frame::Look;
use crate::pages::marks::{As, counted, icon, left, percent, sentence, time, took};
use crate::pages::words;

pub(super) fn tree(look: &Look, told: &Told) -> Markup {
    let view = &told.view;
    html! {
        ol.tree {
            (gate(view, "prerequisites", "Prerequisites", told.story.requested.zip(told.story.started)))
            (deploy(told))
            (gate(view, "validation", "Validation, at weight 0", validated(told)))
            @for at in 0..view.steps.len() { (step(look, told, at)) }
            (commit(told))
            (back(told))
        }
    }
}

fn validated(told: &Told) -> Option<(Timestamp, Timestamp)> {
    told.story.ready.as_ref().map(|(at, _)| *at).zip(told.story.first_weight)
}

/// One list of checks; nothing where there are none.
fn gate(
    view: &PromotionView,
    list: &str,
    title: &str,
    span: Option<(Timestamp, Timestamp)>,
) -> Markup {
    let own: Vec<&CheckView> = view.checks.iter().filter(|check| check.list == list).collect();
    if own.is_empty() {
        return Markup::default();
    }
    let count = |state: &str| own.iter().filter(|check| check.state == state).count();
    let (passed, failed) = (count("pass"), count("fail"));
    let is_open = own.iter().all(|check| check.state == "open");
    let is_over = view.ended_at.is_some() || passed == own.len();
    let (mark, class) = match () {
        () if passed == own.len() => ("ok", ""),
        () if failed > 0 => ("x", "now"),
        () if is_open || is_over => ("ring", "todo"),
        () => ("now", "now"),
    };
    let words = if passed == own.len() {
        format!("{passed} of {} checks passed.", own.len())
    } else {
        format!(
            "{passed} of {} passed{}.",
            own.len(),
            if failed > 0 { ", some failed" } else { "" }
        )
    };
    html! {
        li class=(class) aria-current=[(class == "now").then_some("step")] {
            (icon(mark))
            div { span.nm { (title) } }
            span.t { @if let Some((from, to)) = span { (lasted(from, to)) } }
            div.sub {
                details id={ "gate-" (list) } open[passed < own.len() && !is_open] {
                    summary { (words) }
                    ul.checks { @for check in &own { (one(check)) } }
                }
            }
        }
    }
}

/// One check with what it said.
pub(in crate::pages) fn one(check: &CheckView) -> Markup {
    let (mark, class, word) = match check.state.as_str() {
        "pass" => ("ok", "", "passed"),
        "fail" => ("x", "harm", "failed"),
        "pending" => ("wait", "", "not yet"),
        "inconclusive" => ("warn", "wait", "cannot tell"),
        "asking" => ("now", "", "is being asked"),
        _ => ("ring", "", "not asked yet"),
    };
    html! {
        li {
            (icon(mark))
            div {
                b { (check.title) }
                @if check.state != "pass" { " " span class={ "st " (class) } { (word) } }
                @if let Some(said) = &check.sentence { span { (sentence(said)) } }
            }
        }
    }
}

fn deploy(told: &Told) -> Markup {
    let (view, story) = (&told.view, &told.story);
    let is_now = view.state == "starting";
    let (mark, class) = match (&story.ready, is_now) {
        (Some(_), _) => ("ok", ""),
        (None, true) => ("now", "now"),
        (None, false) if view.outcome == Some(Outcome::Failed) && story.started.is_some() => {
            ("x", "")
        }
        (None, false) => ("ring", "todo"),
    };
    let time = story.started.zip(story.ready.as_ref().map(|(at, _)| *at));
    let name =
        if view.kind == Kind::Rollback { "Make the old release ready" } else { "Deploy green" };
    html! {
        li class=(class) aria-current=[is_now.then_some("step")] {
            (icon(mark))
            span.nm { (name) }
            span.t { @if let Some((from, to)) = time { (lasted(from, to)) } }
            @if let Some((_, green)) = &story.ready {
                p.sub.sm.q {
                    (counted(green.capacity as usize, "instance")) " of " (green.release.version)
                    " ready" @if let Some(blue) = &story.blue {
                        " beside " (blue.capacity) " of " (blue.release.version)
                    } "."
                }
            }
        }
    }
}

fn step(look: &Look, told: &Told, at: usize) -> Markup {
    let (view, story) = (&told.view, &told.story);
    let plan = &view.steps[at];
    let went = story.steps.get(&at);
    let is_now = view.ended_at.is_none() && view.step == Some(at);
    let passed = went.and_then(|went| went.passed.as_ref());
    let observed = went.and_then(|went| went.observed);
    let is_last = story.last_step() == Some(at) && story.going_back.is_some();
    let (mark, class) = match () {
        () if is_last => ("x", ""),
        () if is_now => ("now", "now"),
        () if passed.is_some() => ("ok", ""),
        () if view.ended_at.is_some() && observed.is_some() => ("ok", ""),
        () => ("ring", "todo"),
    };
    let name = match plan.mirror {
        Some(share) => format!("{}, {} mirrored", percent(plan.weight), percent(share)),
        None => percent(plan.weight),
    };
    html! {
        li class=(class) aria-current=[is_now.then_some("step")] {
            (icon(mark))
            span.nm { (name) }
            span.t { (length(look, told, at)) }
            @if is_now { div.sub { (baking(look, view)) } }
            @else if let Some((_, verdict)) = passed { p.sub.sm.q { (outcome(verdict.as_ref())) } }
            @else if is_last { p.sub.sm.q { (ended_by(told)) } }
        }
    }
}

fn ended_by(told: &Told) -> String {
    match (&told.story.condemned, &told.story.going_back) {
        (Some((_, verdict)), _) => format!("Unhealthy. {}", sentence(&verdict.sentence)),
        (None, Some((_, why))) => sentence(why),
        (None, None) => String::new(),
    }
}

fn outcome(verdict: Option<&VerdictView>) -> String {
    match verdict {
        None => "Passed.".to_owned(),
        Some(verdict) if verdict.standing == "healthy" => {
            format!("Passed, healthy: {}", sentence(&verdict.sentence).to_lowercase_first())
        }
        Some(verdict) => {
            format!("Passed, not proven: {}", sentence(&verdict.sentence).to_lowercase_first())
        }
    }
}

/// The first letter small, for what follows a colon.
trait LowercaseFirst {
    fn to_lowercase_first(&self) -> String;
}

impl LowercaseFirst for String {
    fn to_lowercase_first(&self) -> String {
        let mut letters = self.chars();
        let first = letters.next().map(|letter| letter.to_lowercase().to_string());
        first.unwrap_or_default() + letters.as_str()
    }
}

/// How long the step took, has taken of its bake, or will take and from when on.
fn length(look: &Look, told: &Told, at: usize) -> Markup {
    let (view, story) = (&told.view, &told.story);
    let plan = &view.steps[at];
    let went = story.steps.get(&at);
    let observed = went.and_then(|went| went.observed);
    let passed = went.and_then(|went| went.passed.as_ref()).map(|(at, _)| *at);
    let over = passed.or(story.going_back.as_ref().map(|(at, _)| *at));
    if view.ended_at.is_none() && view.step == Some(at) {
        let baked = view.baked_seconds.unwrap_or(0.0);
        return html! { (took(baked)) " of " (took(plan.bake_seconds)) };
    }
    if let (Some(from), Some(to)) = (observed, over.or(story.commit_ordered)) {
        return html! { (lasted(from, to)) };
    }
    html! {
        @if let Some(begins) = begins(look.now(), view, at) {
            (time(&begins.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), As::Clock, look.now())) ", "
        }
        (took(plan.bake_seconds))
    }
}

/// When a step that is to come begins if nothing stops it.
fn begins(now: Moment, view: &PromotionView, at: usize) -> Option<Moment> {
    let current = view.step.filter(|current| *current < at && view.ended_at.is_none())?;
    if view.paused.is_some() || view.frozen || view.held {
        return None;
    }
    let ends = words::bake_ends(view, now)?;
    let between: f64 = view.steps.get(current + 1..at)?.iter().map(|step| step.bake_seconds).sum();
    #[expect(clippy::cast_possible_truncation, reason = "seconds of bakes")]
    ends.checked_add(jiff::SignedDuration::from_millis((between * 1_000.0) as i64)).ok()
}

/// How much of the bake is over, and what comes after it.
fn baking(look: &Look, view: &PromotionView) -> Markup {
    let Some(plan) = view.step.and_then(|at| view.steps.get(at)) else { return Markup::default() };
    let baked = view.baked_seconds.unwrap_or(0.0);
    let share = if plan.bake_seconds > 0.0 { (baked / plan.bake_seconds).min(1.0) } else { 1.0 };
    let label = format!("{} of {}", took(baked), took(plan.bake_seconds));
    let next = view.step.and_then(|at| view.steps.get(at + 1));
    let standing = view.verdict.as_ref().map_or("", |verdict| verdict.standing.as_str());
    html! {
        svg.prog role="img" aria-label=(label) {
            rect.track width="100%" height="6" rx="1" {}
            rect.done width=(format!("{:.1}%", share * 100.0)) height="6" rx="1" {}
        }
        p.sm.q {
            @if view.held { "Holds for evidence beyond its bake." }
            @else if view.state == "shifting" { "The router is being moved to this weight." }
            @else if view.state == "reconciling" { "The weight that was observed differs from the one on record." }
            @else if view.paused.is_some() { "Paused: the clock of the bake stands still." }
            @else if let Some(ends) = words::bake_ends(view, look.now()) {
                @if !standing.is_empty() { (sentence(standing)) " " }
                "In "
                time datetime=(ends.strftime("%Y-%m-%dT%H:%M:%SZ")) data-as="left" {
                    (left(ends.duration_since(look.now()).as_secs()))
                }
                " it passes to " (next.map_or_else(|| "the commit".to_owned(), |next| percent(next.weight)))
                " unless the guard decides first."
            }
            @if let Some(why) = &view.weight_reason { " " (sentence(why)) }
        }
    }
}

fn commit(told: &Told) -> Markup {
    let (view, story) = (&told.view, &told.story);
    if view.ended_at.is_some() && story.committed.is_none() {
        return Markup::default();
    }
    let is_now = view.state == "committing";
    let (mark, class) = match (story.committed, is_now) {
        (Some(_), _) => ("ok", ""),
        (None, true) => ("now", "now"),
        (None, false) => ("ring", "todo"),
    };
    html! {
        li class=(class) aria-current=[is_now.then_some("step")] {
            (icon(mark))
            span.nm { "Commit" }
            span.t { @if let Some((from, to)) = story.commit_ordered.zip(story.committed) { (lasted(from, to)) } }
            p.sub.sm {
                (view.release) " becomes the default"
                @if let Some(before) = &view.replaces {
                    @if view.standby_seconds > 0.0 { "; " (before) " stands by for " (took(view.standby_seconds)) }
                    @else { "; " (before) " is stopped" }
                    @if let Some(kept) = &view.holdback { " with " (percent(kept.share)) " of the requests" }
                } "."
            }
        }
    }
}

fn back(told: &Told) -> Markup {
    let (view, story) = (&told.view, &told.story);
    let Some((at, _)) = &story.going_back else { return Markup::default() };
    let to = view.replaces.as_deref().unwrap_or("nothing");
    html! {
        li class=(if story.returned.is_none() { "now" } else { "" }) {
            (icon("back"))
            b { "Back to " (to) }
            span.t { @if let Some(back) = story.returned { (lasted(*at, back)) } }
            p.sub.sm.q {
                @if story.returned.is_some() { "All weight on blue; read back from the router." }
                @else { "Ordered, and not read back from the router yet." }
            }
        }
    }
}
