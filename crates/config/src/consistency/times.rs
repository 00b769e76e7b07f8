//! What a promotion and a rollback may take against the goals of the project. Measures nothing.

use std::collections::BTreeMap;

use towpath_core::units::{Span, Weight};

use super::Lane;
use super::values::span;
use crate::codes::Code;
use crate::limits;
use crate::problem::{Problem, Problems};
use crate::tree::Node;

/// Time-out of a check that names none.
const CHECK_TIMEOUT: Span = Span::seconds(30);

/// Steps that bake for as long as a whole promotion may take.
pub(super) fn promotion_time(lane: &Lane<'_>, problems: &mut Problems) {
    let Some(spec) = lane.spec else { return };
    let Some((goal, wanted)) = goal(lane, "promotion_time") else { return };
    let steps = spec.rollout.steps.iter();
    let total = Span(steps.fold(0, |sum, step| step.bake_max.milliseconds().saturating_add(sum)));
    if total < wanted {
        return;
    }
    let name = lane.name();
    let message = format!("the steps of {name} take {total}, and the goal is less than {wanted}");
    let line = lane.whole.source.line_of(goal.extent.start);
    let next = format!("shorten the bakes, or set another goal in line {line}");
    let problem = match lane.get("rollout", "steps") {
        Some(steps) => Problem::new(Code::PromotionTime, steps.extent, message)
            .label(format!("{total} in all"))
            .related(goal.extent, "the goal")
            .next(next),
        None => Problem::new(Code::PromotionTime, goal.extent, message).next(next),
    };
    lane.add(problem, problems);
}

/// A rollback that may take longer than rollbacks should.
pub(super) fn rollback_within(lane: &Lane<'_>, problems: &mut Problems) {
    let within = lane.get("rollback", "within").and_then(|it| Some((it, span(it)?)));
    let (Some((place, within)), Some((goal, wanted))) = (within, goal(lane, "rollback_time"))
    else {
        return;
    };
    if within <= wanted {
        return;
    }
    let name = lane.name();
    let message =
        format!("a rollback of {name} may take {within}, and the goal is less than {wanted}");
    let problem = Problem::new(Code::RollbackWithin, place.extent, message)
        .label("a rollback that keeps this still misses the goal")
        .related(goal.extent, "the goal")
        .next(format!("write `within: {wanted}`, or set another goal"));
    lane.add(problem, problems);
}

/// Validation that may wait for its answers longer than validation should take. The checks of one
/// weight are asked together, so of each weight the longest counts.
pub(super) fn validation_time(lane: &Lane<'_>, problems: &mut Problems) {
    let Some((goal, wanted)) = goal(lane, "validation_time") else { return };
    let checks = lane.get("gate", "validation").filter(|_| lane.judges("gate"));
    let Some(checks) = checks else { return };
    let mut longest: BTreeMap<Weight, (Span, &Node)> = BTreeMap::new();
    for check in checks.items() {
        let at = check.get("at").and_then(Node::text).and_then(|text| text.parse().ok());
        let timeout = check.get("timeout").and_then(span).unwrap_or(CHECK_TIMEOUT);
        let place = longest.entry(at.unwrap_or(Weight::ZERO)).or_insert((timeout, check));
        if timeout > place.0 {
            *place = (timeout, check);
        }
    }
    let total = longest.values().fold(0, |sum: u64, (it, _)| sum.saturating_add(it.milliseconds()));
    let slowest = longest.values().max_by_key(|(timeout, _)| *timeout);
    let Some((_, slowest)) = slowest.filter(|_| Span(total) > wanted) else { return };
    let (name, total) = (lane.name(), Span(total));
    let message = format!(
        "the validation of {name} may wait {total} for answers, and the goal is less than {wanted}"
    );
    let place = slowest.get("timeout").unwrap_or(slowest);
    let problem = Problem::new(Code::ValidationTime, place.extent, message)
        .label("the longest wait")
        .related(goal.extent, "the goal")
        .next("shorten the time-outs, or set another goal");
    lane.add(problem, problems);
}

/// A goal of the project that is a length of time, with its place.
fn goal<'a>(lane: &Lane<'a>, key: &str) -> Option<(&'a Node, Span)> {
    let goal = lane.whole.root.get("goals")?.get(key)?;
    Some((goal, limits::promised_span(goal.text()?)?))
}
