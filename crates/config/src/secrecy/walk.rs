//! The way through the whole file by the tables of its sections, so that a key is judged by its name
//! only where no table knows it. Owns where secrets are looked for, and how bad one is there.

use std::collections::BTreeSet;

use towpath_ports::catalogue::{Catalogue, Family, FieldType};

use super::{argv, in_development, in_plain_text};
use crate::consistency::{is_header_secret, is_secret, names_a_secret};
use crate::problem::Problems;
use crate::sections::{self, Where};
use crate::shape::{Key, KeyRule, Shape};
use crate::tree::{Entry, Node};

/// Looks at every text of the file. `named` are the names of declared secrets, which are none.
pub(super) fn everything(
    root: &Node,
    catalogue: &Catalogue,
    named: &BTreeSet<&str>,
    problems: &mut Problems,
) {
    let mut walk = Walk { catalogue, named, told: Told::Refused, problems };
    walk.sections(root, Where::Top);
    if root.entries().is_empty() {
        walk.texts("the file", root);
    }
    let below = |key: &str| root.get(key).map(Node::entries).unwrap_or_default();
    for shared in below("defaults") {
        walk.told = told(&shared.key, &[&shared.value]);
        walk.sections(&shared.value, Where::Defaults);
    }
    for environment in below("environments") {
        let own = &environment.value;
        let tier = own.get("tier").and_then(Node::text).unwrap_or_default();
        let shared = root.get("defaults");
        let shared = [tier, "all"].into_iter().filter_map(|name| shared?.get(name));
        walk.told = told(tier, &std::iter::once(own).chain(shared).collect::<Vec<_>>());
        walk.sections(own, Where::Environment);
        for service in own.get("services").map(Node::entries).unwrap_or_default() {
            walk.sections(&service.value, Where::Service);
        }
    }
}

/// What becomes of a secret that is found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// It is an error.
    Refused,
    /// It is a warning.
    Warned,
    /// It opens nothing but test data, as the file says.
    Borne,
}

fn told(tier: &str, places: &[&Node]) -> Told {
    if tier != "development" {
        return Told::Refused;
    }
    let said = places.iter().find_map(|it| it.get("data")?.get("test_credentials"));
    let public = said.and_then(Node::text) == Some("public");
    if public { Told::Borne } else { Told::Warned }
}

struct Walk<'a> {
    catalogue: &'a Catalogue,
    named: &'a BTreeSet<&'a str>,
    told: Told,
    problems: &'a mut Problems,
}

