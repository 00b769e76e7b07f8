//! One line for everything that happened. Owns the look of the golden files, which people read to
//! learn how a promotion goes; hides nothing that a scenario is about.

use std::fmt::Write as _;

use serde_json::Value;
use towpath_core::journal::Event;
use towpath_core::project::Common;
use towpath_core::promotion::blocking::owed;
use towpath_core::promotion::command::{Command, CommandOutcome, Order, Route};
use towpath_core::promotion::input::Input;
use towpath_core::promotion::state::{Lane, State};
use towpath_core::reason::Refusal;
use towpath_core::units::{Timestamp, Weight};

use crate::machine::BEGINNING;
use crate::machine::told::Told;

/// Hours, minutes and seconds since the story began.
pub fn clock(at: Timestamp) -> String {
    let seconds = at.since(BEGINNING).milliseconds() / 1000;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The line for what was told; none for what says nothing new.
pub fn line(told: &Told) -> Option<String> {
    Some(match told {
        Told::World(sentence) => format!("~ {sentence}"),
        Told::Input { lane, input } => format!("< {} {}", lane.environment, input_line(input)?),
        Told::Recorded { event, .. } => format!("  * {}", event_line(event)),
        Told::Ordered(command) => format!("  ! {}", command_line(command)),
        Told::Refused(refusal) => refusal_lines(refusal),
        Told::Note(note) => format!("  - {note}"),
        Told::Fenced { epoch, command } => {
            format!("~ the router of {} refuses engine {epoch}", command.lane.environment)
        }
        Told::Effect { .. } | Told::Observed { .. } | Told::Answered { .. } => return None,
    })
}

fn input_line(input: &Input) -> Option<String> {
    Some(match input {
        Input::CommandEnded { command, outcome } => {
            format!("command {command}: {}", outcome_line(outcome))
        }
        Input::Judged { deployment, verdict } => {
            let standing = word(&serde_json::json!(verdict.standing));
            format!("deployment {deployment} is judged {standing}: {}", verdict.sentence)
        }
        Input::LeaseLapsed { revision, frozen } => {
            let frozen = if *frozen { ", the weight is frozen" } else { "" };
            format!("news: the lease of revision {revision} is over{frozen}")
        }
        Input::RouteObserved { revision, weight } => {
            format!("news: green has {weight} under revision {revision}")
        }
        Input::HealthLost { deployment, sentence } => {
            format!("news: deployment {deployment} lost its health: {sentence}")
        }
        Input::PromotionOrdered(order) if order.offered_by.is_some() => {
            format!("is offered {}", order.release.as_ref()?)
        }
        _ => return None,
    })
}

fn outcome_line(outcome: &CommandOutcome) -> String {
    match outcome {
        CommandOutcome::Checked { answer } => {
            format!("{}, {}", result(&serde_json::json!(answer)), answer.sentence)
        }
        CommandOutcome::Started { endpoints, blue_ready } => {
            let blue = if *blue_ready { "" } else { ", blue is dead" };
            format!("{} ready{blue}", endpoints.len())
        }
        CommandOutcome::StartFailed { sentence, .. }
        | CommandOutcome::RouteFailed { sentence }
        | CommandOutcome::StopFailed { sentence } => format!("failed, {sentence}"),
        CommandOutcome::Routed { weight, frozen, default_ready } => {
            let frozen = if *frozen { ", frozen" } else { "" };
            let dead = if *default_ready == Some(0) { ", the default arm is dead" } else { "" };
            format!("routed, green has {weight}{frozen}{dead}")
        }
        CommandOutcome::Stopped => "stopped".to_owned(),
        CommandOutcome::Offered => "offered".to_owned(),
    }
}

fn command_line(command: &Command) -> String {
    let what = match &command.order {
        Order::AskCheck { key, promotion, .. } => {
            format!("ask {} of promotion {promotion}", String::from(key.clone()))
        }
        Order::StartInstances { deployment, release, section, .. } => {
            let settings = section.settings.iter().map(|(name, value)| format!(", {name}={value}"));
            let settings: String = settings.collect();
            format!("start deployment {deployment} ({}{settings})", release.version)
        }
        Order::SetRoute { route, .. } => route_line(route),
        Order::StopInstances { deployment, .. } => format!("stop deployment {deployment}"),
        Order::OfferRelease { release, to, .. } => {
            let to: Vec<_> = to.iter().map(ToString::to_string).collect();
            format!("offer {} to {}", release.version, to.join(", "))
        }
    };
    format!("command {}: {what}", command.id)
}

fn route_line(route: &Route) -> String {
    let mut text = format!("route revision {}: ", route.revision);
    match &route.default {
        Some(default) => write!(text, "default {}", default.number),
        None => write!(text, "no default"),
    }
    .expect("a String takes all");
    if let Some((green, weight)) = &route.candidate {
        let lease = match route.lease {
            Some(lease) => format!("lent for {lease}"),
            None => "for ever".to_owned(),
        };
        let frozen = if route.freeze_on_silence { ", silence freezes it" } else { "" };
        write!(text, ", {} at {weight} {lease}{frozen}", green.number).expect("a String takes all");
    }
    if let Some(held) = &route.held_back {
        let acts = if held.acts { ", goes back by itself" } else { "" };
        let (number, share) = (held.deployment.number, held.share);
        write!(text, ", {number} keeps {share}{acts}").expect("a String takes all");
    }
    text
}

fn refusal_lines(refusal: &Refusal) -> String {
    let kind = word(&serde_json::json!(refusal.kind));
    let mut text = format!("x refused ({kind}, {}): {}", refusal.code, refusal.message);
    for (name, part) in [("cause", &refusal.cause), ("place", &refusal.place)] {
        if let Some(part) = part {
            write!(text, "\n             {name}: {part}").expect("a String takes all");
        }
    }
    for next in &refusal.next {
        write!(text, "\n             next:  {}", next.command).expect("a String takes all");
        if !next.what.is_empty() {
            write!(text, "  ({})", next.what).expect("a String takes all");
        }
    }
    refusal.also.iter().fold(text, |all, other| all + "\n         " + &refusal_lines(other))
}

/// An event with its fields, in the order of their names, long ones shortened.
pub fn event_line(event: &Event) -> String {
    let mut text = event.kind().to_owned();
    if let Some(number) = event.promotion() {
        write!(text, " {number}").expect("a String takes all");
    }
    let Value::Object(fields) = serde_json::json!(event) else { return text };
    for (key, value) in &fields {
        if let Some(shown) = field(key, value) {
            write!(text, ", {shown}").expect("a String takes all");
        }
    }
    text
}

fn field(key: &str, value: &Value) -> Option<String> {
    let text = match (key, value) {
        (
            "event" | "number" | "matrix" | "program" | "command" | "at" | "offered_by" | "key",
            _,
        )
        | (_, Value::Null | Value::Bool(false)) => {
            return (key == "key").then(|| word(value));
        }
        ("since", _) => return None,
        ("overrides_window", _) => return Some("past its windows".to_owned()),
        ("scope", Value::Object(one)) => return Some(scope(one)),
        ("except", Value::Array(types)) if types.is_empty() => return None,
        ("step", Value::Number(step)) => format!("{}", step.as_u64()? + 1),
        ("weight", Value::Number(weight)) => {
            Weight::from_basis_points(u16::try_from(weight.as_u64()?).ok()?)?.to_string()
        }
        ("retry_at" | "until" | "deadline" | "ask_again_at" | "again_at", Value::Number(at)) => {
            clock(Timestamp(at.as_i64()?))
        }
        ("holdback", one) => {
            let share = field("weight", &one["observed"])?.replace("weight ", "");
            format!("{share} until {}", clock(Timestamp(one["until"].as_i64()?)))
        }
        ("blue" | "green" | "deployment", Value::Object(one)) => {
            format!("{} ({})", one["number"], word(&one["release"]["version"]))
        }
        ("standby", Value::Array(pair)) => {
            let until = clock(Timestamp(pair[1].as_i64()?));
            format!("{} until {until}", pair[0]["number"])
        }
        ("verdict", one) => format!("{}: {}", word(&one["standing"]), word(&one["sentence"])),
        ("answer", one) => format!("{}: {}", result(one), word(&one["sentence"])),
        ("due", Value::Number(at)) => clock(Timestamp(at.as_i64()?)),
        ("release" | "before", one) => word(&one["version"]),
        ("plan", one) => plan(one),
        ("ending", one) => {
            let quarantine = if one["quarantine"] == true { " and quarantined" } else { "" };
            format!("{}{quarantine}: {}", word(&one["outcome"]), word(&one["sentence"]))
        }
        ("approval", one) => {
            let said = if one["agrees"] == Value::Bool(true) { "yes" } else { "no" };
            let note = match &one["note"] {
                Value::Null => String::new(),
                note => format!(", {}", word(note)),
            };
            format!("{} says {said}{note}", word(&one["by"]))
        }
        ("approved", Value::Array(roles)) => {
            let role = |one: &Value| format!("{} {}", word(&one["role"]), word(&one["by"]));
            format!("approved by {}", roles.iter().map(role).collect::<Vec<_>>().join(", "))
        }
        ("digest", one) => word(one).chars().take(14).collect(),
        (_, one) => word(one),
    };
    Some(format!("{key} {text}"))
}

/// `of production`, `of app in production`, `of everything`.
fn scope(scope: &serde_json::Map<String, Value>) -> String {
    let name = |key: &str| scope.get(key).and_then(Value::as_str);
    match (name("service"), name("environment")) {
        (Some(service), Some(environment)) => format!("of {service} in {environment}"),
        (None, Some(one)) | (Some(one), None) => format!("of {one}"),
        (None, None) => "of everything".to_owned(),
    }
}

fn plan(plan: &Value) -> String {
    let steps = plan["steps"].as_array().map_or(&[][..], Vec::as_slice);
    let weights: Vec<_> =
        steps.iter().filter_map(|step| field("weight", &step["weight"])).collect();
    let blue = match &plan["blue"] {
        Value::Null => "no blue".to_owned(),
        blue => format!("blue {}", word(&blue["version"])),
    };
    let kind = word(&plan["kind"]);
    let steps = if weights.is_empty() { "no steps".to_owned() } else { weights.join(" ") };
    format!(
        "{kind} {}, {blue}, {}",
        word(&plan["release"]["version"]),
        steps.replace("weight ", "")
    )
}

fn result(answer: &Value) -> String {
    match &answer["result"] {
        Value::Object(pending) => pending.keys().next().cloned().unwrap_or_default(),
        other => word(other),
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(word).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// A lane as it stands, one fact a line.
pub fn lane_lines(common: &Common, lane: &Lane) -> Vec<String> {
    let mut lines = Vec::new();
    let serves = lane.serving.as_ref().map_or("nothing".to_owned(), |serving| {
        let deployment = &serving.deployment;
        format!("{} (deployment {})", deployment.release.version, deployment.number)
    });
    lines.push(format!("{} serves {serves}", lane.id));
    if let Some(standby) = &lane.standby {
        let version = &standby.deployment.release.version;
        let holdback = standby.holdback.as_ref().map_or(String::new(), |it| {
            format!(", {} of requests until {}", it.observed, clock(it.until))
        });
        lines.push(format!("standby {version} until {}{holdback}", clock(standby.until)));
    }
    for promotion in lane.active.iter().chain(&lane.waiting) {
        let paused = promotion.paused.as_ref().map_or(String::new(), |pause| {
            // What waits is ended by the deadline of its waiting, not by that of its pause.
            let until = match promotion.state {
                State::Waiting { .. } => String::new(),
                _ => format!(" until {}", clock(pause.until)),
            };
            format!(", paused by {}{until}: {}", pause.by, pause.reason)
        });
        let held = promotion.held.as_ref().map_or(String::new(), |held| {
            format!(", held until {}: {}", clock(held.until), held.sentence)
        });
        lines.push(format!(
            "promotion {} ({}) is {} at {}{held}{paused}",
            promotion.number,
            promotion.plan.release.version,
            promotion.state.word(),
            promotion.weight
        ));
    }
    for ended in &lane.ended {
        let kind = word(&serde_json::json!(ended.kind));
        let outcome = ended.outcome.as_str();
        lines.push(format!(
            "promotion {} ({kind} {}) {outcome}",
            ended.number, ended.release.version
        ));
    }
    let mut verified: Vec<_> =
        lane.verified.iter().map(|one| one.release.version.as_str()).collect();
    // Under several settings it is named as often.
    verified.sort_by_key(|version| {
        lane.verified.iter().rposition(|one| one.release.version.as_str() == *version)
    });
    verified.dedup();
    if !verified.is_empty() {
        lines.push(format!("verified {}", verified.join(", ")));
    }
    for one in &lane.quarantined {
        let under = one.settings.as_ref().map_or("", |_| " under settings");
        lines.push(format!("quarantined {}{under}: {}", one.release.version, one.reason));
    }
    if let Some(ask) = &lane.asks {
        lines.push(format!("asks a person to roll back: {}", ask.reason));
    }
    for one in owed(common, lane) {
        lines.push(one.sentence);
    }
    if let Some(one) = &lane.remembered {
        lines.push(format!("is rolled back once promotion {} is gone", one.after));
    }
    for deployment in lane.stopping.keys() {
        lines.push(format!("deployment {deployment} is being stopped"));
    }
    lines
}
