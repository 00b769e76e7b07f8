//! What a promotion and a rollback may take against the goals of the project. Measures nothing.

use towpath_core::units::Span;

use super::Lane;
use crate::codes::Code;
use crate::limits;
use crate::problem::{Problem, Problems};

/// Steps that bake for as long as a whole promotion may take.
pub(super) fn promotion_time(lane: &Lane<'_>, problems: &mut Problems) {
    let Some(spec) = lane.spec else { return };
    let goal = lane.whole.root.get("goals").and_then(|goals| goals.get("promotion_time"));
    let Some((goal, wanted)) = goal.and_then(|it| Some((it, limits::promised_span(it.text()?)?)))
    else {
        return;
    };
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
