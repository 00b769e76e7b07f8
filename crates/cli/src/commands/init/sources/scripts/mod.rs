//! Shell scripts such as `promote-environment.sh`, and the compose file beside them. Owns which of
//! their words are believed; the words themselves are found in `shell`.

mod facts;
mod shell;
mod shifting;
mod statements;

use std::path::{Path, PathBuf};

use towpath_config::{StarterRollout, StarterService, StarterValue, tier_said_by};
use towpath_core::ids::Name;
use towpath_core::matrix::Tier;
use towpath_core::units::Span;

use super::compose;
use super::findings::{Findings, FoundEnvironment, FoundLane};
use super::foreign::{self, shown};
use super::names::{Names, few, listed, shortened};
use super::place::{Candidates, Wanted};
use crate::exit_code::CliError;
use crate::report::style::counted;
use facts::Facts;
use shell::Said;
use shifting::{Waits, waits};

/// Which files are scripts.
pub(super) const WANTED: Wanted = Wanted {
    what: "shell script",
    looks_for: "*.sh",
    command: "towpath init --from scripts",
    fits: |name| name.strip_suffix(".sh").is_some_and(|stem| !stem.is_empty()),
};

/// Reads scripts: `path` is one of them, or the folder that they or their `scripts` are in.
///
/// # Errors
/// `source-not-found` (exit 5) where there are none; what all of them are refused for.
pub(crate) fn read(path: Option<&Path>, project: &Name) -> Result<Findings, CliError> {
    let path = path.unwrap_or(Path::new(""));
    let files = if path.is_file() {
        vec![path.to_owned()]
    } else {
        let folders = ["scripts", "bin", "deploy", ""].map(|it| path.join(it));
        Candidates::find(&folders, &WANTED)?.files
    };
    let mut findings = Findings::default();
    let scripts = texts(&files, &mut findings)?;
    let mut names = Names::default();
    take_environments(&scripts, &mut names, &mut findings);
    beside(path, &files, project, &mut findings)?;
    take_facts(&scripts, project, &mut names, &mut findings);
    take_waits(&scripts, &mut findings);
    for (file, script) in &scripts {
        if !script.said.programs.is_empty() {
            findings.said.left_out(format!(
                "what {} calls ({}): it stays in the script; wrap it as a check of kind `command`",
                shown(file),
                few(&script.said.programs)
            ));
        }
    }
    Ok(findings)
}

/// Everything that one script says.
struct Script {
    said: Said,
    waits: Waits,
}

/// The steps of the script that has most of them, and how long it waits for a start.
fn take_waits(scripts: &[(PathBuf, Script)], findings: &mut Findings) {
    for (file, script) in scripts {
        for wait in &script.waits.others {
            findings.said.left_out(format!(
                "{wait} of {}: a wait between steps is a `bake` in `rollout`",
                shown(file)
            ));
        }
    }
    let [service] = findings.services.as_slice() else { return };
    let service = service.name.clone();
    let start = scripts.iter().find_map(|(file, it)| Some((file, it.waits.until_ready?)));
    if let Some((file, span)) = start {
        let lane = findings.everywhere.entry(service.clone()).or_default();
        lane.details.insert("start_within", StarterValue::Text(span.to_string()));
        findings.said.read(format!("{span} to start, from the loop in {}", shown(file)));
    }
    let most =
        scripts.iter().max_by_key(|(file, it)| (it.waits.steps.len(), std::cmp::Reverse(file)));
    let Some((file, script)) = most.filter(|(_, it)| it.waits.steps.len() > 1) else { return };
    let mut steps = script.waits.steps.clone();
    if steps.last().is_some_and(|(weight, _)| *weight < 100) {
        steps.push((100, Span::ZERO));
    }
    let weights = listed(steps.iter().map(|(weight, _)| format!("{weight}%")));
    let note = format!("The steps of {}.", shown(file));
    let rollout = StarterRollout { strategy: "canary", steps, note };
    let produces =
        |it: &&mut FoundEnvironment| tier_said_by(it.name.as_str()) == Some(Tier::Production);
    let mut into = Vec::new();
    for environment in findings.environments.iter_mut().filter(produces) {
        let lane = environment.lanes.entry(service.clone()).or_default();
        lane.rollout = Some(rollout.clone());
        into.push(environment.name.clone());
    }
    if into.is_empty() {
        let file = shown(file);
        findings.said.left_out(format!(
            "the steps {weights} of {file}: no environment is production; write them into `rollout`"
        ));
    } else {
        let (file, into) = (shown(file), listed(into));
        findings.said.read(format!("steps {weights} from {file}, in {into}"));
    }
}

/// What each script says; one that cannot be read is left out, unless it is the only one.
fn texts(files: &[PathBuf], findings: &mut Findings) -> Result<Vec<(PathBuf, Script)>, CliError> {
    let mut all = Vec::new();
    for file in files {
        match foreign::text(file) {
            Ok(text) => {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                let script = Script { said: shell::read(&name, &text), waits: waits(&text) };
                all.push((file.clone(), script));
            }
            Err(error) if files.len() == 1 => return Err(error),
            Err(error) => {
                let cause = error.trouble().cause.clone().unwrap_or_default();
                findings.said.left_out(format!("{}: {cause}", shown(file)));
            }
        }
    }
    Ok(all)
}

