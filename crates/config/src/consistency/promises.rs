//! Service levels against what is held against a release: triggers, gates, and the promises of the
//! environment before. Judges no measurement.

use std::collections::{BTreeSet, VecDeque};

use towpath_core::matrix::Tier;
use towpath_ports::catalogue::{Family, KindState};

use super::values::{count, percent, promised_share, promised_time, texts, times};
use super::{Lane, Whole};
use crate::codes::Code;
use crate::limits;
use crate::problem::{Problem, Problems};
use crate::tree::{Node, printable};

/// Promises of `slo` of which less is better.
const CEILINGS: [&str; 6] =
    ["latency_p50", "latency_p90", "latency_p95", "latency_p99", "latency_average", "error_rate"];
/// Promises of `slo` of which more is better.
const FLOORS: [&str; 2] = ["uptime", "availability"];

/// Share of the time from which one instance cannot be enough: three nines are 43 minutes in 30
/// days, and a machine that is replaced takes a good part of them.
const NEEDS_TWO: f64 = 0.999;

/// A rollback trigger that tolerates more errors than the environment promises.
pub(super) fn trigger_looser_than_slo(lane: &Lane<'_>, problems: &mut Problems) {
    let promise = lane.get("slo", "error_rate");
    let Some((place, promised)) = promise.and_then(|node| {
        Some((node, limits::promised_share(node.text()?).filter(|share| *share > 0.0)?))
    }) else {
        return;
    };
    let limit = lane.spec.and_then(|spec| spec.rollback.limits.error_rate);
    let Some(limit) = limit.filter(|limit| *limit > promised) else { return };
    let name = lane.name();
    let when = lane.get("rollback", "when").and_then(|when| when.get("error_rate"));
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
    lane.add(problem, problems);
}

/// An environment that promises less than the one before it. Development environments are left
/// out: what is fast on a desk says nothing about what visitors were promised.
pub(super) fn slo_order(lane: &Lane<'_>, problems: &mut Problems) {
    if lane.environment.tier == Tier::Development {
        return;
    }
    for key in CEILINGS.into_iter().chain(FLOORS) {
        let Some(later) = lane.get("slo", key) else { continue };
        for before in nearest_before(lane, key) {
            let Some(earlier) = before.get("slo", key) else { continue };
            if !promises_less(later, earlier, FLOORS.contains(&key)) {
                continue;
            }
            let (name, other) = (lane.name(), before.name());
            let (less, more) = (amount(later), amount(earlier));
            let message = format!("{name} promises `{key}` {less}, {other} before it {more}");
            let problem = Problem::new(Code::SloOrder, later.extent, message)
                .label(format!("users of {name} are promised less than those of {other}"))
                .related(earlier.extent, format!("{other} promises more"))
                .next(format!("promise {more} or better here, or less in {other}"));
            lane.add(problem, problems);
        }
    }
}

/// The environments before this one that promise something about `key`, of each way back the
/// nearest.
fn nearest_before<'a>(lane: &Lane<'a>, key: &str) -> Vec<Lane<'a>> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut ahead: VecDeque<_> = lane.environment.after.names().iter().collect();
    while let Some(name) = ahead.pop_front() {
        if !seen.insert(name) {
            continue;
        }
        let Some(before) = lane.whole.environment(name.as_str()) else { continue };
        if before.get("slo", key).is_some() {
            if before.environment.tier != Tier::Development {
                found.push(before);
            }
        } else {
            ahead.extend(before.environment.after.names());
        }
    }
    found
}

fn promises_less(later: &Node, earlier: &Node, floor: bool) -> bool {
    let shares = promised_share(later).zip(promised_share(earlier));
    let times = promised_time(later).zip(promised_time(earlier));
    match (shares, times) {
        (Some((later, earlier)), _) if floor => later < earlier,
        (Some((later, earlier)), _) => later > earlier,
        (None, Some((later, earlier))) => !floor && later > earlier,
        (None, None) => false,
    }
}

/// A promise without its comparison: `500ms`.
fn amount(promise: &Node) -> String {
    let text = promise.text().unwrap_or_default();
    printable(text.trim_start_matches(['<', '>', '=', ' ']))
}

