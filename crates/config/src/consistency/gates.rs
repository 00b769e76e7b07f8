//! What a gate asks for against the way by which releases come. Asks no check.

use std::collections::{BTreeMap, BTreeSet};

use towpath_core::ids::Name;
use towpath_core::matrix::Predecessors;

use super::values::texts;
use super::{Lane, Whole};
use crate::codes::Code;
use crate::problem::{Problem, Problems};
use crate::tree::{Node, printable};

/// Soaks that look at an environment in which no new release has served, and those that look at one
/// that a kind of change may leave out.
pub(super) fn soaks(whole: &Whole<'_>, problems: &mut Problems) {
    let mut ways: Option<Ways<'_>> = None;
    for lane in whole.read().iter().filter(|lane| lane.judges("gate")) {
        for (other, asked) in soaked_in(lane) {
            let name = &lane.environment.name;
            if ways.as_ref().is_none_or(|it| it.environment != name) {
                ways = Some(Ways::of(lane));
            }
            let Some(ways) = &ways else { continue };
            if other == lane.name() || ways.later.contains(other) {
                not_before(lane, other, asked, problems);
            }
            for (kind, skipped) in ways.skipped.get(other).into_iter().flatten() {
                against_skip(lane, kind, skipped, asked, problems);
            }
        }
    }
}

/// What of the pipeline the soaks of one environment are held against.
struct Ways<'a> {
    environment: &'a Name,
    /// Environments that releases reach only through it.
    later: BTreeSet<&'a str>,
    /// Environments that kinds of change may leave out on their way to it, with who and where.
    skipped: BTreeMap<&'a str, Vec<(&'a str, &'a Node)>>,
}

impl<'a> Ways<'a> {
    fn of(lane: &Lane<'a>) -> Self {
        let environment = &lane.environment.name;
        let mut known = BTreeMap::new();
        let names = lane.whole.environments.iter().map(|it| &it.name);
        let later = names
            .filter(|name| leads_through(lane.whole, name, environment, &mut known))
            .map(Name::as_str)
            .collect();
        let mut skipped: BTreeMap<_, Vec<(&str, &Node)>> = BTreeMap::new();
        let types = lane.node.node.get("change_types").map(Node::entries).unwrap_or_default();
        for of in types.iter().filter(|it| !it.key.starts_with("x-")) {
            for (name, place) in of.value.get("skip").into_iter().flat_map(texts) {
                let kinds = skipped.entry(name).or_default();
                if kinds.last().is_none_or(|(kind, _)| **kind != *of.key) {
                    kinds.push((&of.key, place));
                }
            }
        }
        Self { environment, later, skipped }
    }
}

/// A soak in the environment itself, or in one that releases reach only through it.
fn not_before(lane: &Lane<'_>, other: &str, asked: &Node, problems: &mut Problems) {
    if problems.knows(asked.extent, Code::SoakNotBefore) {
        return;
    }
    let (name, looked_at) = (lane.name(), printable(other));
    let message = if other == name {
        format!("{name} lets in only what has served well in {name} already")
    } else {
        format!("{name} lets in only what has served well in {looked_at}, which comes after it")
    };
    let next = match lane.environment.after.names().first() {
        Some(before) => format!("look at an environment before it: `in: {before}`"),
        None => format!("remove the check: nothing comes before {name}"),
    };
    let problem = Problem::new(Code::SoakNotBefore, asked.extent, message)
        .label("no new release has been there")
        .next(next);
    lane.add(problem, problems);
}

/// A kind of change that may leave out an environment in which the gate wants it to have served.
fn against_skip(lane: &Lane<'_>, kind: &str, skip: &Node, asked: &Node, problems: &mut Problems) {
    if problems.knows(skip.extent, Code::SkipAgainstGate) {
        return;
    }
    let (name, kind) = (lane.name(), printable(kind));
    let skipped = skip.text().map(printable).unwrap_or_default();
    let message = format!(
        "the change type {kind} may skip {skipped}, and {name} lets in only what has served there"
    );
    let problem = Problem::new(Code::SkipAgainstGate, skip.extent, message)
        .label("what skips it never comes in")
        .related(asked.extent, "asked of every change")
        .next("leave `skip` out, or let the check look at an environment that none skips");
    lane.add(problem, problems);
}

/// The environments in which the gate wants a release to have served, with their places.
fn soaked_in<'a>(lane: &Lane<'a>) -> impl Iterator<Item = (&'a str, &'a Node)> {
    let checks = lane.checks();
    let waits = |check: &&Node| {
        matches!(check.get("check").and_then(Node::text), Some("soak" | "stable_for"))
    };
    let soaks = checks.filter(waits);
    soaks.filter_map(|soak| soak.get("in")).flat_map(texts)
}

/// Whether every way into the environment called `name` leads through `through`.
fn leads_through<'a>(
    whole: &Whole<'a>,
    name: &'a Name,
    through: &Name,
    known: &mut BTreeMap<&'a Name, bool>,
) -> bool {
    if let Some(known) = known.get(name) {
        return *known;
    }
    // What is asked for again before it is known stands in a circle, and leads nowhere.
    known.insert(name, false);
    let environment = whole.environments.iter().find(|it| it.name == *name);
    let mut leads =
        |before: &'a Name| before == through || leads_through(whole, before, through, known);
    let answer = match environment.map(|it| &it.after) {
        Some(Predecessors::All(names)) => names.iter().any(&mut leads),
        Some(Predecessors::Any(names)) => !names.is_empty() && names.iter().all(&mut leads),
        Some(Predecessors::Root) | None => false,
    };
    known.insert(name, answer);
    answer
}
