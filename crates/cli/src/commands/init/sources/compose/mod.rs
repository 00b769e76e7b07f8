//! Compose files: a service for each environment, or services that are the same everywhere. Owns
//! how the two are told apart; a service by itself is read in `service`.

mod extends;
mod filling;
mod grouping;
mod images;
mod once;
mod ports;
mod service;
mod sorted;
mod unread;
mod variables;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use towpath_config::{StarterSection, StarterService, tier_said_by};
use towpath_core::ids::Name;
use towpath_core::matrix::Tier;

use super::findings::{Findings, FoundEnvironment, FoundLane, Said};
use super::foreign::{self, Value, shown};
use super::names::{Names, is_environment_word, listed, nearest, shortened};
use super::place::{Candidates, Wanted};
use crate::exit_code::{CliError, ExitCode};
use crate::report::style::counted;
use grouping::{Placed, by_environment, said_apart};
use service::Reader;
use sorted::Sorted;

/// A compose file and those that change it in one environment.
pub(crate) struct Compose {
    file: PathBuf,
    root: Value,
    /// Services with what they extend.
    services: Vec<(String, Value)>,
    /// What `.env` beside the file says.
    known: BTreeMap<String, String>,
    /// Names of environments and what is other in them.
    others: Vec<(String, PathBuf, Value)>,
}

/// Which files are compose files: `compose.yaml`, `docker-compose.staging.yml` and the like.
pub(crate) const WANTED: Wanted = Wanted {
    what: "compose file",
    looks_for: "compose.yaml, compose.yml, docker-compose.yml and docker-compose.NAME.yml",
    command: "towpath init --from compose",
    fits: |name| part(name).is_some(),
};

/// The part of a compose file's name that tells it from others, empty in `compose.yaml`; none for
/// other files.
fn part(name: &str) -> Option<&str> {
    let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml"))?;
    let rest = stem.strip_prefix("docker-").unwrap_or(stem).strip_prefix("compose")?;
    match rest.strip_prefix('.') {
        Some(part) if !part.is_empty() && !part.contains('.') => Some(part),
        None if rest.is_empty() => Some(""),
        _ => None,
    }
}

fn part_of(file: &Path) -> Option<String> {
    part(file.file_name()?.to_str()?).map(str::to_owned)
}

/// The one file that the others change, if they do: `compose.yaml` beside `compose.prod.yaml`.
pub(crate) fn base(candidates: &Candidates) -> Option<PathBuf> {
    let mut bases = Vec::new();
    for file in &candidates.files {
        match part_of(file)?.as_str() {
            "" => bases.push(file.clone()),
            part if part == "override" || is_environment_word(part) => {}
            _ => return None,
        }
    }
    if bases.len() == 1 { bases.pop() } else { None }
}

/// Reads a compose file, and those beside it that are named like it and an environment.
///
/// # Errors
/// `source-unreadable` for what cannot be read, `source-empty` for a file without services.
pub(crate) fn read(file: &Path, project: &Name) -> Result<Findings, CliError> {
    let mut findings = Findings::default();
    let compose = open(file, &mut findings.said)?;
    findings.project = compose.root.get("name").and_then(Value::text).as_deref().and_then(nearest);
    if let Some(project) = &findings.project {
        findings.said.read(format!("project {project} from {}", shown(file)));
    }
    compose.services_into(&mut findings, project);
    Ok(findings)
}

fn open(file: &Path, said: &mut Said) -> Result<Compose, CliError> {
    let root = foreign::value(file)?;
    let services = root.get("services").map(Value::entries).unwrap_or_default();
    if services.is_empty() {
        let message = format!("nothing was written: {} has no services", shown(file));
        return Err(CliError::new(ExitCode::Usage, "source-empty", message)
            .because("a compose file has a map `services:` with at least one entry")
            .at(shown(file))
            .next("towpath init --from compose PATH", "another file")
            .next("towpath init", "asks instead of reading"));
    }
    let mut others = Vec::new();
    // What a person named by itself is not changed by others.
    if part_of(file).is_none_or(|part| part.is_empty()) {
        for other in Candidates::beside(file, &WANTED) {
            let environment = part_of(&other).filter(|part| is_environment_word(part));
            let Some(environment) = environment.filter(|_| other != file) else { continue };
            let value = foreign::value(&other)?;
            others.push((environment, other, value));
        }
    }
    let folder = file.parent().map(Path::to_owned).unwrap_or_default();
    let services = extends::services(&root, &folder, said);
    let known = known(&folder.join(".env"));
    Ok(Compose { file: file.to_owned(), root, services, known, others })
}

