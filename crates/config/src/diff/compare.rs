//! Walks two trees and finds what differs. Owns what belongs to what; judges by the rules, and says
//! nothing in words.

use std::collections::BTreeMap;

use super::judge::{Judgement, added, changed};
use super::path::Path;
use super::rules::{self, Rule};
use super::steps::{self, Fate};
use crate::sections::{self, gate};
use crate::tree::{Entry, Node, Scalar, Tree};

/// One difference.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) path: Path,
    pub(crate) was: Option<Node>,
    pub(crate) now: Option<Node>,
    pub(crate) judgement: Judgement,
}

/// All differences between two maps of sections, in the order in which a matrix is written.
pub(crate) fn differences(was: &[Entry], now: &[Entry]) -> Vec<Found> {
    let mut walk = Walk::default();
    walk.keys(&Path::default(), was, now);
    let names: BTreeMap<&str, usize> =
        sections::all().enumerate().map(|(at, section)| (section.key.name, at)).collect();
    let place = |found: &Found| {
        found.path.segments().first().and_then(|it| names.get(it.key.as_str()).copied())
    };
    walk.found.sort_by_key(place);
    walk.found
}

/// Whether two values are written the same, but for quotes and the order of keys.
pub(crate) fn same(was: &Node, now: &Node) -> bool {
    match (&was.tree, &now.tree) {
        (Tree::Scalar(..), Tree::Scalar(..)) => was.text() == now.text(),
        (Tree::List(before), Tree::List(after)) => {
            before.len() == after.len() && before.iter().zip(after.iter()).all(|(a, b)| same(a, b))
        }
        (Tree::Map(before), Tree::Map(after)) => {
            let other =
                |entry: &Entry| now.get(&entry.key).is_some_and(|it| same(&entry.value, it));
            before.len() == after.len() && before.iter().all(other)
        }
        // One alone is a list of one.
        (Tree::List(list), Tree::Scalar(..)) => list.len() == 1 && same(&list[0], now),
        (Tree::Scalar(..), Tree::List(list)) => list.len() == 1 && same(was, &list[0]),
        _ => false,
    }
}

#[derive(Default)]
struct Walk {
    found: Vec<Found>,
}

/// On which side something stands alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Old,
    New,
}

