//! What is different for one type of change. Owns which environments it goes round and how its traffic
//! moves; who must agree to it is in `approvals`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::branches::rule_of;
use crate::debts::Owes;
use crate::ids::Name;
use crate::matrix::{CheckSpec, Environment, LaneSpec, Matrix, Predecessors, Rollout};
use crate::release::{ChangeType, Release};

/// What is different for one type of change in one lane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TypeRules {
    /// Environments before it that such a release goes round: it must be verified in what comes before
    /// those instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<Name>,
    /// How its traffic moves, where that is different.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// Channels that hear of each such promotion, beside those of `notify`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<Name>,
    /// What is owed for it once it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owes: Option<Owes>,
    /// What it is asked before the gate: where it was made from, and what it brings with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<CheckSpec>,
    /// Patterns of files: a release that changes any of them is of this type, where nobody says its type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

/// What is different, by type of change.
pub type ChangeTypes = BTreeMap<ChangeType, TypeRules>;

impl LaneSpec {
    /// What is declared for releases of this type from this branch, where that is known. What is said of
    /// other types and branches is no part of it, so that it changes no plan.
    #[must_use]
    pub fn of_type(&self, change_type: ChangeType, branch: Option<&str>) -> Self {
        let mut own = self.clone();
        let rules = self.change_types.get(&change_type);
        if let Some(rollout) = rules.and_then(|it| it.rollout.clone()) {
            own.rollout = rollout;
        }
        own.owes = rules.and_then(|it| it.owes.clone());
        let of_branch = branch.and_then(|branch| rule_of(&self.branches, branch));
        let of_branch = of_branch.map(|rule| rule.check.clone());
        let mut first: Vec<CheckSpec> = rules.map(|it| it.asks.clone()).unwrap_or_default();
        // Type and branch may ask the same.
        first.extend(of_branch.filter(|one| first.iter().all(|it| it.check != one.check)));
        own.gate.prerequisites.splice(0..0, first);
        own.change_types.clear();
        own.branches.clear();
        own
    }

    /// What is declared for this release.
    #[must_use]
    pub fn of_release(&self, release: &Release) -> Self {
        self.of_type(release.change_type, release.branch.as_deref())
    }
}

/// Where a release of this type must have been verified before it may enter `environment`: its
/// predecessors, and for one that it goes round those before that one. Where one of them wants all of
/// several and another any of several, all that are left are wanted: more than is declared, never less.
pub fn predecessors(
    matrix: &Matrix,
    environment: &Environment,
    section: &LaneSpec,
    change_type: ChangeType,
) -> Predecessors {
    let skip = section.change_types.get(&change_type).map(|it| it.skip.as_slice());
    around(matrix, environment, skip.unwrap_or_default())
}

fn around(matrix: &Matrix, environment: &Environment, skip: &[Name]) -> Predecessors {
    let mut named: Vec<Name> = Vec::new();
    let (mut goes_round_a_root, mut wants_all) = (false, false);
    // A pipeline has no circles, so that every way back ends.
    let mut open: Vec<&Name> = environment.after.names().iter().rev().collect();
    while let Some(name) = open.pop() {
        if !skip.contains(name) {
            if !named.contains(name) {
                named.push(name.clone());
            }
        } else if let Some(skipped) = matrix.environment(name) {
            goes_round_a_root |= skipped.after == Predecessors::Root;
            wants_all |= matches!(&skipped.after, Predecessors::All(all) if all.len() > 1);
            open.extend(skipped.after.names().iter().rev());
        }
    }
    match &environment.after {
        Predecessors::All(_) if !named.is_empty() => Predecessors::All(named),
        Predecessors::Any(_) if goes_round_a_root => Predecessors::Root,
        Predecessors::Any(_) if !named.is_empty() && wants_all => Predecessors::All(named),
        Predecessors::Any(_) if !named.is_empty() => Predecessors::Any(named),
        _ => Predecessors::Root,
    }
}

/// What beside settings differs between what serves and a release that says it changes settings alone:
/// names of artefacts, `migrations`. Empty when nothing does.
pub fn beside_settings(serves: &Release, release: &Release) -> Vec<String> {
    let names = serves.artifacts.keys().chain(release.artifacts.keys());
    let digest = |of: &Release, name: &Name| of.artifacts.get(name).map(|kept| kept.digest.clone());
    let mut differs: Vec<String> = names
        .filter(|name| digest(serves, name) != digest(release, name))
        .map(|name| format!("artefact {name}"))
        .collect();
    differs.sort();
    differs.dedup();
    let moves =
        |of: &Release| of.migrations.iter().map(|one| one.digest.clone()).collect::<Vec<_>>();
    if moves(serves) != moves(release) {
        differs.push("migrations".to_owned());
    }
    differs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::{Decider, Tier};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn environment(own: &str, after: Predecessors) -> Environment {
        Environment {
            name: name(own),
            tier: Tier::Development,
            title: None,
            purpose: None,
            url: None,
            after,
            promote: Decider::Manual,
            who_may: BTreeMap::new(),
            notify: crate::notices::NotifyRules::default(),
            promises: Vec::new(),
            lanes: BTreeMap::new(),
            declared: BTreeMap::new(),
        }
    }

    /// `live` comes after what is said, `a` after what is said, and every other one is a root.
    fn round(a: Predecessors, live: Predecessors, skip: &[&str]) -> Predecessors {
        let matrix = Matrix {
            project: name("p"),
            services: BTreeMap::new(),
            environments: ["b", "qa", "perf"]
                .map(|own| environment(own, Predecessors::Root))
                .into_iter()
                .chain([environment("a", a)])
                .collect(),
            people: BTreeMap::new(),
            who_may: BTreeMap::new(),
            approvals: Vec::new(),
            notifiers: BTreeMap::new(),
            audit: crate::matrix::AuditRules::default(),
            declared: BTreeMap::new(),
        };
        let skip: Vec<Name> = skip.iter().map(|own| name(own)).collect();
        around(&matrix, &environment("live", live), &skip)
    }

    #[test]
    fn what_goes_round_an_environment_comes_from_before_it_and_never_from_less() {
        use Predecessors::{All, Any, Root};
        let names = |all: &[&str]| all.iter().map(|own| name(own)).collect::<Vec<_>>();
        let both = || names(&["qa", "perf"]);
        let plain = round(All(both()), All(names(&["a", "b"])), &["a"]);
        assert_eq!(plain, All(names(&["qa", "perf", "b"])));
        let mixed = round(All(both()), Any(names(&["a", "b"])), &["a"]);
        assert_eq!(mixed, All(names(&["qa", "perf", "b"])), "more than is declared, never less");
        let single = round(All(names(&["qa"])), Any(names(&["a", "b"])), &["a"]);
        assert_eq!(single, Any(names(&["qa", "b"])));
        assert_eq!(round(Root, All(names(&["a", "b"])), &["a"]), All(names(&["b"])));
        assert_eq!(round(Root, Any(names(&["a", "b"])), &["a"]), Root);
        assert_eq!(round(Root, All(names(&["a"])), &["a"]), Root);
        assert_eq!(round(Root, All(names(&["a"])), &[]), All(names(&["a"])));
    }
}
