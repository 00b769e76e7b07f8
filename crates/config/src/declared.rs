//! What is declared and what nothing acts on: the paths of it for people, and the values for
//! whoever will act. Owns no table; the sections say what becomes of them.

use std::collections::BTreeMap;

use serde_json::Value;
use towpath_ports::catalogue::{Catalogue, KindState};

use crate::adapters;
use crate::codes::Code;
use crate::fields::from_default;
use crate::lane::Reading;
use crate::problem::Problem;
use crate::sections::{self, Section, Standing, Where};
use crate::shape::{Default, Key, Place, Shape, Variant, expected};
use crate::show::default_text;
use crate::tree::{Entry, Node, Scalar};
use crate::value::{self, Against};

/// Remembers the sections at the top of the file that nothing acts on, and checks their adapters.
pub(crate) fn declared_at_top(reading: &mut Reading<'_>) {
    for entry in reading.root.entries() {
        declared(Where::Top, entry, &entry.key, reading);
    }
}

/// Remembers the section in `entry` if nothing acts on it or on a part of it. `entry` is joined
/// with what is shared.
pub(crate) fn declared(place: Where, entry: &Entry, path: &str, reading: &mut Reading<'_>) {
    let Some(section) = sections::find(&entry.key, place) else { return };
    if section.standing != Standing::Enforced {
        joined(&section.key, entry, reading);
    }
    let inner = match section.standing {
        Standing::Kept(inner) => inner.filter(|inner| {
            let entries = entry.value.entries();
            entries.len() == 1 && entry.value.get(inner).is_some()
        }),
        _ => None,
    };
    let listed = inner.map_or_else(|| path.to_owned(), |inner| format!("{path}.{inner}"));
    if !section.touches_promotions {
        reading.apart(&listed);
    }
    let planned = format!("`{}` is planned", section.key.name);
    match section.standing {
        Standing::Enforced => {}
        // Whether a secret can be handed over is known where an environment is read.
        Standing::ForPeople | Standing::RefusesWhen(_) | Standing::Handed => return,
        Standing::Kept(_) => reading.not_enforced(listed, planned, false),
        Standing::Refuses => reading.not_enforced(listed, planned, true),
        Standing::KeptUntilBuilt => {
            if is_built(section.key.shape, &entry.value, reading) {
                for key in sections::secret_store::demands(&entry.value) {
                    let reason = format!("`{key}` is planned");
                    reading.not_enforced(format!("{path}.{key}"), reason, false);
                }
            } else {
                reading.not_enforced(listed, planned, false);
            }
            return;
        }
    }
    within(section.key.shape, &entry.value, path, reading);
}

/// Whether the adapter in `node` is of a kind that is built.
fn is_built(shape: Shape, node: &Node, reading: &Reading<'_>) -> bool {
    let Shape::Adapter(family, _) = shape else { return false };
    let kind = node.get("kind").and_then(Node::text);
    let entry = kind.and_then(|kind| reading.catalogue.find(family, kind));
    entry.is_some_and(|entry| entry.state == KindState::Built)
}

/// Sections of which a part is enforced and a part is kept or only shown; people are shown them whole.
const PARTLY: [&str; 5] = ["notify", "communication", "slo", "error_budget", "iam"];

/// The sections of one map that are kept, by name, with every default filled in.
pub(crate) fn values(
    node: &Node,
    at: Where,
    place: Place,
    catalogue: &Catalogue,
) -> BTreeMap<String, Value> {
    let kept = |section: &&Section| {
        let is_kept = section.standing != Standing::Enforced;
        section.may_stand(at) && (is_kept || PARTLY.contains(&section.key.name))
    };
    let present = |section: &Section| {
        let value = filled(section.key.shape, node.get(section.key.name)?, place, catalogue);
        Some((section.key.name.to_owned(), value))
    };
    sections::all().filter(kept).filter_map(present).collect()
}

/// What stands at `path` below `node`, a section and keys each behind a dot, with every default
/// filled in.
pub(crate) fn value_at(
    node: &Node,
    path: &str,
    place: Place,
    catalogue: &Catalogue,
) -> Option<Value> {
    let mut parts = path.split('.');
    let name = parts.next()?;
    let section = sections::all().find(|section| section.key.name == name)?;
    let value = filled(section.key.shape, node.get(name)?, place, catalogue);
    parts.try_fold(value, |value, key| value.get(key).cloned())
}

