//! A section as Markdown: what it is for, where it may stand, what becomes of it, an example, and a
//! table for each of its maps. Knows no section by name.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::Value;

use super::{Group, definition, followed, texts};

/// The page of a group.
///
/// # Errors
/// When the schema lacks one of its sections.
pub(super) fn page(schema: &Value, group: &Group) -> Result<String> {
    let mut text = format!(
        "# {}\n\n{}\n\nWritten by the program. [Format of the matrix](../matrix-format.md) has the \
         rules for names, units and defaults; [Every section and key](../matrix.md) is the index.\n",
        group.title, group.about
    );
    for name in group.sections {
        section(&mut text, schema, name, definition(schema, name)?);
    }
    Ok(text)
}

fn section(text: &mut String, schema: &Value, name: &str, value: &Value) {
    let _ = writeln!(text, "\n## `{name}`\n\n{}\n", meaning(value));
    let _ = writeln!(text, "- May stand: {}.", places(value));
    let _ = writeln!(text, "- Today: {}", standing(name, value));
    let _ = writeln!(text, "- Type: {}.", type_of(value));
    match default(value, false) {
        none if none.is_empty() => {}
        default => {
            let _ = writeln!(text, "- Left out: {default}.");
        }
    }
    if let Some(example) = value["x-example"].as_str() {
        let _ = writeln!(text, "\n```yaml\n{}\n```", example.trim_end());
    }
    maps(text, schema, name, value, 3);
}

/// Where the section may stand, in words.
fn places(value: &Value) -> String {
    let places = texts(&value["x-where"]).map(|place| match place {
        "top" => "at the top of the file",
        "environment" => "in an environment",
        "defaults" => "in `defaults.all` and `defaults.TIER`",
        "service" => "in an environment's `services.NAME`",
        other => other,
    });
    places.collect::<Vec<_>>().join(", ")
}

/// What becomes of the section, in a sentence.
fn standing(name: &str, value: &Value) -> String {
    match value["x-standing"].as_str().unwrap_or_default() {
        "enforced" => "**enforced**. It is what happens.".to_owned(),
        "for people" => "**for people**. It is shown, and nothing judges it.".to_owned(),
        "kept" => {
            let listed = match value["x-listed"].as_str() {
                Some(key) => format!("`{name}.{key}` (or `{name}`, where there is no `{key}`)"),
                None => format!("`{name}`"),
            };
            let plans = if value["x-in-plans"] == false {
                "Plans leave it out, for no promotion goes another way because of it."
            } else {
                "Plans repeat it."
            };
            format!(
                "**kept and shown**. Nothing acts on it yet; it refuses nothing, and `matrix check` \
                 lists {listed} as not enforced. {plans}"
            )
        }
        _ => format!(
            "**refuses promotions**. It restricts or changes something that this version does not \
             carry out, so nothing enters until a person accepts `{name}` by name: \
             [Go without a demand](../../how-to/what-is-not-enforced.md)."
        ),
    }
}

/// The tables of every map in `value`, each under its own heading at this level.
fn maps(text: &mut String, schema: &Value, path: &str, value: &Value, level: usize) {
    if value["$ref"].is_string() {
        return adapter(text, path, followed(schema, value));
    }
    if value["items"].is_object() {
        return maps(text, schema, &format!("{path}[]"), &value["items"], level);
    }
    for option in value["oneOf"].as_array().into_iter().flatten() {
        if option["properties"].is_object() {
            maps(text, schema, path, option, level);
        }
    }
    if value["additionalProperties"].is_object() {
        return maps(text, schema, &format!("{path}.NAME"), &value["additionalProperties"], level);
    }
    if value["allOf"].is_array() {
        return kinds(text, path, value, level);
    }
    if texts(&value["x-order"]).next().is_none() {
        return;
    }
    if path.contains(['.', '[']) {
        let _ = writeln!(text, "\n{} `{path}`", "#".repeat(level));
    }
    table(text, value, texts(&value["x-order"]));
    for (keys, of) in alike(value) {
        let [one] = keys.as_slice() else {
            let keys: Vec<_> = keys.iter().map(|key| format!("`{path}.{key}`")).collect();
            let mut inner = String::new();
            maps(&mut inner, schema, &format!("{path}.*"), of, level);
            text.push_str(&inner.replacen(
                "\n\n",
                &format!("\n\nThe same for {}.\n\n", keys.join(", ")),
                1,
            ));
            continue;
        };
        maps(text, schema, &format!("{path}.{one}"), of, level);
    }
}

