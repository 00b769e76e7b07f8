//! From the rights of a matrix to policies and entities. Owns their names; decides nothing.

use std::collections::{BTreeMap, HashMap, HashSet};
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

/// What is decided by itself: a verb in an environment, or with the project where that is none.
pub(crate) type Question = (Verb, Option<Name>);

/// For each question a permission for each role that has the right, and a prohibition where no program
/// may. Prohibitions win. Each has a set of its own, because an evaluation looks at a whole set.
///
/// What belongs to an environment has a right without one, too: what runs in an environment that left
/// the matrix must still be ended by somebody.
pub(crate) fn policies(matrix: &Matrix) -> Result<BTreeMap<Question, PolicySet>, AccessError> {
    let places = |verb: Verb| {
        let all = matrix.environments.iter().filter(move |_| !verb.is_of_project());
        all.map(|environment| Some(environment.name.clone())).chain([None])
    };
    let asked = Verb::ALL.into_iter().flat_map(|verb| places(verb).map(move |place| (verb, place)));
    asked
        .map(|(verb, place)| Ok(((verb, place.clone()), set(matrix, verb, place.as_ref())?)))
        .collect()
}

fn set(matrix: &Matrix, verb: Verb, place: Option<&Name>) -> Result<PolicySet, AccessError> {
    let prohibited = verb.is_for_people().then(|| prohibition(verb));
    let all = permissions(matrix, verb, place).into_iter().chain(prohibited);
    let parsed = all.enumerate().map(|(number, value)| {
        Policy::from_json(Some(PolicyId::new(number.to_string())), value).map_err(AccessError::of)
    });
    let parsed: Vec<Policy> = parsed.collect::<Result<_, _>>()?;
    PolicySet::from_policies(parsed).map_err(AccessError::of)
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
