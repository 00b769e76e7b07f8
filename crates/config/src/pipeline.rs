//! Which environment follows which. Owns the check for circles and unknown names; who may enter
//! an environment is the core's.

use std::collections::{BTreeMap, BTreeSet};

use towpath_core::ids::Name;
use towpath_core::matrix::{Decider, Predecessors};
use towpath_ports::settings;

use crate::codes::Code;
use crate::problem::{Problem, Problems};
use crate::source::{Extent, Source};
use crate::tree::{Entry, Node, printable};

/// What comes before each environment, with the place of each name.
type Edges<'a> = BTreeMap<&'a str, Vec<(&'a str, Extent)>>;

/// The predecessors of one environment.
pub(crate) fn predecessors(environment: &Node) -> Predecessors {
    let named = |key| {
        let mut names: Vec<Name> = Vec::new();
        for (text, _) in names_of(environment, key) {
            match Name::new(text) {
                Ok(name) if !names.contains(&name) => names.push(name),
                _ => {}
            }
        }
        names
    };
    let (all, any) = (named("after"), named("after_any"));
    match (all.is_empty(), any.is_empty()) {
        (true, true) => Predecessors::Root,
        (false, _) => Predecessors::All(all),
        (true, false) => Predecessors::Any(any),
    }
}

fn names_of<'a>(environment: &'a Node, key: &str) -> Vec<(&'a str, Extent)> {
    let Some(node) = environment.get(key) else { return Vec::new() };
    match node.text() {
        Some(name) => vec![(name, node.extent)],
        None => node.items().iter().filter_map(|it| Some((it.text()?, it.extent))).collect(),
    }
}

/// Checks the pipeline of all environments.
pub(crate) fn check(environments: &[Entry], source: &Source, problems: &mut Problems) {
    let mut edges = Edges::new();
    for entry in environments {
        let mut before = names_of(&entry.value, "after");
        let any = names_of(&entry.value, "after_any");
        if let (Some((_, first)), Some((_, second))) = (before.first(), any.first()) {
            problems.add(
                Problem::new(
                    Code::AfterTwice,
                    *second,
                    format!("`{}` has both `after` and `after_any`", printable(&entry.key)),
                )
                .label("one of these")
                .related(*first, "all of these")
                .expected("either `after` or `after_any`")
                .next("keep `after`, if a release must have passed all of them"),
            );
        }
        before.extend(any);
        unknown_names(&before, environments, problems);
        automatic_root(entry, before.is_empty(), problems);
        edges.insert(&entry.key, before);
    }
    circles(environments, &edges, source, problems);
}

fn unknown_names(before: &[(&str, Extent)], environments: &[Entry], problems: &mut Problems) {
    for (name, extent) in before {
        if environments.iter().any(|entry| &*entry.key == *name) {
            continue;
        }
        let known: Vec<_> = environments.iter().map(|entry| &*entry.key).collect();
        problems.add(unknown_name("environment", name, *extent, &known));
    }
}

/// A name that refers to nothing.
pub(crate) fn unknown_name(what: &str, name: &str, extent: Extent, known: &[&str]) -> Problem {
    let nearest = settings::nearest(name, known.iter().copied());
    let message = format!("there is no {what} called `{}`", printable(name));
    let known: Vec<_> = known.iter().map(|name| printable(name)).collect();
    let problem = Problem::new(Code::UnknownName, extent, message).expected(known.join(", "));
    match nearest {
        Some(near) => problem
            .label(format!("the nearest is `{near}`"))
            .next(format!("write `{near}`"))
            .nearest(Some(near)),
        None => problem.next(format!("add the {what}, or name one of these")),
    }
}

fn automatic_root(entry: &Entry, root: bool, problems: &mut Problems) {
    let Some(promote) = entry.value.get("promote").filter(|_| root) else { return };
    if promote.text() != Some("automatic") {
        return;
    }
    let name = printable(&entry.key);
    problems.add(
        Problem::new(
            Code::AutomaticRoot,
            promote.extent,
            format!("{name} comes after nothing, so no verified release can go on into it"),
        )
        .expected("manual, or an `after`")
        .next(format!("remove `promote`, or say after which environment {name} comes")),
    );
}

/// Who lets releases in, where a shared `promote: automatic` says nothing to a root.
pub(crate) fn decider(after: &Predecessors, shared: Decider) -> Decider {
    if *after == Predecessors::Root { Decider::Manual } else { shared }
}

fn circles(environments: &[Entry], edges: &Edges<'_>, source: &Source, problems: &mut Problems) {
    let mut left: BTreeSet<&str> = edges.keys().copied().collect();
    let rootless = edges.values().all(|before| !before.is_empty());
    loop {
        take_reachable(&mut left, edges);
        let Some(start) = environments.iter().map(|it| &*it.key).find(|it| left.contains(it))
        else {
            return;
        };
        let circle = circle_from(start, &left, edges);
        for (name, _, _) in &circle {
            left.remove(name);
        }
        // Nothing is left of the circle when it only led into one that was reported before.
        if circle.is_empty() {
            left.remove(start);
        } else {
            report(circle, rootless, source, problems);
        }
    }
}

/// Takes away whatever has all its predecessors outside of what is left.
fn take_reachable(left: &mut BTreeSet<&str>, edges: &Edges<'_>) {
    loop {
        let free: Vec<&str> = left
            .iter()
            .copied()
            .filter(|name| edges[name].iter().all(|(before, _)| !left.contains(before)))
            .collect();
        if free.is_empty() {
            return;
        }
        for name in free {
            left.remove(name);
        }
    }
}

/// The circle that one gets into by going back from `start`: name, place of its `after`, and what
/// it comes after.
fn circle_from<'a>(
    start: &'a str,
    left: &BTreeSet<&'a str>,
    edges: &Edges<'a>,
) -> Vec<(&'a str, Extent, &'a str)> {
    let mut walk: Vec<(&str, Extent, &str)> = Vec::new();
    let mut name = start;
    loop {
        if let Some(first) = walk.iter().position(|(seen, _, _)| *seen == name) {
            return walk.split_off(first);
        }
        let Some((before, extent)) = edges[name].iter().find(|(it, _)| left.contains(it)) else {
            return Vec::new();
        };
        walk.push((name, *extent, before));
        name = before;
    }
}

fn report(
    mut circle: Vec<(&str, Extent, &str)>,
    rootless: bool,
    source: &Source,
    problems: &mut Problems,
) {
    circle.sort_by_key(|(_, extent, _)| extent.start);
    let (first, extent, before) = circle[0];
    let (first, line) = (printable(first), source.line_of(extent.start));
    let message = if rootless {
        "the pipeline goes in a circle, so no environment is first"
    } else {
        "a part of the pipeline goes in a circle, so no release can get into it"
    };
    let alone = source.line(line).trim_start().starts_with("after");
    let next = if alone {
        format!("delete line {line}, if {first} is where releases start")
    } else {
        format!("remove the `after` of {first}, if it is where releases start")
    };
    let mut problem = Problem::new(Code::PipelineCycle, extent, message)
        .label(format!("{first} comes after {}", printable(before)))
        .expected("at least one environment without `after`")
        .next(next);
    for (name, extent, before) in &circle[1..] {
        problem = problem
            .related(*extent, format!("{} comes after {}", printable(name), printable(before)));
    }
    problems.add(problem);
}
