//! What promises of environments become: settings of the checks that hold somebody to them, the questions
//! that are asked of what serves, and the prerequisite of an error budget that freezes. Owns what is handed
//! on; counts nothing.
//!
//! It becomes part of a check's settings, so that a plan that was agreed to holds it.

use serde_json::{Map, Value, json};
use towpath_core::ids::Name;
use towpath_core::matrix::{AdapterSpec, CheckSpec, Gate, Tier};
use towpath_core::units::{Span, Weight};
use towpath_ports::catalogue::Family;
use towpath_ports::store::INTERVALS_KEPT;

use crate::fields::Fields;
use crate::lane::{Reading, join_shared};
use crate::sections::{error_budget, order};
use crate::shape::{NOWHERE, Place};
use crate::tree::Node;

/// The word among a kind's capabilities that asks for promises.
const CAPABILITY: &str = "promises";
/// The kinds that are made from sections.
const SLO: &str = "slo";
const BUDGET: &str = "error_budget";
/// Promises of which visitors' requests tell, and the one of which probes do.
const BY_VISITORS: [&str; 7] = [
    "availability",
    "error_rate",
    "latency_average",
    "latency_p50",
    "latency_p90",
    "latency_p95",
    "latency_p99",
];
const BY_PROBES: &str = "uptime";
/// Promises that an error budget can be counted against.
const BUDGETED: [&str; 3] = ["availability", "error_rate", BY_PROBES];
/// What goes on when a budget is spent: what brings the service back within its promise (Site Reliability
/// Workbook, appendix B: an error budget policy).
const GOES_ON: &str = "fixes";
/// How long a look at the counts of a month may take.
const TIMEOUT: Span = Span::seconds(30);

/// The gate of a lane with what its checks take from sections, and with the prerequisite that follows from
/// an error budget that freezes. `node` is the lane's.
pub(crate) fn completed(mut gate: Gate, own: &Name, node: &Node, reading: &Reading<'_>) -> Gate {
    for check in gate.prerequisites.iter_mut().chain(&mut gate.validation) {
        complete(&mut check.check, own, reading);
    }
    if let Some(check) = freezes(own, node) {
        let taken = |slug: &str| gate.prerequisites.iter().any(|check| check.slug == slug);
        let slug = if taken(&check.slug) { "error-budget-freeze".to_owned() } else { check.slug };
        gate.prerequisites.push(CheckSpec { slug, ..check });
    }
    gate
}

fn complete(check: &mut AdapterSpec, own: &Name, reading: &Reading<'_>) {
    let entry = reading.catalogue.find(Family::Check, &check.kind);
    if !entry.is_some_and(|entry| entry.capabilities.contains(&CAPABILITY)) {
        return;
    }
    let Some(settings) = check.settings.as_object_mut() else { return };
    let named = settings.get("in").and_then(Value::as_array);
    let named: Option<Vec<Name>> =
        named.map(|names| names.iter().filter_map(|name| Name::new(name.as_str()?).ok()).collect());
    let environments = named.unwrap_or_else(|| vec![own.clone()]);
    let promised = environments.iter().map(|name| {
        let joined = joined(reading.root, name);
        promised(name, joined.as_ref(), &check.kind)
    });
    let promised: Vec<Value> = promised.collect();
    settings.insert("promised".to_owned(), promised.into());
}

/// The sections of an environment with what it shares; none where there is none of that name.
pub(crate) fn joined(root: &Node, name: &Name) -> Option<Node> {
    let own = root.get("environments")?.get(name.as_str())?;
    let tier = order::tier(own).unwrap_or(Tier::Development);
    Some(join_shared(root, own, tier))
}

fn promised(name: &Name, joined: Option<&Node>, kind: &str) -> Value {
    let section = joined.and_then(|joined| joined.get(SLO));
    let slo: Map<String, Value> =
        promises_of(section).map(|(key, text)| (key.to_owned(), text.into())).collect();
    let window = match kind {
        BUDGET => joined.and_then(|joined| budget_window(joined.get(BUDGET))),
        _ => section
            .and_then(|it| it.get("window"))
            .and_then(Node::text)
            .and_then(|it| it.parse().ok()),
    };
    let window = window.map(|window: Span| Span(window.0.min(INTERVALS_KEPT.0)).milliseconds());
    json!({ "environment": name, "window": window, "slo": slo })
}

