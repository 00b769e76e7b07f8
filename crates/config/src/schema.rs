//! JSON Schema of the matrix, from the tables that parsing reads. Owns nothing that those do not
//! say; what keys mean together is left to the check.
//!
//! Words that JSON Schema does not have begin with `x-`: what becomes of a section or key
//! (`x-standing`; in a sentence, with which the description ends, `x-note`), which part of it is
//! listed then (`x-listed`), whether plans repeat it (`x-in-plans`), where a section may stand
//! (`x-where`), a type and its unit in words (`x-type`), a default as it is written or by its rule
//! (`x-default`), the order of keys (`x-order`), how far a kind is (`x-state`).

use serde_json::{Map, Value, json};
use towpath_ports::catalogue::{Catalogue, Family, Field, FieldType, KindEntry};

use crate::fields::from_default;
use crate::sections::{self, Section, Standing, Where};
use crate::shape::{Bound, Default, Key, KeyRule, Measure, Shape, Variant};
use crate::show::default_text;
use crate::type_words;

const SPAN: &str = "^[0-9]+(ms|s|m|h|d)( [0-9]+(ms|s|m|h|d))*$";
const SHARE: &str = "^[0-9]{1,3}([.][0-9]{1,2})?%$";
const NAME: &str = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";

/// The schema (draft 2020-12) for editors. The same catalogue gives the same schema.
pub fn schema(catalogue: &Catalogue) -> Value {
    let mut top = map_of_sections(Where::Top);
    let named = |of: &str| {
        json!({
            "type": "object",
            "propertyNames": { "pattern": NAME },
            "additionalProperties": { "$ref": format!("#/$defs/{of}") },
        })
    };
    let mut environments = named("environment");
    environments["minProperties"] = json!(1);
    let tiers = ["all", "development", "testing", "staging", "production"];
    let tiers: Map<String, Value> = tiers
        .iter()
        .map(|tier| ((*tier).to_owned(), json!({ "$ref": "#/$defs/shared" })))
        .collect();
    let mut environment = map_of_sections(Where::Environment);
    environment["properties"]["services"] = named("service");
    environment["properties"]["services"]["description"] =
        json!("Sections that are different for one service.");
    top["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    top["title"] = json!("towpath.yaml");
    top["description"] = json!("An environment promotion matrix.");
    let mut definitions = sections_by_reference();
    definitions.extend(structure(environments, "environments"));
    definitions.extend(structure(closed(&tiers, &[]), "defaults"));
    let parts = json!({
        "environment": environment,
        "shared": map_of_sections(Where::Defaults),
        "service": map_of_sections(Where::Service),
        "target": adapter(catalogue, Family::Target, sections::target::KEYS),
        "router": adapter(catalogue, Family::Router, sections::router::KEYS),
        "check": adapter(catalogue, Family::Check, sections::gate::CHECK),
        "notifier": adapter(catalogue, Family::Notifier, sections::notifiers::KEYS),
        "metrics": adapter(catalogue, Family::Metrics, sections::metrics_sources::KEYS),
        "secrets": adapter(catalogue, Family::Secrets, sections::secrets::KEYS),
        "secret_store": adapter(catalogue, Family::Secrets, sections::secret_store::KEYS),
    });
    definitions.extend(parts.as_object().cloned().unwrap_or_default());
    top["$defs"] = Value::Object(definitions);
    top
}

/// Where the definition of a section stands, which all its places share.
fn definition(section: &str) -> String {
    format!("section-{section}")
}

fn sections_by_reference() -> Map<String, Value> {
    sections::all().map(|it| (definition(it.key.name), of_section(it))).collect()
}

/// The definition of a section that holds sections, whose form is `value`.
fn structure(mut value: Value, name: &str) -> Option<(String, Value)> {
    let section = sections::find(name, Where::Top)?;
    let own = of_section(section);
    for (word, said) in own.as_object()?.iter().filter(|(word, _)| *word != "type") {
        value[word] = said.clone();
    }
    Some((definition(name), value))
}

fn map_of_sections(place: Where) -> Value {
    let here = || sections::all().filter(move |section| section.may_stand(place));
    let reference =
        |it: &Section| json!({ "$ref": format!("#/$defs/{}", definition(it.key.name)) });
    let properties = here().map(|it| (it.key.name.to_owned(), reference(it))).collect();
    let required: Vec<_> = here()
        .filter(|it| matches!(it.key.default, Default::Required))
        .filter(|it| !it.may_stand(Where::Defaults))
        .map(|it| it.key.name)
        .collect();
    closed(&properties, &required)
}

fn of_section(section: &Section) -> Value {
    let mut value = of_key(&section.key);
    value["examples"] = json!([section.example]);
    value["x-where"] = section.places.iter().map(|place| where_words(*place)).collect();
    stands(&mut value, section.standing);
    if let Standing::Kept(Some(key)) = section.standing {
        value["x-listed"] = json!(key);
    }
    if matches!(section.standing, Standing::Kept(_)) {
        value["x-in-plans"] = json!(section.touches_promotions);
    }
    if section.may_stand(Where::Defaults) {
        ask_when_joined(&mut value);
    }
    value
}

/// What a section needs may stand in a shared one, so that no single place needs it: an editor knows
/// it by another word, and the check asks for it where both are joined. Lists are never joined.
fn ask_when_joined(value: &mut Value) {
    let Some(map) = value.as_object_mut() else { return };
    if let Some(required) = map.insert("required".to_owned(), json!([])) {
        map.insert("x-required".to_owned(), required);
    } else {
        map.remove("required");
    }
    let inner = map.get_mut("properties").and_then(Value::as_object_mut);
    for value in inner.into_iter().flatten().map(|(_, value)| value) {
        ask_when_joined(value);
    }
    if let Some(value) = map.get_mut("additionalProperties") {
        ask_when_joined(value);
    }
    for rule in map.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
        ask_when_joined(&mut rule["then"]);
    }
}

