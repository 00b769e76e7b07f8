//! The schemas of what is sent and of what is answered: the same type may be stricter in one of them, and
//! has two names then. Says nothing about where they are used.

use std::collections::BTreeSet;

use schemars::generate::{Contract, SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value};

use crate::openapi::told::Shape;

/// Where schemas stand in the document.
const SCHEMAS: &str = "#/components/schemas/";
/// What refers to a form that is sent, until all are known.
const SENT: &str = "#/components/sent/";
/// What is put after the name of a form that is sent, where another of that name is answered.
const SUFFIX: &str = "Sent";

/// All schemas that the document refers to.
pub(crate) struct Forms {
    sent: SchemaGenerator,
    given: SchemaGenerator,
}

impl Forms {
    pub(crate) fn new() -> Self {
        let settings = |contract: Contract, path: &str| {
            let path = path.trim_start_matches('#').trim_end_matches('/').to_owned();
            SchemaSettings::draft2020_12()
                .with(|settings| {
                    settings.definitions_path = path.into();
                    settings.meta_schema = None;
                    settings.contract = contract;
                })
                .into_generator()
        };
        Self {
            sent: settings(Contract::Deserialize, SENT),
            given: settings(Contract::Serialize, SCHEMAS),
        }
    }

    /// The schema of something that is answered.
    pub(crate) fn given(&mut self, shape: Shape) -> Value {
        shape(&mut self.given).to_value()
    }

    /// The schema of something that is sent.
    pub(crate) fn sent(&mut self, shape: Shape) -> Value {
        shape(&mut self.sent).to_value()
    }

    /// The same without a reference at the top.
    pub(crate) fn sent_whole(&mut self, shape: Shape) -> Value {
        let schema = self.sent(shape);
        let name = schema["$ref"].as_str().and_then(|it| it.strip_prefix(SENT));
        let found = name.and_then(|name| self.sent.definitions().get(name).cloned());
        found.unwrap_or(schema)
    }

    /// Puts all of them into the document, and its references right.
    pub(crate) fn into_components(mut self, document: &mut Value) {
        let mut all: Map<String, Value> = self.given.take_definitions(true);
        let sent = self.sent.take_definitions(true);
        let apart = differing(&sent, &all);
        let name_of = |name: &str| {
            if apart.contains(name) { format!("{name}{SUFFIX}") } else { name.to_owned() }
        };
        for (name, schema) in sent {
            all.insert(name_of(&name), schema);
        }
        all.sort_keys();
        document["components"]["schemas"] = Value::from(all);
        refer(document, &|reference| {
            reference.strip_prefix(SENT).map(|name| format!("{SCHEMAS}{}", name_of(name)))
        });
    }
}

/// The names that stand for two forms: by their own words, or by those of what they refer to.
fn differing(sent: &Map<String, Value>, given: &Map<String, Value>) -> BTreeSet<String> {
    let mut apart = BTreeSet::new();
    loop {
        let before = apart.len();
        for (name, schema) in sent.iter().filter(|(name, _)| given.contains_key(*name)) {
            let mut same = schema.clone();
            let mut refers_apart = false;
            refer(&mut same, &|reference| {
                Some(format!("{SCHEMAS}{}", reference.strip_prefix(SENT)?))
            });
            visit(schema, &mut |reference| {
                let name = reference.strip_prefix(SENT).unwrap_or_default();
                refers_apart |= apart.contains(name);
            });
            if refers_apart || same != given[name] {
                apart.insert(name.clone());
            }
        }
        if apart.len() == before {
            return apart;
        }
    }
}

/// Shows each reference of a document.
fn visit(value: &Value, seen: &mut impl FnMut(&str)) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if key == "$ref" => seen(text),
                    value => visit(value, seen),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, seen)),
        _ => {}
    }
}

/// Replaces each reference of a document for which there is another.
fn refer(value: &mut Value, other: &impl Fn(&str) -> Option<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if key == "$ref" => {
                        if let Some(other) = other(text) {
                            *text = other;
                        }
                    }
                    value => refer(value, other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| refer(item, other)),
        _ => {}
    }
}
