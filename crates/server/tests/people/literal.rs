//! Texts of requests are texts: none is read as a file, a variable or a pattern (Jenkins CVE-2024-23897). Asks every
//! order of the API, and each URL that names something; judges no rights.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::Value;

use crate::words::{orders, role, world};
use crate::world::{As, World};

/// What the file says that nobody may be shown, and how the accounts of the machine begin.
const TELLING: [&str; 2] = ["Zq7-canary", "root:x:0:0"];

fn texts(file: &str) -> Vec<String> {
    let around = ["@", "file://", "<", "@file:"].map(|sign| format!("{sign}{file}"));
    let others = ["@/etc/passwd", "$(cat /etc/passwd)", "~", "$HOME", "${HOME}", "/etc/pass*"];
    around.into_iter().chain(others.map(str::to_owned)).collect()
}

/// Every text in `value`.
fn texts_in(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(found.insert(text.clone())),
        Value::Array(items) => items.iter().for_each(|item| texts_in(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| texts_in(field, found)),
        _ => {}
    }
}

async fn journal(world: &World) -> Value {
    let rows = world.engine.events(0, 1000).await.unwrap();
    rows.into_iter().map(|row| row.body).collect()
}

/// `text` as a part of a URL.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |escaped, byte| format!("{escaped}%{byte:02X}"))
}

#[tokio::test]
async fn cve_b17_no_text_of_a_request_is_read_as_a_file_or_a_variable() {
    let world = world().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("canary");
    std::fs::write(&file, "Zq7-canary-of-the-file").unwrap();
    let texts = texts(&file.display().to_string());
    let mut kept = BTreeSet::new();
    for (verb, path, body) in orders(&world) {
        let fields = body.as_object().unwrap();
        // Who sent it is whoever sent it, and a matrix is read by a parser of its own.
        for field in fields.keys().filter(|field| !["by", "matrix"].contains(&&***field)) {
            for text in &texts {
                let mut body = body.clone();
                body[field] = Value::from(text.clone());
                let answer = world.post(&As::Person(&role(verb)), &path, &body).await;
                let tells = TELLING.iter().any(|telling| answer.text.contains(telling));
                assert!(!tells && answer.status.as_u16() < 500, "{path} {field} {answer:?}");
                if answer.status.is_success() {
                    kept.insert((field.clone(), text.clone()));
                }
            }
        }
    }
    for text in &texts {
        assert!(kept.contains(&("reason".to_owned(), text.clone())), "{text}: {kept:?}");
    }
    let events = journal(&world).await;
    let mut said = BTreeSet::new();
    texts_in(&events, &mut said);
    for (field, text) in &kept {
        assert!(
            said.contains(text),
            "`{field}: {text}` was taken and is not in the journal as it is"
        );
    }
    assert!(!TELLING.iter().any(|telling| events.to_string().contains(telling)), "{events}");
}

#[tokio::test]
async fn cve_b17_no_url_and_no_name_of_a_person_is_read_as_a_file_or_a_variable() {
    let world = world().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("canary");
    std::fs::write(&file, "Zq7-canary-of-the-file").unwrap();
    let mut asked = 0;
    for text in texts(&file.display().to_string()) {
        let part = escaped(&text);
        let queries = ["after", "before", "limit", "mine", "of", "release", "environment"];
        let queries = queries.map(|name| format!("{name}={part}")).join("&");
        for (method, path) in World::routes().into_iter().filter(|(own, _)| own == Method::GET) {
            let named = ["app", "staging", "0123456789ab", "1"].into_iter();
            let named = named.filter(|name| path.split('/').any(|own| own == *name));
            let mut paths = vec![format!("{path}?{queries}")];
            paths.extend(
                named.map(|name| path.replacen(&format!("/{name}"), &format!("/{part}"), 1)),
            );
            for path in paths {
                let answer =
                    world.ask(&As::Person("lead"), method.clone(), &path, &Value::Null).await;
                let tells = TELLING.iter().any(|telling| answer.text.contains(telling));
                assert!(!tells && answer.status.as_u16() < 500, "{path} {answer:?}");
                asked += 1;
            }
        }
        let answer = world.get(&As::Person(&text), "/v1/you").await;
        let shown = answer.text.replace(&text, "");
        assert!(!TELLING.iter().any(|telling| shown.contains(telling)), "{answer:?}");
    }
    assert!(asked > 200, "{asked}");
}
