//! JSON Schema of one value, from its shape. What is said about the key that holds it is in the
//! module above; what an expression cannot say of a text is left to the checker.

use serde_json::{Map, Value, json};
use towpath_guard::MOST_STRATA;
use towpath_ports::catalogue::FieldType;

use super::examples::Here;
use super::{adapters, closed, of_key, order, patterns};
use crate::shape::{Default, Key, KeyRule, Shape, Variant};
use crate::{routes, sections};

/// Lists that the checker refuses when they are empty, by path; `value` takes empty lists, and each
/// of these means something that needs an item.
const NEVER_EMPTY: &[&str] = &[
    "freezes[].dates",
    "freezes[].days",
    "freezes[].except",
    "rollout.steps",
    "schedule.active.days",
    "windows[].days",
    "windows[].for",
];

/// Who reads a value: a few types are read more strictly in a section than in an adapter's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    Section,
    Adapter,
}

/// What a value of this shape may be.
pub(super) fn of_shape(shape: Shape, here: &Here<'_>) -> Value {
    match shape {
        Shape::Of(of) => of_field(of, Reader::Section),
        Shape::FormatVersion => json!({ "const": 1 }),
        Shape::Name => name(),
        Shape::Names => {
            let name = name();
            json!({ "oneOf": [name, { "type": "array", "items": name, "minItems": 1 }] })
        }
        Shape::SomeTime => text(&patterns::some_span()),
        Shape::WordOrSpan(words) => {
            json!({ "anyOf": [{ "enum": words }, text(&patterns::some_span())] })
        }
        Shape::WordOrMap(words, keys) => {
            json!({ "oneOf": [{ "enum": words }, of_keys(keys, here)] })
        }
        Shape::Requests => text(&patterns::requests()),
        Shape::Bake => json!({
            "oneOf": [text(&patterns::span()), of_keys(sections::rollout::BAKE_RANGE, here)],
        }),
        Shape::ErrorLimit => text(&patterns::error_limit()),
        Shape::LatencyLimit => text(&patterns::latency_limit()),
        Shape::Endpoints => {
            let path = text("^/");
            json!({ "oneOf": [path, { "type": "array", "items": path, "minItems": 1 }] })
        }
        Shape::Routes => {
            let path = text(routes::PATTERN);
            let mut list = json!({ "type": "array", "items": path, "minItems": 1 });
            list["maxItems"] = json!(MOST_STRATA);
            list["uniqueItems"] = json!(true);
            json!({ "oneOf": [path, list] })
        }
        Shape::Variables => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[^=\\u0000]+$" },
            "additionalProperties": {
                "type": ["string", "number", "boolean"],
                "not": { "type": "string", "pattern": "\\u0000" },
            },
        }),
        Shape::Map(keys) => of_keys(keys, here),
        Shape::Money => text(&patterns::money()),
        Shape::Size => text(&patterns::size()),
        Shape::Rate => text(&patterns::rate()),
        Shape::Processors => text(&patterns::processors()),
        Shape::Promise(measure, bound) => text(&patterns::promise(measure, bound)),
        Shape::Date => text(&patterns::date()),
        Shape::Hours => text(&patterns::hours()),
        Shape::Zone => text(&patterns::zone()),
        Shape::MapOf(rule, inner) => map_of(rule, *inner, here),
        Shape::Kinds(kinds, common) => of_kinds(kinds, common, here),
        Shape::List(inner) => {
            let mut list = json!({ "type": "array", "items": of_shape(*inner, &here.item()) });
            let is_at = |end: &str| {
                here.path
                    .strip_suffix(end)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            };
            if NEVER_EMPTY.iter().any(|end| is_at(end)) {
                list["minItems"] = json!(1);
            }
            list
        }
        Shape::Adapter(family, keys) => {
            json!({ "$ref": format!("#/$defs/{}", adapters::definition(family, keys)) })
        }
        Shape::Sections => json!({ "type": "object" }),
    }
}