impl Walk<'_> {
    fn sections(&mut self, node: &Node, place: Where) {
        for entry in node.entries() {
            let apart = match place {
                Where::Top => ["defaults", "environments"].contains(&&*entry.key),
                _ => place == Where::Environment && &*entry.key == "services",
            };
            match sections::find(&entry.key, place) {
                _ if apart => {}
                Some(section) => self.value(&entry.key, &entry.value, section.key.shape),
                None => self.strange(entry),
            }
        }
    }

    fn value(&mut self, name: &str, node: &Node, shape: Shape) {
        match shape {
            Shape::Map(keys) => self.keys(name, node, keys),
            Shape::WordOrMap(_, keys) if node.text().is_none() => self.keys(name, node, keys),
            Shape::Kinds(kinds, common) => {
                let own = kinds.iter().flat_map(|kind| kind.keys).chain(common);
                let all: Vec<Key> = own.copied().collect();
                self.keys(name, node, &all);
            }
            Shape::Adapter(family, keys) => self.adapter(name, node, family, keys),
            Shape::List(inner) => {
                node.items().iter().for_each(|item| self.value(name, item, *inner));
                self.texts(name, node);
            }
            Shape::MapOf(KeyRule::Variable, Shape::Of(_)) => self.chosen(node, is_secret),
            Shape::MapOf(_, inner) => {
                self.named(node, *inner);
                self.texts(name, node);
            }
            Shape::Variables => self.variables(node),
            Shape::Of(FieldType::Argv) => self.argv(name, node),
            Shape::Of(FieldType::TextMap) if name == "headers" => {
                self.chosen(node, is_header_secret);
            }
            Shape::Of(FieldType::TextMap | FieldType::Counts(_)) => self.chosen(node, is_secret),
            _ => self.texts(name, node),
        }
    }

    fn adapter(&mut self, name: &str, node: &Node, family: Family, keys: &[Key]) {
        let fields = self.catalogue.family(family).flat_map(|kind| kind.fields);
        let fields: Vec<_> = fields.copied().collect();
        let kind = node.get("kind").or_else(|| node.get("check")).and_then(Node::text);
        let is_known = kind.is_some_and(|kind| self.catalogue.find(family, kind).is_some());
        for entry in node.entries() {
            let shape = keys.iter().find(|key| key.name == &*entry.key).map(|it| it.shape);
            let field = fields.iter().find(|field| field.name == &*entry.key);
            match shape.or_else(|| field.map(|field| Shape::Of(field.of))) {
                Some(shape) => self.value(&entry.key, &entry.value, shape),
                None if ["kind", "check"].contains(&&*entry.key) => {}
                None if is_known => self.strange(entry),
                // Of what has no kind that is known, nobody says which keys it has.
                None => self.below(&entry.key, &entry.value, true),
            }
        }
        self.texts(name, node);
    }

    fn keys(&mut self, name: &str, node: &Node, keys: &[Key]) {
        for entry in node.entries() {
            match keys.iter().find(|key| key.name == &*entry.key) {
                Some(key) => self.value(&entry.key, &entry.value, key.shape),
                None if &*entry.key == "kind" => {}
                None => self.strange(entry),
            }
        }
        self.texts(name, node);
    }

    /// Texts that tell themselves, wherever they stand, also where something else was expected.
    fn texts(&mut self, name: &str, node: &Node) {
        if node.text().is_some_and(|text| is_secret("", text)) {
            self.found(name, node);
        }
        node.items().iter().for_each(|item| self.texts(name, item));
        node.entries().iter().for_each(|entry| self.texts(&entry.key, &entry.value));
    }

    /// A map whose keys are names that people choose.
    fn named(&mut self, node: &Node, inner: Shape) {
        let holds_maps = matches!(
            inner,
            Shape::Map(_) | Shape::Adapter(..) | Shape::Kinds(..) | Shape::MapOf(..)
        );
        for entry in node.entries() {
            match entry.value.text() {
                _ if entry.key.starts_with("x-") => self.strange(entry),
                // A text in place of where a secret is kept is hidden, and told as what it is.
                Some(_) if matches!(inner, Shape::Adapter(Family::Secrets, _)) => {}
                Some(text) if is_secret_by_name(&entry.key, text) && !self.named.contains(text) => {
                    self.found(&entry.key, &entry.value);
                }
                None if !holds_maps => self.below(&entry.key, &entry.value, true),
                _ => self.value(&entry.key, &entry.value, inner),
            }
        }
    }

    /// A map whose keys people choose, and whose names therefore tell.
    fn chosen(&mut self, node: &Node, tells: fn(&str, &str) -> bool) {
        for entry in node.entries() {
            match entry.value.text() {
                Some(text) if tells(&entry.key, text) && !self.named.contains(text) => {
                    self.found(&entry.key, &entry.value);
                }
                Some(_) => {}
                None => self.below(&entry.key, &entry.value, true),
            }
        }
        self.texts("", node);
    }

    /// Variables of the service that are texts are told of where those of all lanes are known.
    fn variables(&mut self, node: &Node) {
        for entry in node.entries() {
            self.below(&entry.key, &entry.value, entry.value.text().is_none());
        }
        if node.entries().is_empty() {
            self.texts("settings", node);
        }
    }

    fn argv(&mut self, name: &str, node: &Node) {
        let whole = node.text().map(|text| text.split_whitespace().collect::<Vec<_>>());
        if whole.is_some_and(|words| !argv::secrets(&words).is_empty()) {
            self.found(name, node);
        }
        let words: Vec<&str> =
            node.items().iter().map(|it| it.text().unwrap_or_default()).collect();
        for at in argv::secrets(&words) {
            self.found(name, &node.items()[at]);
        }
        self.texts(name, node);
    }

    /// A key that no table knows. Of one of ours it is told that nobody knows it; own keys are borne.
    fn strange(&mut self, entry: &Entry) {
        self.below(&entry.key, &entry.value, entry.key.starts_with("x-"));
    }

    /// Every text below a key that may tell, or below one in it that does.
    fn below(&mut self, key: &str, node: &Node, tell: bool) {
        if let Some(text) = node.text() {
            if is_secret(key, text) && !self.named.contains(text) {
                self.problems.hide_telling(node.extent);
                if tell {
                    self.found(key, node);
                }
            }
            return;
        }
        // `dbPassword: { value: hunter2 }` is told by the outer name.
        for entry in node.entries() {
            let outer = names_a_secret(key) && !names_a_secret(&entry.key);
            self.below(if outer { key } else { &entry.key }, &entry.value, tell);
        }
        let words: Vec<&str> =
            node.items().iter().map(|it| it.text().unwrap_or_default()).collect();
        for at in argv::secrets(&words) {
            self.problems.hide_telling(node.items()[at].extent);
            if tell {
                self.found(key, &node.items()[at]);
            }
        }
        node.items().iter().for_each(|item| self.below(key, item, tell));
    }

    fn found(&mut self, name: &str, node: &Node) {
        // A value that more than one rule finds is told once, by the first of its names.
        if self.problems.tells_secret(node.extent) {
            return;
        }
        self.problems.hide_telling(node.extent);
        match self.told {
            Told::Refused => self.problems.add(in_plain_text(name, node.extent)),
            Told::Warned => self.problems.add(in_development(name, node.extent)),
            Told::Borne => {}
        }
    }
}

/// Whether a text that people call so is a secret: `api-token: docs/token.md` says where to read of one.
fn is_secret_by_name(name: &str, text: &str) -> bool {
    let counts = text.bytes().all(|byte| byte.is_ascii_digit());
    is_secret(name, text) && !counts && !text.contains('/')
}
