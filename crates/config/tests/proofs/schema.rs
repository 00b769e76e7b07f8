//! The schema as a whole: what it gives as example or default fits where it stands, every key has an
//! example, and lists that may not be empty are those that the check refuses. Single values are held
//! against the check beside the schema itself.

use std::collections::{BTreeMap, BTreeSet};

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};
use towpath_config::{schema, to_json};

use crate::check;
use crate::generated::Generator;
use crate::printing::{STRUCTURE, complete, fitting, least, place};

const NAME: &str = "towpath.schema.json";

/// The schema, of which any part can be asked.
struct Parts {
    root: Value,
    compiler: Compiler,
    schemas: Schemas,
}

impl Parts {
    fn new() -> Self {
        let root = schema(&towpath_adapters::catalogue());
        let mut compiler = Compiler::new();
        compiler.add_resource(NAME, root.clone()).expect("a resource");
        Self { root, compiler, schemas: Schemas::new() }
    }

    fn part(&mut self, pointer: &str) -> SchemaIndex {
        let place = format!("{NAME}#{}", pointer.replace('^', "%5E"));
        self.compiler.compile(&place, &mut self.schemas).expect("a part of the schema")
    }

    /// What is said against `value` by the part at `pointer`.
    fn refused(&mut self, pointer: &str, value: &Value) -> Option<String> {
        let part = self.part(pointer);
        self.schemas.validate(value, part).err().map(|error| error.to_string())
    }
}

/// Every schema inside `value` that stands as such, with its pointer.
fn walk<'a>(value: &'a Value, pointer: &str, found: &mut Vec<(String, &'a Value)>) {
    found.push((pointer.to_owned(), value));
    for word in ["properties", "$defs"] {
        for (key, inner) in value[word].as_object().into_iter().flatten() {
            if inner.is_object() {
                walk(inner, &format!("{pointer}/{word}/{key}"), found);
            }
        }
    }
    for word in ["items", "additionalProperties", "then"] {
        if value[word].is_object() {
            walk(&value[word], &format!("{pointer}/{word}"), found);
        }
    }
    for word in ["oneOf", "anyOf", "allOf"] {
        for (index, inner) in value[word].as_array().into_iter().flatten().enumerate() {
            walk(inner, &format!("{pointer}/{word}/{index}"), found);
        }
    }
}