/// What the file that compose reads before all others says of variables.
fn known(file: &Path) -> BTreeMap<String, String> {
    let text = if file.is_file() { foreign::text(file).unwrap_or_default() } else { String::new() };
    let pairs = filling::lines(&text).into_iter();
    pairs.filter_map(|(name, value, _)| Some((name, value?))).collect()
}

impl Compose {
    fn service(&self, name: &str) -> Option<&Value> {
        self.services.iter().find(|(known, _)| known == name).map(|(_, service)| service)
    }

    /// Reads services of the file that is said to be `root`, in `folder`.
    fn lane(
        &self,
        (root, folder): (&Value, &Path),
        (name, service): (&str, &Value),
        findings: &mut Findings,
    ) -> FoundLane {
        let names: Vec<&str> = self.services.iter().map(|(name, _)| name.as_str()).collect();
        let said = &mut findings.said;
        Reader { folder, root, known: &self.known, services: &names, said }.lane(name, service)
    }

    fn folder(&self) -> PathBuf {
        self.file.parent().map(Path::to_owned).unwrap_or_default()
    }

    fn services_into(&self, findings: &mut Findings, project: &Name) {
        let mut sorted = self.sorted(&mut findings.said);
        let (saying, silent) = said_apart(&sorted.own);
        let placed = by_environment(&saying).filter(|_| saying.len() > silent.len());
        if let Some(placed) = placed {
            for name in silent {
                findings.said.left_out(format!(
                    "{}: no environment in its name, as in the others; write it into `services` if it \
                     is released",
                    shortened(name)
                ));
            }
            self.each_environment(&placed, &sorted, project, findings);
        } else {
            let stands = std::mem::take(&mut sorted.stands);
            self.everywhere(&sorted, stands, findings);
        }
        let read: Vec<(&str, &Value)> = self
            .services
            .iter()
            .filter(|(name, _)| sorted.own.contains(&name.as_str()))
            .map(|(name, service)| (name.as_str(), service))
            .collect();
        unread::say(&self.root, &read, &mut findings.said);
        self.say_order(&sorted.own, &mut findings.said);
    }

