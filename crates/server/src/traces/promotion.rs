//! A promotion as a trace: itself and its steps, from what the journal says of them. Owns which events are a span and
//! which a moment of one, and the attributes of both, by OpenTelemetry's conventions for CI/CD and deployments;
//! sends nothing.
//!
//! The names of the spans follow from the journal ([`towpath_core::trace_context`]), so that what a check was
//! handed while it ran is the span that is told of at the end.

use std::collections::BTreeMap;

use opentelemetry::KeyValue;
use opentelemetry::trace::{Event as Moment, SpanKind, Status};
use towpath_core::check::CheckResult;
use towpath_core::ids::{CommandId, LaneId, Name, PromotionNumber};
use towpath_core::journal::{Event, Requested};
use towpath_core::matrix::Tier;
use towpath_core::promotion::state::{CheckKey, Kind, Outcome};
use towpath_core::trace_context::{Sampling, TraceContext, of_command, of_promotion};
use towpath_core::units::Timestamp;
use towpath_ports::store::EventRow;

use super::{Told, moment};

/// Where a promotion belongs.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) project: &'a Name,
    pub(super) lane: &'a LaneId,
    /// None where the matrix has the environment no more.
    pub(super) tier: Option<Tier>,
}

/// A step that has not ended.
struct Step {
    context: TraceContext,
    name: String,
    kind: &'static str,
    begun: Timestamp,
    attributes: Vec<KeyValue>,
}

/// How a step ended, in the words of the conventions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Result {
    Success,
    Failure,
    Error,
    Cancellation,
    Skip,
}

impl Result {
    fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
            Self::Cancellation => "cancellation",
            Self::Skip => "skip",
        }
    }

    /// In a word of the conventions: sentences of the journal name people, and repeat what they said.
    fn status(self) -> Status {
        match self {
            Self::Failure | Self::Error => Status::error(self.as_str()),
            Self::Success | Self::Cancellation | Self::Skip => Status::Unset,
        }
    }

    fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Succeeded => Self::Success,
            Outcome::RolledBack | Outcome::Rejected => Self::Failure,
            Outcome::Superseded => Self::Skip,
            Outcome::Aborted => Self::Cancellation,
            Outcome::Failed => Self::Error,
        }
    }
}

/// What is done in the one order that there is; a check may be asked beside each.
const WAITS: &str = "wait to start";
const MOVES: &str = "move";

/// The spans of an ended promotion, of which these are the events; none of one that nobody keeps.
pub(super) fn spans(sampling: Sampling, place: Place<'_>, rows: &[EventRow]) -> Vec<Told> {
    let mut rows = rows.iter().filter_map(|row| {
        let event = serde::Deserialize::deserialize(&row.body).ok()?;
        Some((row.at, event))
    });
    let Some((at, Event::PromotionRequested(requested))) = rows.next() else { return Vec::new() };
    let (number, caller) = (requested.number, requested.trace);
    let whole = of_promotion(Some(sampling), place.project, number, at, caller);
    let Some(whole) = whole.filter(|whole| whole.sampled) else { return Vec::new() };
    let mut story = Story {
        whole,
        number,
        open: BTreeMap::new(),
        checks: BTreeMap::new(),
        told: Vec::new(),
        moments: Vec::new(),
    };
    story.begin(WAITS, whole.below(WAITS), WAITS.to_owned(), "deploy", at);
    for (now, event) in rows {
        if let Event::PromotionEnded { outcome, .. } = &event {
            return story.ended(place, &requested, at, now, *outcome);
        }
        story.take(now, event);
    }
    Vec::new()
}

struct Story {
    whole: TraceContext,
    number: PromotionNumber,
    /// Steps by what they are.
    open: BTreeMap<&'static str, Step>,
    checks: BTreeMap<CheckKey, Step>,
    told: Vec<Told>,
    moments: Vec<Moment>,
}

impl Story {
    fn begin(
        &mut self,
        what: &'static str,
        context: TraceContext,
        name: String,
        kind: &'static str,
        begun: Timestamp,
    ) {
        self.open.insert(what, Step { context, name, kind, begun, attributes: Vec::new() });
    }

    fn by(&mut self, command: CommandId, name: &str, now: Timestamp) {
        let context = self.whole.below(&of_command(command));
        self.begin(MOVES, context, name.to_owned(), "deploy", now);
    }

