//! The matrix that `towpath init` writes. Owns its comments; asks nobody and writes no file.

mod lane;
mod section;
mod tier;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use towpath_core::ids::Name;
use towpath_core::matrix::Tier;
use towpath_core::units::Span;

pub use tier::{tier_by_name, tier_said_by};

use crate::show::written;
use lane::Lane;
use section::{write_alarms, write_secrets, write_section};

/// What a first matrix is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterInput {
    /// Whose matrix it is.
    pub project: Name,
    /// What the head of the file says, a sentence each: where this was read and what was assumed.
    pub notes: Vec<String>,
    /// What is released; at least one, each once.
    pub services: Vec<StarterService>,
    /// Environments in the order of the pipeline; at least one, each once.
    pub environments: Vec<StarterEnvironment>,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterService {
    /// What it is called.
    pub name: Name,
    /// What it is for, a few words.
    pub purpose: String,
}

/// One environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterEnvironment {
    /// What it is called; also decides its tier.
    pub name: Name,
    /// Where people reach it, with its scheme.
    pub url: Option<String>,
    /// Comments of its own, a sentence each.
    pub notes: Vec<String>,
    /// What it stands on.
    pub sections: Vec<StarterSection>,
    /// What somebody is told of.
    pub alarms: Vec<StarterAlarm>,
    /// Where each secret is kept, by the variable that holds it; never a value.
    pub secrets: BTreeMap<String, StarterSecret>,
    /// One for each service, in the order of the services.
    pub lanes: Vec<StarterLane>,
}

/// One service in one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterLane {
    /// What runs it.
    pub target: StarterTarget,
    /// Further keys of the target, such as `instances`; each once, and one that its kind has.
    pub details: Vec<(&'static str, StarterValue)>,
    /// Port on which visitors reach it; none when nobody visits it.
    pub port: Option<u16>,
    /// How it is probed; none when it answers nobody.
    pub health: Option<StarterHealth>,
    /// What it gets, such as memory.
    pub resources: Option<StarterSection>,
    /// Its environment variables; none of them a secret.
    pub settings: BTreeMap<String, String>,
    /// What is proposed, as a comment, for the change of its stored data.
    pub migration: Option<StarterMigration>,
    /// The alias whose weights move its traffic, for a function.
    pub alias: Option<String>,
    /// How its traffic moves; none for what its tier proposes.
    pub rollout: Option<StarterRollout>,
}

impl StarterLane {
    /// A lane of which nothing is known but what runs it.
    pub fn of(target: StarterTarget) -> Self {
        Self {
            target,
            details: Vec::new(),
            port: None,
            health: None,
            resources: None,
            settings: BTreeMap::new(),
            migration: None,
            alias: None,
            rollout: None,
        }
    }
}

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StarterSecret {
    /// In a variable of the same name.
    Variable,
    /// In this file.
    File(String),
    /// In AWS Secrets Manager, under this name if it is known.
    SecretsManager(Option<String>),
}

/// A threshold that somebody is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterAlarm {
    /// What it is called; once in its environment.
    pub name: Name,
    /// The figure that is watched.
    pub query: String,
    /// What raises it, such as `> 0`.
    pub is: String,
    /// For how long that must hold; more than nothing.
    pub lasting: Span,
}

/// A program that changes stored data before a release starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterMigration {
    /// The program and its arguments; not empty.
    pub command: Vec<String>,
    /// What runs it today, a sentence.
    pub note: String,
}

/// Steps that another tool takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterRollout {
    /// `canary` or `linear`.
    pub strategy: &'static str,
    /// Weights in percent, rising to 100, and how long each bakes; at least one.
    pub steps: Vec<(u8, Span)>,
    /// Where they come from, a sentence.
    pub note: String,
}

/// What runs a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StarterTarget {
    /// A program of this machine and its arguments; not empty, the program not blank.
    Process(Vec<String>),
    /// A container of the artefact with this name, and its image as it is called elsewhere, if it
    /// is known.
    Docker(String, Option<String>),
    /// An AWS Lambda function, and its region if it is known.
    Lambda(String, Option<String>),
    /// An AWS CloudFormation stack and the file with its template.
    CloudFormation(String, String),
}

/// How a service is probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterHealth {
    /// Between two rounds; more than nothing.
    pub every: Span,
    /// For one answer; more than nothing.
    pub timeout: Span,
    /// Failures in a row, 1 to 100.
    pub retries: u32,
    /// Paths that answer 2xx when all is well, each beginning with `/`; at least one.
    pub endpoints: Vec<String>,
}

impl StarterHealth {
    /// One endpoint, asked as often as the format's defaults say.
    pub fn at(path: &str) -> Self {
        Self {
            every: Span::minutes(1),
            timeout: Span::seconds(5),
            retries: 3,
            endpoints: vec![path.to_owned()],
        }
    }
}

