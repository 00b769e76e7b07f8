//! From the rights of a matrix to policies and entities. Owns their names; decides nothing.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;
use std::sync::LazyLock;

use cedar_policy::{
    Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet,
    RestrictedExpression,
};
use serde_json::{Value, json};
use towpath_core::ids::{Name, Person};
use towpath_core::matrix::Matrix;
use towpath_core::people::{Right, Verb};

use crate::AccessError;

/// Entity types, none of which a name in a matrix can change.
const PERSON: &str = "Person";
const ROLE: &str = "Role";
const GROUP: &str = "Group";
const ACTION: &str = "Action";
const ENVIRONMENT: &str = "Environment";
const PROJECT: &str = "Project";
/// The group of all whom the matrix names.
const EVERYBODY: &str = "people";
/// The attribute that tells programs from people.
const BOT: &str = "bot";

/// Types are parsed once: that takes longer than a decision.
static TYPES: LazyLock<HashMap<&str, EntityTypeName>> = LazyLock::new(|| {
    let all = [PERSON, ROLE, GROUP, ACTION, ENVIRONMENT, PROJECT];
    let parsed = |name| (name, EntityTypeName::from_str(name).expect("a word is a name of a type"));
    all.into_iter().map(parsed).collect()
});

/// The name of an entity. Names are data here and never become part of a policy's text.
fn uid(kind: &str, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(TYPES[kind].clone(), EntityId::new(id))
}

pub(crate) fn person(person: &Person) -> EntityUid {
    uid(PERSON, person.as_str())
}

pub(crate) fn action(verb: Verb) -> EntityUid {
    uid(ACTION, verb.key())
}

/// The environment, or the project for what belongs to none.
pub(crate) fn resource(matrix: &Matrix, environment: Option<&Name>) -> EntityUid {
    match environment {
        Some(environment) => uid(ENVIRONMENT, environment.as_str()),
        None => uid(PROJECT, matrix.project.as_str()),
    }
}

/// A role counts in one place, so that each place has its own: `production/devops`, and `/devops` for
/// the project, which no environment can be called.
fn role_at(role: &Name, environment: Option<&Name>) -> String {
    format!("{}/{role}", environment.map_or("", Name::as_str))
}

/// The people of a matrix, and which roles each has where.
pub(crate) fn entities(matrix: &Matrix) -> Result<Entities, AccessError> {
    let mut all = Vec::new();
    for (name, spec) in &matrix.people {
        let mut parents = HashSet::from([uid(GROUP, EVERYBODY)]);
        let places = matrix.environments.iter().map(|one| Some(&one.name)).chain([None]);
        for place in places {
            for role in spec.roles_at(place) {
                parents.insert(uid(ROLE, &role_at(role, place)));
            }
        }
        let bot = (BOT.to_owned(), RestrictedExpression::new_bool(spec.bot));
        let entity = Entity::new(person(name), HashMap::from([bot]), parents);
        all.push(entity.map_err(AccessError::of)?);
    }
    Entities::from_entities(all, None).map_err(AccessError::of)
}

/// One permission for each verb, place and role that has it, and one prohibition for each verb that no
/// program may do. Prohibitions win.
pub(crate) fn policies(matrix: &Matrix) -> Result<PolicySet, AccessError> {
    let mut set = PolicySet::new();
    let mut add = |value: Value| {
        let id = PolicyId::new(set.policies().count().to_string());
        let policy = Policy::from_json(Some(id), value).map_err(AccessError::of)?;
        set.add(policy).map_err(AccessError::of)
    };
    for verb in Verb::ALL {
        if verb.is_for_people() {
            add(prohibition(verb))?;
        }
        // What belongs to an environment has a right without one, too: what runs in an environment that
        // left the matrix must still be ended by somebody.
        permissions(matrix, verb, None).into_iter().try_for_each(&mut add)?;
        for environment in matrix.environments.iter().filter(|_| !verb.is_of_project()) {
            let place = Some(&environment.name);
            permissions(matrix, verb, place).into_iter().try_for_each(&mut add)?;
        }
    }
    Ok(set)
}

fn permissions(matrix: &Matrix, verb: Verb, environment: Option<&Name>) -> Vec<Value> {
    let resource = match environment {
        Some(environment) => json!({ "type": ENVIRONMENT, "id": environment.as_str() }),
        None => json!({ "type": PROJECT, "id": matrix.project.as_str() }),
    };
    let to = |principal: Value| {
        json!({
            "effect": "permit",
            "principal": { "op": "in", "entity": principal },
            "action": { "op": "==", "entity": { "type": ACTION, "id": verb.key() } },
            "resource": { "op": "==", "entity": resource },
            "conditions": [],
        })
    };
    match matrix.right(verb, environment) {
        Right::Nobody => Vec::new(),
        Right::Everybody => vec![to(json!({ "type": GROUP, "id": EVERYBODY }))],
        Right::Roles(roles) => {
            let id = |role| role_at(role, environment);
            roles.iter().map(|role| to(json!({ "type": ROLE, "id": id(role) }))).collect()
        }
    }
}

fn prohibition(verb: Verb) -> Value {
    json!({
        "effect": "forbid",
        "principal": { "op": "All" },
        "action": { "op": "==", "entity": { "type": ACTION, "id": verb.key() } },
        "resource": { "op": "All" },
        "conditions": [
            { "kind": "when", "body": { ".": { "left": { "Var": "principal" }, "attr": BOT } } },
        ],
    })
}
