//! CDK: the assembly that `cdk synth` leaves in `cdk.out`, and without it the names in the app's own
//! sources. Owns which environment a stack belongs to; runs no app.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use towpath_core::ids::Name;

use super::super::findings::{Findings, FoundEnvironment};
use super::super::foreign::{self, Value, shown};
use super::super::names::{Names, hyphenated, is_environment_word, listed, shortened};
use super::deployed::{Deployed, Stack, describe};
use super::{Template, typescript};
use crate::exit_code::{CliError, ExitCode};
use crate::report::style::counted;

/// Most templates of one assembly that are read; CloudFormation allows 2,000 stacks in an account.
const MOST_TEMPLATES: usize = 200;
/// Words behind that of an environment that belong to its name, as in `DevAwsDeployed`.
const QUALIFIERS: [&str; 4] = ["aws", "deployed", "local", "localstack"];

/// Reads an app: `path` is its folder, its `cdk.out` or one synthesised template.
///
/// # Errors
/// `source-not-found` (exit 5) where there is neither assembly nor source; what a file is refused for.
pub(crate) fn read(path: Option<&Path>, project: &Name) -> Result<Findings, CliError> {
    let path = path.unwrap_or(Path::new(""));
    if path.is_file() {
        return assembly(&[path.to_owned()], project);
    }
    let apps = [path.to_owned(), path.join("cdk"), path.join("infra"), path.join("infrastructure")];
    let outputs = std::iter::once(path.to_owned()).chain(apps.iter().map(|it| it.join("cdk.out")));
    for folder in outputs {
        let templates = templates(&folder);
        if !templates.is_empty() {
            return assembly(&templates, project);
        }
    }
    for app in &apps {
        let sources = typescript::sources(app);
        if !sources.is_empty() {
            return from_sources(app, &sources);
        }
    }
    let looked = "cdk.out/*.template.json, bin/*.ts and config/environments.ts";
    let place = match shown(path).as_str() {
        "" => "this folder".to_owned(),
        other => other.to_owned(),
    };
    let message = "nothing was written: there is no CDK app";
    Err(CliError::new(ExitCode::NotFound, "source-not-found", message)
        .because(format!("looked in {place} and its cdk, infra and infrastructure for {looked}"))
        .next("towpath init --from cdk PATH", "where it is")
        .next("towpath init", "asks instead of reading"))
}

/// The templates of a folder and of the assemblies of stages inside it, in the order of their names.
fn templates(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    folders.extend(
        entries(folder)
            .into_iter()
            .filter(|it| it.is_dir() && name_of(it).starts_with("assembly-")),
    );
    for folder in folders {
        found.extend(entries(&folder).into_iter().filter(|it| {
            it.is_file() && name_of(it).to_ascii_lowercase().ends_with(".template.json")
        }));
    }
    found.truncate(MOST_TEMPLATES);
    found
}

/// What lies in a folder, sorted; nothing for what cannot be read.
pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    // More than a build leaves behind.
    const MOST: usize = 5000;
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let listed = fs::read_dir(here).into_iter().flatten().take(MOST).flatten();
    let mut all: Vec<PathBuf> = listed.map(|entry| folder.join(entry.file_name())).collect();
    all.sort();
    all
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A stack as the manifest describes it.
#[derive(Default)]
struct Entry {
    name: Option<String>,
    environment: Option<String>,
    account: Option<String>,
    region: Option<String>,
}

fn assembly(files: &[PathBuf], project: &Name) -> Result<Findings, CliError> {
    let mut findings = Findings::default();
    let mut names = Names::default();
    let mut all: Vec<Deployed> = Vec::new();
    let mut shared = Vec::new();
    for file in files {
        let entry = manifest_entry(file)?;
        let id = name_of(file);
        let id = id.split(".template.").next().unwrap_or(&id).to_owned();
        let stack = entry.name.unwrap_or(id);
        let folder = file.parent().map(name_of).unwrap_or_default();
        let stage = folder.strip_prefix("assembly-").unwrap_or_default();
        let said =
            entry.environment.or_else(|| environment_in(&stack)).or_else(|| environment_in(stage));
        let Some(said) = said else {
            shared.push((stack, file.clone(), entry.account, entry.region));
            continue;
        };
        let Some(name) = names.like(&said, &hyphenated(&said), &mut findings.said) else {
            continue;
        };
        let stack = Stack {
            name: stack,
            file: file.clone(),
            template: Template::open(file)?,
            given: Vec::new(),
        };
        match all.iter_mut().find(|it| it.environment.as_ref() == Some(&name)) {
            Some(known) => known.stacks.push(stack),
            None => all.push(Deployed {
                environment: Some(name),
                account: entry.account,
                region: entry.region,
                stacks: vec![stack],
            }),
        }
    }
    if all.is_empty() {
        all.extend(whole(shared)?);
        findings.said.assumed("one stack for all environments: no stack's name says one");
    } else {
        let stacks = shared.iter().map(|(stack, ..)| shortened(stack));
        if !shared.is_empty() {
            let stacks = listed(stacks);
            findings.said.left_out(format!("{stacks}: the name says no environment"));
        }
    }
    describe(&all, &mut findings, project);
    say(&all, files, &mut findings);
    Ok(findings)
}

