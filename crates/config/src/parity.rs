//! Which settings and secrets environments have, held against each other for the checks that ask for it.
//! Owns what is compared; hands on names and never a value.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use towpath_core::ids::{LaneId, Name};
use towpath_core::matrix::Gate;
use towpath_ports::catalogue::Family;

use crate::lane::Reading;
use crate::promises::joined;
use crate::sections::{secrets, settings};
use crate::tree::{Node, join};

/// The word among a kind's capabilities that asks for it.
const CAPABILITY: &str = "parity";

/// The gate of a lane with what its checks compare. `node` is the lane's.
pub(crate) fn completed(mut gate: Gate, lane: &LaneId, node: &Node, reading: &Reading<'_>) -> Gate {
    for check in gate.prerequisites.iter_mut().chain(&mut gate.validation) {
        let entry = reading.catalogue.find(Family::Check, &check.check.kind);
        let compares = entry.is_some_and(|entry| entry.capabilities.contains(&CAPABILITY));
        let Some(given) = check.check.settings.as_object_mut().filter(|_| compares) else {
            continue;
        };
        let named = given.get("in").and_then(Value::as_array).into_iter().flatten();
        let named = named.filter_map(|name| Name::new(name.as_str()?).ok());
        let compared = named.filter_map(|name| {
            let before =
                of_service(joined(reading.root, &name)?, reading.root, &name, &lane.service);
            Some(compare(&name, &before, node))
        });
        let compared: Vec<Value> = compared.collect();
        given.insert("compared".to_owned(), compared.into());
    }
    gate
}

/// The sections of an environment with those that are different for a service.
fn of_service(node: Node, root: &Node, name: &Name, service: &Name) -> Node {
    let own = root.get("environments").and_then(|it| it.get(name.as_str()));
    let own = own.and_then(|it| it.get("services")).and_then(|it| it.get(service.as_str()));
    match own {
        Some(own) if !own.entries().is_empty() => join(&node, own),
        _ => node,
    }
}

fn compare(name: &Name, before: &Node, here: &Node) -> Value {
    let of = |node: &Node| -> BTreeMap<String, String> { settings::read(node.get("settings")) };
    let (theirs, ours) = (of(before), of(here));
    let missing: Vec<&String> = theirs.keys().filter(|key| !ours.contains_key(*key)).collect();
    let differs = |key: &&String| ours.get(*key).is_some_and(|own| theirs.get(*key) != Some(own));
    let differing: Vec<&String> = theirs.keys().filter(differs).collect();
    let (theirs, ours) = (secrets_of(before), secrets_of(here));
    let secrets: Vec<&String> = theirs.difference(&ours).collect();
    json!({
        "environment": name, "settings": missing, "secrets": secrets, "differing": differing,
    })
}

/// The secrets that an environment keeps for its releases.
fn secrets_of(node: &Node) -> BTreeSet<String> {
    let named = secrets::named(node);
    let section = node.get("secrets");
    let all = section.into_iter().flat_map(|section| secrets::for_releases(section, &named));
    all.map(|entry| entry.key.to_string()).collect()
}
