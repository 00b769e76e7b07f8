//! Names in sections that refer to something declared elsewhere in the file. The pipeline's own
//! names are checked in `pipeline`.

use towpath_core::branches::covers;
use towpath_ports::settings;

use super::values::texts;
use super::{Lane, Whole};
use crate::codes::Code;
use crate::pipeline::unknown_name;
use crate::problem::{Problem, Problems};
use crate::tree::{Node, printable};

/// Channels of an environment that are no `notifiers`.
pub(super) fn channels(lane: &Lane<'_>, problems: &mut Problems) {
    channels_in(&lane.node.node, lane.whole, problems);
}

/// Channels at the top of the file that are no `notifiers`.
pub(super) fn channels_at_top(whole: &Whole<'_>, problems: &mut Problems) {
    channels_in(whole.root, whole, problems);
}

fn channels_in(node: &Node, whole: &Whole<'_>, problems: &mut Problems) {
    let values = |section: Option<&'_ Node>| -> Vec<Node> {
        let entries = section.map(Node::entries).unwrap_or_default();
        entries.iter().filter(|it| !it.key.starts_with("x-")).map(|it| it.value.clone()).collect()
    };
    let communication = node.get("communication");
    let told = |key| communication.and_then(|it| it.get(key)).cloned();
    let mut lists: Vec<Node> =
        ["stakeholders", "before", "summary"].map(told).into_iter().flatten().collect();
    lists.extend(values(communication.and_then(|it| it.get("reports"))));
    lists.extend(values(node.get("notify")));
    lists.extend(node.get("alerting").and_then(|it| it.get("channels")).cloned());
    lists
        .extend(values(node.get("change_types")).iter().filter_map(|it| it.get("notify").cloned()));
    let known = whole.keys("notifiers");
    for (name, place) in lists.iter().flat_map(texts) {
        refer("channel", "notifiers", name, place, &known, problems);
    }
}

/// Keys that hold the name of a secret that nothing declares.
pub(super) fn secrets(lane: &Lane<'_>, problems: &mut Problems) {
    let mut known = lane.whole.keys("secrets");
    let own = lane.node.node.get("secrets").map(Node::entries).unwrap_or_default();
    known.extend(own.iter().map(|entry| &*entry.key));
    for entry in lane.node.node.entries() {
        let other = matches!(&*entry.key, "secrets" | "settings" | "services");
        if !other && lane.judges(&entry.key) {
            secrets_in(&entry.key, &entry.value, &known, problems);
        }
    }
}

/// Keys of the sections at the top of the file that hold the name of a secret that nothing declares
/// there.
pub(super) fn secrets_at_top(whole: &Whole<'_>, problems: &mut Problems) {
    let known = whole.keys("secrets");
    for section in ["notifiers", "metrics_sources", "repository"] {
        if let Some(node) = whole.root.get(section) {
            secrets_in(section, node, &known, problems);
        }
    }
}

fn secrets_in(key: &str, node: &Node, known: &[&str], problems: &mut Problems) {
    if key.starts_with("x-") {
        return;
    }
    if let Some(name) = node.text().filter(|name| key.ends_with("_secret") && !name.is_empty()) {
        if problems.hides(node.extent) {
            problems.add(super::secrets::not_named(key, node));
            return;
        }
        refer("secret", "secrets", name, node, known, problems);
    }
    for entry in node.entries() {
        secrets_in(&entry.key, &entry.value, known, problems);
    }
    for item in node.items() {
        secrets_in("", item, known, problems);
    }
}

/// Checks that look at other environments.
const LOOK_ELSEWHERE: [&str; 5] = ["soak", "stable_for", "slo", "error_budget", "parity"];

/// Environments that sections of an environment speak of.
pub(super) fn environments(lane: &Lane<'_>, problems: &mut Problems) {
    let known = lane.whole.keys("environments");
    let checks = lane.checks().filter(|_| lane.judges("gate"));
    let looks = |it: &&Node| {
        let kind = it.get("check").and_then(Node::text);
        kind.is_some_and(|kind| LOOK_ELSEWHERE.contains(&kind))
    };
    let looked_at = checks.filter(looks).filter_map(|it| it.get("in"));
    let types = lane.node.node.get("change_types").map(Node::entries).unwrap_or_default();
    let skipped = types.iter().filter_map(|it| it.value.get("skip"));
    let single = [lane.get("data", "from"), lane.get("migrations", "tested_in")];
    for (name, place) in
        looked_at.chain(skipped).chain(single.into_iter().flatten()).flat_map(texts)
    {
        refer("environment", "environments", name, place, &known, problems);
    }
}

