//! From what a source says to a starter that lacks nothing. Owns every assumption, and says each.

use std::collections::{BTreeMap, BTreeSet};

use towpath_config::{
    FIRST_PORT, StarterEnvironment, StarterHealth, StarterInput, StarterLane, StarterService,
    StarterTarget, tier_said_by,
};
use towpath_core::ids::Name;

use super::bounds;
use super::findings::{
    Findings, FoundEnvironment, FoundLane, MOST_ENVIRONMENTS, MOST_SERVICES, Said,
};
use super::names::{few, listed, shortened};
use crate::commands::init::guess::{ENVIRONMENTS, Guess, HEALTH_PATH};

/// The starter, with all that was said and all that had to be assumed. `guess` is what the folder
/// itself says, which fills what the source leaves open.
pub(crate) fn complete(mut found: Findings, guess: &Guess) -> (StarterInput, Said) {
    bounds::hold(&mut found);
    let said = &mut found.said;
    let project = found.project.take().unwrap_or_else(|| {
        said.assumed(format!("project {}, from {}", guess.project, guess.project_from));
        guess.project.clone()
    });
    let mut services = found.services;
    cut(&mut services, MOST_SERVICES, "services", said);
    if services.is_empty() {
        let purpose = "What is released from this folder".to_owned();
        services.push(StarterService { name: project.clone(), purpose });
        said.assumed(format!("one service, called {project}"));
    }
    let mut environments = found.environments;
    cut(&mut environments, MOST_ENVIRONMENTS, "environments", said);
    if environments.is_empty() {
        let names = ENVIRONMENTS.iter().filter_map(|it| Name::new(it).ok());
        environments = names.map(FoundEnvironment::called).collect();
        said.assumed(format!("environments {}", listed(ENVIRONMENTS)));
    }
    if !found.is_ordered {
        in_order(&mut environments, said);
    }
    if let Some(first) = environments.first_mut() {
        first.alarms.append(&mut found.first_alarms);
        let sections = std::mem::take(&mut found.first);
        let added: Vec<&str> =
            sections.iter().filter(|it| first.stands_on(it)).map(|it| it.name).collect();
        if !added.is_empty() {
            let what = listed(&added);
            said.assumed(format!(
                "{what} in {} alone: nothing says what the others have",
                first.name
            ));
        }
    }
    let mut lanes: Vec<Vec<FoundLane>> = environments
        .iter()
        .map(|environment| {
            let lane = |service: &StarterService| {
                let below = found.everywhere.get(&service.name);
                environment.lanes.get(&service.name).cloned().unwrap_or_default().over(below)
            };
            services.iter().map(lane).collect()
        })
        .collect();
    let names: Vec<Name> = environments.iter().map(|it| it.name.clone()).collect();
    let path = found.health_path.take();
    let mut filling = Filling { services: &services, environments: &names, guess, path, said };
    filling.settings(&found.everywhere);
    filling.targets(&mut lanes);
    lanes.iter_mut().flatten().for_each(hold_details);
    filling.copies(&found.everywhere, &lanes);
    filling.ports(&mut lanes);
    filling.health(&mut lanes);
    let environments = environments.into_iter().zip(lanes).map(written).collect();
    (StarterInput { project, notes: Vec::new(), services, environments }, found.said)
}

fn cut<T>(list: &mut Vec<T>, most: usize, what: &str, said: &mut Said) {
    if list.len() > most {
        said.left_out(format!("{} {what} beyond the first {most}", list.len() - most));
        list.truncate(most);
    }
}

/// Puts the environments into the order of their tiers, if all their names say one.
fn in_order(environments: &mut [FoundEnvironment], said: &mut Said) {
    let silent: Vec<&Name> = environments
        .iter()
        .map(|it| &it.name)
        .filter(|name| tier_said_by(name.as_str()).is_none())
        .collect();
    if silent.is_empty() {
        let before: Vec<Name> = environments.iter().map(|it| it.name.clone()).collect();
        environments.sort_by_key(|it| tier_said_by(it.name.as_str()));
        let after: Vec<&Name> = environments.iter().map(|it| &it.name).collect();
        let order = after.iter().map(ToString::to_string).collect::<Vec<_>>().join(" < ");
        let why = if after.iter().zip(&before).all(|(after, before)| *after == before) {
            "as in the source"
        } else {
            "by their names; the source has another"
        };
        if environments.len() > 1 {
            said.assumed(format!("order {order}, {why}"));
        }
    } else {
        let silent = listed(silent);
        said.assumed(format!(
            "order as in the source, and tier development for {silent}: the name says none"
        ));
    }
}