/// A section that is a map of plain values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterSection {
    /// Its key, such as `database`.
    pub name: &'static str,
    /// Keys and values in the order in which they are written; at least one.
    pub fields: Vec<(&'static str, StarterValue)>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StarterValue {
    /// A text, a time or a size.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// A number.
    Count(u64),
    /// Several texts.
    Texts(Vec<String>),
}

impl StarterValue {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Whether there is anything to write.
    fn is_said(&self) -> bool {
        !matches!(self, Self::Text(text) if text.trim().is_empty())
    }

    fn written(&self) -> String {
        match self {
            Self::Text(text) => written(text),
            Self::Flag(flag) => flag.to_string(),
            Self::Count(count) => count.to_string(),
            Self::Texts(texts) => {
                let texts: Vec<_> = texts.iter().map(|text| written(text)).collect();
                format!("[{}]", texts.join(", "))
            }
        }
    }
}

/// Port of the first environment unless something else is asked for.
pub const FIRST_PORT: u16 = 3000;

/// A commented matrix that passes the check without errors and warnings, given a catalogue with
/// the target `process`, the router `towpath` and the check `http`, and `docker`, `lambda` and
/// `cloudformation` where they are used. Ports of one matrix differ.
pub fn starter(input: &StarterInput) -> String {
    let mut out = String::from(INTRODUCTION);
    if !input.notes.is_empty() {
        out.push_str("#\n");
    }
    comments(&mut out, 0, &input.notes);
    let _ = write!(out, "\nversion: 1\nproject: {}\n\nservices:\n", input.project);
    for service in &input.services {
        let purpose = StarterValue::text(&service.purpose);
        let purpose = purpose.is_said().then(|| format!(" purpose: {} ", purpose.written()));
        let _ = writeln!(out, "  {}: {{{}}}", service.name, purpose.unwrap_or_default());
    }
    out.push_str("\nenvironments:\n");
    let mut before: Option<&Name> = None;
    for environment in &input.environments {
        write_environment(&mut out, &input.services, environment, before);
        before = Some(&environment.name);
    }
    out
}

const INTRODUCTION: &str = "\
# yaml-language-server: $schema=.towpath/schema.json
#
# The promotion matrix: where releases run, in which order, and what a release must show before
# it may enter each environment.
#
#   towpath matrix check             is it right
#   towpath matrix show --resolved   the same with every default filled in
#   towpath plan ENVIRONMENT         what a promotion would do
";

/// Columns of a comment, as wide as the introduction.
const WIDTH: usize = 98;

/// Each sentence as a comment, folded at blanks; nothing in it can end the comment.
fn comments(out: &mut String, indent: usize, sentences: &[String]) {
    for sentence in sentences.iter().filter(|it| !it.trim().is_empty()) {
        let mut line = format!("{:indent$}#", "");
        let lead = line.chars().count();
        for word in sentence.split_whitespace() {
            let word: String = word.chars().filter(|character| !character.is_control()).collect();
            let columns = line.chars().count();
            if columns > lead && columns + 1 + word.chars().count() > WIDTH {
                let _ = writeln!(out, "{line}");
                line = format!("{:indent$}#  ", "");
            }
            line.push(' ');
            line.push_str(&word);
        }
        let _ = writeln!(out, "{line}");
    }
}

fn write_environment(
    out: &mut String,
    services: &[StarterService],
    environment: &StarterEnvironment,
    before: Option<&Name>,
) {
    let tier = tier_by_name(environment.name.as_str());
    let _ = write!(out, "\n  {}:\n", environment.name);
    comments(out, 4, &environment.notes);
    if let Some(before) = before {
        let _ = writeln!(out, "    after: {before}");
    }
    let _ = writeln!(out, "    tier: {}", tier.as_str());
    if let Some(url) = &environment.url {
        let _ = writeln!(out, "    url: {}", written(url));
    }
    for section in &environment.sections {
        write_section(out, 4, section);
    }
    write_alarms(out, 4, &environment.alarms);
    write_secrets(out, 4, &environment.secrets);
    let alone = services.len() == 1;
    let lanes: Vec<Lane<'_>> = environment.lanes.iter().map(|lane| Lane { lane, tier }).collect();
    if let Some(lane) = lanes.first().filter(|_| alone) {
        lane.write(out, 4);
        lane.traffic(out, 4);
        return;
    }
    let first = lanes.first().map(Lane::rollout);
    let together = lanes.iter().all(|lane| Some(lane.rollout()) == first);
    out.push_str("    services:\n");
    for (service, lane) in services.iter().zip(&lanes) {
        let _ = writeln!(out, "      {}:", service.name);
        lane.write(out, 8);
        if !together {
            lane.traffic(out, 8);
        }
    }
    if let Some(lane) = lanes.first().filter(|_| together) {
        lane.traffic(out, 4);
    }
}

/// Whether a variable of this name and value holds a secret, which no matrix takes.
pub fn is_secret(name: &str, value: &str) -> bool {
    crate::consistency::is_secret(name, value)
}

impl StarterEnvironment {
    /// How much is at stake in it, by its name.
    pub fn tier(&self) -> Tier {
        tier_by_name(self.name.as_str())
    }
}
