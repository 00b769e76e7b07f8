//! JSON Schema of the matrix, from the tables that parsing reads. Owns nothing that those do not
//! say; what keys mean together is left to the check.
//!
//! Words that JSON Schema does not have begin with `x-`: what becomes of a section or key
//! (`x-standing`; in a sentence, with which the description ends, `x-note`), which part of it is
//! listed then (`x-listed`), whether plans repeat it (`x-in-plans`), where a section may stand
//! (`x-where`), a type and its unit in words (`x-type`), the unit as one of a few words (`x-unit`), a
//! default as it is written or by its rule (`x-default`), the order of keys (`x-order`), the documented
//! example as it is written (`x-example`), how far a kind is (`x-state`). `markdownDescription` is a
//! word of editors, which show it in place of the description.

mod adapters;
#[cfg(test)]
mod agreement;
mod examples;
mod patterns;
mod samples;
mod units;
mod values;

use serde_json::{Map, Value, json};
use towpath_ports::catalogue::Catalogue;

use self::examples::Here;
use crate::fields::from_default;
use crate::sections::{self, Section, Standing, Where};
use crate::shape::{Default, Key};
use crate::show::default_text;
use crate::type_words;

/// The schema (draft 2020-12) for editors. The same catalogue gives the same schema.
pub fn schema(catalogue: &Catalogue) -> Value {
    let mut top = map_of_sections(Where::Top);
    let mut environments = named("environment", &patterns::name());
    environments["minProperties"] = json!(1);
    let tiers = ["all", "development", "testing", "staging", "production"];
    let tiers: Map<String, Value> = tiers
        .iter()
        .map(|tier| ((*tier).to_owned(), json!({ "$ref": "#/$defs/shared" })))
        .collect();
    top["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    top["title"] = json!("towpath.yaml");
    top["description"] = json!("An environment promotion matrix.");
    let of_sections = sections::all()
        .map(|it| (definition(it.key.name), of_section(it, &Here::section(it, catalogue))));
    let mut definitions: Map<String, Value> = of_sections.collect();
    structure(&mut definitions, "environments", environments);
    structure(&mut definitions, "defaults", closed(&tiers, &[]));
    definitions.insert("environment".to_owned(), environment());
    definitions.insert("shared".to_owned(), map_of_sections(Where::Defaults));
    definitions.insert("service".to_owned(), map_of_sections(Where::Service));
    definitions.extend(adapters::all(catalogue));
    top["$defs"] = Value::Object(definitions);
    tell_units(&mut top);
    top
}

/// Says units where editors show them: most show `markdownDescription`, and none shows `x-unit`.
fn tell_units(value: &mut Value) {
    let said = |word: &str| value[word].as_str();
    if let (false, Some(about), Some(kind)) =
        (value["x-unit"].is_null(), said("description"), said("x-type"))
    {
        let units: Vec<_> = match &value["x-unit"] {
            Value::Array(units) => units.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        let told = format!("{about}\n\nUnit: {}. Type: {kind}.", units.join(" or "));
        value["markdownDescription"] = json!(told);
    }
    match value {
        Value::Object(entries) => entries.values_mut().for_each(tell_units),
        Value::Array(items) => items.iter_mut().for_each(tell_units),
        _ => {}
    }
}

fn environment() -> Value {
    let mut environment = map_of_sections(Where::Environment);
    let mut services = named("service", &patterns::name_as_key());
    services["patternProperties"] = json!({ "^x-": true });
    services["description"] = json!("Sections that are different for one service.");
    services["examples"] = json!([{ "api": { "standby": "2h" } }]);
    environment["properties"]["services"] = services;
    environment
}

fn named(of: &str, names: &str) -> Value {
    json!({
        "type": "object",
        "propertyNames": { "pattern": names },
        "additionalProperties": { "$ref": format!("#/$defs/{of}") },
    })
}

/// Where the definition of a section stands, which all its places share.
fn definition(section: &str) -> String {
    format!("section-{section}")
}

/// Gives the section that holds sections its form; what is said about it stays.
fn structure(definitions: &mut Map<String, Value>, name: &str, form: Value) {
    let own = definitions.get_mut(&definition(name)).and_then(Value::as_object_mut);
    if let (Some(own), Value::Object(form)) = (own, form) {
        own.extend(form);
    }
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

fn of_section(section: &Section, here: &Here<'_>) -> Value {
    let mut value = of_key(&section.key, here);
    value["x-example"] = json!(section.example);
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
        Standing::Enforced | Standing::KeptUntilBuilt => "enforced".to_owned(),
        Standing::ForPeople => "for people".to_owned(),
        Standing::Kept(_) => "kept".to_owned(),
        Standing::Refuses | Standing::Handed => "refuses".to_owned(),
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

fn of_key(key: &Key, here: &Here<'_>) -> Value {
    let mut value = values::of_shape(key.shape, here);
    value["description"] = json!(key.doc);
    value["x-type"] = json!(type_words::of(key.shape));
    if let Some(unit) = units::of(key.shape) {
        value["x-unit"] = unit;
    }
    value["examples"] = json!([here.example(key.shape)]);
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
        Standing::Enforced | Standing::KeptUntilBuilt => return,
        Standing::ForPeople => "For people: nothing judges it.".to_owned(),
        Standing::Kept(_) => "Kept and shown: nothing acts on it yet.".to_owned(),
        Standing::Handed => {
            "One that cannot be read refuses promotions until accepted by name.".to_owned()
        }
        Standing::Refuses => {
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
