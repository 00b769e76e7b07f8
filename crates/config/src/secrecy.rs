//! What is kept out of every output before anything is said about the file: what looks like a secret
//! where the file only says where secrets are kept. Judges no value; `consistency` tells of secrets.

use std::collections::BTreeSet;

use towpath_ports::catalogue::{Catalogue, Family};

use crate::consistency::{is_no_name, is_secret};
use crate::problem::{Problem, Problems};
use crate::sections::{notifiers, secret_store, secrets};
use crate::shape::Key;
use crate::tree::{Entry, Node, Scalar, Tree};

/// Hides what strange keys hold beside secrets and notifiers, and secrets where their names belong.
/// To be called before any problem is worded.
pub(crate) fn hide(root: &Node, catalogue: &Catalogue, problems: &mut Problems) {
    let places = places(root);
    let kept = places.iter().filter_map(|place| place.get("secrets")).flat_map(Node::entries);
    let named: BTreeSet<&str> = kept.map(|entry| &*entry.key).collect();
    in_place_of_names("", root, &named, problems);
    for place in places {
        for (section, family, keys) in [
            ("secrets", Family::Secrets, secrets::KEYS),
            ("notifiers", Family::Notifier, notifiers::KEYS),
        ] {
            for entry in place.get(section).map(Node::entries).unwrap_or_default() {
                strange(&entry.value, keys, family, catalogue, problems);
            }
        }
        if let Some(store) = place.get("secret_store") {
            strange(store, secret_store::KEYS, Family::Secrets, catalogue, problems);
        }
    }
}

/// What to say of a key that nobody knows when it holds a secret; `problem` otherwise. The secret is
/// hidden.
pub(crate) fn of_unknown(entry: &Entry, problem: Problem, problems: &mut Problems) -> Problem {
    let telling = entry.value.text().is_some_and(|text| is_secret(&entry.key, text));
    let hidden = problems.hides(entry.value.extent);
    if telling {
        problems.hide(entry.value.extent);
    }
    match &problem.nearest {
        _ if telling => {}
        Some(near) if hidden => {
            let next = format!("write `{near}`");
            return problem.next(next);
        }
        None if hidden => {}
        _ => return problem,
    }
    problem.label("whoever reads this file knows what stands here").nearest(None).next(
        "take it out; say in `secrets` where the secret is kept, and name it where it is used",
    )
}

/// `node` as it may be shown: texts that `problems` hides are masked.
pub(crate) fn shown(node: &Node, problems: &Problems) -> Node {
    let is_hidden = |_: &str, node: &Node| {
        matches!(node.scalar(), Some(Scalar::Text(_))) && problems.hides(node.extent)
    };
    masked("", node, &is_hidden)
}

/// The value of a key that people added, as it may be shown: what looks like a secret is masked.
pub(crate) fn of_own_key(entry: &Entry) -> Node {
    let is_telling = |key: &str, node: &Node| node.text().is_some_and(|text| is_secret(key, text));
    masked(&entry.key, &entry.value, &is_telling)
}

/// A value at `path`, from a section on, as a comparison may tell it: without what looks like a secret
/// among settings and keys that people added, and without any text of such a key beside secrets.
pub(crate) fn told<'a>(path: impl Iterator<Item = &'a str>, node: &Node) -> Node {
    let keys: Vec<&str> = path.collect();
    let own = keys.iter().any(|key| key.starts_with("x-"));
    let section = keys.first().copied().unwrap_or_default();
    let beside_secrets = ["secrets", "notifiers", "secret_store"].contains(&section);
    let is_free = own || section == "settings";
    told_below(keys.last().copied().unwrap_or_default(), node, is_free, beside_secrets)
}

fn told_below(key: &str, node: &Node, is_free: bool, beside_secrets: bool) -> Node {
    if is_free || key.starts_with("x-") {
        let hides = |key: &str, node: &Node| {
            let is_text = matches!(node.scalar(), Some(Scalar::Text(_)));
            node.text().is_some_and(|text| is_secret(key, text)) || (beside_secrets && is_text)
        };
        return masked(key, node, &hides);
    }
    let below = |entry: &Entry| {
        let value = told_below(&entry.key, &entry.value, false, beside_secrets);
        Entry { value, ..entry.clone() }
    };
    match &node.tree {
        Tree::Map(entries) => node.with_entries(entries.iter().map(below).collect()),
        Tree::List(items) => {
            let items = items.iter().map(|it| told_below(key, it, false, beside_secrets));
            Node { tree: Tree::List(items.collect()), extent: node.extent }
        }
        Tree::Scalar(..) | Tree::Broken => node.clone(),
    }
}

/// What stands for a secret, whatever its length.
pub(crate) const MASK: &str = "********";

fn masked(key: &str, node: &Node, hides: &dyn Fn(&str, &Node) -> bool) -> Node {
    let tree = match &node.tree {
        Tree::Scalar(..) if hides(key, node) => Tree::Scalar(MASK.into(), false),
        Tree::List(items) => {
            // A list of secrets is called like a secret.
            Tree::List(items.iter().map(|item| masked(key, item, hides)).collect())
        }
        Tree::Map(entries) => {
            let inner = entries.iter().map(|entry| {
                let value = masked(&entry.key, &entry.value, hides);
                Entry { value, ..entry.clone() }
            });
            Tree::Map(inner.collect())
        }
        other => other.clone(),
    };
    Node { tree, extent: node.extent }
}

/// Every map that holds sections.
fn places(root: &Node) -> Vec<&Node> {
    let below = |key: &str| root.get(key).map(Node::entries).unwrap_or_default();
    let environments = below("environments").iter().map(|entry| &entry.value);
    let services = environments.clone().filter_map(|it| it.get("services")).flat_map(Node::entries);
    let shared = below("defaults").iter().chain(services).map(|entry| &entry.value);
    std::iter::once(root).chain(environments).chain(shared).collect()
}

fn strange(
    node: &Node,
    keys: &[Key],
    family: Family,
    catalogue: &Catalogue,
    problems: &mut Problems,
) {
    for entry in node.entries() {
        let common = keys.iter().any(|key| key.name == &*entry.key);
        let mut fields = catalogue.family(family).flat_map(|kind| kind.fields);
        if !common && !fields.any(|field| field.name == &*entry.key) {
            whole(&entry.value, problems);
        }
    }
}

/// Hides every text of a value.
fn whole(node: &Node, problems: &mut Problems) {
    if matches!(node.tree, Tree::Scalar(..)) {
        problems.hide(node.extent);
    }
    node.entries().iter().for_each(|entry| whole(&entry.value, problems));
    node.items().iter().for_each(|item| whole(item, problems));
}

fn in_place_of_names(key: &str, node: &Node, named: &BTreeSet<&str>, problems: &mut Problems) {
    let text = node.text().filter(|text| key.ends_with("_secret") && !named.contains(text));
    if text.is_some_and(is_no_name) {
        problems.hide(node.extent);
    }
    for entry in node.entries() {
        in_place_of_names(&entry.key, &entry.value, named, problems);
    }
    for item in node.items() {
        in_place_of_names("", item, named, problems);
    }
}
