//! A promotion off a terminal: one line for each change, never folded and never cut.

use std::fmt::Write as _;

use towpath_core::approvals::Asked;
use towpath_core::check::CheckResult;
use towpath_core::journal::{Event, Requested};
use towpath_core::plan::Plan;
use towpath_core::promotion::state::{CheckKey, GateList, Kind, Outcome};
use towpath_engine::views::{PromotionView, SideView};
use towpath_guard::{Evidence, Verdict};
use towpath_ports::store::EventRow;

use crate::report::ending;
use crate::report::story::{self, Story};
use crate::report::style::{
    Style, declared, grouped, measured, percent, printable, rfc3339, stamp,
};
use crate::report::tree::standing;

/// The line of an event, given what happened before it; none for what is no news.
pub(crate) fn of(row: &EventRow, story: &Story, style: &Style) -> Option<String> {
    let event = story::event(row)?;
    let plan = story.requested.as_ref().map(|requested| &requested.plan);
    let said = match &event {
        Event::PromotionRequested(requested) => {
            Some(asked(requested, &story::plan_hash(row, &requested.plan), style))
        }
        Event::CheckAnswered { key, answer, .. } => {
            let plan = plan?;
            let known = story.held_up.get(&(key.list, key.slug.clone()));
            (known != Some(&answer.sentence))
                .then(|| answered(plan, key, answer.result, &answer.sentence))
                .flatten()
        }
        Event::ApprovalGiven { approval, .. } => {
            let said = if approval.agrees { "approved" } else { "rejected" };
            Some(format!("{said} by {}", approval.by))
        }
        Event::PromotionStarted { approved, .. } => {
            let parts = [plan.and_then(prerequisites), approvals(approved)];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            (!parts.is_empty()).then(|| parts.join("; "))
        }
        Event::InstancesReady { green, .. } => {
            let took = story.started_at.map(|at| seconds(at, row.at));
            let took = took.map_or_else(String::new, |took| format!(" after {}", measured(took)));
            let (ready, capacity) = (green.endpoints.len(), green.capacity);
            Some(format!("started: {ready} of {capacity} instances ready{took}"))
        }
        Event::WeightOrdered { .. } if story.validated_at.is_none() => plan.and_then(validation),
        Event::WeightObserved { step, weight, .. } => {
            let bake = plan?.steps.get(*step).map(|step| step.bake_max);
            let bake = bake.filter(|bake| bake.milliseconds() > 0);
            let bake = bake.map_or_else(String::new, |bake| format!(" for {bake}"));
            let why = story.steps.get(step).and_then(|step| step.why.as_ref());
            let why = why.map_or_else(String::new, |why| format!(": {}", printable(why)));
            Some(format!("weight {}{bake}{why}", percent(weight.share())))
        }
        Event::StepPassed { step, verdict, .. } => {
            Some(step_passed(plan?, *step, verdict.as_ref()))
        }
        Event::StepHeld { step, sentence, .. } => {
            Some(format!("weight {} holds: {}", weight_of(plan?, *step), printable(sentence)))
        }
        _ => turned(&event, story, plan?, row),
    }?;
    Some(format!("{} {said}\n", stamp(row.at)))
}