    fn add(&mut self, what: &'static str, attribute: KeyValue) {
        if let Some(step) = self.open.get_mut(what) {
            step.attributes.push(attribute);
        }
    }

    fn end(&mut self, what: &'static str, now: Timestamp, result: Result) {
        if let Some(step) = self.open.remove(what) {
            self.told.push(self.step(step, now, result));
        }
    }

    fn step(&self, step: Step, now: Timestamp, result: Result) -> Told {
        let Step { context, name, kind, begun, mut attributes } = step;
        attributes.push(KeyValue::new("cicd.pipeline.task.name", name.clone()));
        attributes.push(KeyValue::new("cicd.pipeline.task.type", kind));
        attributes.push(KeyValue::new("cicd.pipeline.task.run.id", hex(context.span)));
        attributes.push(KeyValue::new("cicd.pipeline.task.run.result", result.as_str()));
        attributes.push(KeyValue::new("cicd.pipeline.run.id", self.number.to_string()));
        Told {
            context,
            parent: Some(self.whole.span),
            is_from_afar: false,
            kind: SpanKind::Internal,
            name: name.into(),
            begun: moment(begun),
            ended: moment(now),
            attributes,
            events: Vec::new(),
            status: result.status(),
        }
    }

    fn take(&mut self, now: Timestamp, event: Event) {
        match event {
            Event::CheckAsked { key, command, .. } => self.asked(now, key, command),
            Event::CheckAnswered { key, answer, .. } => {
                self.answered(now, &key, answer.result);
            }
            Event::PromotionStarted { command, .. } => {
                self.end(WAITS, now, Result::Success);
                self.by(command, "start instances", now);
            }
            Event::StandbyGivenUp { command, .. } => {
                self.end(MOVES, now, Result::Error);
                self.by(command, "start instances", now);
            }
            Event::InstancesReady { .. }
            | Event::Committed { .. }
            | Event::TrafficReturned { .. } => self.end(MOVES, now, Result::Success),
            Event::WeightOrdered { command, weight, step, .. } => {
                self.by(command, "shift traffic", now);
                self.weight(weight.share(), step);
            }
            Event::WeightObserved { weight, step, .. } => {
                self.end(MOVES, now, Result::Success);
                let about = format!("bake {step} {}", now.0);
                self.begin(MOVES, self.whole.below(&about), "bake".to_owned(), "deploy", now);
                self.weight(weight.share(), step);
            }
            Event::StepPassed { verdict, .. } => {
                if let Some(verdict) = &verdict {
                    self.judged(verdict);
                }
                self.end(MOVES, now, Result::Success);
            }
            Event::Condemned { verdict, .. } => {
                self.judged(&verdict);
                self.end(MOVES, now, Result::Failure);
            }
            Event::CommitOrdered { command, .. } => self.by(command, "commit", now),
            Event::ReturnOrdered { command, .. } => {
                self.end(MOVES, now, Result::Cancellation);
                self.by(command, "return traffic", now);
            }
            other => self.happened(now, &other),
        }
    }

    fn asked(&mut self, now: Timestamp, key: CheckKey, command: CommandId) {
        let step = Step {
            context: self.whole.below(&of_command(command)),
            name: format!("check {}", key.slug),
            kind: "test",
            begun: now,
            attributes: vec![KeyValue::new("towpath.check.list", key.list.as_str())],
        };
        self.checks.insert(key, step);
    }

    fn answered(&mut self, now: Timestamp, key: &CheckKey, result: CheckResult) {
        let Some(step) = self.checks.remove(key) else { return };
        let result = match result {
            CheckResult::Pass => Result::Success,
            CheckResult::Fail => Result::Failure,
            CheckResult::Pending { .. } => Result::Skip,
            CheckResult::Inconclusive => Result::Error,
        };
        let told = self.step(step, now, result);
        self.told.push(told);
    }

    fn weight(&mut self, share: f64, step: usize) {
        self.add(MOVES, KeyValue::new("towpath.rollout.weight", share));
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        self.add(MOVES, KeyValue::new("towpath.rollout.step", step));
    }

