//! How an operation is asked on a command line. Makes values up where there are none, and sends nothing.

use serde_json::{Map, Value, json};

use super::{Operation, text};
use crate::openapi::DOCUMENT;

/// How deep a made-up body goes: what is deeper is left out or empty.
const DEEPEST: usize = 4;

/// The first thing to try.
pub(super) fn first(mount: &str) -> String {
    format!(
        "curl --header \"Authorization: Bearer $TOWPATH_TOKEN\" \\\n  \"$TOWPATH_SERVER{mount}/status\""
    )
}

/// How the description is fetched.
pub(super) fn document() -> String {
    "curl --remote-name \"$TOWPATH_SERVER/v1/openapi.json\"".to_owned()
}

/// How an operation is asked.
pub(super) fn of(one: &Operation, mount: &str) -> String {
    let path = one.path.split('/').map(|part| match part.strip_prefix('{') {
        Some(name) => name.trim_end_matches('}').to_uppercase(),
        None => part.to_owned(),
    });
    let path: Vec<String> = path.collect();
    let address = format!("\"$TOWPATH_SERVER{mount}{}\"", path.join("/"));
    let mut words = vec!["curl".to_owned()];
    let security = one.told["security"].as_array().is_some_and(|all| !all.is_empty());
    if security {
        words.push("--header \"Authorization: Bearer $TOWPATH_TOKEN\"".to_owned());
    }
    if one.parameters("header").any(|it| text(it, "name") == "Idempotency-Key") {
        words.push("--header \"Idempotency-Key: $(uuidgen)\"".to_owned());
    }
    let content = &one.told["requestBody"]["content"];
    if let Some(schema) = content.get("application/json") {
        words.push("--header \"Content-Type: application/json\"".to_owned());
        let body = made_up(&schema["schema"], 0).unwrap_or_else(|| json!({}));
        // No apostrophe stands in a value that is made up here.
        let body = serde_json::to_string_pretty(&body).unwrap_or_default().replace('\n', "\n  ");
        words.push(format!("--data '{body}'"));
    } else if content.is_object() {
        words.push("--data-binary @FILE".to_owned());
    }
    let is_stream = one.told["responses"]["200"]["content"].get("text/event-stream").is_some();
    if is_stream {
        words.push("--no-buffer".to_owned());
    }
    words.push(address);
    words.join(" \\\n  ")
}

/// A value of that form; none where it would go on for ever, or may be left out.
fn made_up(schema: &'static Value, depth: usize) -> Option<Value> {
    if depth > DEEPEST {
        return None;
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next()) {
        return made_up(&DOCUMENT["components"]["schemas"][name], depth);
    }
    for given in ["example", "const", "default"] {
        if let Some(value) = schema.get(given) {
            return Some(value.clone());
        }
    }
    let first = |key: &str| schema[key].as_array().and_then(|all| all.first());
    if let Some(value) = first("enum") {
        return Some(value.clone());
    }
    if let Some(choice) = first("anyOf").or_else(|| first("oneOf")) {
        return made_up(choice, depth + 1);
    }
    let kind = schema["type"].as_str().or_else(|| first("type").and_then(Value::as_str));
    Some(match kind {
        Some("string") => json!("…"),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(0)),
        Some("boolean") => json!(false),
        Some("array") => json!([]),
        _ => fields(schema, depth),
    })
}

/// Those that must be there.
fn fields(schema: &'static Value, depth: usize) -> Value {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let all = required.filter_map(|name| {
        let value = made_up(&schema["properties"][name], depth + 1)?;
        Some((name.to_owned(), value))
    });
    Value::from(all.collect::<Map<_, _>>())
}