/// What interrupts a promotion or ends it.
fn turned(event: &Event, story: &Story, plan: &Plan, row: &EventRow) -> Option<String> {
    match event {
        Event::Condemned { verdict, .. } => {
            let step = story.steps.iter().rfind(|(_, step)| step.observed_at.is_some());
            let at = step
                .map_or_else(String::new, |(step, _)| format!(" at {}", weight_of(plan, *step)));
            Some(format!("unhealthy{at}: {}", printable(&verdict.sentence)))
        }
        Event::ReconciliationBegan { sentence, .. } => {
            Some(format!("reconciling: {}", printable(sentence)))
        }
        Event::RouteRetried { sentence, retry_at, .. } => {
            Some(format!("tried again at {}: {}", stamp(*retry_at), printable(sentence)))
        }
        Event::AnswerWithdrawn { key, sentence, .. } => {
            Some(format!("{} is asked again: {}", key.slug, printable(sentence)))
        }
        Event::PromotionDoubted { sentence, .. } => {
            Some(format!("a person is wanted: {}", printable(sentence)))
        }
        Event::PersonCalled { reason, .. } => {
            Some(format!("a person is wanted: {}", printable(reason)))
        }
        Event::PromotionPaused { reason, until, .. } => {
            Some(format!("paused until {}: {}", stamp(*until), printable(reason)))
        }
        Event::RolloutHeld { sentence, until, .. } => {
            Some(format!("held until {} at most: {}", stamp(*until), printable(sentence)))
        }
        Event::RolloutReleased { .. } => Some("held no longer".to_owned()),
        Event::PromotionResumed { by, .. } => Some(format!("resumed by {by}")),
        Event::ReturnOrdered { ending, .. }
            if story.condemned.is_none() && story.had_visitors() =>
        {
            Some(format!("going back: {}", printable(&ending.sentence)))
        }
        Event::TrafficReturned { .. } if story.had_visitors() => {
            let old = plan.blue.as_ref().map(|blue| format!(" on {}", blue.version));
            let took = story.condemned.as_ref().map(|(at, _)| seconds(*at, row.at));
            let took = took.map(|took| format!(", {} after the verdict", measured(took)));
            let (old, took) = (old.unwrap_or_default(), took.unwrap_or_default());
            Some(format!("weight 0%: all traffic{old}{took}"))
        }
        _ => None,
    }
}

fn asked(requested: &Requested, hash: &str, style: &Style) -> String {
    let Requested { number, plan, from, .. } = requested;
    let (service, to) = (&plan.lane.service, &plan.lane.environment);
    let version = &plan.release.version;
    let way = match (plan.kind, from, &plan.blue) {
        (Kind::Rollback, _, Some(bad)) => {
            return format!(
                "promotion {number} started: {service}, {to} back from {} to {version}",
                bad.version
            );
        }
        (Kind::Rollback, _, None) => {
            return format!("promotion {number} started: {service}, {to} back to {version}");
        }
        (Kind::Promote, Some(from), _) => format!(", {from} {} {to}", style.arrow()),
        (Kind::Promote, None, _) => format!(" into {to}"),
    };
    format!("promotion {number} started: {service} {version}{way}, plan {hash}")
}

fn answered(plan: &Plan, key: &CheckKey, result: CheckResult, sentence: &str) -> Option<String> {
    let gate = &plan.section.gate;
    let checks = match key.list {
        GateList::Prerequisites => &gate.prerequisites,
        GateList::Validation => &gate.validation,
    };
    let title = checks.iter().find(|check| check.slug == key.slug).map(|check| &check.title)?;
    let word = match result {
        CheckResult::Pass => return None,
        CheckResult::Fail => "failed",
        CheckResult::Pending { .. } => "waits",
        CheckResult::Inconclusive => "cannot tell",
    };
    Some(format!("{} {word}: {}", printable(title), printable(sentence)))
}

fn prerequisites(plan: &Plan) -> Option<String> {
    let count = plan.section.gate.prerequisites.len();
    let forward = plan.kind == Kind::Promote && count > 0;
    forward.then(|| format!("prerequisites passed: {count} of {count}"))
}

fn approvals(approved: &[Asked]) -> Option<String> {
    let each = approved.iter().map(|one| {
        let people: Vec<String> = one.by.iter().map(ToString::to_string).collect();
        match one.owners {
            Some(_) => format!("{}: {}", one.whom(), people.join(" and ")),
            None => format!("{} {}", one.role, people.join(" and ")),
        }
    });
    let all: Vec<String> = each.collect();
    (!all.is_empty()).then(|| format!("approvals complete: {}", all.join(", ")))
}

fn validation(plan: &Plan) -> Option<String> {
    let gate = &plan.section.gate.validation;
    let count = gate.iter().filter(|check| check.at.basis_points() == 0).count();
    (count > 0).then(|| format!("validation passed: {count} of {count}"))
}