impl Walk {
    fn keys(&mut self, path: &Path, was: &[Entry], now: &[Entry]) {
        let of = |entries: &'_ [Entry]| -> BTreeMap<String, Node> {
            entries.iter().map(|entry| (entry.key.to_string(), entry.value.clone())).collect()
        };
        let (before, after) = (of(was), of(now));
        // A type of change that has no line is refused where none holds for every type.
        let is_free = path.segments().len() != 1
            || path.segments()[0].key != "approvals"
            || before.contains_key("all")
            || after.contains_key("all");
        for entry in was {
            let path = path.key(&entry.key);
            match after.get(&*entry.key) {
                Some(now) => self.both(&path, &entry.value, now),
                None => self.alone(&path, &entry.value, Side::Old, is_free),
            }
        }
        for entry in now.iter().filter(|entry| !before.contains_key(&*entry.key)) {
            self.alone(&path.key(&entry.key), &entry.value, Side::New, is_free);
        }
    }

    fn both(&mut self, path: &Path, was: &Node, now: &Node) {
        if same(was, now) {
            return;
        }
        let rule = rules::find(path);
        let one_by_one = matches!(rule, Rule::Demands | Rule::Permits | Rule::LimitedTo);
        match (&was.tree, &now.tree) {
            (Tree::List(_), Tree::List(_)) if rule == Rule::Steps => {
                self.steps(path, was, now);
            }
            (Tree::Map(before), Tree::Map(after)) => self.keys(path, before, after),
            // To whom nobody belongs is no limit.
            _ if rule == Rule::LimitedTo && is_nothing(was) => {
                self.alone(path, now, Side::New, true);
            }
            _ if rule == Rule::LimitedTo && is_nothing(now) => {
                self.alone(path, was, Side::Old, true);
            }
            // An entry without a name is called by all that it says, which may be a secret.
            _ if rule == Rule::Neutral => self.value(path, rule, was, now),
            _ if one_by_one || (is_list_of_maps(was) && is_list_of_maps(now)) => {
                self.entries(path, was, now);
            }
            (Tree::Map(_), _) | (_, Tree::Map(_)) if is_bake(path) => {
                self.keys(path, &range(was), &range(now));
            }
            _ => self.value(path, rule, was, now),
        }
    }

    fn value(&mut self, path: &Path, rule: Rule, was: &Node, now: &Node) {
        if let Some(judgement) = changed(rule, was, now) {
            self.add(path, Some(was), Some(now), judgement);
        }
    }

    fn steps(&mut self, path: &Path, was: &Node, now: &Node) {
        for fate in steps::beside(path, was, now) {
            match fate {
                Fate::Kept(path, was, now) => self.both(&path, was, now),
                Fate::Removed(path, step) => self.add(&path, Some(step), None, Judgement::Looser),
                Fate::Added(path, step) => self.add(&path, None, Some(step), Judgement::Stricter),
            }
        }
    }

    /// Two lists whose entries belong together by what they are called, or else by what they are.
    fn entries(&mut self, path: &Path, was: &Node, now: &Node) {
        let (before, after) = (named(path, was), named(path, now));
        let by_key = |list: &[(Path, Node)]| -> BTreeMap<String, usize> {
            list.iter().enumerate().map(|(at, (path, _))| (path.to_string(), at)).collect()
        };
        let (old, new) = (by_key(&before), by_key(&after));
        for (path, was) in &before {
            match new.get(&path.to_string()) {
                Some(at) => self.both(path, was, &after[*at].1),
                None => self.alone(path, was, Side::Old, true),
            }
        }
        for (path, now) in after.iter().filter(|(path, _)| !old.contains_key(&path.to_string())) {
            self.alone(path, now, Side::New, true);
        }
        let places = before.iter().filter_map(|(path, _)| new.get(&path.to_string()));
        if is_list_of_maps(was) && is_list_of_maps(now) && !places.is_sorted() {
            self.add(path, Some(was), Some(now), Judgement::Neutral);
        }
    }

    /// What stands on one side only: one difference, unless its parts pull in both directions.
    /// `is_free` says whether what it is about was free while it was not said.
    fn alone(&mut self, path: &Path, node: &Node, side: Side, is_free: bool) {
        let Some(judgement) = whole(path, node) else {
            return self.parts(path, node, side);
        };
        let is_free = is_free || !matches!(node.tree, Tree::Map(_));
        let judgement = if is_free { judgement } else { judgement.reversed() };
        match side {
            Side::Old => self.add(path, Some(node), None, judgement.reversed()),
            Side::New => self.add(path, None, Some(node), judgement),
        }
    }

    fn parts(&mut self, path: &Path, node: &Node, side: Side) {
        for (path, part) in parts(path, node) {
            self.alone(&path, &part, side, true);
        }
    }

    fn add(&mut self, path: &Path, was: Option<&Node>, now: Option<&Node>, judgement: Judgement) {
        let (was, now) = (was.cloned(), now.cloned());
        self.found.push(Found { path: path.clone(), was, now, judgement });
    }
}

/// What adding `node` does; none when its parts are to be told one by one: some of them make it looser
/// and others stricter, or each has a name of its own.
fn whole(path: &Path, node: &Node) -> Option<Judgement> {
    match path.list().as_ref().map(rules::find) {
        Some(Rule::Demands) => return Some(Judgement::Stricter),
        Some(Rule::Permits | Rule::LimitedTo) => return Some(Judgement::Looser),
        _ => {}
    }
    if is_nothing(node) {
        return Some(Judgement::Neutral);
    }
    match rules::find(path) {
        Rule::Apart => return None,
        Rule::Neutral => return Some(Judgement::Neutral),
        Rule::Demands if is_list_of_maps(node) => return None,
        rule @ (Rule::Demands | Rule::Permits | Rule::LimitedTo | Rule::Said | Rule::Steps) => {
            return Some(added(rule, node));
        }
        rule if node.entries().is_empty() && !is_list_of_maps(node) => {
            return Some(added(rule, node));
        }
        _ => {}
    }
    let mut judged = Judgement::Neutral;
    for (path, part) in parts(path, node) {
        match (judged, whole(&path, &part)?) {
            (_, Judgement::Neutral) => {}
            (Judgement::Neutral, other) => judged = other,
            (one, other) if one == other => {}
            _ => return None,
        }
    }
    Some(judged)
}

/// The values of a map or a list with their paths; nothing of any other value.
fn parts(path: &Path, node: &Node) -> Vec<(Path, Node)> {
    match &node.tree {
        Tree::Map(entries) => {
            entries.iter().map(|entry| (path.key(&entry.key), entry.value.clone())).collect()
        }
        Tree::List(_) if is_list_of_maps(node) => named(path, node),
        _ => Vec::new(),
    }
}