    /// A compose service is one service in one environment.
    fn each_environment(
        &self,
        placed: &[Placed<'_>],
        sorted: &Sorted<'_>,
        project: &Name,
        findings: &mut Findings,
    ) {
        let (mut of_environments, mut of_services) = (Names::default(), Names::default());
        let folder = self.folder();
        let mut names: Vec<Name> = Vec::new();
        for one in placed {
            let said = &mut findings.said;
            let Some(name) = of_environments.of(&one.environment, said) else { continue };
            let own = one.service.as_deref();
            let service = own.and_then(|it| of_services.of(it, said));
            let named = || findings.project.as_ref().unwrap_or(project).clone();
            let service = service.unwrap_or_else(named);
            if !names.contains(&service) {
                names.push(service.clone());
                let purpose = self.purpose(one.written);
                findings.services.push(StarterService { name: service.clone(), purpose });
            }
            if !findings.environments.iter().any(|it| it.name == name) {
                findings.environments.push(FoundEnvironment::called(name.clone()));
            }
            let Some(value) = self.service(one.written) else { continue };
            let mut lane = self.lane((&self.root, &folder), (one.written, value), findings);
            lane.migration = sorted.migration(one.written);
            let found = findings.environments.iter_mut().find(|it| it.name == name);
            let Some(found) = found else { continue };
            for (_, section) in sorted.stands.iter().filter(|(on, _)| depends_on(value, on)) {
                found.stands_on(section);
            }
            found.lanes.insert(service, lane);
        }
        self.say_environments(findings);
        for (name, section) in &sorted.stands {
            let used = findings.environments.iter().any(|it| it.sections.contains(section));
            if used {
                findings.said.read(format!("{} from {}", section.name, shortened(name)));
            } else {
                self.first(name, section, findings);
            }
        }
    }

    fn purpose(&self, written: &str) -> String {
        let file = self.file.file_name().unwrap_or(self.file.as_os_str());
        format!("What {} runs as {}", shown(Path::new(file)), shortened(written))
    }

    fn say_environments(&self, findings: &mut Findings) {
        let names = findings.environments.iter().map(|it| it.name.clone());
        let mut sentence = format!(
            "{} from {}: {}",
            counted(findings.environments.len(), "environment"),
            shown(&self.file),
            listed(names)
        );
        let lanes = || findings.environments.iter().flat_map(|it| it.lanes.values());
        let ports: Vec<u16> = lanes().filter_map(|lane| lane.port).collect();
        if !ports.is_empty() {
            let _ = write!(sentence, "; ports {}", listed(ports));
        }
        let mut paths: Vec<String> =
            lanes().filter_map(|lane| lane.health.as_ref()?.endpoints.first().cloned()).collect();
        paths.sort();
        paths.dedup();
        if !paths.is_empty() {
            let _ = write!(sentence, "; health {} from its healthchecks", listed(paths));
        }
        findings.said.read(sentence);
    }

    /// A compose service is a service, the same in all environments.
    fn everywhere(
        &self,
        sorted: &Sorted<'_>,
        stands: Vec<(&str, StarterSection)>,
        findings: &mut Findings,
    ) {
        let mut names = Names::default();
        let folder = self.folder();
        for written in &sorted.own {
            let Some(name) = names.of(written, &mut findings.said) else { continue };
            let Some(value) = self.service(written) else { continue };
            let mut lane = self.lane((&self.root, &folder), (written, value), findings);
            lane.migration = sorted.migration(written);
            self.say_service(&name, &lane, findings);
            let purpose = self.purpose(written);
            findings.services.push(StarterService { name: name.clone(), purpose });
            findings.everywhere.insert(name.clone(), lane);
            self.in_others(written, &name, findings);
        }
        for (name, section) in stands {
            self.first(name, &section, findings);
        }
        if !self.others.is_empty() {
            self.base_alone(findings);
            let files = listed(self.others.iter().map(|(_, file, _)| shown(file)));
            let count = counted(self.others.len(), "environment");
            let names = listed(self.others.iter().map(|(name, _, _)| name));
            findings.said.read(format!("{count} from the names of {files}: {names}"));
        }
    }

    /// What the file runs by itself is a person's own machine, unless another says that it is.
    fn base_alone(&self, findings: &mut Findings) {
        let mut tiers = findings.environments.iter().map(|it| tier_said_by(it.name.as_str()));
        if tiers.any(|tier| tier == Some(Tier::Development)) {
            return;
        }
        if let Some(name) = nearest("dev") {
            findings.environments.insert(0, FoundEnvironment::called(name));
            findings.said.assumed(format!("dev is what {} runs by itself", shown(&self.file)));
        }
    }

    /// What the files of single environments say about a service.
    fn in_others(&self, written: &str, name: &Name, findings: &mut Findings) {
        for (environment, file, root) in &self.others {
            let Some(called) = nearest(environment) else { continue };
            if !findings.environments.iter().any(|it| it.name == called) {
                findings.environments.push(FoundEnvironment::called(called.clone()));
            }
            let Some(value) = root.at(&["services", written]) else { continue };
            let folder = file.parent().map(Path::to_owned).unwrap_or_default();
            let mut lane = self.lane((root, &folder), (written, value), findings);
            // What it runs is said by the base alone, unless this says how it is built too.
            if value.get("build").is_none() {
                lane.target = None;
            }
            let found = findings.environments.iter_mut().find(|it| it.name == called);
            if let Some(found) = found {
                found.lanes.insert(name.clone(), lane);
            }
        }
    }

    fn say_service(&self, name: &Name, lane: &FoundLane, findings: &mut Findings) {
        let mut parts = vec![format!("service {name} from {}", shown(&self.file))];
        parts.extend(lane.port.map(|port| format!("port {port}")));
        let path = lane.health.as_ref().and_then(|it| it.endpoints.first());
        parts.extend(path.map(|path| format!("health {path} from its healthcheck")));
        findings.said.read(parts.join("; "));
    }

    /// Something that no environment is known to stand on.
    fn first(&self, name: &str, section: &StarterSection, findings: &mut Findings) {
        if findings.first.iter().any(|it| it.name == section.name) {
            let (name, what) = (shortened(name), section.name);
            findings.said.left_out(format!(
                "{name}: a second {what}, and an environment has one; give a service its own"
            ));
            return;
        }
        findings.first.push(section.clone());
        let (name, file) = (shortened(name), shown(&self.file));
        findings.said.read(format!("{} from {name} in {file}", section.name));
    }
}

fn depends_on(service: &Value, name: &str) -> bool {
    let Some(on) = service.get("depends_on") else { return false };
    on.entries().iter().any(|(key, _)| key == name) || on.texts().iter().any(|it| it == name)
}