#[test]
fn every_example_and_every_default_fits_where_it_stands() {
    let mut parts = Parts::new();
    let root = parts.root.clone();
    let mut found = Vec::new();
    walk(&root, "", &mut found);
    let (mut examples, mut defaults, mut wrong) = (0, 0, Vec::new());
    for (pointer, of) in found {
        let own = of["examples"].as_array().into_iter().flatten();
        examples += own.clone().count();
        defaults += usize::from(of.get("default").is_some());
        for value in own.chain(of.get("default")) {
            wrong.extend(
                parts.refused(&pointer, value).map(|told| format!("{pointer}: {value}: {told}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(examples > 600 && defaults > 40, "{examples} examples, {defaults} defaults");
}

/// Whether a text in `value` was made from its type alone, or a map has a key that was.
fn holds_filler(value: &Value) -> bool {
    match value {
        Value::String(text) => ["text", "path", "program"].contains(&text.as_str()),
        Value::Array(items) => items.iter().any(holds_filler),
        Value::Object(map) => {
            map.values().any(holds_filler) || map.get("name").is_some_and(|it| !it.is_string())
        }
        _ => false,
    }
}

#[test]
fn no_example_is_a_filler_made_from_its_type_or_the_word_for_nothing() {
    let root = Parts::new().root;
    let mut found = Vec::new();
    walk(&root, "", &mut found);
    let mut fillers = Vec::new();
    for (pointer, of) in found {
        for example in of["examples"].as_array().into_iter().flatten() {
            if holds_filler(example) || example == "name" || example == "none" {
                fillers.push(format!("{pointer}: {example}"));
            }
        }
    }
    assert!(fillers.is_empty(), "{}:\n{}", fillers.len(), fillers.join("\n"));
}

#[test]
fn every_key_has_an_example_and_every_quantity_its_unit() {
    let root = Parts::new().root;
    let mut found = Vec::new();
    walk(&root, "", &mut found);
    let (mut keys, mut units) = (0, BTreeMap::<_, usize>::new());
    for (pointer, of) in found {
        let is_key = pointer.rsplit('/').nth(1) == Some("properties");
        // A reference to a section leads to its example.
        if !is_key || (of["$ref"].is_string() && of.as_object().is_some_and(|it| it.len() == 1)) {
            continue;
        }
        keys += 1;
        assert_eq!(of["examples"].as_array().map(Vec::len), Some(1), "{pointer}");
        let words: Vec<_> = match &of["x-unit"] {
            Value::Array(words) => words.iter().collect(),
            Value::Null => Vec::new(),
            one => vec![one],
        };
        for word in &words {
            *units.entry(word.as_str().expect("a word").to_owned()).or_default() += 1;
        }
        let kind = of["x-type"].as_str().unwrap_or_default();
        let measured = [
            "duration, such",
            "duration above",
            "share, such",
            "share that",
            "time that",
            "size ",
            "money for",
            "rate, such",
            "rate that",
            "whole number from",
            "count with",
        ];
        let alone = kind.trim_start_matches("list, each a ").rsplit(" to ").next();
        let says = measured.iter().any(|word| alone.is_some_and(|kind| kind.starts_with(word)))
            || measured.iter().any(|word| kind.starts_with(word));
        assert!(!says || !words.is_empty(), "{pointer}: {kind} has no unit");
    }
    assert!(keys > 600, "the tables are walked: {keys}");
    let known =
        ["bytes", "duration", "money per time", "number", "per time", "percent", "requests"];
    assert_eq!(units.keys().collect::<Vec<_>>(), known, "as matrix-format.md lists them");
}

#[test]
fn the_examples_of_the_repository_fit_the_schema() {
    let mut parts = Parts::new();
    for name in ["soundbite", "web-service", "security-design-assistant"] {
        let path = format!("{}/../../examples/{name}/towpath.yaml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("the example is there");
        let value = to_json(&text).expect("an example is YAML");
        assert_eq!(parts.refused("", &value), None, "{name}");
    }
}

/// Every list in `value`, by its path without numbers and names.
fn lists(value: &Value, path: &str, pointer: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Array(items) => {
            found.push((path.to_owned(), pointer.to_owned()));
            for (index, item) in items.iter().enumerate() {
                lists(item, &format!("{path}[]"), &format!("{pointer}/{index}"), found);
            }
        }
        Value::Object(entries) => {
            for (key, inner) in entries {
                let key_in = key.replace('~', "~0").replace('/', "~1");
                lists(inner, &format!("{path}.{key}"), &format!("{pointer}/{key_in}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn an_empty_list_is_refused_by_both_or_by_neither() {
    let (generator, mut parts) = (Generator::new(0), Parts::new());
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    for of in ["", "environment"] {
        for (name, section) in generator.sections(of) {
            if STRUCTURE.contains(&name.as_str()) {
                continue;
            }
            for value in generator.each_alone(&section) {
                let value = fitting(&name, value);
                let mut found = Vec::new();
                lists(&value, &name, "", &mut found);
                for (path, pointer) in found {
                    if !seen.insert(path.clone()) {
                        continue;
                    }
                    let mut emptied = value.clone();
                    *emptied.pointer_mut(&pointer).expect("the list") = json!([]);
                    let mut matrix = least();
                    place(&mut matrix, of)[name.as_str()] = emptied;
                    let matrix = complete(matrix);
                    let refused = !check(&matrix.to_string()).errors.is_empty();
                    let invalid = parts.refused("", &matrix).is_some();
                    if refused != invalid {
                        wrong.push(format!("{path}: check refuses {refused}, schema {invalid}"));
                    }
                }
            }
        }
    }
    assert!(seen.len() > 80, "the tables have lists: {}", seen.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
