//! One service of a compose file: its command, port, health and limits. Writes nothing about other
//! services; what it cannot know it leaves open.

use std::path::{Component, Path};

use towpath_config::{StarterHealth, StarterSection, StarterTarget, StarterValue};
use towpath_core::units::Span;

use super::super::findings::{FoundLane, Said};
use super::super::foreign::{self, Value};
use super::super::names::{nearest, shortened};
use super::super::words::{duration, path_of_url, size, without_shell};
use crate::commands::init::guess::docker_command;

/// Where a service is written down and what it is called there.
pub(super) struct Reader<'a> {
    /// The folder that relative paths of the file start in.
    pub(super) folder: &'a Path,
    pub(super) said: &'a mut Said,
}

impl Reader<'_> {
    /// Everything that is known of the service called `name`.
    pub(super) fn lane(&mut self, name: &str, service: &Value) -> FoundLane {
        FoundLane {
            target: self.target(name, service),
            port: self.port(name, service),
            health: self.health(name, service),
            resources: resources(service),
        }
    }

    /// A command counts only where the service is built here: that of a foreign image starts a
    /// program inside the image.
    fn target(&mut self, name: &str, service: &Value) -> Option<StarterTarget> {
        let image = service.get("image").and_then(Value::text);
        let image = image.and_then(|it| self.filled(name, "image", &it));
        let Some(build) = service.get("build") else {
            return image.map(|image| StarterTarget::Docker(artifact(name), Some(image)));
        };
        let written = self.command(name, service);
        let command = written.or_else(|| self.dockerfile(build));
        match command {
            Some(command) => Some(StarterTarget::Process(command)),
            None => Some(StarterTarget::Docker(artifact(name), image)),
        }
    }

    fn command(&mut self, name: &str, service: &Value) -> Option<Vec<String>> {
        let mut words = Vec::new();
        for key in ["entrypoint", "command"] {
            let Some(value) = service.get(key) else { continue };
            let part = if value.is_list() {
                value.texts()
            } else {
                value.text().and_then(|text| without_shell(&text)).unwrap_or_default()
            };
            let part: Option<Vec<String>> =
                part.iter().map(|word| self.filled(name, key, word)).collect();
            words.extend(part?);
        }
        let fits = usable(&words);
        if !fits && (service.get("command").is_some() || service.get("entrypoint").is_some()) {
            self.said.left_out(format!(
                "the command of {}: it needs a shell, or a value that is not here",
                shortened(name)
            ));
        }
        fits.then_some(words)
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
        let (words, place) = (shortened(&command.join(" ")), foreign::shown(&file));
        self.said.read(format!("start command `{words}` from {place}"));
        Some(command)
    }

    /// The first published TCP port.
    fn port(&mut self, name: &str, service: &Value) -> Option<u16> {
        let ports = service.get("ports").map(Value::items).unwrap_or_default();
        let exposed = service.get("expose").map(Value::items).unwrap_or_default();
        let mut found = None;
        for port in ports.iter().chain(exposed) {
            let text = if port.is_map() {
                let published = port.get("published").or_else(|| port.get("target"));
                published.and_then(Value::text)
            } else {
                port.text()
            };
            let Some(text) = text.and_then(|text| self.filled(name, "port", &text)) else {
                continue;
            };
            found = found.or_else(|| published(&text));
        }
        found
    }

    fn health(&mut self, name: &str, service: &Value) -> Option<StarterHealth> {
        let check = service.get("healthcheck")?;
        if check.get("disable").is_some_and(Value::is_true) {
            return None;
        }
        let test = check.get("test").map(Value::texts).unwrap_or_default();
        let mut words = test.iter().flat_map(|text| text.split_whitespace());
        let Some(path) = words.find_map(path_of_url) else {
            let name = shortened(name);
            self.said.left_out(format!("the healthcheck of {name}: it asks no URL"));
            return None;
        };
        let mut health = StarterHealth::at(&path);
        let span = |key: &str| duration(&check.get(key)?.text()?).filter(|it| *it > Span::ZERO);
        health.every = span("interval").unwrap_or(health.every);
        health.timeout = span("timeout").unwrap_or(health.timeout);
        let retries = check.get("retries").and_then(Value::text).and_then(|it| it.parse().ok());
        health.retries = retries.filter(|it| (1..=100).contains(it)).unwrap_or(health.retries);
        Some(health)
    }

    /// `${NAME:-default}` as its default; none when a value without one is needed.
    fn filled(&mut self, name: &str, what: &str, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                out.push('$');
                rest = after;
                continue;
            }
            let (inside, after) = after.strip_prefix('{')?.split_once('}')?;
            let (variable, default) = inside.split_once(":-").or_else(|| inside.split_once('-'))?;
            let (variable, default) = (shortened(variable), default.to_owned());
            self.said.assumed(format!(
                "{what} of {} with {variable} as its default, {}",
                shortened(name),
                shortened(&default)
            ));
            out.push_str(&default);
            rest = after;
        }
        out.push_str(rest);
        Some(out)
    }
}