/// Sources of metrics that alarms, checks and the guard ask.
pub(super) fn sources(lane: &Lane<'_>, problems: &mut Problems) {
    let known = lane.whole.keys("metrics_sources");
    let acting = lane.get("rollback", "when").and_then(|when| when.get("alarms"));
    let alarms = [lane.node.node.get("alarms"), acting];
    let alarms = alarms.into_iter().flatten().flat_map(Node::items);
    let asks = |check: &&Node| {
        matches!(check.get("check").and_then(Node::text), Some("prometheus" | "alarm"))
    };
    let checks = lane.checks().filter(|_| lane.judges("gate"));
    let named = alarms.chain(checks.filter(asks)).filter_map(|it| it.get("source"));
    let counts = lane.get("guard", "counts");
    for (name, place) in named.chain(counts).flat_map(texts) {
        refer("metrics source", "metrics_sources", name, place, &known, problems);
    }
}

/// Branches that checks compare with what the matrix says of them, and of which it says nothing.
pub(super) fn protected_branches(lane: &Lane<'_>, problems: &mut Problems) {
    let known = lane.whole.keys("branches");
    let checks = lane.checks().filter(|_| lane.judges("gate"));
    let named = checks.filter_map(|it| it.get(crate::forge::PROTECTION));
    for (name, place) in named.flat_map(texts) {
        refer("branch", "branches", name, place, &known, problems);
    }
}

/// Services that triggers release.
pub(super) fn services(lane: &Lane<'_>, problems: &mut Problems) {
    let mut known = lane.whole.keys("services");
    if known.is_empty() {
        known.extend(lane.whole.root.get("project").and_then(Node::text));
    }
    let triggers = lane.node.node.get("triggers").map(Node::items).unwrap_or_default();
    let named = triggers.iter().filter_map(|trigger| trigger.get("service"));
    for (name, place) in named.flat_map(texts) {
        refer("service", "services", name, place, &known, problems);
    }
}

/// Branches that no rule of `branches` speaks of, where there are such rules.
pub(super) fn branches(lane: &Lane<'_>, problems: &mut Problems) {
    let triggers = lane.node.node.get("triggers").map(Node::items).unwrap_or_default();
    let triggers = triggers.iter().filter_map(|trigger| trigger.get("branch"));
    let types = lane.node.node.get("change_types").map(Node::entries).unwrap_or_default();
    let types =
        types.iter().flat_map(|it| [it.value.get("from_branch"), it.value.get("backport_to")]);
    for place in triggers.chain(types.flatten()) {
        if let Some(problem) = unknown_branch(place, lane.whole) {
            lane.add(problem, problems);
        }
    }
}

/// Branches that are said to start from one that is not there.
pub(super) fn branches_at_top(whole: &Whole<'_>, problems: &mut Problems) {
    let rules = whole.root.get("branches").map(Node::entries).unwrap_or_default();
    let named = rules.iter().filter_map(|rule| rule.value.get("from"));
    named.filter_map(|place| unknown_branch(place, whole)).for_each(|it| problems.add(it));
}

fn unknown_branch(place: &Node, whole: &Whole<'_>) -> Option<Problem> {
    let (name, known) = (place.text()?, whole.keys("branches"));
    if known.is_empty() || known.iter().any(|pattern| covers(pattern, name)) {
        return None;
    }
    let nearest = settings::nearest(name, known.iter().copied());
    let shown = printable(name);
    let message = format!("`branches` has no rules for `{shown}`");
    let problem = Problem::new(Code::UnknownBranch, place.extent, message);
    let known: Vec<_> = known.iter().map(|name| printable(name)).collect();
    let problem = problem.expected(known.join(", "));
    Some(match nearest {
        Some(near) => problem
            .label(format!("the nearest is `{near}`"))
            .next(format!("write `{near}`, or add `{shown}` to `branches`"))
            .nearest(Some(near)),
        None => problem
            .label("releases would come from a branch that nothing guards")
            .next(format!("add `{shown}` to `branches`, with what a change of it must show")),
    })
}

/// Refuses `name` if it is none of `known`, which stand in `section`.
fn refer(
    what: &str,
    section: &str,
    name: &str,
    place: &Node,
    known: &[&str],
    problems: &mut Problems,
) {
    if known.contains(&name) || problems.knows(place.extent, Code::UnknownName) {
        return;
    }
    let problem = unknown_name(what, name, place.extent, known);
    problems.add(if known.is_empty() {
        problem
            .label(format!("the file has no `{section}`"))
            .expected(format!("a name from `{section}`"))
            .next(format!("declare `{}` under `{section}`", printable(name)))
    } else if problem.nearest.is_none() {
        problem.next(format!("declare it under `{section}`, or name one of these"))
    } else {
        problem
    });
}