/// The keys of a map that hold maps or lists, those with the same content together.
pub(super) fn alike(value: &Value) -> Vec<(Vec<&str>, &Value)> {
    let mut found: Vec<(Vec<&str>, &Value)> = Vec::new();
    for key in texts(&value["x-order"]) {
        let own = &value["properties"][key];
        match found.iter_mut().find(|(_, other)| contents(other) == contents(own)) {
            Some((keys, _)) => keys.push(key),
            None => found.push((vec![key], own)),
        }
    }
    found.retain(|(_, of)| contents(of).iter().any(|it| it.is_object() || it.is_array()));
    found
}

/// What a value holds, without what is said about it and without examples, which differ by place.
fn contents(value: &Value) -> [Value; 4] {
    ["properties", "items", "oneOf", "additionalProperties"].map(|word| bare(&value[word]))
}

fn bare(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let kept = entries.iter().filter(|(word, of)| *word != "examples" || !of.is_array());
            kept.map(|(word, of)| (word.clone(), bare(of))).collect()
        }
        Value::Array(items) => items.iter().map(bare).collect(),
        one => one.clone(),
    }
}

/// A section whose kinds are adapters: what they share, and where each kind is told.
fn adapter(text: &mut String, path: &str, value: &Value) {
    let word = if value["properties"]["check"].is_object() { "check" } else { "kind" };
    let kinds = code_words(&value["properties"][word]["enum"]);
    if path.contains(['.', '[']) {
        let _ = writeln!(text, "\n### `{path}`");
    }
    if kinds.is_empty() {
        // A map of sections, which stand on pages of their own.
        text.push_str("\nIts keys are the [sections](../matrix.md) that may stand there.\n");
        return;
    }
    let _ = writeln!(
        text,
        "\n`{word}` comes first and is one of {kinds}. [Adapters](../adapters.md) has the keys of each."
    );
    if texts(&value["x-order"]).any(|key| key != word) {
        let _ = writeln!(text, "All of them have:");
        table(text, value, texts(&value["x-order"]).filter(|key| *key != word));
    }
}

/// A section that has kinds of its own.
fn kinds(text: &mut String, path: &str, value: &Value, level: usize) {
    let words = code_words(&value["properties"]["kind"]["enum"]);
    let _ = writeln!(text, "\n`kind` comes first and is one of {words}. All of them have:");
    table(text, value, texts(&value["x-order"]));
    for rule in value["allOf"].as_array().into_iter().flatten() {
        let kind = rule["if"]["properties"]["kind"]["const"].as_str().unwrap_or_default();
        let then = &rule["then"];
        let _ = writeln!(text, "\n{} `{path}`, `kind: {kind}`\n", "#".repeat(level));
        let _ = writeln!(text, "{}", then["description"].as_str().unwrap_or_default());
        table(text, then, texts(&then["x-order"]));
    }
}

fn table<'a>(text: &mut String, of: &Value, keys: impl Iterator<Item = &'a str>) {
    let _ = writeln!(text, "\n| key | type | default | meaning |\n|---|---|---|---|");
    for key in keys {
        let value = &of["properties"][key];
        let needed = texts(&of["required"]).chain(texts(&of["x-required"]));
        let required = needed.into_iter().any(|name| name == key);
        let (kind, default) = (cell(&type_of(value)), cell(&default(value, required)));
        let meaning = cell(&format!("{}{}", meaning(value), remark(value)));
        let _ = writeln!(text, "| `{key}` | {kind} | {default} | {meaning} |");
    }
}

