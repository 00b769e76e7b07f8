//! What is different for one type of change. Owns which environments it goes round and how its traffic
//! moves; who must agree to it is in `approvals`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::Name;
use crate::matrix::{Environment, LaneSpec, Matrix, Predecessors, Rollout};
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
}

/// What is different, by type of change.
pub type ChangeTypes = BTreeMap<ChangeType, TypeRules>;

impl LaneSpec {
    /// What is declared for releases of this type. What is said of other types is no part of it, so that
    /// it changes no plan.
    #[must_use]
    pub fn of_type(&self, change_type: ChangeType) -> Self {
        let mut own = self.clone();
        if let Some(rollout) = self.change_types.get(&change_type).and_then(|it| it.rollout.clone())
        {
            own.rollout = rollout;
        }
        own.change_types.clear();
        own
    }
}

/// Where a release of this type must have been verified before it may enter `environment`: its
/// predecessors, and for one that it goes round those before that one.
pub fn predecessors(
    matrix: &Matrix,
    environment: &Environment,
    section: &LaneSpec,
    change_type: ChangeType,
) -> Predecessors {
    let skip =
        section.change_types.get(&change_type).map(|it| it.skip.as_slice()).unwrap_or_default();
    let mut named: Vec<Name> = Vec::new();
    let mut goes_round_a_root = false;
    // A pipeline has no circles, so that every way back ends.
    let mut open: Vec<&Name> = environment.after.names().iter().rev().collect();
    while let Some(name) = open.pop() {
        if !skip.contains(name) {
            if !named.contains(name) {
                named.push(name.clone());
            }
        } else if let Some(skipped) = matrix.environment(name) {
            goes_round_a_root |= skipped.after == Predecessors::Root;
            open.extend(skipped.after.names().iter().rev());
        }
    }
    match &environment.after {
        Predecessors::All(_) if !named.is_empty() => Predecessors::All(named),
        Predecessors::Any(_) if !named.is_empty() && !goes_round_a_root => Predecessors::Any(named),
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