fn where_words(place: Where) -> &'static str {
    match place {
        Where::Top => "top",
        Where::Environment => "environment",
        Where::Defaults => "defaults",
        Where::Service => "service",
    }
}

fn standing_words(standing: Standing) -> String {
    match standing {
        Standing::Enforced => "enforced".to_owned(),
        Standing::ForPeople => "for people".to_owned(),
        Standing::Kept(_) => "kept".to_owned(),
        Standing::Refuses | Standing::RefusesUnlessNamed => "refuses".to_owned(),
        Standing::RefusesWhen(word) => format!("refuses when {word}"),
    }
}

/// A map with these keys, those that begin with `x-`, and no other.
fn closed(properties: &Map<String, Value>, required: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": properties,
        "patternProperties": { "^x-": true },
        "additionalProperties": false,
        "required": required,
    })
}

fn of_key(key: &Key) -> Value {
    let mut value = of_shape(key.shape);
    value["description"] = json!(key.doc);
    value["x-type"] = json!(type_words::of(key.shape));
    if let Default::Is(text) = key.default {
        value["default"] = from_default(&default_text(key.shape, text)).to_json();
    }
    if let Default::Is(text) | Default::By(_, text) = key.default {
        value["description"] = json!(format!("{} Default: {text}.", key.doc));
        value["x-default"] = json!(text);
    }
    if let Some(standing) = key.standing {
        stands(&mut value, standing);
    }
    value
}

/// Says what becomes of what `value` describes, also to people who see no more than the description.
fn stands(value: &mut Value, standing: Standing) {
    value["x-standing"] = json!(standing_words(standing));
    let note = match standing {
        Standing::Enforced => return,
        Standing::ForPeople => "For people: nothing judges it.".to_owned(),
        Standing::Kept(_) => "Kept and shown: nothing acts on it yet.".to_owned(),
        Standing::Refuses | Standing::RefusesUnlessNamed => {
            "Not carried out yet: refuses promotions until accepted by name.".to_owned()
        }
        Standing::RefusesWhen(word) => {
            format!(
                "`{word}` is not carried out yet: it refuses promotions until accepted by name."
            )
        }
    };
    let said = value["description"].as_str().unwrap_or_default();
    value["description"] = json!(format!("{said} {note}"));
    value["x-note"] = json!(note);
}

fn order(keys: &[Key]) -> Value {
    keys.iter().map(|key| key.name).collect()
}

fn of_keys(keys: &[Key]) -> Value {
    let properties = keys.iter().map(|key| (key.name.to_owned(), of_key(key))).collect();
    let required: Vec<_> = keys
        .iter()
        .filter(|key| matches!(key.default, Default::Required))
        .map(|key| key.name)
        .collect();
    let mut value = closed(&properties, &required);
    value["x-order"] = order(keys);
    value
}