/// A soak that lets in what broke the promise of the environment it looks at.
pub(super) fn gate_looser_than_slo(lane: &Lane<'_>, problems: &mut Problems) {
    if !lane.judges("gate") {
        return;
    }
    for soak in soaks(lane) {
        let promise = soak.looked_at.get("slo", "error_rate");
        let promised = promise.and_then(promised_share).filter(|share| *share > 0.0);
        let (Some(promise), Some(promised)) = (promise, promised) else { continue };
        if soak.allowed <= promised {
            continue;
        }
        let (name, other) = (lane.name(), soak.looked_at.name());
        let (allowed, promised_text) = (percent(soak.allowed), percent(promised));
        let message = format!(
            "{name} lets in what had up to {allowed} errors in {other}, which promises less than \
             {promised_text}"
        );
        let label =
            format!("a release may break the promise {} over", times(soak.allowed / promised));
        let problem = Problem::new(Code::GateLooserThanSlo, soak.place.extent, message)
            .label(label)
            .related(promise.extent, "the promise")
            .next(format!("write `error_rate: \"< {promised_text}\"`"));
        lane.add(problem, problems);
    }
}

/// A soak that lets in what the environment it looks at should have taken back.
pub(super) fn gate_looser_than_trigger(lane: &Lane<'_>, problems: &mut Problems) {
    for soak in soaks(lane) {
        let limit = soak.looked_at.spec.and_then(|spec| spec.rollback.limits.error_rate);
        let Some(limit) = limit.filter(|limit| soak.allowed > *limit) else { continue };
        let (other, allowed, limit) =
            (soak.looked_at.name(), percent(soak.allowed), percent(limit));
        let message = format!(
            "{} lets in what had up to {allowed} errors in {other}, where more than {limit} is too \
             much",
            lane.name()
        );
        let mut problem = Problem::new(Code::GateLooserThanTrigger, soak.place.extent, message)
            .label("what should have gone back there comes in here")
            .next(format!("write `error_rate: \"< {limit}\"` or less"));
        let when = soak.looked_at.get("rollback", "when").and_then(|when| when.get("error_rate"));
        if let Some(when) = when {
            problem = problem.related(when.extent, "the trigger");
        }
        lane.add(problem, problems);
    }
}

/// A check that looks at how a release did in another environment.
struct Soak<'a> {
    place: &'a Node,
    allowed: f64,
    looked_at: Lane<'a>,
}

fn soaks<'a>(lane: &Lane<'a>) -> Vec<Soak<'a>> {
    let checks =
        lane.checks().filter(|check| check.get("check").and_then(Node::text) == Some("soak"));
    let soak = |check: &'a Node| {
        let place = check.get("error_rate")?;
        let (name, _) = texts(check.get("in")?).next()?;
        let looked_at = lane.whole.lane(name, &lane.node.id.service)?;
        Some(Soak { place, allowed: promised_share(place)?, looked_at })
    };
    checks.filter_map(soak).collect()
}

/// A promise that one instance cannot keep.
pub(super) fn single_instance_production(lane: &Lane<'_>, problems: &mut Problems) {
    let production = lane.environment.tier == Tier::Production;
    let Some(spec) = lane.spec.filter(|spec| production && spec.instances == 1) else { return };
    let written = lane.get("target", "instances");
    if written.is_none() && !counts_instances(lane.whole, &spec.target.kind) {
        return;
    }
    // What was refused may have been meant as more than one.
    let least = lane.get("scaling", "min");
    let scaled = least.is_some_and(|least| count(least).is_none_or(|least| least > 1));
    let mut promises = FLOORS.into_iter().rev().filter_map(|key| lane.get("slo", key));
    let promise =
        promises.find(|node| promised_share(node).is_some_and(|share| share >= NEEDS_TWO));
    let promise = promise.filter(|_| !scaled);
    let Some(promise) = promise else { return };
    let message = format!("{} promises {} with a single instance", lane.name(), amount(promise));
    let mut problem = Problem::new(Code::SingleInstanceProduction, promise.extent, message)
        .label("every crash of it is an outage until it is back")
        .next("write `instances: 2` in `target`, or promise less");
    if let Some(one) = written {
        problem = problem.related(one.extent, "the one instance");
    }
    lane.add(problem, problems);
}

/// Whether a target that says nothing runs one instance; of a planned kind nobody knows.
fn counts_instances(whole: &Whole<'_>, kind: &str) -> bool {
    let kind = whole.catalogue.find(Family::Target, kind);
    kind.is_some_and(|kind| kind.state == KindState::Built)
}