/// Stacks that name no environment, as one.
fn whole(
    shared: Vec<(String, PathBuf, Option<String>, Option<String>)>,
) -> Result<Option<Deployed>, CliError> {
    let mut whole: Option<Deployed> = None;
    for (name, file, account, region) in shared {
        let template = Template::open(&file)?;
        let stack = Stack { name, file, template, given: Vec::new() };
        match &mut whole {
            Some(whole) => whole.stacks.push(stack),
            None => {
                whole = Some(Deployed { environment: None, account, region, stacks: vec![stack] });
            }
        }
    }
    Ok(whole)
}

fn say(all: &[Deployed], files: &[PathBuf], findings: &mut Findings) {
    let place = if let [one] = files {
        shown(one)
    } else {
        let folder = files.first().and_then(|it| it.parent()).map(shown).unwrap_or_default();
        format!("{} in {folder}", counted(files.len(), "template"))
    };
    let names: Vec<&Name> = all.iter().filter_map(|it| it.environment.as_ref()).collect();
    if !names.is_empty() {
        let count = counted(names.len(), "environment");
        findings.said.read(format!("{count} from the stacks of {place}: {}", listed(names)));
    }
    let services = listed(findings.services.iter().map(|it| it.name.clone()));
    let count = counted(findings.services.len(), "service");
    findings.said.read(format!("{count} from {place}: {services}"));
    let regions: BTreeSet<&String> = all.iter().filter_map(|it| it.region.as_ref()).collect();
    if !regions.is_empty() {
        let regions = listed(regions.iter().map(|it| shortened(it)));
        findings.said.read(format!("region {regions} from manifest.json"));
    }
}

/// What `manifest.json` beside a template says of its stack.
fn manifest_entry(file: &Path) -> Result<Entry, CliError> {
    let manifest = file.with_file_name("manifest.json");
    if !manifest.is_file() {
        return Ok(Entry::default());
    }
    let manifest = foreign::value(&manifest)?;
    let artifacts = manifest.get("artifacts").map(Value::entries).unwrap_or_default();
    let own = name_of(file);
    let found = artifacts.iter().find(|(_, artifact)| {
        let template = artifact.at(&["properties", "templateFile"]).and_then(Value::text);
        template.as_deref() == Some(own.as_str())
    });
    let Some((id, artifact)) = found else { return Ok(Entry::default()) };
    let tags = artifact.at(&["properties", "tags"]);
    let tag = ["Environment", "environment", "Stage", "stage", "Env", "env"]
        .iter()
        .find_map(|key| tags?.get(key)?.text());
    // Where it is deployed: `aws://123456789012/eu-central-1`.
    let place = artifact.get("environment").and_then(Value::text).unwrap_or_default();
    let mut parts = place.strip_prefix("aws://").unwrap_or_default().split('/');
    let mut known = || {
        parts.next().filter(|it| !it.is_empty() && !it.starts_with("unknown-")).map(str::to_owned)
    };
    let (account, region) = (known(), known());
    let name = artifact.at(&["properties", "stackName"]).and_then(Value::text);
    Ok(Entry { name: name.or_else(|| Some(id.clone())), environment: tag, account, region })
}

/// The environment in the name of a stack: `SoundBite-Staging-Api` is in `staging`.
pub(super) fn environment_in(name: &str) -> Option<String> {
    let name = hyphenated(name);
    let words: Vec<&str> = name.split('-').collect();
    let first = words.iter().position(|word| is_environment_word(word))?;
    let further = words[first + 1..]
        .iter()
        .take_while(|word| QUALIFIERS.contains(word) || is_environment_word(word))
        .count();
    Some(words[first..=first + further].join("-"))
}

fn from_sources(app: &Path, sources: &[PathBuf]) -> Result<Findings, CliError> {
    let mut findings = Findings::default();
    let mut names = Names::default();
    let read = typescript::environments(sources)?;
    for environment in &read.environments {
        if let Some(name) = names.like(environment, &hyphenated(environment), &mut findings.said) {
            findings.environments.push(FoundEnvironment::called(name));
        }
    }
    if findings.environments.is_empty() {
        let files = listed(sources.iter().map(|file| shown(file)));
        findings.said.left_out(format!("{files}: no name of an environment in them"));
    } else {
        let count = counted(findings.environments.len(), "environment");
        let listed = listed(findings.environments.iter().map(|it| it.name.clone()));
        findings.said.read(format!("{count} from {}: {listed}", read.place));
        findings.said.assumed(format!(
            "there are no other environments: {} were read as words, and `cdk synth` knows more",
            read.place
        ));
    }
    if !read.stacks.is_empty() {
        let stacks = listed(read.stacks.iter().map(|it| shortened(it)));
        let app = match shown(app).as_str() {
            "" => "this folder".to_owned(),
            other => other.to_owned(),
        };
        findings.said.left_out(format!(
            "stacks {stacks} in {app}: what they hold is known after `cdk synth`"
        ));
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_of_a_stack_is_a_word_of_its_name() {
        for (name, wanted) in [
            ("SoundBite-Staging-Api", Some("staging")),
            ("SoundBiteDevAwsDeployedDatabase", Some("dev-aws-deployed")),
            ("prod", Some("prod")),
            ("ProductsApi", None),
            ("", None),
        ] {
            assert_eq!(environment_in(name).as_deref(), wanted, "{name}");
        }
    }
}