/// Where a script names environments, from what is most certainly all of them to what is least.
type Kind = (&'static str, fn(&Said) -> &Vec<String>);
const KINDS: [Kind; 4] = [
    ("its list", |said| &said.listed),
    ("the patterns of its `case`", |said| &said.cases),
    ("its usage", |said| &said.usage),
    ("its comparisons", |said| &said.compared),
];

/// The script that names the most of them in the most certain way is believed.
fn take_environments(scripts: &[(PathBuf, Script)], names: &mut Names, findings: &mut Findings) {
    let best = KINDS.iter().find_map(|(how, of)| {
        let most =
            scripts.iter().max_by_key(|(file, it)| (of(&it.said).len(), std::cmp::Reverse(file)));
        most.filter(|(_, it)| of(&it.said).len() > 1)
            .map(|(file, it)| (file, *how, of(&it.said).clone()))
    });
    let Some((file, how, all)) = best else {
        let files = listed(scripts.iter().map(|(file, _)| shown(file)));
        findings.said.left_out(format!("{files}: no two environments are named in one of them"));
        return;
    };
    for environment in &all {
        if let Some(name) = names.of(environment, &mut findings.said) {
            findings.environments.push(FoundEnvironment::called(name));
        }
    }
    let count = counted(findings.environments.len(), "environment");
    let called = listed(findings.environments.iter().map(|it| it.name.clone()));
    findings.said.read(format!("{count} from {}, {how}: {called}", shown(file)));
    for (file, script) in scripts {
        let said = &script.said;
        let mut others: Vec<String> = Vec::new();
        for name in KINDS.iter().flat_map(|(_, of)| of(said)) {
            if !all.contains(name) && !others.contains(name) {
                others.push(name.clone());
            }
        }
        if !others.is_empty() {
            findings.said.left_out(format!(
                "{} of {}: not among those",
                listed(others),
                shown(file)
            ));
        }
    }
}

/// A compose file with a service for each environment says more about them than scripts do.
fn beside(
    path: &Path,
    files: &[PathBuf],
    project: &Name,
    findings: &mut Findings,
) -> Result<(), CliError> {
    let scripts = files.first().and_then(|it| it.parent()).unwrap_or(path).to_owned();
    let above = scripts.parent().map(Path::to_owned).unwrap_or_default();
    let folder = if path.is_dir() { path.to_owned() } else { above };
    let Ok(candidates) = Candidates::find(&[folder, scripts], &compose::WANTED) else {
        return Ok(());
    };
    for file in &candidates.files {
        let found = compose::read(file, project)?;
        if found.environments.is_empty() || !found.everywhere.is_empty() {
            continue;
        }
        join(found, findings);
        return Ok(());
    }
    let files = listed(candidates.files.iter().map(|it| shown(it)));
    findings.said.left_out(format!("{files}: no service for each environment; see --from compose"));
    Ok(())
}

fn join(found: Findings, findings: &mut Findings) {
    let known = !findings.environments.is_empty();
    findings.project = findings.project.take().or(found.project);
    findings.services = found.services;
    findings.first = found.first;
    for environment in found.environments {
        let own = findings.environments.iter_mut().find(|it| it.name == environment.name);
        match own {
            Some(own) => *own = environment,
            None if known => findings.said.left_out(format!(
                "{} of the compose file: the scripts do not name it",
                environment.name
            )),
            None => findings.environments.push(environment),
        }
    }
    findings.said.join(found.said);
}

/// Ports, paths and addresses, where the compose file has not said them.
fn take_facts(
    scripts: &[(PathBuf, Script)],
    project: &Name,
    names: &mut Names,
    findings: &mut Findings,
) {
    if findings.services.len() > 1 {
        let count = findings.services.len();
        findings.said.left_out(format!(
            "ports, paths and variables of the scripts: nothing says whose of {count} services they are"
        ));
        return;
    }
    let service = findings.services.first().map_or_else(|| project.clone(), |it| it.name.clone());
    let mut everywhere = Facts::default();
    let mut of_environments: Vec<Facts> = Vec::new();
    of_environments.resize_with(findings.environments.len(), Facts::default);
    for (file, script) in scripts {
        for (environment, fact) in &script.said.facts {
            let Some(environment) = environment else {
                everywhere.take(fact, file);
                continue;
            };
            let name = names.of(environment, &mut super::findings::Said::default());
            let known = findings.environments.iter().position(|it| Some(&it.name) == name.as_ref());
            if let Some(facts) = known.and_then(|index| of_environments.get_mut(index)) {
                facts.take(fact, file);
            }
        }
    }
    for (found, mut own) in findings.environments.iter_mut().zip(of_environments) {
        if let (None, Some((url, file))) = (&found.url, own.url.take()) {
            let sentence =
                format!("url {} of {} from {}", shortened(&url), found.name, shown(&file));
            findings.said.read(sentence);
            found.url = Some(url);
        }
        let lane = found.lanes.entry(service.clone()).or_default();
        let sentences = own.into_lane(lane, &format!(" of {}", found.name));
        for sentence in sentences {
            findings.said.read(sentence);
        }
    }
    // An address outside all environments is that of anything.
    everywhere.url = None;
    let lane = findings.everywhere.entry(service.clone()).or_default();
    let sentences = everywhere.into_lane(lane, "");
    let is_new = sentences.iter().any(|_| {
        let said = |lane: &FoundLane| lane.port.is_some() && lane.health.is_some();
        let lanes = findings.environments.iter().map(|it| it.lanes.get(&service));
        !lanes.into_iter().all(|lane| lane.is_some_and(said)) || findings.environments.is_empty()
    });
    if is_new {
        for sentence in sentences {
            findings.said.read(sentence);
        }
    }
    if findings.services.is_empty() {
        let purpose = "What the scripts release".to_owned();
        findings.services.push(StarterService { name: service.clone(), purpose });
        findings.said.assumed(format!("one service, called {service}"));
    }
}
