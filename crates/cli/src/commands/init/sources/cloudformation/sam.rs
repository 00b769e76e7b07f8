//! SAM: a template, and `samconfig.toml` beside it for the environments that it is deployed to. Owns
//! which of both says the environments.

use std::path::{Path, PathBuf};

use towpath_config::StarterTarget;
use towpath_core::ids::Name;

use super::super::findings::{Findings, FoundLane};
use super::super::foreign::{self, shown};
use super::super::names::{Names, listed, shortened};
use super::super::place::{Candidates, Wanted};
use super::deployed::{Deployed, Stack, describe};
use super::{Given, Template, says_environment};
use crate::exit_code::CliError;
use crate::report::style::counted;

/// Which files are SAM templates (what `sam build` looks for, and JSON).
pub(crate) const WANTED: Wanted = Wanted {
    what: "SAM template",
    looks_for: "template.yaml, template.yml, template.json and sam-template.yaml",
    command: "towpath init --from sam",
    fits: |name| {
        ["template.yaml", "template.yml", "template.json", "sam-template.yaml"].contains(&name)
    },
};

/// No template leads over another.
pub(crate) fn leading(_: &Candidates) -> Option<PathBuf> {
    None
}

/// What `samconfig.toml` says of one environment.
struct Config {
    name: String,
    stack: Option<String>,
    region: Option<String>,
    given: Given,
}

/// Reads a template.
///
/// # Errors
/// `source-unreadable`, or `source-empty` where it has no resources.
pub(crate) fn read(file: &Path, project: &Name) -> Result<Findings, CliError> {
    let template = Template::open(file)?;
    let config_file = file.with_file_name("samconfig.toml");
    let configs = if config_file.is_file() { configs(&config_file)? } else { Vec::new() };
    let mut findings = Findings::default();
    let (environments, parameter) = environments(&template, &configs, file, &mut findings);
    let mut names = Names::default();
    let mut all = Vec::new();
    for environment in &environments {
        let Some(name) = names.of(environment, &mut findings.said) else { continue };
        let config = configs.iter().find(|it| it.name == *environment);
        let mut given: Given = config.map(|it| it.given.clone()).unwrap_or_default();
        if let Some(parameter) = &parameter
            && !given.iter().any(|(known, _)| known == parameter)
        {
            given.push((parameter.clone(), environment.clone()));
        }
        let stack = config.and_then(|it| it.stack.clone());
        let stack = stack.unwrap_or_else(|| format!("{project}-{name}"));
        all.push(Deployed {
            environment: Some(name),
            account: None,
            region: config.and_then(|it| it.region.clone()),
            stacks: vec![Stack {
                name: stack,
                file: file.to_owned(),
                template: Template::open(file)?,
                given,
            }],
        });
    }
    if all.is_empty() {
        let default = configs.iter().find(|it| it.name == "default");
        let stack = default.and_then(|it| it.stack.clone()).unwrap_or_else(|| project.to_string());
        all.push(Deployed {
            environment: None,
            account: None,
            region: default.and_then(|it| it.region.clone()),
            stacks: vec![Stack {
                name: stack,
                file: file.to_owned(),
                template,
                given: default.map(|it| it.given.clone()).unwrap_or_default(),
            }],
        });
    }
    describe(&all, &mut findings, project);
    say(&all, configs.iter().any(|it| it.stack.is_some()), file, &mut findings);
    Ok(findings)
}