/// A name; one of digits needs no quotes.
fn name() -> Value {
    json!({ "type": ["string", "integer"], "pattern": NAME })
}

fn of_shape(shape: Shape) -> Value {
    let pattern = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    match shape {
        Shape::Of(of) => of_field(of),
        Shape::FormatVersion => json!({ "const": 1 }),
        Shape::Name => name(),
        Shape::Names => {
            let name = name();
            json!({ "oneOf": [name, { "type": "array", "items": name, "minItems": 1 }] })
        }
        Shape::SomeTime => pattern(SPAN),
        Shape::WordOrSpan(words) => json!({ "anyOf": [{ "enum": words }, pattern(SPAN)] }),
        Shape::Requests => pattern("^[0-9]+ requests?$"),
        Shape::Bake => json!({ "oneOf": [pattern(SPAN), of_keys(sections::rollout::BAKE_RANGE)] }),
        Shape::ErrorLimit => pattern("^> *[0-9]{1,3}([.][0-9]{1,2})?%$"),
        Shape::LatencyLimit => pattern("^([+][0-9.]+%|> *[0-9]+(ms|s|m|h|d))$"),
        Shape::Endpoints => {
            let path = pattern("^/");
            json!({ "oneOf": [path, { "type": "array", "items": path, "minItems": 1 }] })
        }
        Shape::Variables => json!({
            "type": "object",
            "additionalProperties": { "type": ["string", "number", "boolean"] },
        }),
        Shape::Map(keys) => of_keys(keys),
        Shape::Money => pattern("^[$€£¥][0-9]{1,12}([.][0-9]{2})?/(hour|day|month|year)$"),
        Shape::Size => pattern("^[0-9]{1,6}([.][0-9]{1,2})?(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$"),
        Shape::Rate => pattern("^[0-9]{1,12}/(s|m|h|d)$"),
        Shape::Promise(measure, bound) => promise(measure, bound),
        Shape::Date => pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
        Shape::Hours => pattern("^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$"),
        Shape::Zone => pattern("^(UTC|[A-Za-z]+(/[A-Za-z0-9_+-]+)+)$"),
        Shape::MapOf(rule, inner) => json!({
            "type": "object",
            "propertyNames": { "pattern": match rule {
                KeyRule::Name => NAME,
                KeyRule::Variable => "^[A-Za-z_][A-Za-z0-9_]*$",
                KeyRule::Branch => "^[A-Za-z0-9_*+#@./-]+$",
            } },
            "additionalProperties": of_shape(*inner),
        }),
        Shape::Kinds(kinds, common) => of_kinds(kinds, common),
        Shape::List(inner) => json!({ "type": "array", "items": of_shape(*inner) }),
        Shape::Adapter(family, keys) => {
            json!({ "$ref": format!("#/$defs/{}", adapter_definition(family, keys)) })
        }
        Shape::Sections => json!({ "type": "object" }),
    }
}

fn promise(measure: Measure, bound: Bound) -> Value {
    let signs = match bound {
        Bound::AtLeast => "(>|>=|=)",
        Bound::AtMost => "(<|<=|=)",
        Bound::Either => "(<|<=|>|>=|=)",
    };
    let amount = match measure {
        Measure::Share => "[0-9]{1,3}([.][0-9]{1,2})?%$",
        Measure::Time => "[0-9]+(ms|s|m|h|d)( [0-9]+(ms|s|m|h|d))*$",
        Measure::Rate => "[0-9]{1,12}/(s|m|h|d)$",
        Measure::Any => "[0-9]",
    };
    json!({ "type": "string", "pattern": format!("^{signs} *{amount}") })
}

/// What an adapter is called in the schema: one store of all secrets has keys that one secret lacks.
fn adapter_definition(family: Family, keys: &[Key]) -> &'static str {
    let store = sections::secret_store::KEYS;
    let of_store =
        keys.len() == store.len() && keys.iter().zip(store).all(|(a, b)| a.name == b.name);
    if family == Family::Secrets && of_store { "secret_store" } else { family.as_str() }
}

