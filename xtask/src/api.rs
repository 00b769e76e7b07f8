//! The description of the API as a file and as a page, and whether a new one keeps what the one before
//! promised to clients. What is in it is asked of the built program.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::reference::towpath_in;

/// Where the description stands.
pub(crate) const PLACE: &str = "docs/src/reference/openapi.json";

/// What becomes of a description that breaks what the one before promised.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breaking {
    /// It is not written.
    Refused,
    /// It is.
    Meant,
}

/// The description.
///
/// # Errors
/// When the program cannot be built or run.
pub(crate) fn document(root: &Path) -> Result<String> {
    towpath_in(root, root, &["api"])
}

/// Writes it where it differs. Safe to repeat.
///
/// # Errors
/// When it breaks what the one that stands there promised, naming each promise; when it cannot be made.
pub(crate) fn write(root: &Path, breaking: Breaking) -> Result<()> {
    let place = root.join(PLACE);
    let new = document(root)?;
    let Ok(old) = std::fs::read_to_string(&place) else { return Ok(std::fs::write(&place, new)?) };
    if old == new {
        return Ok(());
    }
    let read = |text: &str| serde_json::from_str::<Value>(text).context(PLACE);
    let broken = broken(&read(&old)?, &read(&new)?);
    if breaking == Breaking::Refused && !broken.is_empty() {
        let list = broken.join("\n  ");
        bail!(
            "{PLACE}: clients of the API would break:\n  {list}\n`--breaking` writes it all the same"
        );
    }
    println!("generate: wrote {PLACE}");
    Ok(std::fs::write(&place, new)?)
}

/// The page: every operation, with who may.
///
/// # Errors
/// As [`document`].
pub(crate) fn page(root: &Path) -> Result<String> {
    let document: Value = serde_json::from_str(&document(root)?)?;
    let mut text = String::from(
        "# The API\n\nWritten by the program, which serves the whole description at `/v1/openapi.json` \
         (OpenAPI 3.1; the same file as [here](openapi.json)).\n\n",
    );
    let _ = writeln!(text, "{}\n", document["info"]["description"].as_str().unwrap_or_default());
    text.push_str("| | address | who may | |\n|---|---|---|---|\n");
    for (path, method, operation) in operations(&document) {
        let said = |key: &str| operation[key].as_str().unwrap_or_default();
        let method = method.to_uppercase();
        let (rule, summary) = (said("x-towpath-rule"), said("summary"));
        let _ = writeln!(text, "| {method} | `{path}` | {rule} | {summary} |");
    }
    text.push_str("\n## Answers that are errors\n\n| status | when |\n|---|---|\n");
    for (status, about) in problems(&document) {
        let _ = writeln!(text, "| {status} | {about} |");
    }
    Ok(text)
}

fn operations(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path, method, operation))
    })
}

/// Each status of an error with when it is answered.
fn problems(document: &Value) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (_, _, operation) in operations(document) {
        for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
            if answer["$ref"].is_string() {
                let about = resolved(document, answer)["description"].as_str().unwrap_or_default();
                found.insert((status.clone(), about.to_owned()));
            }
        }
    }
    found
}

/// What clients of `old` could rely on, and cannot in `new`.
fn broken(old: &Value, new: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, method, before) in operations(old) {
        let at = format!("{method} {path}");
        let Some(now) = new["paths"].get(path).and_then(|methods| methods.get(method)) else {
            broken.push(format!("{at}: is gone"));
            continue;
        };
        let mut comparing = Comparing { old, new, broken: &mut broken, seen: BTreeSet::new() };
        comparing.operation(&at, before, now);
    }
    broken
}

/// Two descriptions side by side.
struct Comparing<'a> {
    old: &'a Value,
    new: &'a Value,
    broken: &'a mut Vec<String>,
    /// Pairs of references that were followed.
    seen: BTreeSet<(String, String)>,
}

/// Who makes what a schema describes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    Sent,
    Answered,
}

