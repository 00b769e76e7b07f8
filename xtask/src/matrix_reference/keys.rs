//! The index of the matrix: every section with what becomes of it, and every key with where it
//! stands. Says nothing about what a key means; its page does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::Result;
use serde_json::Value;

use super::layout::alike;
use super::{GROUPS, definition, followed, texts};

/// Families of adapters in the schema, and the headings of their page.
const FAMILIES: &[(&str, &str)] = &[
    ("target", "targets"),
    ("router", "routers"),
    ("check", "checks"),
    ("notifier", "notifiers"),
    ("metrics", "metrics-sources"),
    ("secrets", "secret-stores"),
];

/// Where a key stands: its path, and the page and heading that tell of it.
type Places = BTreeMap<String, BTreeSet<(String, String)>>;

/// The whole page.
///
/// # Errors
/// When the schema lacks a section of a group.
pub(super) fn overview(schema: &Value) -> Result<String> {
    let mut text = String::from(
        "# Every section and key\n\nWritten by the program. What a section may hold stands on the page \
         it leads to. A blank default there means \"not set\": nothing holds when the key \
         is left out.\n\n## Sections\n\n| section | what it is | today |\n|---|---|---|\n",
    );
    let mut places = Places::new();
    for group in GROUPS {
        for name in group.sections {
            let value = definition(schema, name)?;
            let link = format!("matrix/{}.md#{name}", group.page);
            let about = value["description"].as_str().unwrap_or_default();
            let about = about.split(". ").next().unwrap_or_default().trim_end_matches('.');
            let today = today(value);
            let _ = writeln!(text, "| [`{name}`]({link}) | {about}. | {today} |");
            remember(&mut places, name, name, &link);
            collect(&mut places, name, value, &link);
        }
    }
    for (family, heading) in FAMILIES {
        let link = format!("adapters.md#{heading}");
        let kinds = followed(schema, &schema["$defs"][*family]);
        for rule in kinds["allOf"].as_array().into_iter().flatten() {
            let condition = &rule["if"]["properties"];
            let kind = condition["kind"]["const"].as_str().or(condition["check"]["const"].as_str());
            let path = format!("{family} {}", kind.unwrap_or_default());
            for key in texts(&rule["then"]["x-order"]) {
                remember(&mut places, key, &format!("{path}: {key}"), &link);
            }
        }
        for key in texts(&kinds["x-order"]) {
            remember(&mut places, key, &format!("{family}: {key}"), &link);
        }
    }
    text += "\n## Keys, A to Z\n\n| key | where |\n|---|---|\n";
    for (key, places) in places {
        let places: Vec<_> =
            places.iter().map(|(path, link)| format!("[`{path}`]({link})")).collect();
        let _ = writeln!(text, "| `{key}` | {} |", places.join(", "));
    }
    Ok(text)
}

/// What becomes of the section, in two words.
fn today(value: &Value) -> &str {
    match value["x-standing"].as_str().unwrap_or_default() {
        "kept" => "kept and shown",
        "refuses" => "refuses promotions",
        other => other,
    }
}

fn remember(places: &mut Places, key: &str, path: &str, link: &str) {
    places.entry(key.to_owned()).or_default().insert((path.to_owned(), link.to_owned()));
}

/// Every key below `value`, which stands at `path`.
fn collect(places: &mut Places, path: &str, value: &Value, link: &str) {
    let mut inside = vec![value];
    inside.extend(value["oneOf"].as_array().into_iter().flatten());
    inside.extend(value["allOf"].as_array().into_iter().flatten().map(|rule| &rule["then"]));
    for map in inside {
        for key in texts(&map["x-order"]) {
            remember(places, key, &format!("{path}.{key}"), link);
        }
        for (keys, of) in alike(map) {
            let name = if let [one] = keys.as_slice() { one } else { "*" };
            collect(places, &format!("{path}.{name}"), of, link);
        }
    }
    if value["items"].is_object() {
        collect(places, &format!("{path}[]"), &value["items"], link);
    }
    if value["additionalProperties"].is_object() {
        collect(places, &format!("{path}.NAME"), &value["additionalProperties"], link);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_found_however_deep_it_stands() {
        let value = json!({ "x-order": ["steps"], "properties": { "steps": { "items": {
            "x-order": ["bake"], "properties": { "bake": { "oneOf": [{
                "x-order": ["min"], "properties": { "min": {} },
            }] } },
        } } } });
        let mut places = Places::new();
        collect(&mut places, "rollout", &value, "page");
        let found: Vec<_> = places["min"].iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(found, ["rollout.steps[].bake.min"]);
    }
}