/// What fills the gaps of lanes, which stand by environment and then by service.
struct Filling<'a> {
    services: &'a [StarterService],
    environments: &'a [Name],
    guess: &'a Guess,
    /// The path that a person wants to be asked.
    path: Option<String>,
    said: &'a mut Said,
}

impl Filling<'_> {
    /// What a source says once holds everywhere, and a person should know.
    fn settings(&mut self, everywhere: &BTreeMap<Name, FoundLane>) {
        if self.environments.len() < 2 {
            return;
        }
        for name in self.services.iter().map(|it| &it.name) {
            let settings = everywhere.get(name).map(|lane| &lane.settings);
            if let Some(settings) = settings.filter(|it| !it.is_empty()) {
                let keys = few(settings.keys());
                self.said.assumed(format!("{keys} of {name} the same in all environments"));
            }
        }
    }

    /// How many copies run is said once too.
    fn copies(&mut self, everywhere: &BTreeMap<Name, FoundLane>, lanes: &[Vec<FoundLane>]) {
        let same = |(index, service): (usize, &StarterService)| {
            let count = everywhere.get(&service.name)?.details.get("instances")?;
            let mut all = lanes.iter().map(|all| all[index].details.get("instances"));
            all.all(|it| it == Some(count)).then(|| service.name.clone())
        };
        let names: Vec<Name> = self.services.iter().enumerate().filter_map(same).collect();
        if lanes.len() > 1 && !names.is_empty() {
            let names = few(names);
            self.said.assumed(format!("as many copies of {names} in all environments"));
        }
    }

    fn targets(&mut self, lanes: &mut [Vec<FoundLane>]) {
        let alone = self.services.len() == 1;
        for (index, service) in self.services.iter().enumerate() {
            let elsewhere = lanes.iter().find_map(|all| match &all[index].target {
                Some(StarterTarget::Process(command)) => Some(command.clone()),
                _ => None,
            });
            let (command, why) = match (elsewhere, self.guess.command_from) {
                (Some(command), _) => (command, "as elsewhere".to_owned()),
                (None, Some(from)) if alone => (self.guess.command.clone(), format!("from {from}")),
                _ => (start(), "nothing says how it is started".to_owned()),
            };
            let mut filled = Vec::new();
            for (environment, all) in self.environments.iter().zip(lanes.iter_mut()) {
                let lane = &mut all[index];
                if let Some(StarterTarget::Docker(artifact, _)) = &mut lane.target {
                    service.name.as_str().clone_into(artifact);
                }
                if lane.target.is_none() {
                    lane.target = Some(StarterTarget::Process(command.clone()));
                    filled.push(environment);
                }
            }
            if !filled.is_empty() {
                let where_ = if filled.len() == self.environments.len() {
                    String::new()
                } else {
                    format!(" in {}", listed(filled))
                };
                let (words, name) = (shortened(&command.join(" ")), &service.name);
                self.said.assumed(format!("start command `{words}` of {name}{where_}: {why}"));
            }
        }
    }

    /// Every lane that visitors reach gets a port that no other lane has.
    fn ports(&mut self, lanes: &mut [Vec<FoundLane>]) {
        let alone = self.services.len() == 1;
        let known: BTreeSet<u16> = lanes.iter().flatten().filter_map(|lane| lane.port).collect();
        let mut taken = BTreeSet::new();
        for (index, service) in self.services.iter().enumerate() {
            let of_service = || lanes.iter().map(|all| &all[index]);
            let runs_here = of_service().all(|lane| listens(lane.target.as_ref()));
            let reached = of_service().any(|lane| lane.port.is_some() || lane.health.is_some());
            if !runs_here || !(reached || alone) {
                for lane in lanes.iter_mut().map(|all| &mut all[index]) {
                    lane.port = None;
                }
                let why = if runs_here {
                    "no port of it is known"
                } else {
                    "functions and stacks have none yet"
                };
                if of_service_has_alias(lanes, index) {
                    continue;
                }
                self.said.assumed(format!("no router for {}: {why}", service.name));
                continue;
            }
            let first =
                of_service().find_map(|lane| lane.port).or(self.guess.port.filter(|_| alone));
            let mut given = Vec::new();
            for (environment, all) in self.environments.iter().zip(lanes.iter_mut()) {
                let lane = &mut all[index];
                let free = lane.port.filter(|port| taken.insert(*port));
                let Some(port) = free.or_else(|| next(first, &known, &mut taken)) else { continue };
                if free.is_none() {
                    given.push(format!("{port} in {environment}"));
                }
                lane.port = Some(port);
            }
            if !given.is_empty() {
                let name = &service.name;
                self.said.assumed(format!("ports of {name}: {}", listed(given)));
            }
        }
    }

    fn health(&mut self, lanes: &mut [Vec<FoundLane>]) {
        for (index, service) in self.services.iter().enumerate() {
            let known = lanes.iter().find_map(|all| all[index].health.clone());
            let known = known.or_else(|| self.path.as_deref().map(StarterHealth::at));
            let mut filled = Vec::new();
            for (environment, all) in self.environments.iter().zip(lanes.iter_mut()) {
                let lane = &mut all[index];
                if lane.port.is_none() {
                    lane.health = None;
                } else if lane.health.is_none() && !lane.is_unprobed {
                    let health = known.clone().unwrap_or_else(|| StarterHealth::at(HEALTH_PATH));
                    lane.health = Some(health);
                    filled.push(environment);
                }
            }
            if filled.is_empty() {
                continue;
            }
            let (name, where_) = (&service.name, listed(filled));
            let path = known.as_ref().and_then(|it| it.endpoints.first());
            self.said.assumed(match path {
                Some(path) => format!("health {path} of {name} in {where_}, as elsewhere"),
                None => format!("health {HEALTH_PATH} of {name} in {where_}: none is known"),
            });
        }
    }
}

