//! One service of a compose file: its command, port, health and limits. Writes nothing about other
//! services; what it cannot know it leaves open.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use towpath_config::{
    StarterHealth, StarterMigration, StarterSection, StarterTarget, StarterValue, holds_a_secret,
};
use towpath_core::units::Span;

use super::super::findings::{FoundLane, Said};
use super::super::foreign::{self, Value};
use super::super::names::{nearest, shortened};
use super::super::words::{duration, path_asked, quoted_words, size};
use super::filling::{Gap, fill};
use super::ports::{Ports, ports};
use crate::commands::init::guess::docker_command;

/// Where a service is written down and what it is called there.
pub(super) struct Reader<'a> {
    /// The folder that relative paths of the file start in.
    pub(super) folder: &'a Path,
    /// The whole file.
    pub(super) root: &'a Value,
    /// What the file `.env` says.
    pub(super) known: &'a BTreeMap<String, String>,
    /// Names of all services of the file.
    pub(super) services: &'a [&'a str],
    pub(super) said: &'a mut Said,
}

impl Reader<'_> {
    /// Everything that is known of the service called `name`.
    pub(super) fn lane(&mut self, name: &str, service: &Value) -> FoundLane {
        let mut lane = FoundLane {
            target: self.target(name, service),
            resources: self.resources(name, service),
            ..FoundLane::default()
        };
        self.published(name, service, &mut lane);
        self.health(name, service, &mut lane);
        self.copies(name, service, &mut lane);
        self.variables(name, service, &mut lane);
        if let (Some(StarterTarget::Docker(..)), None) = (&lane.target, service.get("build"))
            && let Some(words) = self.words(name, service)
        {
            lane.details.insert("command", StarterValue::Texts(words));
        }
        lane
    }

    /// What it does to stored data before others start; none without a program.
    pub(super) fn migration(&mut self, name: &str, service: &Value) -> Option<StarterMigration> {
        let command = self.words(name, service);
        let command = command.or_else(|| self.dockerfile(service.get("build")?))?;
        let note = format!("Compose runs {} once before it.", shortened(name));
        Some(StarterMigration { command, note })
    }

    /// A command counts only where the service is built here: that of a foreign image starts a
    /// program inside the image.
    fn target(&mut self, name: &str, service: &Value) -> Option<StarterTarget> {
        let image = service.get("image").and_then(Value::text);
        let image = image.and_then(|it| self.filled(name, "image", &it));
        let Some(build) = service.get("build") else {
            return image.map(|image| StarterTarget::Docker(artifact(name), Some(image)));
        };
        let command = match self.words(name, service) {
            Some(command) => Some(command),
            None if self.hides(service) => self.dockerfile(build),
            None if ["command", "entrypoint"].iter().any(|key| service.get(key).is_some()) => {
                self.said.left_out(format!(
                    "the command of {}: it needs a shell, or a value that is not here; write it into \
                     `target`",
                    shortened(name)
                ));
                self.dockerfile(build)
            }
            None => self.dockerfile(build),
        };
        match command {
            Some(command) => Some(StarterTarget::Process(command)),
            None => Some(StarterTarget::Docker(artifact(name), image)),
        }
    }

    /// `entrypoint` and `command`, if a target can take them and no secret stands in them.
    fn words(&mut self, name: &str, service: &Value) -> Option<Vec<String>> {
        // Before anything is said about its words.
        if self.hides(service) {
            let name = shortened(name);
            self.said.left_out(format!(
                "the command of {name}: a secret stands in it; take it out, and write the command into \
                 `target`"
            ));
            return None;
        }
        let mut words = Vec::new();
        for key in ["entrypoint", "command"] {
            let Some(value) = service.get(key) else { continue };
            if value.is_list() {
                for word in value.texts() {
                    words.push(self.filled(name, "the command", &word)?);
                }
            } else if let Some(text) = value.text().filter(|it| !it.trim().is_empty()) {
                words.extend(quoted_words(&self.filled(name, "the command", &text)?)?);
            }
        }
        usable(&words).then_some(words)
    }

    /// Whether a secret stands in `entrypoint` or `command`.
    fn hides(&self, service: &Value) -> bool {
        let given = ["entrypoint", "command"].iter().filter_map(|key| service.get(key));
        let words = given.flat_map(Value::texts);
        // What cannot be filled in is no word of a command, and is told without its value.
        let filled = words.map(|it| fill(&it, self.known).map(|it| it.text).unwrap_or_default());
        holds(&filled.collect::<Vec<_>>())
    }

    /// The `CMD` of the Dockerfile that `build` names, if it lies below the folder.
    fn dockerfile(&mut self, build: &Value) -> Option<Vec<String>> {
        let context = build.text().or_else(|| build.get("context")?.text());
        let file = build.get("dockerfile").and_then(Value::text);
        let context = context.unwrap_or_else(|| ".".to_owned());
        let file = Path::new(&context).join(file.unwrap_or_else(|| "Dockerfile".to_owned()));
        let inside =
            file.components().all(|it| matches!(it, Component::Normal(_) | Component::CurDir));
        let text = inside.then(|| foreign::text(&self.folder.join(&file)).ok()).flatten()?;
        let command = docker_command(&text).filter(|words| usable(words))?;
        let place = foreign::shown(&file);
        if holds(&command) {
            self.said.left_out(format!("the CMD of {place}: a secret stands in it; take it out"));
            return None;
        }
        let words = shortened(&command.join(" "));
        self.said.read(format!("start command `{words}` from {place}"));
        Some(command)
    }

    /// The first published TCP port; the others are told.
    fn published(&mut self, name: &str, service: &Value, lane: &mut FoundLane) {
        let mut all = Ports::default();
        for key in ["ports", "expose"] {
            let items = service.get(key).map(Value::items).unwrap_or_default();
            // What is exposed alone is reached by no visitor, unless nothing is published.
            if key == "expose" && all.first.is_some() {
                break;
            }
            for item in items {
                ports(item, &mut |text| self.filled(name, "the port", text), &mut all);
            }
            if key == "ports" && all.is_everywhere {
                // The same of each service, and therefore told once.
                self.said.assumed(
                    "ports reached on 127.0.0.1 alone; compose publishes them on all interfaces, as \
                     `listen` of a router can",
                );
            }
        }
        lane.port = all.first;
        if let Some(inside) = all.inside {
            lane.details.insert("port", StarterValue::Count(inside.into()));
        }
        if !all.others.is_empty() {
            self.said.left_out(format!(
                "{} of {}: visitors have one address for each lane, {}",
                all.others.join(", "),
                shortened(name),
                all.first.map_or_else(|| "and it is TCP".to_owned(), |port| format!("here {port}"))
            ));
        }
    }

    fn copies(&mut self, name: &str, service: &Value, lane: &mut FoundLane) {
        let value = service.at(&["deploy", "replicas"]).or_else(|| service.get("scale"));
        if let Some(text) = value.and_then(Value::text) {
            let count = self.filled(name, "the copies", &text).and_then(|it| it.parse().ok());
            // As many as a target takes.
            match count.filter(|it| (1..=1000).contains(it)) {
                Some(count) => {
                    lane.details.insert("instances", StarterValue::Count(count));
                }
                None => self.said.left_out(format!(
                    "{} copies of {}: a lane has 1 to 1,000 `instances`",
                    shortened(&text),
                    shortened(name)
                )),
            }
        }
        let grace = service.get("stop_grace_period").and_then(Value::text);
        if let Some(span) = grace.and_then(|it| duration(&it)).filter(|it| *it > Span::ZERO) {
            lane.details.insert("stop_within", StarterValue::Text(span.to_string()));
        }
    }

    fn health(&mut self, name: &str, service: &Value, lane: &mut FoundLane) {
        let Some(check) = service.get("healthcheck") else { return };
        let test = check.get("test").map(Value::texts).unwrap_or_default();
        if check.get("disable").is_some_and(Value::is_true)
            || test.first().is_some_and(|it| it == "NONE")
        {
            lane.is_unprobed = true;
            let name = shortened(name);
            self.said.read(format!("no health of {name}: its healthcheck is switched off"));
            return;
        }
        let words: Vec<&str> = test.iter().flat_map(|text| text.split_whitespace()).collect();
        let Some(path) = path_asked(&words) else {
            let name = shortened(name);
            self.said.left_out(format!(
                "the healthcheck of {name}: it asks no URL; name a path in `health`"
            ));
            return;
        };
        let mut health = StarterHealth::at(&path);
        let span = |key: &str| duration(&check.get(key)?.text()?).filter(|it| *it > Span::ZERO);
        health.every = span("interval").unwrap_or(health.every);
        health.timeout = span("timeout").unwrap_or(health.timeout);
        let retries = check.get("retries").and_then(Value::text).and_then(|it| it.parse().ok());
        health.retries = retries.filter(|it| (1..=100).contains(it)).unwrap_or(health.retries);
        if let Some(start) = span("start_period") {
            lane.details.insert("start_within", StarterValue::Text(start.to_string()));
        }
        lane.health = Some(health);
    }

    /// `text` with its variables filled in; none when a value is needed that is not here.
    pub(super) fn filled(&mut self, name: &str, what: &str, text: &str) -> Option<String> {
        let name = shortened(name);
        match fill(text, self.known) {
            Ok(filled) => {
                for (variable, default) in filled.defaults {
                    self.said.assumed(format!(
                        "{what} of {name} with {} as its default, {}",
                        shortened(&variable),
                        shortened(&default)
                    ));
                }
                for variable in filled.known {
                    let variable = shortened(&variable);
                    self.said.read(format!("{what} of {name} with {variable} from .env"));
                }
                Some(filled.text)
            }
            Err(Gap::Missing(variable)) => {
                let variable = shortened(&variable);
                self.said.left_out(format!("{what} of {name}: {variable} is said nowhere"));
                None
            }
            Err(Gap::Secret(variable)) => {
                let variable = shortened(&variable);
                self.said.left_out(format!("{what} of {name}: {variable} is a secret"));
                None
            }
            Err(Gap::Malformed) => {
                // Not repeated: half of it may be a secret.
                self.said.left_out(format!("{what} of {name}: it cannot be filled in"));
                None
            }
        }
    }

    /// Limits of memory and processors.
    fn resources(&mut self, name: &str, service: &Value) -> Option<StarterSection> {
        let mut limit = |what: &str, new: &str, old: &str| {
            let value = service.at(&["deploy", "resources", "limits", new]);
            let text = value.or_else(|| service.get(old)).and_then(Value::text)?;
            self.filled(name, what, &text)
        };
        let memory = limit("the memory", "memory", "mem_limit").and_then(|it| size(&it));
        let processors = limit("the processors", "cpus", "cpus");
        let processors = processors
            .and_then(|it| it.parse::<f64>().ok())
            .filter(|it| (0.01..1e5).contains(it))
            .map(|it| format!("{}", (it * 100.0).round() / 100.0));
        let mut fields = Vec::new();
        fields.extend(memory.map(|it| ("memory", StarterValue::Text(it))));
        fields.extend(processors.map(|it| ("cpu", StarterValue::Text(it))));
        (!fields.is_empty()).then_some(StarterSection { name: "resources", fields })
    }
}

/// What the artefact is called that a container is made from.
fn artifact(name: &str) -> String {
    nearest(name).map_or_else(|| "image".to_owned(), |name| name.as_str().to_owned())
}

fn holds(words: &[String]) -> bool {
    holds_a_secret(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Whether a target of kind `process` can take it.
fn usable(words: &[String]) -> bool {
    let leaves = |word: &String| Path::new(word).components().any(|it| it == Component::ParentDir);
    words.first().is_some_and(|first| !first.trim().is_empty() && !leaves(first))
        && !words.iter().any(|word| word.contains("{artifact") || word.contains(['\0', '\n']))
}
