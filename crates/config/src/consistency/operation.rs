//! How an environment is run: health, logs, alerts, budgets of errors, hours, scaling. Runs nothing.

use towpath_core::matrix::Tier;

use super::Lane;
use super::values::{count, flag, listed, texts};
use crate::codes::Code;
use crate::problem::{Problem, Problems};
use crate::sections::schedule::DAYS;
use crate::tree::{Node, printable};

/// Alerts that the application does not send and somebody is to hear of, or the other way round.
pub(super) fn alerts_off_but_declared(lane: &Lane<'_>, problems: &mut Problems) {
    let alerts = lane.get("application", "alerts").and_then(|it| Some((it, flag(it)?)));
    let level = lane.get("alerting", "level").and_then(|it| Some((it, it.text()?)));
    let (Some((alerts, sent)), Some((level, word))) = (alerts, level) else { return };
    let name = lane.name();
    let (message, label, next) = match (sent, word) {
        (false, word) if word != "none" => {
            let channels: Vec<_> = lane
                .get("alerting", "channels")
                .into_iter()
                .flat_map(texts)
                .map(|(channel, _)| printable(channel))
                .collect();
            let heard = match channels.as_slice() {
                [] => format!("alerting is {}", printable(word)),
                channels => format!("alerting tells {}", listed(channels)),
            };
            (
                format!("{name}: `alerts: false`, yet {heard}"),
                "nobody hears of trouble that the application keeps to itself",
                "write `application: { alerts: true }`, or `alerting: { level: none }`",
            )
        }
        (true, "none") => (
            format!("{name}: `alerts: true`, yet alerting is none"),
            "alerts are sent and nobody hears them",
            "give `alerting` a level and channels, or write `application: { alerts: false }`",
        ),
        _ => return,
    };
    let problem = Problem::new(Code::AlertsOffButDeclared, level.extent, message)
        .label(label)
        .related(alerts.extent, if sent { "on here" } else { "off here" })
        .next(next);
    lane.add(problem, problems);
}

/// A program that tells its inner life where strangers can ask for it.
pub(super) fn debug_in_production(lane: &Lane<'_>, problems: &mut Problems) {
    if lane.environment.tier != Tier::Production {
        return;
    }
    let name = lane.name();
    let level = lane.get("application", "log_level");
    if let Some((level, word)) = level.and_then(|it| Some((it, it.text()?)))
        && matches!(word, "debug" | "trace")
    {
        let message = format!("{name} logs at `{word}`");
        let problem = Problem::new(Code::DebugInProduction, level.extent, message)
            .label("requests of users with all they hold end up in the logs")
            .next("write `log_level: warn`, and raise it for an hour when it is needed");
        lane.add(problem, problems);
    }
    let debug = lane.get("application", "debug").filter(|it| flag(it) == Some(true));
    if let Some(debug) = debug {
        let message = format!("{name} runs with `debug: true`");
        let problem = Problem::new(Code::DebugInProduction, debug.extent, message)
            .label("errors show strangers how the program is made")
            .next("write `debug: false`");
        lane.add(problem, problems);
    }
}

/// More instances at least than there may be at most.
pub(super) fn scaling_min_over_max(lane: &Lane<'_>, problems: &mut Problems) {
    let limit = |key| lane.get("scaling", key).and_then(|it: &Node| Some((it, count(it)?)));
    let (Some((least_at, least)), Some((most_at, most))) = (limit("min"), limit("max")) else {
        return;
    };
    if least <= most {
        return;
    }
    let message = format!("`min: {least}` is more than `max: {most}`");
    lane.add(
        Problem::new(Code::ScalingMinOverMax, least_at.extent, message)
            .label("at least this many")
            .related(most_at.extent, "at most this many")
            .expected(format!("at most {most}"))
            .next(format!("write `min: {most}, max: {least}`, if they were swapped")),
        problems,
    );
}