    /// What the guard said, and by which figures.
    fn judged(&mut self, verdict: &impl serde::Serialize) {
        let verdict = serde_json::to_value(verdict).unwrap_or_default();
        if let Some(standing) = verdict["standing"].as_str() {
            self.add(MOVES, KeyValue::new("towpath.guard.standing", standing.to_owned()));
        }
        for (name, figure) in [
            ("towpath.guard.green.requests", "green_requests"),
            ("towpath.guard.green.failed", "green_failed"),
            ("towpath.guard.blue.requests", "blue_requests"),
            ("towpath.guard.blue.failed", "blue_failed"),
        ] {
            if let Some(count) = verdict["evidence"][figure].as_i64() {
                self.add(MOVES, KeyValue::new(name, count));
            }
        }
    }

    /// What is no step of its own is a moment of the whole.
    fn happened(&mut self, now: Timestamp, event: &Event) {
        if event.promotion() == Some(self.number) {
            self.moments.push(Moment::new(event.kind(), moment(now), Vec::new(), 0));
        }
    }

    fn ended(
        mut self,
        place: Place<'_>,
        requested: &Requested,
        begun: Timestamp,
        now: Timestamp,
        outcome: Outcome,
    ) -> Vec<Told> {
        let result = Result::of(outcome);
        // Whatever has no end of its own ends with the whole, and as that does.
        for step in std::mem::take(&mut self.open).into_values() {
            let told = self.step(step, now, result);
            self.told.push(told);
        }
        for step in std::mem::take(&mut self.checks).into_values() {
            let told = self.step(step, now, Result::Cancellation);
            self.told.push(told);
        }
        let verb = match requested.plan.kind {
            Kind::Promote => "promote",
            Kind::Rollback => "roll back",
        };
        let mut told = self.told;
        told.push(Told {
            context: self.whole,
            parent: requested.trace.map(|caller| caller.span),
            is_from_afar: requested.trace.is_some(),
            kind: SpanKind::Internal,
            // Services and environments are few: they stand in the matrix.
            name: format!("{verb} {} {}", place.lane.service, place.lane.environment).into(),
            begun: moment(begun),
            ended: moment(now),
            attributes: attributes(place, requested, outcome),
            events: self.moments,
            status: result.status(),
        });
        told
    }
}

fn attributes(place: Place<'_>, requested: &Requested, outcome: Outcome) -> Vec<KeyValue> {
    let LaneId { service, environment } = place.lane;
    let mut all = vec![
        KeyValue::new("cicd.pipeline.name", format!("{}/{service}/{environment}", place.project)),
        KeyValue::new("cicd.pipeline.action.name", "RUN"),
        KeyValue::new("cicd.pipeline.run.id", requested.number.to_string()),
        KeyValue::new("cicd.pipeline.run.state", "finalizing"),
        KeyValue::new("cicd.pipeline.result", Result::of(outcome).as_str()),
        KeyValue::new("deployment.id", requested.number.to_string()),
        KeyValue::new("deployment.name", format!("{service} {}", requested.plan.release.version)),
        KeyValue::new(
            "deployment.status",
            if outcome == Outcome::Succeeded { "succeeded" } else { "failed" },
        ),
        KeyValue::new("towpath.project", place.project.to_string()),
        KeyValue::new("towpath.service", service.to_string()),
        KeyValue::new("towpath.environment", environment.to_string()),
        KeyValue::new("towpath.release", requested.plan.release.version.to_string()),
        KeyValue::new("towpath.outcome", outcome.as_str()),
    ];
    // The conventions have four names, which are our tiers; the environment's own stands beside.
    if let Some(tier) = place.tier {
        let name = match tier {
            Tier::Development => "development",
            Tier::Testing => "test",
            Tier::Staging => "staging",
            Tier::Production => "production",
        };
        all.push(KeyValue::new("deployment.environment.name", name));
    }
    all
}

