//! A resolved matrix as programs are shown it, where the file that it was read from is not at hand: by
//! the names and shapes alone. Finds the same secrets as `walk` in what a matrix keeps.

use serde_json::{Map, Value};

use super::{MASK, argv};
use crate::consistency::{is_header_secret, is_secret, names_a_secret};

/// Maps whose keys people choose, so that a name in them tells.
const CHOSEN: [&str; 5] = ["settings", "env", "parameters", "tags", "headers"];

/// Puts stars in place of every secret in plain text within `value`, a matrix as JSON. Safe to repeat.
pub fn hide_secrets(value: &mut Value) {
    match value {
        Value::String(text) if is_secret("", text) => *value = Value::from(MASK),
        Value::Array(items) => list(items),
        Value::Object(entries) => {
            change(entries);
            for (key, inner) in entries {
                match inner {
                    Value::Object(chosen) if CHOSEN.contains(&key.as_str()) => map(key, chosen),
                    _ if key.starts_with("x-") => own(key, inner),
                    _ => {}
                }
                hide_secrets(inner);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What a setting was and becomes, beside its name: a change of settings in a plan.
fn change(entries: &mut Map<String, Value>) {
    // An environment has a name, and one that it comes after, as well.
    if entries.keys().any(|key| !["name", "before", "after"].contains(&key.as_str())) {
        return;
    }
    let Some(name) = entries.get("name").and_then(Value::as_str).map(str::to_owned) else { return };
    for side in ["before", "after"] {
        let Some(value) = entries.get_mut(side) else { continue };
        if value.as_str().is_some_and(|text| is_secret(&name, text)) {
            *value = Value::from(MASK);
        }
    }
}

fn map(name: &str, chosen: &mut Map<String, Value>) {
    for (key, value) in chosen {
        let tells =
            |text: &str| is_secret(key, text) || (name == "headers" && is_header_secret(key, text));
        if value.as_str().is_some_and(tells) {
            *value = Value::from(MASK);
        }
    }
}

fn list(items: &mut [Value]) {
    let words: Vec<&str> = items.iter().map(|it| it.as_str().unwrap_or_default()).collect();
    for at in argv::secrets(&words) {
        items[at] = Value::from(MASK);
    }
    items.iter_mut().for_each(hide_secrets);
}

fn own(key: &str, value: &mut Value) {
    match value {
        Value::String(text) if is_secret(key, text) => *value = Value::from(MASK),
        Value::Array(items) => items.iter_mut().for_each(|item| own(key, item)),
        // `dbPassword: { value: hunter2 }` is told by the outer name.
        Value::Object(entries) => {
            for (name, inner) in entries {
                let outer = names_a_secret(key) && !names_a_secret(name);
                own(if outer { key } else { name }, inner);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::hide_secrets;

    #[test]
    fn what_a_matrix_keeps_of_a_secret_is_not_shown() {
        let mut value = json!({
            "settings": { "DB_PASSWORD": "hunter2", "LEVEL": "info" },
            "target": { "settings": { "command": ["./app", "--token=abc"] } },
            "headers": { "Authorization": "Bearer abc", "Accept": "text/html" },
            "url": "https://app:hunter2@example.com",
            "x-team": { "api_token": ["abc"] },
            "x-auth": { "dbPassword": { "value": "hunter3" }, "login": { "name": "ada" } },
            "after": ["dev"],
            "sets_up": [{ "name": "API_TOKEN", "before": "hunter4", "after": "hunter5" },
                        { "name": "LEVEL", "after": "debug" }],
        });
        hide_secrets(&mut value);
        assert_eq!(
            value,
            json!({
                "settings": { "DB_PASSWORD": "********", "LEVEL": "info" },
                "target": { "settings": { "command": ["./app", "********"] } },
                "headers": { "Authorization": "********", "Accept": "text/html" },
                "url": "********",
                "x-team": { "api_token": ["********"] },
                "x-auth": { "dbPassword": { "value": "********" }, "login": { "name": "ada" } },
                "after": ["dev"],
                "sets_up": [{ "name": "API_TOKEN", "before": "********", "after": "********" },
                            { "name": "LEVEL", "after": "debug" }],
            })
        );
    }
}
