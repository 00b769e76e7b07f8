//! How an environment is run: logs, alerts, scaling. Runs nothing.

use towpath_core::matrix::Tier;

use super::Lane;
use super::values::{count, flag, texts};
use crate::codes::Code;
use crate::problem::{Problem, Problems};
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
                channels => format!("alerting tells {}", super::values::listed(channels)),
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