/// The entries of a list, each with a path of its own; one value alone is a list of one.
fn named(path: &Path, list: &Node) -> Vec<(Path, Node)> {
    let alone = std::slice::from_ref(list);
    let items = if matches!(list.tree, Tree::List(_)) { list.items() } else { alone };
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let entry = |item: &Node| {
        let called = item.get("name").or_else(|| item.get("check")).and_then(Node::text);
        let slug = called.and_then(gate::slug);
        let text = || item.text().map_or_else(|| crate::show::flow(item), str::to_owned);
        let key = slug.clone().unwrap_or_else(text);
        let times = seen.entry(key.clone()).or_default();
        *times += 1;
        // Two that are alike are told apart by which of them it is.
        let key = if *times > 1 { format!("{key}, {times}") } else { key };
        let path = match called.filter(|_| slug.is_some()) {
            Some(name) => path.named(key, name),
            None => path.entry(key),
        };
        (path, item.clone())
    };
    items.iter().map(entry).collect()
}

fn is_list_of_maps(node: &Node) -> bool {
    matches!(node.tree, Tree::List(_))
        && node.items().iter().all(|item| matches!(item.tree, Tree::Map(_)))
}

fn is_nothing(node: &Node) -> bool {
    match &node.tree {
        Tree::List(items) => items.is_empty(),
        Tree::Map(entries) => entries.is_empty(),
        _ => node.scalar() == Some(Scalar::Null),
    }
}

fn is_bake(path: &Path) -> bool {
    path.segments().last().is_some_and(|it| it.key == "bake")
}

/// A bake as its least and its most; one length is both.
fn range(bake: &Node) -> Vec<Entry> {
    if !bake.entries().is_empty() {
        return bake.entries().to_vec();
    }
    let entry = |key: &str| Entry { key: key.into(), key_extent: bake.extent, value: bake.clone() };
    vec![entry("min"), entry("max")]
}

#[cfg(test)]
mod tests {
    use super::{Judgement, differences};
    use crate::fields::from_default;