fn hex(name: [u8; 8]) -> String {
    format!("{:016x}", u64::from_be_bytes(name))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Events that the journal keeps, as `core` has an example of each; one a second. All are of promotion 7.
    fn rows(names: &[&str]) -> Vec<EventRow> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/tests/golden");
        let row = |(second, name): (i64, &&str)| {
            let text = std::fs::read_to_string(format!("{folder}/{name}.json")).unwrap();
            EventRow {
                seq: u64::try_from(second).unwrap(),
                at: Timestamp(second * 1_000_000),
                lane: None,
                promotion: Some(PromotionNumber(7)),
                actor: "anna".to_owned(),
                kind: (*name).to_owned(),
                body: serde_json::from_str(&text).unwrap(),
                hash: towpath_core::ids::Digest::of(b""),
            }
        };
        (1..).zip(names).map(row).collect()
    }

    const STORY: [&str; 13] = [
        "promotion-requested",
        "check-asked",
        "check-answered",
        "promotion-started",
        "instances-ready",
        "weight-ordered",
        "weight-observed",
        "promotion-paused",
        "condemned",
        "return-ordered",
        "traffic-returned",
        "promotion-ended",
        "instances-stopped",
    ];

    fn told(sampling: Sampling, rows: &[EventRow]) -> Vec<Told> {
        let name = |text: &str| Name::new(text).unwrap();
        let lane = LaneId { service: name("api"), environment: name("prod") };
        let project = name("shop");
        let place = Place { project: &project, lane: &lane, tier: Some(Tier::Testing) };
        spans(sampling, place, rows)
    }

    const ALL: Sampling = Sampling { share: 1.0, heeds_caller: true };

    fn attribute(told: &Told, name: &str) -> String {
        let found = told.attributes.iter().find(|one| one.key.as_str() == name);
        found.map_or_else(String::new, |found| found.value.to_string())
    }

    #[test]
    fn a_promotion_is_told_of_with_its_steps_below_it() {
        let all = told(ALL, &rows(&STORY));
        let whole = all.last().unwrap();
        let steps: Vec<(&str, String, bool)> = all[..all.len() - 1]
            .iter()
            .map(|told| {
                assert_eq!(told.parent, Some(whole.context.span), "{}", told.name);
                assert_eq!(told.context.trace, whole.context.trace);
                let result = attribute(told, "cicd.pipeline.task.run.result");
                (&*told.name, result, matches!(told.status, Status::Error { .. }))
            })
            .collect();
        let success = |name| (name, "success".to_owned(), false);
        assert_eq!(
            steps,
            [
                ("check health", "skip".to_owned(), false),
                success("wait to start"),
                success("start instances"),
                success("shift traffic"),
                ("bake", "failure".to_owned(), true),
                success("return traffic"),
            ]
        );
        assert_eq!((&*whole.name, whole.parent), ("promote api prod", None));
        for (name, value) in [
            ("cicd.pipeline.name", "shop/api/prod"),
            ("cicd.pipeline.run.id", "7"),
            ("cicd.pipeline.result", "failure"),
            ("deployment.environment.name", "test"),
            ("towpath.outcome", "rolled_back"),
        ] {
            assert_eq!(attribute(whole, name), value, "{name}");
        }
        let bake = &all[4];
        assert_eq!(attribute(bake, "towpath.guard.standing"), "unhealthy");
        assert_eq!(bake.ended.duration_since(bake.begun).unwrap().as_secs(), 2);
        let moments: Vec<_> = whole.events.iter().map(|event| &*event.name).collect();
        assert_eq!(moments, ["promotion-paused"]);
        // Neither a person nor a sentence of theirs is in any part of it.
        let told =
            |told: &Told| format!("{:?} {:?} {:?}", told.status, told.attributes, told.events);
        let text: String = all.iter().map(told).collect();
        for words in ["anna", "it is slow", "green failed 4 of 21"] {
            assert!(!text.contains(words), "{words}: {text}");
        }
        // No name of a promotion, a release or a person is in the name of a span.
        assert!(all.iter().all(|told| !told.name.contains(|one: char| one.is_ascii_digit())));
    }

    #[test]
    fn a_check_is_told_of_as_the_span_that_it_was_handed() {
        let mut rows = rows(&STORY);
        let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        rows[0].body["trace"] = json!(caller);
        let all = told(ALL, &rows);
        let whole = all.last().unwrap();
        let caller = TraceContext::read(caller).unwrap();
        assert_eq!((whole.context.trace, whole.parent), (caller.trace, Some(caller.span)));
        let command = CommandId(rows[1].body["command"].as_u64().unwrap());
        let handed = whole.context.below(&of_command(command));
        assert_eq!(all[0].context, handed);
    }

    #[test]
    fn what_nobody_keeps_is_not_told_of() {
        let mut rows = rows(&STORY);
        let none = Sampling { share: 0.0, heeds_caller: true };
        assert!(told(none, &rows).is_empty());
        rows[0].body["trace"] = json!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
        assert!(told(ALL, &rows).is_empty());
        rows[0].body["trace"] = Value::Null;
        // One that goes on is told of when it ends.
        assert!(told(ALL, &rows[..8]).is_empty());
    }
}