/// What becomes of a key where that differs from its section.
fn remark(value: &Value) -> String {
    value["x-note"].as_str().map(|note| format!(" *{note}*")).unwrap_or_default()
}

/// The type in words, a choice of words as such.
fn type_of(value: &Value) -> String {
    let words = code_words(&value["enum"]);
    if !words.is_empty() {
        return words;
    }
    let items = code_words(&value["items"]["enum"]);
    if !items.is_empty() {
        return format!("list of {items}");
    }
    value["x-type"].as_str().unwrap_or_default().to_owned()
}

/// What holds when it is left out; empty when nothing does.
fn default(value: &Value, required: bool) -> String {
    match value["x-default"].as_str() {
        _ if required => "must be given".to_owned(),
        Some(default) if value.get("default").is_some() => format!("`{default}`"),
        Some(rule) => rule.to_owned(),
        None => String::new(),
    }
}

/// What it means, without the note and the default that a description ends with.
fn meaning(value: &Value) -> &str {
    let whole = value["description"].as_str().unwrap_or_default();
    let note = value["x-note"].as_str().map(|note| format!(" {note}"));
    let whole = note.and_then(|note| whole.strip_suffix(&note)).unwrap_or(whole);
    let default = value["x-default"].as_str().map(|default| format!(" Default: {default}."));
    default.and_then(|default| whole.strip_suffix(&default)).unwrap_or(whole)
}

fn code_words(words: &Value) -> String {
    let words: Vec<_> = texts(words).map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

/// Text for a cell of a table, where a bar would begin another cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_section_becomes_tables_with_what_becomes_of_each_key() {
        let schema = json!({ "$defs": {} });
        let value = json!({
            "description": "How often it may fail.", "x-standing": "kept", "x-type": "map",
            "x-where": ["environment", "defaults"], "x-example": "budget: { window: 30d }\n",
            "x-order": ["window", "spent", "inner"], "required": ["inner"],
            "properties": {
                "window": {
                    "description": "How long. Default: 30d.", "default": "30d",
                    "x-default": "30d", "x-type": "duration, such as 5m",
                },
                "spent": {
                    "description": "What then. `freeze` refuses.", "enum": ["notify", "freeze"],
                    "x-note": "`freeze` refuses.",
                },
                "inner": {
                    "description": "A | b.", "x-type": "map", "x-order": ["deep"],
                    "properties": { "deep": { "description": "Deep.", "x-type": "text" } },
                },
            },
        });
        let mut text = String::new();
        section(&mut text, &schema, "budget", &value);
        for line in [
            "- May stand: in an environment, in `defaults.all` and `defaults.TIER`.",
            "| `window` | duration, such as 5m | `30d` | How long. |",
            "| `spent` | `notify`, `freeze` |  | What then. *`freeze` refuses.* |",
            "| `inner` | map | must be given | A \\| b. |",
            "### `budget.inner`",
            "| `deep` | text |  | Deep. |",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
        assert!(
            text.contains("`matrix check` lists `budget` as not enforced. Plans repeat"),
            "{text}"
        );
    }

    #[test]
    fn kinds_have_what_they_share_first_and_then_a_table_each() {
        let value = json!({
            "properties": { "kind": { "enum": ["s3"] }, "backup": { "x-type": "true or false" } },
            "x-order": ["backup"],
            "allOf": [{
                "if": { "properties": { "kind": { "const": "s3" } } },
                "then": {
                    "description": "A bucket.", "x-order": ["bucket"], "required": ["bucket"],
                    "properties": { "bucket": { "description": "Its name.", "x-type": "text" } },
                },
            }],
        });
        let mut text = String::new();
        maps(&mut text, &json!({}), "storage", &value, 3);
        let shared = text.find("| `backup` |").unwrap();
        let own = text.find("| `bucket` | text | must be given | Its name. |").unwrap();
        assert!(shared < own, "{text}");
        assert!(text.contains("### `storage`, `kind: s3`\n\nA bucket."), "{text}");
    }
}