/// Probes that may wait for an answer beyond the start of the next round.
pub(super) fn timeout_longer_than_every(lane: &Lane<'_>, problems: &mut Problems) {
    let health = lane.node.node.get("health").filter(|_| lane.judges("health"));
    let probed = |health: &&Node| health.get("endpoints").is_some();
    let (Some(health), Some(spec)) = (health.filter(probed), lane.spec) else { return };
    let (Some(every), timeout) = (spec.health.every, spec.health.timeout) else { return };
    let place = health.get("timeout").or_else(|| health.get("every"));
    let Some(place) = place.filter(|_| timeout > every) else { return };
    let name = lane.name();
    let message = format!("{name} is probed every {every}, and waits {timeout} for an answer");
    let mut problem = Problem::new(Code::TimeoutLongerThanEvery, place.extent, message)
        .label("the next round is due before this one has ended")
        .next(format!("write `timeout: {every}` or less, or `every: {timeout}`"));
    if let Some(every) = health.get("every").filter(|it| it.extent != place.extent) {
        problem = problem.related(every.extent, "the next round");
    }
    lane.add(problem, problems);
}

/// Production that is shut down at some hours of the week.
pub(super) fn shutdown_in_production(lane: &Lane<'_>, problems: &mut Problems) {
    if lane.environment.tier != Tier::Production {
        return;
    }
    let shut = lane.get("schedule", "off_hours").filter(|it| it.text() == Some("shutdown"));
    let (Some(shut), Some(active)) = (shut, lane.get("schedule", "active")) else { return };
    let days = active.get("days").map(Node::items).unwrap_or_default();
    let all_week = DAYS.iter().all(|day| days.iter().any(|it| it.text() == Some(day)));
    let all_day = active.get("hours").and_then(Node::text) == Some("00:00-23:59");
    if all_week && all_day {
        return;
    }
    let message = format!("{} is shut down outside its hours", lane.name());
    let problem = Problem::new(Code::ShutdownInProduction, shut.extent, message)
        .label("its users find nothing then")
        .related(active.extent, "it is there only then")
        .next("write `off_hours: scale-down`, or leave `schedule` out");
    lane.add(problem, problems);
}

/// An error budget that is not counted and has a consequence all the same.
pub(super) fn error_budget_untracked(lane: &Lane<'_>, problems: &mut Problems) {
    let tracked = lane.get("error_budget", "tracked").filter(|it| flag(it) == Some(false));
    let spent = lane.get("error_budget", "when_spent");
    let (Some(tracked), Some(spent)) = (tracked, spent) else { return };
    let label = match spent.text() {
        Some("freeze") => "this never keeps anything out",
        Some("notify") => "nobody is ever told",
        _ => return,
    };
    if !lane.said_together("error_budget", "tracked", "when_spent") {
        return;
    }
    let message = format!(
        "{} says what happens when its error budget is spent, and does not count",
        lane.name()
    );
    let problem = Problem::new(Code::ErrorBudgetUntracked, spent.extent, message)
        .label(label)
        .related(tracked.extent, "not counted")
        .next("write `tracked: true`, or leave `when_spent` out");
    lane.add(problem, problems);
}

/// Alerts that somebody must hear and nobody does, or that nobody should hear and somebody does.
pub(super) fn alerting_channels(lane: &Lane<'_>, problems: &mut Problems) {
    let Some(alerting) = lane.node.node.get("alerting") else { return };
    let name = lane.name();
    let level = |word: &str| alerting.get("level").filter(|it| it.text() == Some(word));
    let channels = alerting.get("channels");
    let told: Vec<_> =
        channels.into_iter().flat_map(texts).map(|(channel, _)| printable(channel)).collect();
    let severities = alerting.get("severities").map(Node::entries).unwrap_or_default();
    let paged = severities.iter().find(|it| it.value.text() == Some("page"));
    if let (Some(level), Some(channels), false) = (level("none"), channels, told.is_empty()) {
        if !lane.said_together("alerting", "level", "channels") {
            return;
        }
        let message = format!("{name}: alerting is none, yet names {}", listed(&told));
        let problem = Problem::new(Code::AlertingChannels, channels.extent, message)
            .label("no alert comes here")
            .related(level.extent, "none")
            .next("leave `channels` out, or give `alerting` a level");
        lane.add(problem, problems);
        return;
    }
    let (place, what) = match (level("critical"), paged) {
        (Some(level), _) => (level, "alerting is critical".to_owned()),
        (None, Some(of)) => {
            (&of.value, format!("an alert that is {} pages somebody", printable(&of.key)))
        }
        (None, None) => return,
    };
    if told.is_empty() {
        let message = format!("{name}: {what}, and no channel is named");
        let problem = Problem::new(Code::AlertingChannels, place.extent, message)
            .label("nobody hears of it")
            .next("add `channels:`, names from `notifiers`");
        lane.add(problem, problems);
    }
}