/// Names of the environments, and the parameter that takes them.
fn environments(
    template: &Template,
    configs: &[Config],
    file: &Path,
    findings: &mut Findings,
) -> (Vec<String>, Option<String>) {
    const PARAMETERS: &[&str] = &["Environment", "EnvironmentName", "Env", "Stage", "StageName"];
    let picks = || template.parameter_named(PARAMETERS).map(str::to_owned);
    let configured: Vec<String> =
        configs.iter().map(|it| it.name.clone()).filter(|it| it != "default").collect();
    let (found, parameter, place) = if let Some((name, values)) = template.stages() {
        let place = format!("the values of parameter {} in {}", shortened(name), shown(file));
        (values, Some(name.to_owned()), place)
    } else if let Some((name, keys)) = template.mapped_stages() {
        (keys, picks(), format!("mapping {} in {}", shortened(name), shown(file)))
    } else if configured.iter().any(|it| says_environment(it)) {
        (configured, picks(), "the tables of samconfig.toml".to_owned())
    } else {
        return (Vec::new(), None);
    };
    let names = listed(found.iter().map(|it| shortened(it)));
    findings.said.read(format!("{} from {place}: {names}", counted(found.len(), "environment")));
    (found, parameter)
}

fn say(all: &[Deployed], has_stacks: bool, file: &Path, findings: &mut Findings) {
    let lanes = || {
        let own = findings.environments.iter().flat_map(|it| it.lanes.values());
        own.chain(findings.everywhere.values())
    };
    let limits = lanes().filter(|lane| lane.resources.is_some()).count();
    let count = counted(findings.services.len(), "service");
    let names = listed(findings.services.iter().map(|it| it.name.clone()));
    let limits = if limits > 0 { ", with memory and timeout" } else { "" };
    findings.said.read(format!("{count} from the functions of {}: {names}{limits}", shown(file)));
    let sections = findings.environments.first().map_or(&findings.first, |it| &it.sections);
    let stands: Vec<&str> =
        sections.iter().map(|it| it.name).filter(|name| *name != "infrastructure").collect();
    if !stands.is_empty() {
        findings.said.read(format!("{} from its resources", listed(stands)));
    }
    let is_stack =
        |lane: &FoundLane| matches!(lane.target, Some(StarterTarget::CloudFormation(..)));
    if lanes().any(is_stack) && !has_stacks {
        findings.said.assumed("stacks are called like project and environment");
    }
    let mut regions: Vec<String> = all.iter().filter_map(|it| it.region.clone()).collect();
    regions.sort();
    regions.dedup();
    if regions.is_empty() {
        findings.said.assumed("no region: neither template nor samconfig.toml names one");
    } else {
        let regions = listed(regions.iter().map(|it| shortened(it)));
        findings.said.read(format!("region {regions} from samconfig.toml"));
    }
}

/// The tables of `samconfig.toml` that are environments
/// (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-config.html>).
fn configs(file: &Path) -> Result<Vec<Config>, CliError> {
    let text = foreign::text(file)?;
    let root: toml::Table = toml::from_str(&text).map_err(|error| {
        let reason = shortened(error.message());
        foreign::unreadable(file, format!("this is not TOML: {reason}"))
    })?;
    let of = |(name, table): (&String, &toml::Value)| {
        let table = table.as_table()?;
        let parameters = |command: &str| table.get(command)?.get("parameters")?.as_table();
        let value = |key: &str| {
            let commands = ["deploy", "global"].into_iter();
            commands.filter_map(parameters).find_map(|it| it.get(key))
        };
        let text = |key: &str| value(key)?.as_str().map(str::to_owned);
        Some(Config {
            name: name.clone(),
            stack: text("stack_name"),
            region: text("region"),
            given: value("parameter_overrides").map(overrides).unwrap_or_default(),
        })
    };
    Ok(root.iter().filter_map(of).collect())
}

/// `Stage=prod Memory="512"`, as one text or as a list.
fn overrides(value: &toml::Value) -> Given {
    let texts: Vec<&str> = match value {
        toml::Value::String(text) => text.split_whitespace().collect(),
        toml::Value::Array(list) => list.iter().filter_map(toml::Value::as_str).collect(),
        _ => Vec::new(),
    };
    let pair = |text: &str| {
        let (name, value) = text.split_once('=')?;
        Some((name.to_owned(), value.trim_matches(['"', '\'']).to_owned()))
    };
    texts.into_iter().filter_map(pair).collect()
}
