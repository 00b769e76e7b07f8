//! `extends` of compose: a service that begins as another one. Owns what of both holds; follows files
//! in the folder of the compose file alone.

use std::path::{Component, Path};

use super::super::findings::Said;
use super::super::foreign::{self, Value, shown};
use super::super::names::shortened;

/// Services that begin as services that begin as services; compose has no bound of its own.
const MOST_STEPS: usize = 8;
/// Keys whose lists are put behind one another; other lists replace each other
/// (<https://docs.docker.com/reference/compose-file/services/#extends>).
const ADDED: [&str; 6] = ["expose", "ports", "dns", "dns_search", "tmpfs", "env_file"];
/// Keys that are a list of `NAME=value` or a map of the same.
const PAIRS: [&str; 3] = ["environment", "labels", "annotations"];

/// Every service of `root` with what it extends, in the order of the file.
pub(super) fn services(root: &Value, folder: &Path, said: &mut Said) -> Vec<(String, Value)> {
    let all = root.get("services").map(Value::entries).unwrap_or_default();
    all.iter()
        .map(|(name, service)| {
            let whole = extended(service, root, folder, MOST_STEPS, said);
            let whole = whole.unwrap_or_else(|cause| {
                said.left_out(format!("`extends` of {}: {cause}", shortened(name)));
                service.clone()
            });
            (name.clone(), whole)
        })
        .collect()
}

fn extended(
    service: &Value,
    root: &Value,
    folder: &Path,
    left: usize,
    said: &mut Said,
) -> Result<Value, String> {
    let Some(base) = service.get("extends") else { return Ok(service.clone()) };
    let left = left.checked_sub(1).ok_or("it goes on and on")?;
    let name = base.text().or_else(|| base.get("service")?.text()).ok_or("it names no service")?;
    let file = base.get("file").and_then(Value::text);
    let below = match file {
        None => extended(found(root, &name)?, root, folder, left, said)?,
        Some(file) => {
            let file = Path::new(&file);
            let inside =
                file.components().all(|it| matches!(it, Component::Normal(_) | Component::CurDir));
            if !inside {
                return Err(format!("{} is outside this folder", shown(file)));
            }
            let path = folder.join(file);
            let other = foreign::value(&path).map_err(|error| {
                error.trouble().cause.clone().unwrap_or_else(|| "it cannot be read".to_owned())
            })?;
            let folder = path.parent().unwrap_or(folder);
            let below = extended(found(&other, &name)?, &other, folder, left, said)?;
            said.read(format!("{} of {}, which others extend", shortened(&name), shown(&path)));
            below
        }
    };
    Ok(over(service, &below))
}

fn found<'a>(root: &'a Value, name: &str) -> Result<&'a Value, String> {
    let service = root.at(&["services", name]);
    service.ok_or_else(|| format!("there is no service {}", shortened(name)))
}

/// A map with what stands below it; its own keys win, and those with a map of their own are joined.
fn over(own: &Value, below: &Value) -> Value {
    let mut entries: Vec<(String, Value)> = own.entries().to_vec();
    for (key, value) in below.entries() {
        let Some((_, own)) = entries.iter_mut().find(|(known, _)| known == key) else {
            // What a service needs is not inherited.
            if key != "depends_on" {
                entries.push((key.clone(), value.clone()));
            }
            continue;
        };
        if own.tag() == Some("override") || own.tag() == Some("reset") {
            continue;
        }
        if PAIRS.contains(&key.as_str()) {
            *own = over(&pairs(own), &pairs(value));
        } else if own.is_map() && value.is_map() {
            *own = over(own, value);
        } else if ADDED.contains(&key.as_str()) {
            let items = |of: &Value| match of.items() {
                [] if !of.is_list() => vec![of.clone()],
                items => items.to_vec(),
            };
            *own = Value::of_items([items(value), items(own)].concat());
        }
    }
    entries.retain(|(_, value)| value.tag() != Some("reset"));
    Value::of_entries(entries)
}

/// A list of `NAME=value` as a map; what is a map already stays one.
fn pairs(value: &Value) -> Value {
    if value.is_map() {
        return value.clone();
    }
    let pair = |text: String| match text.split_once('=') {
        Some((name, value)) => (name.to_owned(), Value::of_text(value)),
        None => (text, Value::of_items(Vec::new())),
    };
    Value::of_entries(value.texts().into_iter().map(pair).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_what_it_extends_and_its_own_wins() {
        let folder = tempfile::tempdir().unwrap();
        let common = "services:\n  base: { extends: root, ports: ['1:1'], environment: [A=1, B=2] }\n  \
                      root: { image: r, healthcheck: { test: t, retries: 3 } }\n";
        std::fs::write(folder.path().join("common.yml"), common).unwrap();
        let root = foreign::yaml(
            "services:\n  api:\n    extends: { file: common.yml, service: base }\n    ports: ['2:2']\n    \
             environment: { B: 3 }\n    healthcheck: { retries: 5 }\n  loop: { extends: loop }\n  \
             out: { extends: { file: ../x.yml, service: x } }\n",
        )
        .unwrap();
        let mut said = Said::default();
        let all = services(&root, folder.path(), &mut said);
        let api = &all[0].1;
        assert_eq!(api.get("image").unwrap().text().as_deref(), Some("r"));
        assert_eq!(api.get("ports").unwrap().texts(), ["1:1", "2:2"]);
        let variables = api.get("environment").unwrap();
        assert_eq!(variables.get("A").unwrap().text().as_deref(), Some("1"));
        assert_eq!(variables.get("B").unwrap().text().as_deref(), Some("3"));
        let retries = api.at(&["healthcheck", "retries"]).unwrap();
        assert_eq!(retries.text().as_deref(), Some("5"));
        assert_eq!(api.at(&["healthcheck", "test"]).unwrap().text().as_deref(), Some("t"));
        assert_eq!(
            said.left_out,
            [
                "`extends` of loop: it goes on and on",
                "`extends` of out: ../x.yml is outside this folder"
            ]
        );
    }
}