/// A section with kinds of its own. Its kind need not stand here, for it may come from a shared
/// section; then any key of any kind may.
fn of_kinds(kinds: &[Variant], common: &[Key]) -> Value {
    let names: Vec<_> = kinds.iter().map(|kind| kind.name).collect();
    let rules: Vec<_> = kinds
        .iter()
        .map(|kind| {
            let keys: Vec<_> = kind.keys.iter().chain(common).copied().collect();
            let mut then = of_keys(&keys);
            then["properties"]["kind"] = json!(true);
            then["description"] = json!(kind.doc);
            then["x-order"] = order(kind.keys);
            let condition =
                json!({ "required": ["kind"], "properties": { "kind": { "const": kind.name } } });
            json!({ "if": condition, "then": then })
        })
        .collect();
    let mut properties: Map<String, Value> = kinds
        .iter()
        .flat_map(|kind| kind.keys)
        .chain(common)
        .map(|key| (key.name.to_owned(), of_key(key)))
        .collect();
    properties.insert("kind".to_owned(), json!({ "enum": names }));
    let mut value = closed(&properties, &[]);
    value["allOf"] = json!(rules);
    value["x-order"] = order(common);
    value
}

fn of_field(of: FieldType) -> Value {
    let text = json!({ "type": "string", "minLength": 1 });
    let pattern = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    match of {
        FieldType::Text | FieldType::Path => text,
        FieldType::Word(words) => json!({ "enum": words }),
        FieldType::Argv => json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 }),
        FieldType::Texts | FieldType::Roles => {
            json!({ "oneOf": [text, { "type": "array", "items": { "type": "string" } }] })
        }
        FieldType::Flag => json!({ "type": "boolean" }),
        FieldType::Count(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        FieldType::Span => pattern(SPAN),
        FieldType::Share => pattern(SHARE),
        FieldType::Address => pattern("^.+:[0-9]{1,5}$"),
        FieldType::Url => pattern("^(https?://|[{]green[}])"),
        FieldType::Condition => pattern("^[<>=+]"),
        FieldType::TextMap => {
            json!({ "type": "object", "additionalProperties": { "type": "string" } })
        }
        FieldType::Counts(words) => json!({
            "type": "object",
            "propertyNames": { "enum": words },
            "additionalProperties": { "type": "integer", "minimum": 0 },
            "minProperties": 1,
        }),
        FieldType::Name => pattern(NAME),
    }
}

/// An adapter: its kind, and for each kind its own keys. Neither the kind nor what it requires
/// must stand here, for both may come from a shared section.
fn adapter(catalogue: &Catalogue, family: Family, common: &[Key]) -> Value {
    let word = if family == Family::Check { "check" } else { "kind" };
    let names: Vec<_> = catalogue.family(family).map(|entry| entry.name).collect();
    let rules: Vec<_> = catalogue.family(family).map(|it| of_kind(it, word, common)).collect();
    let own = common.iter().filter(|key| key.name != word);
    let mut properties: Map<String, Value> =
        own.map(|key| (key.name.to_owned(), of_key(key))).collect();
    let mut choice = json!({ "enum": names });
    if let Some(key) = common.iter().find(|key| key.name == word) {
        choice["description"] = json!(key.doc);
    }
    properties.insert(word.to_owned(), choice);
    let order = order(common);
    json!({ "type": "object", "properties": properties, "allOf": rules, "x-order": order })
}

fn of_kind(entry: &KindEntry, word: &str, common: &[Key]) -> Value {
    let mut properties: Map<String, Value> =
        common.iter().map(|key| (key.name.to_owned(), json!(true))).collect();
    properties.extend(entry.fields.iter().map(|it| (it.name.to_owned(), of_kind_field(it))));
    let mut then = closed(&properties, &[]);
    then["description"] = json!(entry.summary);
    then["x-state"] = json!(entry.state);
    then["x-order"] = entry.fields.iter().map(|field| field.name).collect();
    let mut condition = json!({ "required": [word] });
    condition["properties"][word] = json!({ "const": entry.name });
    json!({ "if": condition, "then": then })
}

fn of_kind_field(field: &Field) -> Value {
    let mut value = of_field(field.of);
    let doc = match field.default {
        Some("") | None => field.doc.to_owned(),
        Some(default) => format!("{} Default: {default}.", field.doc),
    };
    value["description"] = json!(doc);
    value["x-type"] = json!(type_words::of_field(field.of));
    if let Some(default) = field.default.filter(|default| !default.is_empty()) {
        value["default"] = from_default(&default_text(Shape::Of(field.of), default)).to_json();
        value["x-default"] = json!(default);
    }
    value
}