fn promises_of(section: Option<&Node>) -> impl Iterator<Item = (&'static str, String)> {
    let keys = BY_VISITORS.into_iter().chain([BY_PROBES]);
    keys.filter_map(move |key| Some((key, section?.get(key)?.text()?.to_owned())))
}

fn budget_window(section: Option<&Node>) -> Option<Span> {
    Fields::new(section, error_budget::KEYS, NOWHERE).span("window")
}

/// What a spent budget does here; none where it is not counted or where nothing is promised that it could
/// be counted against.
fn when_spent(node: &Node, place: Place) -> Option<String> {
    let section = node.get(BUDGET)?;
    let fields = Fields::new(Some(section), error_budget::KEYS, place);
    let counts = promises_of(node.get(SLO)).any(|(key, _)| BUDGETED.contains(&key));
    let tracked = fields.given("tracked").and_then(Node::scalar);
    let is_off = tracked == Some(crate::tree::Scalar::Flag(false));
    fields.text("when_spent").filter(|_| counts && !is_off)
}

/// The prerequisite of an error budget that freezes.
fn freezes(own: &Name, node: &Node) -> Option<CheckSpec> {
    when_spent(node, NOWHERE).filter(|word| word == "freeze")?;
    Some(asked_about(own, node, BUDGET, "Error budget", Some(GOES_ON)))
}

/// What is asked of whatever serves in an environment, at all times, and never of a promotion.
pub(crate) fn of_environment(own: &Name, joined: &Node) -> Vec<CheckSpec> {
    let mut asked = Vec::new();
    if promises_of(joined.get(SLO)).next().is_some() {
        asked.push(asked_about(own, joined, SLO, "Promises", None));
    }
    if when_spent(joined, NOWHERE).is_some() {
        asked.push(asked_about(own, joined, BUDGET, "Error budget", None));
    }
    asked
}

fn asked_about(
    own: &Name,
    node: &Node,
    kind: &str,
    title: &str,
    except: Option<&str>,
) -> CheckSpec {
    let mut settings = json!({ "promised": [promised(own, Some(node), kind)] });
    if kind == BUDGET {
        settings["left"] = "> 0%".into();
    }
    if let Some(except) = except {
        settings["except"] = except.into();
    }
    CheckSpec {
        slug: kind.replace('_', "-"),
        title: title.to_owned(),
        check: AdapterSpec { kind: kind.to_owned(), settings },
        timeout: TIMEOUT,
        at: Weight::ZERO,
    }
}

/// Lists what of the promises of an environment nothing can be told about. `path` is the environment's.
pub(crate) fn list_what_nobody_counts(joined: &Node, path: &str, reading: &mut Reading<'_>) {
    let slo = joined.get(SLO);
    let any = |keys: &[&str]| promises_of(slo).any(|(key, _)| keys.contains(&key));
    let is_probed = joined.get("health").and_then(|it| it.get("endpoints")).is_some();
    if any(&BY_VISITORS) && joined.get("router").is_none() {
        for (key, _) in promises_of(slo).filter(|(key, _)| *key != BY_PROBES) {
            let reason = "nobody counts visitors without a `router`".to_owned();
            reading.not_enforced(format!("{path}.slo.{key}"), reason, false);
        }
    }
    if any(&[BY_PROBES]) && !is_probed {
        let reason = "nothing is probed without `health.endpoints`".to_owned();
        reading.not_enforced(format!("{path}.slo.{BY_PROBES}"), reason, false);
    }
    for (section, window) in [
        (
            SLO,
            slo.and_then(|it| it.get("window")).and_then(Node::text).and_then(|it| it.parse().ok()),
        ),
        (BUDGET, joined.get(BUDGET).and_then(|it| budget_window(Some(it)))),
    ] {
        if window.is_some_and(|window: Span| window > INTERVALS_KEPT) {
            let reason = format!("counts are kept for {INTERVALS_KEPT}, and counted over that");
            reading.not_enforced(format!("{path}.{section}.window"), reason, false);
        }
    }
    let Some(budget) = joined.get(BUDGET) else { return };
    let is_off =
        budget.get("tracked").and_then(Node::scalar) == Some(crate::tree::Scalar::Flag(false));
    if !any(&BUDGETED) && !is_off {
        let freezes = budget.get("when_spent").and_then(Node::text) == Some("freeze");
        let reason = "`slo` promises no availability, error rate or uptime to count against";
        reading.not_enforced(format!("{path}.{BUDGET}"), reason.to_owned(), freezes);
    }
}