    /// What is written, what is written instead, and the path of what is looser by that.
    const LOOSER: &[(&str, &str, &str)] = &[
        (
            "change_types: { hotfix: { skip: [qa] } }",
            "change_types: { hotfix: { skip: [qa, staging] } }",
            "change_types.hotfix.skip[staging]",
        ),
        (
            "change_types: { hotfix: { rollout: { steps: [{ weight: 10%, bake: 5m }] } } }",
            "change_types: { hotfix: { rollout: { steps: [{ weight: 20%, bake: 5m }] } } }",
            "change_types.hotfix.rollout.steps[10%].weight",
        ),
        (
            "branches: { main: { approvals: 2, status_checks: true } }",
            "branches: { main: { approvals: 1, status_checks: true } }",
            "branches.main.approvals",
        ),
        (
            "branches: { main: { approvals: 2, status_checks: true } }",
            "branches: { main: { approvals: 2, status_checks: false } }",
            "branches.main.status_checks",
        ),
        (
            "gate: { prerequisites: [{ check: junit, at_least: 90, at_most: { failed: 0 } }] }",
            "gate: { prerequisites: [{ check: junit, at_least: 80, at_most: { failed: 0 } }] }",
            "gate.prerequisites.junit.at_least",
        ),
        (
            "gate: { prerequisites: [{ check: junit, at_least: 90, at_most: { failed: 0 } }] }",
            "gate: { prerequisites: [{ check: junit, at_least: 90, at_most: { failed: 2 } }] }",
            "gate.prerequisites.junit.at_most.failed",
        ),
        (
            "gate: { prerequisites: [{ check: prometheus, is: \"< 5\" }] }",
            "gate: { prerequisites: [{ check: prometheus, is: \"< 50\" }] }",
            "gate.prerequisites.prometheus.is",
        ),
        (
            "alarms: [{ name: Slow, is: \"> 1s\", for: 5m }]",
            "alarms: [{ name: Slow, is: \"> 2s\", for: 5m }]",
            "alarms.slow.is",
        ),
        (
            "rollback: { when: { alarms: [{ name: Slow, is: \"> 1s\", for: 5m }] } }",
            "rollback: { when: { alarms: [{ name: Slow, is: \"> 1s\", for: 1h }] } }",
            "rollback.when.alarms.slow.for",
        ),
        (
            "access: { shell: { level: read-only, by: [devops] } }",
            "access: { shell: { level: full, by: [devops] } }",
            "access.shell.level",
        ),
        (
            "access: { shell: { approval: true, logged: true } }",
            "access: { shell: { approval: true } }",
            "access.shell.logged",
        ),
        // To name no day is to limit nothing.
        (
            "windows: [{ name: A, days: [mon] }]",
            "windows: [{ name: A, days: [] }]",
            "windows.a.days",
        ),
        ("windows: [{ name: A, days: [mon] }]", "windows: []", "windows"),
        ("data: { class: anonymized }", "data: { class: real }", "data.class"),
        ("data: { masking: required }", "data: { masking: none }", "data.masking"),
        ("data: { cross_border: false }", "data: { cross_border: true }", "data.cross_border"),
        (
            "data: { personal_data: masked, encryption: true }",
            "data: { personal_data: masked, encryption: false }",
            "data.encryption",
        ),
        (
            "backups: { every: 1h, keep: 30d }",
            "backups: { every: 24h, keep: 30d }",
            "backups.every",
        ),
        ("backups: { every: 1h, keep: 30d }", "backups: { every: 1h, keep: 7d }", "backups.keep"),
        (
            "backups: { point_in_time: true }",
            "backups: { point_in_time: false }",
            "backups.point_in_time",
        ),
        ("recovery: { rto: \"< 1h\" }", "recovery: { rto: \"< 4h\" }", "recovery.rto"),
        ("recovery: { rpo: \"< 5m\" }", "", "recovery"),
        (
            "migrations: { command: [up], undo: [down], reversible: true }",
            "migrations: { command: [up], undo: [down], reversible: false }",
            "migrations.reversible",
        ),
        (
            "migrations: { command: [up], undo: [down, all] }",
            "migrations: { command: [up] }",
            "migrations.undo",
        ),
        (
            "migrations: { tests: [counts, rollback] }",
            "migrations: { tests: counts }",
            "migrations.tests[rollback]",
        ),
        ("monitoring: { level: full }", "monitoring: { level: basic }", "monitoring.level"),
        (
            "monitoring: { traces: true, dashboards: true }",
            "monitoring: { traces: true }",
            "monitoring.dashboards",
        ),
        (
            "error_budget: { when_spent: freeze }",
            "error_budget: { when_spent: notify }",
            "error_budget.when_spent",
        ),
        (
            "infrastructure: { availability: multi-zone }",
            "infrastructure: { availability: single-zone }",
            "infrastructure.availability",
        ),
        (
            "infrastructure: { firewall: true, region: eu }",
            "infrastructure: { region: eu }",
            "infrastructure.firewall",
        ),
        (
            "cache: { kind: redis, failover: automatic }",
            "cache: { kind: redis, failover: none }",
            "cache.failover",
        ),
        (
            "communication: { before: [slack, email] }",
            "communication: { before: [slack] }",
            "communication.before[email]",
        ),
        (
            "goals: { rollback_time: \"< 10m\" }",
            "goals: { rollback_time: \"< 1h\" }",
            "goals.rollback_time",
        ),
        ("slo: { availability: \">= 99%\" }", "slo: { availability: none }", "slo.availability"),
        (
            "rollback: { practised_every: 30d }",
            "rollback: { practised_every: 180d }",
            "rollback.practised_every",
        ),
    ];

    fn judged(old: &str, new: &str) -> Vec<(String, Judgement)> {
        let tree = |text: &str| from_default(if text.is_empty() { "{}" } else { text });
        let found = differences(tree(old).entries(), tree(new).entries());
        found.iter().map(|it| (it.path.to_string(), it.judgement)).collect()
    }

    #[test]
    fn a_weaker_demand_is_looser_and_a_stronger_one_stricter() {
        for (old, new, path) in LOOSER {
            let path = (*path).to_owned();
            assert_eq!(judged(old, new), [(path.clone(), Judgement::Looser)], "{old} -> {new}");
            assert_eq!(judged(new, old), [(path, Judgement::Stricter)], "{new} -> {old}");
        }
    }

    #[test]
    fn a_section_whose_parts_pull_in_both_directions_is_told_part_by_part() {
        let old = "data: { encryption: true, cross_border: true, residency: eu }";
        let parts = |encryption: Judgement, border| {
            [
                ("data.encryption".to_owned(), encryption),
                ("data.cross_border".to_owned(), border),
                ("data.residency".to_owned(), encryption),
            ]
        };
        assert_eq!(judged(old, ""), parts(Judgement::Looser, Judgement::Stricter));
        assert_eq!(judged("", old), parts(Judgement::Stricter, Judgement::Looser));
    }

    #[test]
    fn entries_that_are_alike_are_counted() {
        assert_eq!(
            judged("alarms: [{ name: A }, { name: A }]", "alarms: [{ name: A }]"),
            [("alarms.a, 2".to_owned(), Judgement::Looser)]
        );
    }
}