/// What the artefact is called that a container is made from.
fn artifact(name: &str) -> String {
    nearest(name).map_or_else(|| "image".to_owned(), |name| name.as_str().to_owned())
}

/// Whether a target of kind `process` can take it.
fn usable(words: &[String]) -> bool {
    let leaves = |word: &String| Path::new(word).components().any(|it| it == Component::ParentDir);
    words.first().is_some_and(|first| !first.trim().is_empty() && !leaves(first))
        && !words.iter().any(|word| word.contains("{artifact") || word.contains(['\0', '\n']))
}

/// The port of the host in `127.0.0.1:8080:80/tcp`, `8080:80`, `80` and `3000-3005:3000-3005`.
fn published(text: &str) -> Option<u16> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    if protocol != "tcp" {
        return None;
    }
    let parts: Vec<&str> = ports.rsplitn(3, ':').collect();
    let host = if parts.len() > 1 { parts[1] } else { parts[0] };
    host.split('-').next()?.trim().parse().ok().filter(|port| *port > 0)
}

/// Limits of memory and processors.
fn resources(service: &Value) -> Option<StarterSection> {
    let limit = |new: &str, old: &str| {
        let value = service.at(&["deploy", "resources", "limits", new]);
        value.or_else(|| service.get(old)).and_then(Value::text)
    };
    let memory = limit("memory", "mem_limit").and_then(|it| size(&it));
    let processors = limit("cpus", "cpus").filter(|it| it.parse::<f64>().is_ok());
    let mut fields = Vec::new();
    fields.extend(memory.map(|it| ("memory", StarterValue::Text(it))));
    fields.extend(processors.map(|it| ("cpu", StarterValue::Text(it))));
    (!fields.is_empty()).then_some(StarterSection { name: "resources", fields })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_ports_are_those_of_the_host() {
        for (text, wanted) in [
            ("3001:3000", Some(3001)),
            ("127.0.0.1:3001:3000", Some(3001)),
            ("[::1]:3001:3000", Some(3001)),
            ("3000", Some(3000)),
            ("3000-3005:3000-3005", Some(3000)),
            ("53:53/udp", None),
            ("0:80", None),
            ("99999:80", None),
            ("", None),
            (":::", None),
        ] {
            assert_eq!(published(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_value_that_is_not_here_is_left_open_and_a_default_is_said() {
        let mut said = Said::default();
        let mut reader = Reader { folder: Path::new("."), said: &mut said };
        assert_eq!(reader.filled("api", "port", "${PORT:-3000}:80").as_deref(), Some("3000:80"));
        assert_eq!(reader.filled("api", "port", "a$$b").as_deref(), Some("a$b"));
        for open in ["${PORT}", "$PORT", "${PORT:?no}", "${", "$"] {
            assert_eq!(reader.filled("api", "port", open), None, "{open}");
        }
        assert_eq!(said.assumed, ["port of api with PORT as its default, 3000"]);
    }
}
