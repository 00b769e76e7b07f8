//! What is kept out of every output before anything is said about the file: secrets wherever they
//! stand, and what looks like one where the file only says where secrets are kept. What makes a name
//! or a value a secret is in `telltale`; variables of the service are told of in `consistency`.

pub(crate) mod argv;
mod json;
mod lines;
mod walk;

use std::collections::BTreeSet;

use towpath_ports::catalogue::{Catalogue, Family};

use crate::codes::Code;
use crate::consistency::is_no_name;
use crate::problem::{Problem, Problems};
use crate::sections::{notifiers, secret_store, secrets};
use crate::shape::Key;
use crate::source::Extent;
use crate::tree::{Entry, Node, Scalar, Tree, printable};

pub use json::hide_secrets;
pub(crate) use lines::hide_lines;

/// What stands for a secret, whatever its length. Stars alone are never taken for one.
pub(crate) const MASK: &str = "********";

/// Whether a secret stands among the words of a command, by the rules of the check. Safe to repeat.
pub fn holds_a_secret(words: &[&str]) -> bool {
    !argv::secrets(words).is_empty()
}

/// Finds what is to be hidden, tells of secrets in plain text, and answers the tree without them, in
/// which everything else stands where it stood. To be called before any problem is worded.
pub(crate) fn hide(root: &Node, catalogue: &Catalogue, problems: &mut Problems) -> Node {
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
                // A text where a map belongs is most likely the secret itself.
                if family == Family::Secrets && entry.value.text().is_some() {
                    problems.hide(entry.value.extent);
                }
                strange(&entry.value, keys, family, catalogue, problems);
            }
        }
        if let Some(store) = place.get("secret_store") {
            strange(store, secret_store::KEYS, Family::Secrets, catalogue, problems);
        }
    }
    walk::everything(root, catalogue, &named, problems);
    if problems.hides_nothing() { root.clone() } else { masked(root, problems) }
}

/// The tree with [`MASK`] in place of what is hidden. An address stays one.
fn masked(node: &Node, problems: &Problems) -> Node {
    let tree = match &node.tree {
        Tree::Scalar(text, _) if problems.hides(node.extent) => {
            let mut starts = ["https://", "http://", "{green}", "/"].into_iter();
            let start = starts.find(|start| text.starts_with(start)).unwrap_or_default();
            Tree::Scalar(format!("{start}{MASK}").into(), false)
        }
        Tree::Scalar(..) | Tree::Broken => node.tree.clone(),
        Tree::List(items) => Tree::List(items.iter().map(|it| masked(it, problems)).collect()),
        Tree::Map(entries) => {
            let entries = entries
                .iter()
                .map(|entry| Entry { value: masked(&entry.value, problems), ..entry.clone() });
            Tree::Map(entries.collect())
        }
    };
    Node { tree, extent: node.extent }
}

/// What to say of a key that nobody knows when it holds a secret; `problem` otherwise.
pub(crate) fn of_unknown(entry: &Entry, problem: Problem, problems: &Problems) -> Problem {
    let (hidden, telling) = problems.hides_within(entry.value.extent);
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

/// A secret in plain text outside development. It is not repeated.
pub(crate) fn in_plain_text(name: &str, extent: Extent) -> Problem {
    let message = format!("`{}` holds a secret in plain text", printable(name));
    Problem::new(Code::PlaintextSecret, extent, message)
        .label("whoever reads this file knows it, and git never forgets it")
        .expected("no secret; `secrets` says where each one is kept")
        .next("take it out, keep it in the secret store, and replace it: it is known now")
}

/// A secret in plain text in a development environment. It is not repeated.
pub(crate) fn in_development(name: &str, extent: Extent) -> Problem {
    let message = format!("`{}` holds a secret of development in plain text", printable(name));
    Problem::new(Code::PlaintextSecretInDevelopment, extent, message)
        .label("fine if it opens nothing but test data")
        .next("say that it does: `data: { test_credentials: public }`, or take it out")
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
            // Numbers and flags under own keys are no secrets.
            whole(&entry.value, !entry.key.starts_with("x-"), problems);
        }
    }
}

/// Hides every text of a value, and with `bare` every number, flag and null.
fn whole(node: &Node, bare: bool, problems: &mut Problems) {
    let is_text = matches!(node.scalar(), Some(Scalar::Text(_)));
    if is_text || (bare && matches!(node.tree, Tree::Scalar(..))) {
        problems.hide(node.extent);
    }
    node.entries().iter().for_each(|entry| whole(&entry.value, bare, problems));
    node.items().iter().for_each(|item| whole(item, bare, problems));
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