fn step_passed(plan: &Plan, step: usize, verdict: Option<&Verdict>) -> String {
    let weight = weight_of(plan, step);
    let Some(verdict) = verdict else { return format!("weight {weight} passed") };
    let said = standing(verdict);
    format!("weight {weight} passed: {said}; {}", counts(&verdict.evidence))
}

fn counts(evidence: &Evidence) -> String {
    let probes = evidence.probes;
    if evidence.green_requests == 0 && probes.total > 0 {
        let (failed, total) = (grouped(probes.failed), grouped(probes.total));
        return format!("no requests; {failed} of {total} probes failed");
    }
    let green = side("green", evidence.green_failed, evidence.green_requests);
    if evidence.blue_requests == 0 {
        return green;
    }
    format!("{green}, {}", side("blue", evidence.blue_failed, evidence.blue_requests))
}

fn side(arm: &str, failed: u64, requests: u64) -> String {
    format!("{arm} {} of {}", grouped(failed), grouped(requests))
}

fn weight_of(plan: &Plan, step: usize) -> String {
    plan.steps.get(step).map_or_else(|| "?".to_owned(), |step| percent(step.weight.share()))
}

fn seconds(from: towpath_core::units::Timestamp, to: towpath_core::units::Timestamp) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a promotion stay below 2^52")]
    let microseconds = to.0.saturating_sub(from.0).max(0) as f64;
    microseconds / 1_000_000.0
}

/// What a promotion that has nothing new to say says each minute.
pub(crate) fn sign_of_life(view: &PromotionView, style: &Style) -> String {
    let at = rfc3339(style.now);
    if let (Some(step), Some(baked)) =
        (view.step.and_then(|step| view.steps.get(step)), view.baked_seconds)
    {
        let standing = view.verdict.as_ref().map_or("undecided", |verdict| &verdict.standing);
        let of = |arm: &str, it: &SideView| side(arm, it.failed, it.requests);
        let mut seen = of("green", &view.evidence.green);
        if view.replaces.is_some() {
            let _ = write!(seen, ", {}", of("blue", &view.evidence.blue));
        }
        return format!(
            "{at} weight {} {standing}, {} of {}: {seen}\n",
            percent(step.weight),
            declared(baked.floor()),
            declared(step.bake_seconds)
        );
    }
    let waits = view.waits_for.first();
    let waits = waits.map_or_else(String::new, |one| format!(": {}", printable(&one.sentence)));
    format!("{at} still {}{waits}\n", view.state)
}

/// The last line, which is the answer.
pub(crate) fn ended(view: &PromotionView, style: &Style) -> String {
    let at = view.ended_at.as_deref().map_or_else(|| rfc3339(style.now), str::to_owned);
    let visitors = format!(
        "harmed {}, rescued {}",
        grouped(view.harmed_requests),
        grouped(view.rescued_requests)
    );
    let why = view.sentence.as_deref().map(printable).unwrap_or_default();
    let now = ending::serves_now(view);
    let quarantined =
        if view.quarantined { format!("{} quarantined; ", view.release) } else { String::new() };
    let said = match view.outcome {
        Some(Outcome::Succeeded) => format!("succeeded: {now}; {visitors}"),
        Some(Outcome::RolledBack) => format!("rolled back: {now}; {quarantined}{visitors}"),
        Some(Outcome::Failed) => format!("failed: {now}; {why}; {visitors}"),
        Some(Outcome::Aborted) => format!("aborted: {now}; {why}; {visitors}"),
        Some(Outcome::Rejected) => format!("rejected: {now}; {why}"),
        Some(Outcome::Superseded) => format!("superseded: {now}; {why}"),
        None => format!("{}: {now}", view.state),
    };
    format!("{at} {said}\n")
}

/// The commands that help after it, one on a line.
pub(crate) fn next(view: &PromotionView, story: &Story) -> String {
    let mut text = String::new();
    if !view.told.is_empty() {
        let _ = writeln!(text, "told: {}", view.told.join(", "));
    }
    if !view.not_told.is_empty() {
        let _ = writeln!(text, "not told: {}", printable(&view.not_told.join(", ")));
    }
    for next in ending::next(view, story) {
        let _ = writeln!(text, "next: {}", next.command);
    }
    text
}