fn of_service_has_alias(lanes: &[Vec<FoundLane>], index: usize) -> bool {
    lanes.iter().any(|all| all[index].alias.is_some())
}

/// Drops what the target's kind has no key for. The readers say so, for they know what it was.
fn hold_details(lane: &mut FoundLane) {
    let kept: &[&str] = match &lane.target {
        None | Some(StarterTarget::Process(_)) => &["instances", "start_within", "stop_within"],
        Some(StarterTarget::Docker(..)) => &["command", "instances", "port", "volumes"],
        Some(StarterTarget::Lambda(..)) => &["provisioned", "template"],
        Some(StarterTarget::CloudFormation(..)) => &[],
    };
    lane.details.retain(|key, _| kept.contains(key));
}

fn start() -> Vec<String> {
    vec!["./start".to_owned()]
}

/// Whether visitors of this machine can be sent to what runs it.
fn listens(target: Option<&StarterTarget>) -> bool {
    match target {
        None | Some(StarterTarget::Process(_) | StarterTarget::Docker(..)) => true,
        Some(StarterTarget::Lambda(..) | StarterTarget::CloudFormation(..)) => false,
    }
}

/// The next port that nothing has.
fn next(first: Option<u16>, known: &BTreeSet<u16>, taken: &mut BTreeSet<u16>) -> Option<u16> {
    // Below 1024 only the administrator may listen; above the last there is none.
    let start = first.unwrap_or(FIRST_PORT).max(1024);
    let mut ports = (start..=u16::MAX).chain(1024..start);
    ports.find(|port| !known.contains(port) && taken.insert(*port))
}

fn written((environment, lanes): (FoundEnvironment, Vec<FoundLane>)) -> StarterEnvironment {
    let secrets = lanes.iter().flat_map(|lane| lane.secrets.clone()).collect();
    let lanes = lanes.into_iter().map(|lane| StarterLane {
        details: lane.details.into_iter().collect(),
        port: lane.port,
        health: lane.health,
        resources: lane.resources,
        settings: lane.settings,
        migration: lane.migration,
        alias: lane.alias,
        rollout: lane.rollout,
        ..StarterLane::of(lane.target.unwrap_or_else(|| StarterTarget::Process(start())))
    });
    StarterEnvironment {
        name: environment.name,
        url: environment.url,
        notes: environment.notes,
        sections: environment.sections,
        alarms: environment.alarms,
        secrets,
        lanes: lanes.collect(),
    }
}
