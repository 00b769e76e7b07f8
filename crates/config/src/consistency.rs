//! Where a matrix contradicts itself or is dangerous as written. Owns warnings alone; what is
//! wrong is refused elsewhere.

use towpath_core::matrix::{Decider, Environment, LaneSpec};
use towpath_core::units::Span;

use crate::acceptance;
use crate::codes::Code;
use crate::lane::LaneNode;
use crate::limits;
use crate::problem::{Problem, Problems};
use crate::source::Source;
use crate::tree::{Node, printable};

/// What is compared: the top of the file, and every lane that could be read.
pub(crate) struct Whole<'a> {
    pub(crate) root: &'a Node,
    pub(crate) source: &'a Source,
    pub(crate) environments: &'a [Environment],
    pub(crate) lanes: &'a [LaneNode],
}

/// Adds all warnings that the environment did not say are meant so.
pub(crate) fn check(whole: &Whole<'_>, problems: &mut Problems) {
    same_address(whole, problems);
    for lane in whole.lanes {
        let environment = whole.environments.iter().find(|it| it.name == lane.id.environment);
        let Some(environment) = environment else { continue };
        permissions_too_wide(lane, problems);
        if let Some(spec) = environment.lanes.get(&lane.id.service) {
            trigger_looser_than_slo(lane, spec, problems);
            rollback_without_standby(lane, spec, problems);
            promotion_time(whole, environment, lane, spec, problems);
        }
    }
}

fn warn(lane: &LaneNode, problem: Problem, problems: &mut Problems) {
    if !acceptance::accepts(lane.node.get("accept_warnings"), problem.code) {
        problems.add(problem);
    }
}

fn same_address(whole: &Whole<'_>, problems: &mut Problems) {
    let mut seen: Vec<(&LaneNode, &str, Option<&str>, &Node)> = Vec::new();
    for lane in whole.lanes {
        let listen = lane.node.get("router").and_then(|router| router.get("listen"));
        let Some((node, text)) = listen.and_then(|node| Some((node, node.text()?))) else {
            continue;
        };
        let host = lane.node.get("target").and_then(|it| it.get("host")).and_then(Node::text);
        let first = seen.iter().find(|(_, address, at, _)| *address == text && *at == host);
        if let Some((other, _, _, place)) = first {
            let (one, two) = (other.called_beside(lane), lane.called_beside(other));
            let message = format!("{one} and {two} both listen on {}", printable(text));
            let mut problem = Problem::new(Code::SameAddress, node.extent, message)
                .label("only one of them can have it on one machine")
                .next(format!("give {two} a port of its own"));
            if place.extent != node.extent {
                problem = problem.related(place.extent, format!("{one} has it"));
            }
            warn(lane, problem, problems);
        } else {
            seen.push((lane, text, host, node));
        }
    }
}

fn trigger_looser_than_slo(lane: &LaneNode, spec: &LaneSpec, problems: &mut Problems) {
    let promise = lane.node.get("slo").and_then(|slo| slo.get("error_rate"));
    let Some((place, promised)) = promise.and_then(|node| {
        Some((node, limits::promised_share(node.text()?).filter(|share| *share > 0.0)?))
    }) else {
        return;
    };
    let Some(limit) = spec.rollback.limits.error_rate.filter(|limit| *limit > promised) else {
        return;
    };
    let name = &lane.id.environment;
    let when = lane.node.get("rollback").and_then(|it| it.get("when")?.get("error_rate"));
    let (promised_text, limit_text) = (percent(promised), percent(limit));
    let message = format!(
        "{name} promises less than {promised_text} errors but goes back above {limit_text}"
    );
    let times = format!("a release may break it {} over and stay", times(limit / promised));
    let next = format!(
        "write \"> {promised_text}\", or keep it: the guard also compares with the old release"
    );
    let problem = match when {
        Some(when) => Problem::new(Code::TriggerLooserThanSlo, when.extent, message)
            .label(times)
            .related(place.extent, "the promise")
            .next(next),
        None => Problem::new(Code::TriggerLooserThanSlo, place.extent, message).label(times).next(
            format!(
                "add `rollback: {{ when: {{ error_rate: \"> {promised_text}\" }} }}`, or keep it"
            ),
        ),
    };
    warn(lane, problem, problems);
}

fn percent(share: f64) -> String {
    let hundredths = (share * 10_000.0).round() / 100.0;
    format!("{hundredths}%")
}

fn times(ratio: f64) -> String {
    let words = [(2.0, "two"), (5.0, "five"), (10.0, "ten"), (50.0, "fifty")];
    let word = words.iter().find(|(number, _)| (ratio - number).abs() < 0.001);
    let number = word.map_or_else(|| format!("{ratio:.1}"), |(_, word)| (*word).to_owned());
    format!("{} times", number.trim_end_matches(".0"))
}

fn rollback_without_standby(lane: &LaneNode, spec: &LaneSpec, problems: &mut Problems) {
    if spec.standby > Span::ZERO || spec.rollback.mode == Decider::Manual {
        return;
    }
    let Some(mode) = lane.node.get("rollback").and_then(|it| it.get("mode")) else { return };
    let name = &lane.id.environment;
    let mut problem = Problem::new(
        Code::RollbackWithoutStandby,
        mode.extent,
        format!("{name} goes back automatically after commit, but keeps nothing to go back to"),
    )
    .label("triggers are watched until standby ends, and there is none")
    .next("add `standby: 1h`, or write `mode: manual`");
    if let Some(standby) = lane.node.get("standby") {
        problem = problem.related(standby.extent, "no standby");
    }
    warn(lane, problem, problems);
}

fn promotion_time(
    whole: &Whole<'_>,
    environment: &Environment,
    lane: &LaneNode,
    spec: &LaneSpec,
    problems: &mut Problems,
) {
    let goal = whole.root.get("goals").and_then(|goals| goals.get("promotion_time"));
    let Some((goal, wanted)) = goal.and_then(|it| Some((it, limits::promised_span(it.text()?)?)))
    else {
        return;
    };
    let steps = spec.rollout.steps.iter();
    let total = Span(steps.fold(0, |sum, step| step.bake_max.milliseconds().saturating_add(sum)));
    if total < wanted {
        return;
    }
    let name = &environment.name;
    let steps = lane.node.get("rollout").and_then(|rollout| rollout.get("steps"));
    let message = format!("the steps of {name} take {total}, and the goal is less than {wanted}");
    let line = whole.source.line_of(goal.extent.start);
    let next = format!("shorten the bakes, or set another goal in line {line}");
    let problem = match steps {
        Some(steps) => Problem::new(Code::PromotionTime, steps.extent, message)
            .label(format!("{total} in all"))
            .related(goal.extent, "the goal")
            .next(next),
        None => Problem::new(Code::PromotionTime, goal.extent, message).next(next),
    };
    warn(lane, problem, problems);
}

fn permissions_too_wide(lane: &LaneNode, problems: &mut Problems) {
    let Some(iam) = lane.node.get("iam") else { return };
    let Some(permissions) = iam.get("permissions").filter(|it| it.text() == Some("maximum")) else {
        return;
    };
    let role =
        iam.get("role").and_then(Node::text).map_or_else(|| "its role".to_owned(), printable);
    let problem = Problem::new(
        Code::PermissionsTooWide,
        permissions.extent,
        format!("`permissions: maximum` gives {role} administrator rights"),
    )
    .label("whoever takes this role can change anything")
    .next("name what the role needs: `permissions: high`, or a list of actions");
    warn(lane, problem, problems);
}
