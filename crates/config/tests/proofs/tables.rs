//! What the tables of the sections say of one key of a file, by way of the JSON Schema. Checks
//! nothing.

use std::borrow::Cow;

use serde_json::{Value, json};
use towpath_config::schema;
use towpath_ports::catalogue::{Catalogue, Family};

use crate::generated::required;

/// The schema, and the kinds of adapters.
pub(crate) struct Tables {
    root: Value,
    catalogue: Catalogue,
}

/// What is known of a key.
#[expect(clippy::struct_excessive_bools, reason = "each is asked for by itself")]
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// People choose it.
    pub(crate) named: bool,
    /// It may not be left out.
    pub(crate) required: bool,
    /// Its value is an environment variable.
    pub(crate) setting: bool,
    /// It is a name, or a list of them.
    pub(crate) name: bool,
    /// One text may stand for a list of one.
    pub(crate) one_for_all: bool,
    /// Any text may stand there.
    pub(crate) text: bool,
}

/// Whether a value of one of several types is asked for, and this is one of them.
fn has_type(schema: &Value, name: &str) -> bool {
    schema["type"].as_array().is_some_and(|types| types.contains(&json!(name)))
}

impl Tables {
    pub(crate) fn new() -> Self {
        let catalogue = towpath_adapters::catalogue();
        Self { root: schema(&catalogue), catalogue }
    }

    /// What is known of the key at `path` of a file.
    pub(crate) fn standing(&self, path: &str, file: &Value) -> Standing {
        let keys = path.replace('[', ".[");
        // A name may hold dots; then the longest that is there is meant.
        let parts: Vec<&str> = keys.split('.').collect();
        // The whole schema is long: only the part that is looked into is ever copied.
        let (mut part, mut value, mut at) = (None, file, 0);
        loop {
            let map = self.resolved(part.as_ref().unwrap_or(&self.root), value);
            if let Some(index) = parts[at].strip_prefix('[') {
                let index: usize = index.trim_end_matches(']').parse().expect("an index");
                part = Some(map["items"].clone());
                value = &value[index];
                at += 1;
                continue;
            }
            let long = (at + 1..=parts.len()).rev();
            let found = long
                .map(|to| (to, parts[at..to].join(".")))
                .find(|(_, key)| value.get(key.as_str()).is_some());
            let (to, key) = found.unwrap_or_else(|| panic!("{path} is in the file"));
            let named = map["additionalProperties"].is_object();
            let inner = if named { &map["additionalProperties"] } else { &map["properties"][&key] };
            let inner = self.section(inner);
            if to == parts.len() {
                return Standing {
                    named,
                    required: required(&map).contains(&json!(key)),
                    setting: has_type(inner, "boolean"),
                    name: has_type(inner, "integer") || has_type(&inner["oneOf"][0], "integer"),
                    one_for_all: inner["oneOf"].is_array(),
                    text: inner["type"] == "string" && inner["pattern"].is_null(),
                };
            }
            part = Some(inner.clone());
            value = &value[&key];
            at = to;
        }
    }

    /// What a reference to a section stands for; anything else as it is.
    fn section<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let reference = schema["$ref"].as_str().and_then(|it| it.strip_prefix("#/$defs/section-"));
        match reference {
            Some(name) => &self.root["$defs"][format!("section-{name}")],
            None => schema,
        }
    }

    /// The part of the schema that speaks of `value` alone: references followed, the choice made,
    /// and of a map with a kind the keys of that kind.
    fn resolved<'a>(&'a self, schema: &'a Value, value: &Value) -> Cow<'a, Value> {
        let schema = self.section(schema);
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.strip_prefix("#/$defs/").expect("references stay in the file");
            let of = &self.root["$defs"][name];
            let name = if name == "secret_store" { "secrets" } else { name };
            let family = Family::ALL.into_iter().find(|family| family.as_str() == name);
            return match family {
                Some(family) => Cow::Owned(self.of_kind(of, value, Some(family))),
                None => Cow::Borrowed(of),
            };
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let wanted = if value.is_array() { "array" } else { "object" };
            let choice = choices.iter().find(|it| it["type"] == wanted);
            return choice.map_or_else(Cow::default, Cow::Borrowed);
        }
        if schema["allOf"].is_array() {
            Cow::Owned(self.of_kind(schema, value, None))
        } else {
            Cow::Borrowed(schema)
        }
    }

    fn of_kind(&self, schema: &Value, value: &Value, family: Option<Family>) -> Value {
        let word = if family == Some(Family::Check) { "check" } else { "kind" };
        let kind = &value[word];
        let mut rules = schema["allOf"].as_array().expect("one rule for each kind").iter();
        let rule = rules.find(|rule| rule["if"]["properties"][word]["const"] == *kind);
        let Some(rule) = rule else { return schema.clone() };
        let mut then = rule["then"].clone();
        let properties = then["properties"].as_object_mut().expect("a closed map");
        for (key, of) in properties.iter_mut().filter(|(_, of)| **of == json!(true)) {
            *of = schema["properties"][key.as_str()].clone();
        }
        let entry = family.and_then(|family| self.catalogue.find(family, kind.as_str()?));
        let fields = entry.map(|entry| entry.fields).unwrap_or_default();
        let mut required = required(&then);
        required.extend(fields.iter().filter(|it| it.default.is_none()).map(|it| json!(it.name)));
        required.push(json!(word));
        then["required"] = json!(required);
        then
    }
}