impl Comparing<'_> {
    fn say(&mut self, at: &str, what: &str) {
        self.broken.push(format!("{at}: {what}"));
    }

    fn operation(&mut self, at: &str, before: &Value, now: &Value) {
        if before["operationId"] != now["operationId"] {
            self.say(at, "is called otherwise (operationId)");
        }
        let required = |one: &Value| {
            let all = one["parameters"].as_array().into_iter().flatten();
            let needed = all.filter(|it| it["required"] == true);
            needed.map(|it| it["name"].to_string()).collect::<BTreeSet<_>>()
        };
        for name in required(now).difference(&required(before)) {
            self.say(at, &format!("needs the parameter {name}"));
        }
        let names = |one: &Value| {
            let all = one["parameters"].as_array().into_iter().flatten();
            all.map(|it| it["name"].to_string()).collect::<BTreeSet<_>>()
        };
        for name in names(before).difference(&names(now)) {
            self.say(at, &format!("no longer takes the parameter {name}"));
        }
        let body =
            |one: &Value| one["requestBody"]["content"]["application/json"]["schema"].clone();
        match (body(before), body(now)) {
            (Value::Null, Value::Null) => {}
            (Value::Null, _) => self.say(at, "takes a body"),
            (before, now) => self.schema(&format!("{at} body"), &before, &now, Made::Sent),
        }
        for (status, answer) in before["responses"].as_object().into_iter().flatten() {
            if !status.starts_with('2') {
                continue;
            }
            for (media, content) in answer["content"].as_object().into_iter().flatten() {
                let now = &now["responses"][status]["content"][media]["schema"];
                let at = format!("{at} {status}");
                self.schema(&at, &content["schema"], now, Made::Answered);
            }
        }
    }

    fn schema(&mut self, at: &str, before: &Value, now: &Value, made: Made) {
        let key = (before["$ref"].to_string(), now["$ref"].to_string());
        if key.0 != "null" && !self.seen.insert(key) {
            return;
        }
        let (before, now) = (resolved(self.old, before), resolved(self.new, now));
        let (types_before, types_now) = (types(before), types(now));
        let narrower = !types_before.is_subset(&types_now);
        let wider = !types_now.is_subset(&types_before);
        let is_broken = if made == Made::Sent { narrower } else { wider };
        if is_broken && !types_before.is_empty() {
            self.say(at, &format!("is {types_now:?} and was {types_before:?}"));
        }
        let fields = |one: &Value| one["properties"].as_object().cloned().unwrap_or_default();
        self.fields(at, (&fields(before), before), (&fields(now), now), made);
        if before["items"].is_object() {
            self.schema(&format!("{at}[]"), &before["items"], &now["items"], made);
        }
        let words = |one: &Value| listed(&one["enum"]);
        if made == Made::Sent {
            for word in words(before).difference(&words(now)) {
                self.say(at, &format!("no longer takes {word}"));
            }
        }
    }

    fn fields(
        &mut self,
        at: &str,
        (before, old): (&Map<String, Value>, &Value),
        (now, new): (&Map<String, Value>, &Value),
        made: Made,
    ) {
        let (needed_before, needed_now) = (listed(&old["required"]), listed(&new["required"]));
        if made == Made::Sent {
            for name in needed_now.difference(&needed_before) {
                self.say(at, &format!("needs the field {name}"));
            }
        } else {
            for name in needed_before.difference(&needed_now) {
                self.say(at, &format!("no longer always has the field {name}"));
            }
        }
        for (name, schema) in before {
            match now.get(name) {
                None => self.say(at, &format!("no longer has the field {name}")),
                Some(now) => self.schema(&format!("{at}.{name}"), schema, now, made),
            }
        }
    }
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
    reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

fn types(schema: &Value) -> BTreeSet<String> {
    match &schema["type"] {
        Value::String(one) => [one.clone()].into(),
        several => listed(several),
    }
}

fn listed(value: &Value) -> BTreeSet<String> {
    let all = value.as_array().into_iter().flatten();
    all.map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample() -> Value {
        json!({
            "paths": { "/things": { "post": {
                "operationId": "make",
                "parameters": [{ "name": "limit", "required": false }],
                "requestBody": { "content": { "application/json": { "schema": {
                    "type": "object", "required": ["by"],
                    "properties": {
                        "by": { "type": "string" },
                        "how": { "type": "string", "enum": ["fast", "slow"] },
                    },
                } } } },
                "responses": { "200": { "content": { "application/json": { "schema": {
                    "$ref": "#/components/schemas/Thing",
                } } } } },
            } } },
            "components": { "schemas": { "Thing": {
                "type": "object", "required": ["id", "parts"],
                "properties": {
                    "id": { "type": "integer" },
                    "parts": { "type": "array", "items": { "$ref": "#/components/schemas/Thing" } },
                },
            } } },
        })
    }

    /// What is broken where the value at `pointer` is another.
    fn changed(pointer: &str, value: Value) -> Vec<String> {
        let mut new = sample();
        *new.pointer_mut(pointer).expect(pointer) = value;
        broken(&sample(), &new)
    }

    #[test]
    fn what_clients_could_rely_on_is_missed_and_what_is_added_is_not() {
        let post = "/paths/~1things/post";
        let body = "/paths/~1things/post/requestBody/content/application~1json/schema";
        let thing = "/components/schemas/Thing";
        assert_eq!(broken(&sample(), &sample()), [""; 0]);
        let cases = [
            ("/paths".to_owned(), json!({}), "is gone"),
            (format!("{post}/operationId"), json!("create"), "called otherwise"),
            (format!("{post}/parameters"), json!([]), "no longer takes the parameter"),
            (format!("{post}/parameters/0/required"), json!(true), "needs the parameter"),
            (format!("{body}/required"), json!(["by", "how"]), "needs the field how"),
            (format!("{body}/properties/how/enum"), json!(["fast"]), "no longer takes slow"),
            (format!("{body}/properties/by/type"), json!("integer"), "is {\"integer\"}"),
            (format!("{thing}/required"), json!(["id"]), "no longer always has the field parts"),
            (
                format!("{thing}/properties"),
                json!({ "id": { "type": "integer" } }),
                "the field parts",
            ),
            (format!("{thing}/properties/id/type"), json!(["integer", "null"]), "id: is"),
        ];
        for (pointer, value, said) in cases {
            let found = changed(&pointer, value);
            assert!(found.iter().any(|one| one.contains(said)), "{pointer}: {found:?}");
        }
        for (pointer, value) in [
            (format!("{body}/required"), json!([])),
            (format!("{body}/properties/how/enum"), json!(["fast", "slow", "never"])),
            (format!("{thing}/required"), json!(["id", "parts", "more"])),
            (format!("{body}/properties/by/type"), json!(["string", "null"])),
        ] {
            assert_eq!(changed(&pointer, value), [""; 0], "{pointer}");
        }
    }
}
