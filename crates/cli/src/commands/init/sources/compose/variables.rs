//! The variables of a compose service as settings and names of secrets. Owns which of them a matrix may
//! hold; no value of a secret leaves this file.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use towpath_config::{StarterSecret, is_secret};

use super::super::findings::FoundLane;
use super::super::foreign::{self, Value, shown};
use super::super::names::{few, shortened};
use super::filling::{Gap, fill, is_called_secret, lines};
use super::service::Reader;

/// Variables that every copy gets from towpath, whatever a matrix says.
const OURS: [&str; 2] = ["HOST", "PORT"];

/// A variable, its value if it is written down, and whether `$` in it stands for another one.
type Written = (String, Option<String>, bool);

impl Reader<'_> {
    /// Fills the settings and secrets of `lane`.
    pub(super) fn variables(&mut self, name: &str, service: &Value, lane: &mut FoundLane) {
        let mut all: BTreeMap<String, Written> = BTreeMap::new();
        for written in self.of_files(name, service).into_iter().chain(given(service)) {
            all.insert(written.0.clone(), written);
        }
        let mut open = Vec::new();
        for (key, value, fills) in all.into_values() {
            if OURS.contains(&key.as_str()) {
                let name = shortened(name);
                self.said
                    .left_out(format!("{key} of {name}: each copy is told its own by towpath"));
            } else if !is_variable(&key) {
                self.said.left_out(format!(
                    "the variable `{}` of {}: a name has letters, digits and _",
                    shortened(&key),
                    shortened(name)
                ));
            } else {
                match self.value(&key, value, fills) {
                    Ok(value) if is_secret(&key, &value) => secret(lane, key),
                    Ok(value) => {
                        self.say_host(name, &key, &value);
                        lane.settings.insert(key, value);
                    }
                    Err(Gap::Secret(_)) => secret(lane, key),
                    Err(Gap::Missing(variable))
                        if is_called_secret(&key) || is_called_secret(&variable) =>
                    {
                        secret(lane, key);
                    }
                    Err(Gap::Missing(_) | Gap::Malformed) => open.push(key),
                }
            }
        }
        self.of_files_with_secrets(service, lane);
        self.say(name, lane, &open);
    }

    fn value(&self, key: &str, value: Option<String>, fills: bool) -> Result<String, Gap> {
        match value {
            Some(value) if fills => Ok(fill(&value, self.known)?.text),
            Some(value) => Ok(value),
            None => self.known.get(key).cloned().ok_or_else(|| Gap::Missing(key.to_owned())),
        }
    }

    fn say(&mut self, name: &str, lane: &FoundLane, open: &[String]) {
        let name = shortened(name);
        if !lane.settings.is_empty() {
            self.said.read(format!("settings of {name}: {}", few(lane.settings.keys())));
        }
        if !lane.secrets.is_empty() {
            let names = few(lane.secrets.keys());
            self.said.read(format!("secrets of {name}, by name alone: {names}"));
        }
        if !open.is_empty() {
            let names = few(open);
            self.said.left_out(format!(
                "{names} of {name}: the value is that of a shell; write it into `settings`"
            ));
        }
    }

    /// A value that names another service of the file as a host means nothing outside of compose.
    fn say_host(&mut self, name: &str, key: &str, value: &str) {
        let speaks = ["HOST", "URL", "URI", "ENDPOINT", "ADDR", "SERVER", "BROKER"]
            .iter()
            .any(|word| key.to_ascii_uppercase().contains(word));
        let words = value.split(|it: char| !(it.is_ascii_alphanumeric() || "-_.".contains(it)));
        let mut hosts = words.filter(|word| self.services.contains(word));
        if let Some(host) = hosts.next().filter(|_| speaks) {
            self.said.assumed(format!(
                "{key} of {} as it is: outside of compose nobody knows the host {host}",
                shortened(name)
            ));
        }
    }

    /// The lines of `env_file`, the later files over the earlier ones.
    fn of_files(&mut self, name: &str, service: &Value) -> Vec<Written> {
        let Some(value) = service.get("env_file") else { return Vec::new() };
        let one = [value.clone()];
        let files = if value.is_list() { value.items() } else { &one };
        let mut all = Vec::new();
        for file in files {
            let written = file.text().or_else(|| file.get("path")?.text());
            let filled = written.and_then(|it| self.filled(name, "env_file", &it));
            let Some(file) = filled else { continue };
            match self.file(Path::new(&file)) {
                Ok(text) => all.extend(lines(&text)),
                Err(cause) => {
                    let (file, name) = (shortened(&file), shortened(name));
                    self.said.left_out(format!(
                        "the variables of {name} in {file}: {cause}; write them into `settings`"
                    ));
                }
            }
        }
        all
    }

    fn file(&self, file: &Path) -> Result<String, String> {
        let inside =
            file.components().all(|it| matches!(it, Component::Normal(_) | Component::CurDir));
        if !inside {
            return Err("it is outside this folder".to_owned());
        }
        let path = self.folder.join(file);
        if !path.is_file() {
            return Err(format!("{} is not here", shown(&path)));
        }
        let unknown = || "it cannot be read".to_owned();
        foreign::text(&path).map_err(|error| error.trouble().cause.clone().unwrap_or_else(unknown))
    }

    /// `secrets:` of compose: files that a service reads.
    fn of_files_with_secrets(&mut self, service: &Value, lane: &mut FoundLane) {
        let items = service.get("secrets").map(Value::items).unwrap_or_default();
        for item in items {
            let Some(name) = item.text().or_else(|| item.get("source")?.text()) else { continue };
            let called: String = name.replace(['-', '.'], "_").to_ascii_uppercase();
            if !is_variable(&called) {
                self.said.left_out(format!("secret `{}`: it is no name", shortened(&name)));
                continue;
            }
            let file = self.root.at(&["secrets", &name, "file"]).and_then(Value::text);
            let kept = file.map_or(StarterSecret::Variable, StarterSecret::File);
            lane.secrets.insert(called, kept);
        }
    }
}

fn secret(lane: &mut FoundLane, name: String) {
    lane.secrets.insert(name, StarterSecret::Variable);
}

/// The variables of `environment`, a map or a list of `NAME=value`.
fn given(service: &Value) -> Vec<Written> {
    let Some(given) = service.get("environment") else { return Vec::new() };
    let of_map = given.entries().iter().map(|(key, value)| (key.clone(), value.text(), true));
    let of_list =
        given.items().iter().filter_map(Value::text).map(|text| match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned()), true),
            None => (text, None, false),
        });
    of_map.chain(of_list).collect()
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|it: char| it.is_ascii_digit())
        && name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
}
