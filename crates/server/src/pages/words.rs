//! What promotions, lanes and waits are called on pages, and what they are doing, in a few words. Owns
//! addresses of lanes; draws nothing.

use jiff::Timestamp;
use maud::{Markup, html};
use towpath_core::promotion::state::{Kind, Outcome};
use towpath_engine::views::{PromotionView, WaitView};

use crate::pages::marks::{left, percent, state};

/// The address of a lane, below the base.
pub(super) fn lane_place(service: &str, environment: &str) -> String {
    format!("/lanes/{service}/{environment}")
}

/// `api `: where the service is worth naming, which is everywhere but beside itself.
pub(super) fn lane_prefix(promotion: &PromotionView) -> String {
    format!("{} ", promotion.service)
}

/// `api 1.2.0 to production`, or `api 1.1.4 back in production`.
pub(super) fn named(promotion: &PromotionView) -> String {
    let PromotionView { service, release, to, .. } = promotion;
    match promotion.kind {
        Kind::Promote => format!("{service} {release} to {to}"),
        Kind::Rollback => format!("{service} back to {release} in {to}"),
    }
}

/// The same of something that waits, which may be a lane.
pub(super) fn of_wait(wait: &WaitView) -> String {
    match &wait.release {
        Some(release) => format!("{} {release} to {}", wait.service, wait.environment),
        None => format!("{} in {}", wait.service, wait.environment),
    }
}

/// What a promotion that waits waits for, in a word or two.
pub(super) fn waited_for(promotion: &PromotionView) -> &'static str {
    let is = |what: &str| promotion.waits_for.iter().any(|blocker| blocker.what == what);
    let has_people = promotion.waits_for.iter().any(|blocker| {
        blocker.next.iter().any(|next| {
            next.command.starts_with("towpath approve")
                || next.command.starts_with("towpath attest")
        })
    });
    match () {
        () if has_people => "people",
        () if is("check") => "checks",
        () if is("freeze") => "a freeze",
        () if is("window") => "its window",
        () if is("lane") => "its turn",
        () => "its start",
    }
}

/// What a promotion is doing: `10%, 3:20 left, undecided`.
pub(super) fn doing(promotion: &PromotionView, now: Timestamp) -> Markup {
    if promotion.paused.is_some() {
        return html! { "paused at " (percent(promotion.weight)) };
    }
    if promotion.frozen {
        return html! { "held at " (percent(promotion.weight)) };
    }
    match promotion.state.as_str() {
        "starting" => html! { (promotion.release) " starting" },
        "validating" => {
            let (done, all) = validated(promotion);
            html! { (promotion.release) " validating, " (done) " of " (all) }
        }
        "shifting" => html! { "moving to " (percent(step_weight(promotion))) },
        "baking" => baking(promotion, now),
        "reconciling" => html! { "reconciling at " (percent(promotion.weight)) },
        "committing" => html! { "committing" },
        "going-back" => html! { "going back" },
        "waiting" => html! { "waits for " (waited_for(promotion)) },
        other => html! { (other) },
    }
}

fn baking(promotion: &PromotionView, now: Timestamp) -> Markup {
    let standing = promotion.verdict.as_ref().map(|verdict| verdict.standing.as_str());
    html! {
        (percent(promotion.weight))
        @match bake_ends(promotion, now) {
            _ if promotion.held => ", holds for evidence",
            Some(ends) => {
                ", "
                time datetime=(ends.strftime("%Y-%m-%dT%H:%M:%SZ")) data-as="left" {
                    (left(ends.duration_since(now).as_secs()))
                }
                " left"
            }
            None => "",
        }
        @if let Some(standing) = standing { ", " (standing) }
    }
}

/// When the bake of the step that it is in is over at the latest.
pub(super) fn bake_ends(promotion: &PromotionView, now: Timestamp) -> Option<Timestamp> {
    let step = promotion.steps.get(promotion.step?)?;
    let rest = step.bake_seconds - promotion.baked_seconds?;
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a bake")]
    let rest = jiff::SignedDuration::from_millis((rest.max(0.0) * 1000.0) as i64);
    now.checked_add(rest).ok()
}

/// The weight of the step that is being taken.
pub(super) fn step_weight(promotion: &PromotionView) -> f64 {
    let step = promotion.step.and_then(|at| promotion.steps.get(at));
    step.map_or(promotion.weight, |step| step.weight)
}

/// How many of the checks of green have passed.
fn validated(promotion: &PromotionView) -> (usize, usize) {
    let own: Vec<_> = promotion.checks.iter().filter(|check| check.list == "validation").collect();
    (own.iter().filter(|check| check.state == "pass").count(), own.len())
}

/// How a promotion ended, or where it is, as icon and word.
pub(super) fn outcome(promotion: &PromotionView) -> Markup {
    match promotion.outcome {
        Some(Outcome::Succeeded) => state("ok", "", "succeeded"),
        Some(Outcome::RolledBack) => state("back", "harm", "went back"),
        Some(Outcome::Rejected) => state("x", "", "rejected"),
        Some(Outcome::Superseded) => state("to", "", "superseded"),
        Some(Outcome::Aborted) => state("stop", "", "aborted"),
        Some(Outcome::Failed) => state("x", "harm", "failed"),
        None if promotion.state == "waiting" => state("wait", "wait", "waiting"),
        None => state("now", "", &promotion.state.replace('-', " ")),
    }
}