/// A value of this shape with the defaults of its tables.
fn filled(shape: Shape, node: &Node, place: Place, catalogue: &Catalogue) -> Value {
    let each = |entries: &[Entry], inner: Shape| {
        let one = |it: &Entry| (it.key.to_string(), filled(inner, &it.value, place, catalogue));
        Value::Object(entries.iter().map(one).collect())
    };
    match shape {
        Shape::Map(keys) => with_defaults(keys, node, place, catalogue),
        Shape::WordOrMap(_, keys) if node.text().is_none() => {
            with_defaults(keys, node, place, catalogue)
        }
        Shape::MapOf(_, inner) => each(node.entries(), *inner),
        Shape::List(inner) => {
            node.items().iter().map(|item| filled(*inner, item, place, catalogue)).collect()
        }
        Shape::Kinds(kinds, common) => {
            with_defaults(&Variant::keys_for(kinds, common, node), node, place, catalogue)
        }
        Shape::Adapter(family, keys) => {
            let mut value = with_defaults(keys, node, place, catalogue);
            let kind = node.get("kind").and_then(Node::text);
            let entry = kind.and_then(|kind| catalogue.find(family, kind));
            for field in entry.map(|entry| entry.fields).unwrap_or_default() {
                let default = field.default.filter(|default| !default.is_empty());
                if let (None, Some(default)) = (node.get(field.name), default) {
                    let text = default_text(Shape::Of(field.of), default);
                    value[field.name] = from_default(&text).to_json();
                }
            }
            value
        }
        _ => node.to_json(),
    }
}

fn with_defaults(keys: &[Key], node: &Node, place: Place, catalogue: &Catalogue) -> Value {
    let mut value = node.to_json();
    for key in keys {
        match (node.get(key.name), key.default_at(place)) {
            (Some(given), _) => value[key.name] = filled(key.shape, given, place, catalogue),
            (None, Some(default)) if value.is_object() => {
                value[key.name] = from_default(&default_text(key.shape, default)).to_json();
            }
            (None, _) => {}
        }
    }
    value
}

/// Looks for keys with a standing of their own. Lists have none, nor have maps with kinds.
fn within(shape: Shape, node: &Node, path: &str, reading: &mut Reading<'_>) {
    let keys = match shape {
        Shape::Map(keys) | Shape::WordOrMap(_, keys) => keys,
        Shape::MapOf(_, inner) => {
            for entry in node.entries().iter().filter(|entry| !entry.key.starts_with("x-")) {
                within(*inner, &entry.value, &format!("{path}.{}", entry.key), reading);
            }
            return;
        }
        _ => return,
    };
    for key in keys {
        let Some(value) = node.get(key.name) else { continue };
        let path = format!("{path}.{}", key.name);
        let planned = || format!("`{}` is planned", key.name);
        match key.standing {
            None => within(key.shape, value, &path, reading),
            Some(Standing::Kept(_)) => reading.not_enforced(path, planned(), false),
            Some(Standing::Refuses) => reading.not_enforced(path, planned(), true),
            Some(Standing::RefusesWhen(word)) if says(value, word) => {
                let reason = format!("`{}: {word}` is planned", key.name);
                reading.not_enforced(path, reason, true);
            }
            Some(
                Standing::Enforced
                | Standing::ForPeople
                | Standing::RefusesWhen(_)
                | Standing::KeptUntilBuilt
                | Standing::Handed,
            ) => {}
        }
    }
}

/// Whether `value` is `word`, however `true` is written.
fn says(value: &Node, word: &str) -> bool {
    value.text() == Some(word) || (word == "true" && value.scalar() == Some(Scalar::Flag(true)))
}

/// Checks what only the joined section can tell: its kind, and what the kind asks for.
fn joined(key: &Key, entry: &Entry, reading: &mut Reading<'_>) {
    match key.shape {
        Shape::Adapter(..) => adapter(key.shape, entry, reading),
        Shape::MapOf(_, inner @ Shape::Adapter(..)) => {
            for one in entry.value.entries().iter().filter(|it| !it.key.starts_with("x-")) {
                adapter(*inner, one, reading);
            }
        }
        Shape::Kinds(kinds, common) if entry.value.get("kind").is_none() => {
            let own = kinds.iter().flat_map(|kind| kind.keys).chain(common);
            let known = own.map(|key| key.name).chain(["kind"]);
            let nothing = entry.value.is_broken() || entry.value.entries().is_empty();
            if nothing || value::is_mistyped(&entry.value, "kind", &known) {
                return;
            }
            let names: Vec<_> = kinds.iter().map(|kind| kind.name).collect();
            reading.problems.add(
                Problem::new(
                    Code::MissingKey,
                    entry.key_extent,
                    format!("a {} needs the key `kind`", key.name),
                )
                .missing(entry.value.extent, "kind")
                .expected(expected(key.shape))
                .next(format!(
                    "add `kind: {}` as the first key",
                    names.first().unwrap_or(&"other")
                )),
            );
        }
        _ => {
            let against = Against { catalogue: reading.catalogue, part: false };
            value::verify(&entry.value, key.shape, key.name, against, reading.problems);
        }
    }
}

fn adapter(shape: Shape, entry: &Entry, reading: &mut Reading<'_>) {
    let Shape::Adapter(family, keys) = shape else { return };
    let optional = keys.iter().any(|it| it.name == "kind" && matches!(it.default, Default::Absent));
    if optional && entry.value.get("kind").is_none() {
        let name = entry.key.to_string();
        let against = Against { catalogue: reading.catalogue, part: false };
        value::verify_keys(&entry.value, keys, &name, true, against, reading.problems);
    } else {
        adapters::read(&entry.value, entry.key_extent, family, keys, reading);
    }
}
