//! JSON Schema of a family of adapters: the choice of a kind, and for each kind its own keys. Knows no
//! kind by name.

use serde_json::{Map, Value, json};
use towpath_ports::catalogue::{Catalogue, Family, Field, KindEntry};

use super::examples::Here;
use super::values::{Reader, of_field};
use super::{closed, of_key, order, units};
use crate::fields::from_default;
use crate::sections;
use crate::shape::{Key, Shape};
use crate::show::default_text;
use crate::type_words;

/// The definitions of all families.
pub(super) fn all(catalogue: &Catalogue) -> Map<String, Value> {
    let families: [(Family, &[Key]); 7] = [
        (Family::Target, sections::target::KEYS),
        (Family::Router, sections::router::KEYS),
        (Family::Check, sections::gate::CHECK),
        (Family::Notifier, sections::notifiers::KEYS),
        (Family::Metrics, sections::metrics_sources::KEYS),
        (Family::Secrets, sections::secrets::KEYS),
        (Family::Secrets, sections::secret_store::KEYS),
    ];
    let definition = |(family, keys): (Family, &[Key])| {
        let name = definition(family, keys);
        (name.to_owned(), adapter(family, keys, &Here::adapters(name, catalogue)))
    };
    families.into_iter().map(definition).collect()
}

/// What an adapter is called in the schema: one store of all secrets has keys that one secret lacks.
pub(super) fn definition(family: Family, keys: &[Key]) -> &'static str {
    let store = sections::secret_store::KEYS;
    let of_store =
        keys.len() == store.len() && keys.iter().zip(store).all(|(a, b)| a.name == b.name);
    if family == Family::Secrets && of_store { "secret_store" } else { family.as_str() }
}

/// An adapter: its kind, and for each kind its own keys. Neither the kind nor what it requires
/// must stand here, for both may come from a shared section.
fn adapter(family: Family, common: &[Key], here: &Here<'_>) -> Value {
    let word = if family == Family::Check { "check" } else { "kind" };
    let kinds: Vec<_> = here.catalogue.family(family).collect();
    let rules: Vec<_> = kinds.iter().map(|it| of_kind(it, word, common, here)).collect();
    let own = common.iter().filter(|key| key.name != word);
    let mut properties: Map<String, Value> =
        own.map(|key| (key.name.to_owned(), of_key(key, &here.key(key.name)))).collect();
    let names: Vec<_> = kinds.iter().map(|entry| entry.name).collect();
    let mut choice =
        json!({ "enum": names, "examples": names.first().into_iter().collect::<Vec<_>>() });
    if let Some(key) = common.iter().find(|key| key.name == word) {
        choice["description"] = json!(key.doc);
    }
    properties.insert(word.to_owned(), choice);
    let order = order(common);
    json!({ "type": "object", "properties": properties, "allOf": rules, "x-order": order })
}

fn of_kind(entry: &KindEntry, word: &str, common: &[Key], here: &Here<'_>) -> Value {
    let here = here.kind_of_adapter(entry);
    let mut properties: Map<String, Value> =
        common.iter().map(|key| (key.name.to_owned(), json!(true))).collect();
    let own = entry.fields.iter();
    properties.extend(own.map(|it| (it.name.to_owned(), of_kind_field(it, &here.key(it.name)))));
    let mut then = closed(&properties, &[]);
    then["description"] = json!(entry.summary);
    then["x-state"] = json!(entry.state);
    then["x-order"] = entry.fields.iter().map(|field| field.name).collect();
    let mut condition = json!({ "required": [word] });
    condition["properties"][word] = json!({ "const": entry.name });
    json!({ "if": condition, "then": then })
}

fn of_kind_field(field: &Field, here: &Here<'_>) -> Value {
    let mut value = of_field(field.of, Reader::Adapter);
    let doc = match field.default {
        Some("") | None => field.doc.to_owned(),
        Some(default) => format!("{} Default: {default}.", field.doc),
    };
    value["description"] = json!(doc);
    value["x-type"] = json!(type_words::of_field(field.of));
    if let Some(unit) = units::of_field(field.of) {
        value["x-unit"] = unit;
    }
    value["examples"] = json!([here.example_of_field(field.of)]);
    if let Some(default) = field.default.filter(|default| !default.is_empty()) {
        value["default"] = from_default(&default_text(Shape::Of(field.of), default)).to_json();
        value["x-default"] = json!(default);
    }
    value
}