/// What a value of this type may be.
pub(super) fn of_field(of: FieldType, reader: Reader) -> Value {
    let words = json!({ "type": "string", "minLength": 1 });
    let in_section = reader == Reader::Section;
    match of {
        FieldType::Text => words,
        FieldType::Path => {
            let outside = "(^|/)[.][.](/|$)|\\u0000";
            json!({ "type": "string", "minLength": 1, "not": { "pattern": outside } })
        }
        FieldType::Word(words) => json!({ "enum": words }),
        FieldType::Argv => {
            let mut list = json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 });
            if !in_section {
                list["prefixItems"] = json!([text("\\S")]);
            }
            list
        }
        FieldType::Roles if in_section => {
            let role = text(&patterns::name());
            json!({ "oneOf": [role, { "type": "array", "items": role, "minItems": 1 }] })
        }
        FieldType::Texts | FieldType::Roles => {
            let mut list = json!({ "type": "array", "items": { "type": "string" } });
            if in_section {
                list["minItems"] = json!(1);
            }
            let one = if in_section { words } else { json!({ "type": "string" }) };
            json!({ "oneOf": [one, list] })
        }
        FieldType::Flag => json!({ "type": "boolean" }),
        FieldType::Count(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        FieldType::Span => text(&patterns::span()),
        FieldType::Share => text(&patterns::share()),
        FieldType::Size(..) => text(&patterns::size()),
        FieldType::Address => text(&patterns::address()),
        FieldType::Url if in_section => text("^https?://"),
        FieldType::Url => text("^(https?://|[{]green[}])"),
        FieldType::Condition => text("^[<>=+]"),
        FieldType::TextMap => {
            json!({ "type": "object", "additionalProperties": { "type": "string" } })
        }
        FieldType::Counts(words) => json!({
            "type": "object",
            "propertyNames": { "enum": words },
            "additionalProperties": { "type": "integer", "minimum": 0 },
            "minProperties": 1,
        }),
        FieldType::Name => text(&patterns::name()),
    }
}

fn text(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

/// A name; one of digits needs no quotes.
fn name() -> Value {
    json!({ "type": ["string", "integer"], "pattern": patterns::name(), "minimum": 0 })
}

fn map_of(rule: KeyRule, inner: Shape, here: &Here<'_>) -> Value {
    let mut value = of_shape(inner, &here.named());
    let required = |key: &Key| matches!(key.default, Default::Required);
    // A name alone is enough where nothing about it must be said.
    if matches!(inner, Shape::Map(keys) if !keys.iter().any(required)) {
        value["type"] = json!(["object", "null"]);
    }
    let mut names = json!({ "pattern": match rule {
        KeyRule::Name => patterns::name_as_key(),
        KeyRule::Variable => patterns::variable_as_key(),
        KeyRule::Branch => patterns::branch_as_key(),
    } });
    if rule == KeyRule::Branch {
        names["maxLength"] = json!(crate::value::LONGEST_KEY);
    }
    json!({
        "type": "object",
        "propertyNames": names,
        "patternProperties": { "^x-": true },
        "additionalProperties": value,
    })
}

fn of_keys(keys: &[Key], here: &Here<'_>) -> Value {
    let properties =
        keys.iter().map(|key| (key.name.to_owned(), of_key(key, &here.key(key.name)))).collect();
    let required: Vec<_> = keys
        .iter()
        .filter(|key| matches!(key.default, Default::Required))
        .map(|key| key.name)
        .collect();
    let mut value = closed(&properties, &required);
    value["x-order"] = order(keys);
    value
}

/// A section with kinds of its own. Its kind need not stand here, for it may come from a shared
/// section; then any key of any kind may.
fn of_kinds(kinds: &[Variant], common: &[Key], here: &Here<'_>) -> Value {
    let names: Vec<_> = kinds.iter().map(|kind| kind.name).collect();
    let rules: Vec<_> = kinds
        .iter()
        .map(|kind| {
            let keys: Vec<_> = kind.keys.iter().chain(common).copied().collect();
            let mut then = of_keys(&keys, &here.of_kind(kind.name));
            then["properties"]["kind"] = json!(true);
            then["description"] = json!(kind.doc);
            then["x-order"] = order(kind.keys);
            let condition =
                json!({ "required": ["kind"], "properties": { "kind": { "const": kind.name } } });
            json!({ "if": condition, "then": then })
        })
        .collect();
    let own = kinds.iter().flat_map(|kind| kind.keys.iter().map(move |key| (Some(kind), key)));
    let mut properties: Map<String, Value> = own
        .chain(common.iter().map(|key| (None, key)))
        .map(|(kind, key)| {
            let here = kind.map_or_else(|| here.clone(), |kind| here.of_kind(kind.name));
            (key.name.to_owned(), of_key(key, &here.key(key.name)))
        })
        .collect();
    let example = here.key("kind").example(Shape::Of(FieldType::Text));
    let example = if names.iter().any(|name| example == *name) { example } else { json!(names[0]) };
    let about = "Which kind it is.";
    let choice = json!({ "enum": names, "description": about, "examples": [example] });
    properties.insert("kind".to_owned(), choice);
    let mut value = closed(&properties, &[]);
    value["allOf"] = json!(rules);
    value["x-order"] = order(common);
    value
}
