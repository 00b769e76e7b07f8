//! A promotion for programs: one object on a line for each change, and a last one with everything
//! that a script needs (cli.md section 15). The names are stable.

use serde_json::{Value, json};
use towpath_core::journal::Event;
use towpath_core::promotion::state::Outcome;
use towpath_engine::views::{FORMAT, PromotionView};
use towpath_guard::{Standing, StratumEvidence, Verdict};
use towpath_ports::store::EventRow;

use crate::exit_code::ExitCode;
use crate::report::ending;
use crate::report::story::{self, Story};
use crate::report::style::{Style, rfc3339, stamp};

/// The object of an event, given what happened before it; none for what is no news.
pub(crate) fn of(row: &EventRow, story: &Story) -> Option<Value> {
    let event = story::event(row)?;
    let (name, more) = match event {
        Event::PromotionRequested(asked) => (
            "started",
            json!({
                "kind": asked.plan.kind,
                "service": asked.plan.lane.service,
                "from": asked.from,
                "to": asked.plan.lane.environment,
                "release": asked.plan.release.version,
                "plan": story::plan_hash(row, &asked.plan),
            }),
        ),
        Event::CheckAnswered { key, answer, .. } => {
            ("check", json!({ "check": key, "answer": answer.result, "sentence": answer.sentence }))
        }
        Event::InstancesReady { green, .. } => {
            ("ready", json!({ "instances": green.endpoints.len(), "of": green.capacity }))
        }
        Event::WeightObserved { step, weight, .. } => {
            let steps = story.requested.as_ref().map(|asked| &asked.plan.steps);
            let bake = steps.and_then(|steps| steps.get(step)).map(|step| step.bake_max);
            #[expect(clippy::cast_precision_loss, reason = "a bake is far below 2^52 ms")]
            let bake = bake.map(|bake| bake.milliseconds() as f64 / 1000.0);
            (
                "weight",
                json!({
                    "step": step + 1,
                    "of": steps.map(Vec::len),
                    "green": weight.share(),
                    "bake_seconds": bake,
                }),
            )
        }
        Event::StepPassed { step, verdict, .. } => (
            "step-passed",
            json!({ "step": step + 1, "verdict": verdict.as_ref().map(verdict_of) }),
        ),
        Event::StepHeld { step, sentence, .. } => {
            ("held", json!({ "step": step + 1, "sentence": sentence }))
        }
        Event::RolloutHeld { sentence, until, .. } => {
            ("frozen", json!({ "sentence": sentence, "until": stamp(until) }))
        }
        Event::RolloutReleased { .. } => ("thawed", json!({})),
        Event::Condemned { verdict, .. } => {
            ("condemned", json!({ "verdict": verdict_of(&verdict) }))
        }
        Event::ReconciliationBegan { sentence, .. } => {
            ("reconciling", json!({ "sentence": sentence }))
        }
        Event::PromotionPaused { by, reason, until, .. } => {
            ("paused", json!({ "by": by, "reason": reason, "until": stamp(until) }))
        }
        Event::PromotionResumed { by, .. } => ("resumed", json!({ "by": by })),
        Event::TrafficReturned { .. } => ("weight", json!({ "step": null, "green": 0.0 })),
        _ => return None,
    };
    let mut object = json!({
        "format": FORMAT, "event": name, "at": stamp(row.at), "promotion": row.promotion,
    });
    join(&mut object, more);
    Some(object)
}

fn join(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

fn verdict_of(verdict: &Verdict) -> Value {
    let standing = match verdict.standing {
        Standing::Healthy => "healthy",
        Standing::Unhealthy => "unhealthy",
        Standing::Undecided => "undecided",
        Standing::Blind => "blind",
    };
    let evidence = &verdict.evidence;
    let mut object = json!({
        "standing": standing,
        "sentence": verdict.sentence,
        "green": { "requests": evidence.green_requests, "failed": evidence.green_failed },
        "blue": { "requests": evidence.blue_requests, "failed": evidence.blue_failed },
    });
    if !evidence.strata.is_empty() {
        let route =
            |of: &StratumEvidence| json!({ "route": of.name, "green": of.green, "blue": of.blue });
        let routes: Vec<Value> = evidence.strata.iter().map(route).collect();
        join(&mut object, json!({ "routes": routes }));
    }
    object
}

/// What a step has seen so far.
pub(crate) fn evidence(view: &PromotionView, style: &Style) -> Value {
    let (green, blue) = (&view.evidence.green, &view.evidence.blue);
    json!({
        "format": FORMAT,
        "event": "evidence",
        "at": rfc3339(style.now),
        "promotion": view.number,
        "state": view.state,
        "verdict": view.verdict.as_ref().map(|verdict| &verdict.standing),
        "green": { "requests": green.requests, "failed": green.failed },
        "blue": { "requests": blue.requests, "failed": blue.failed },
    })
}

/// The last object; a script that reads only this is right.
pub(crate) fn ended(view: &PromotionView, story: &Story, exit: ExitCode) -> Value {
    let mut object = all(view, "ended", exit);
    let condemned = story.condemned.as_ref().map(|(_, verdict)| verdict.sentence.clone());
    let next: Vec<String> =
        ending::next(view, story).into_iter().map(|next| next.command).collect();
    let serves = match view.outcome {
        Some(Outcome::Succeeded) => Some(&view.release),
        _ => view.replaces.as_ref(),
    };
    join(
        &mut object,
        json!({
            "serves": serves,
            "reason": condemned.or_else(|| view.sentence.clone()),
            "next": next,
        }),
    );
    object
}

/// The last object when nobody watches any more; the promotion goes on.
pub(crate) fn left(view: &PromotionView, exit: ExitCode) -> Value {
    let name = if exit == ExitCode::Done { "accepted" } else { "left" };
    let mut object = all(view, name, exit);
    let next = [format!("towpath watch {}", view.number), format!("towpath abort {}", view.number)];
    join(&mut object, json!({ "state": view.state, "next": next }));
    object
}

fn all(view: &PromotionView, name: &str, exit: ExitCode) -> Value {
    json!({
        "format": FORMAT,
        "event": name,
        "at": view.ended_at,
        "promotion": view.number,
        "kind": view.kind,
        "outcome": view.outcome,
        "exit": exit.number(),
        "service": view.service,
        "from": view.from,
        "to": view.to,
        "release": view.release,
        "seconds": view.seconds,
        "harmed_requests": view.harmed_requests,
        "rescued_requests": view.rescued_requests,
        "mirrored_requests": view.mirrored_requests,
        "mirrored_differing": view.mirrored_differing,
        "lost_requests": view.lost_requests,
        "quarantined": view.quarantined,
        "told": view.told,
        "not_told": view.not_told,
    })
}
