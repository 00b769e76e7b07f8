//! Check `provenance`: who built the release, from which source, says a signed statement (in-toto with
//! SLSA provenance). Owns what a statement must say; whose word it is, is told by [`envelope`] and
//! [`keys`], and what the forms of statements are by [`statement`].
//!
//! Nothing that is not signed by a declared key is looked at. Each statement among the files must hold,
//! and each artefact must be the subject of one.

mod envelope;
mod keys;
mod log;
mod statement;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use towpath_core::check::CheckAnswer;
use towpath_core::units::{Span, Timestamp};
use towpath_ports::check::{Check, CheckRequest};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

use crate::reports::{self, Report, Reports, Tally, Wrong, counted, short, shown};
use crate::subject::{self, Subject};
use envelope::Signed;
use keys::Key;
use statement::Statement;

/// In `refs`, where the release's version stands.
const VERSION: &str = "{version}";

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "provenance",
        summary: "Signed SLSA provenance: who built the release, from which source.",
        example: "{ check: provenance, path: \"reports/*.intoto.jsonl\", keys: [keys/builder.pub], \
                  builders: [\"https://ci.example.com/builder@v1\"], \
                  build_types: [\"https://ci.example.com/build/v1\"], \
                  source: \"https://git.example.com/shop/api\" }",
        state: KindState::Built,
        capabilities: &[],
        fields: &[
            reports::PATH,
            Field::required(
                "keys",
                FieldType::Texts,
                "Files with the public keys that may sign, in PEM: Ed25519, or ECDSA on P-256.",
            ),
            Field::required(
                "builders",
                FieldType::Texts,
                "Ids of builders that are trusted, whole and exact.",
            ),
            Field::required(
                "build_types",
                FieldType::Texts,
                "The `buildType`s that are understood, whole and exact.",
            ),
            Field::required(
                "source",
                FieldType::Text,
                "The repository that must have been built, without `git+` before it and `.git` after \
                 it.",
            ),
            Field::optional(
                "refs",
                FieldType::Texts,
                "Branches and tags that may have been built, whole, such as `refs/heads/main` or \
                 `refs/tags/v{version}` with the release's version in its place; left out, any.",
            ),
            Field::optional(
                "parameters",
                FieldType::Texts,
                "Parameters of the build that may be given from outside, beside those that name the \
                 source; any other fails. `NAME` allows any value, `NAME=VALUE` this text alone, such as \
                 `workflow.path=.github/workflows/release.yml`.",
            ),
            Field {
                name: "other_subjects",
                of: FieldType::Flag,
                default: Some("false"),
                doc: "Whether a statement may speak of more than the release's artefacts, as one of a \
                      build for several platforms does.",
            },
            Field::optional(
                "max_age",
                FieldType::Span,
                "The longest time since the build was done, as the statement says it; left out, any. \
                 It is not shortened in a rehearsal.",
            ),
            Field::optional(
                "log_key",
                FieldType::Path,
                "The file with the public key of a Rekor log, in PEM; then each bundle must hold the \
                 log's signed promise that this very signature is in it.",
            ),
        ],
        validate,
    },
    build: Some(|settings, site| Ok(Arc::new(Provenance::new(settings, site)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let mut problems = reports::problems(settings);
    for (field, what) in [
        ("keys", "the path of a file with a public key"),
        ("builders", "the id of a builder"),
        ("build_types", "the URI of a type of builds"),
        ("refs", "a whole name such as refs/heads/main"),
        ("parameters", "the name of a parameter"),
    ] {
        let Some(list) = settings.get(field).and_then(Value::as_array) else { continue };
        if list.is_empty() {
            problems.push(Problem::new(field, format!("`{field}` is empty"), what));
        }
        for (index, text) in list.iter().enumerate() {
            let text = text.as_str().unwrap_or_default();
            let is_wrong =
                text.trim().is_empty() || (field == "refs" && !text.starts_with("refs/"));
            if is_wrong {
                let path = format!("{field}[{index}]");
                problems.push(Problem::new(&path, format!("`{path}` is `{text}`"), what));
            }
        }
    }
    problems
}

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Debug, Deserialize)]
struct Settings {
    path: String,
    keys: Vec<String>,
    builders: Vec<String>,
    build_types: Vec<String>,
    source: String,
    refs: Option<Vec<String>>,
    #[serde(default)]
    parameters: Vec<String>,
    other_subjects: bool,
    max_age: Option<Span>,
    log_key: Option<String>,
}

struct Provenance {
    reports: Reports,
    root: std::path::PathBuf,
    settings: Arc<Settings>,
}

impl Provenance {
    fn new(settings: &Value, site: &Site) -> Result<Self, String> {
        let settings = Settings::deserialize(settings)
            .map_err(|error| format!("check `provenance`: {error}"))?;
        // How old the file is says nothing: the statement has a time of its own, under its signature.
        let reports = Reports::new(&settings.path, None, site)?;
        Ok(Self { reports, root: site.root.clone(), settings: Arc::new(settings) })
    }

    /// The declared keys, and the log's.
    async fn keys(&self) -> Result<(Vec<Key>, Option<Key>), String> {
        let mut keys = Vec::new();
        for path in &self.settings.keys {
            keys.push(keys::read(&self.root, path).await?);
        }
        let log = match &self.settings.log_key {
            Some(path) => Some(keys::read(&self.root, path).await?),
            None => None,
        };
        Ok((keys, log))
    }

    async fn answer(&self, request: &CheckRequest) -> Result<CheckAnswer, CheckAnswer> {
        let subject = subject::of(request).await?;
        let (keys, log) = self.keys().await.map_err(CheckAnswer::inconclusive)?;
        let settings = self.settings.clone();
        let asked = Asked { settings, subject, keys, log, now: request.now };
        let read = self.reports.read(request, Statements::new(asked)).await?;
        Ok(read.sum.judge(&read.passed_by).with_output(read.lines.join("\n")))
    }
}

#[async_trait]
impl Check for Provenance {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        self.answer(request).await.unwrap_or_else(|answer| answer)
    }
}

/// What statements are held against.
struct Asked {
    settings: Arc<Settings>,
    subject: Subject,
    keys: Vec<Key>,
    log: Option<Key>,
    now: Timestamp,
}

/// Takes files of envelopes, one after the other.
struct Statements {
    asked: Asked,
    count: u64,
    /// The SHA-256 that statements that hold speak of.
    shown: BTreeSet<String>,
    builders: BTreeSet<String>,
    /// Why one does not hold; the first reason.
    refused: Option<String>,
}

impl Statements {
    fn new(asked: Asked) -> Self {
        let (shown, builders) = (BTreeSet::new(), BTreeSet::new());
        Self { asked, count: 0, shown, builders, refused: None }
    }

    fn judge(&self, passed_by: &str) -> CheckAnswer {
        if let Some(why) = &self.refused {
            return CheckAnswer::fail(why.clone());
        }
        let artifacts = &self.asked.subject.artifacts;
        let is_missing = |digest: &str| !self.shown.contains(digest);
        let missing: Vec<&str> = artifacts
            .iter()
            .filter(|(_, digest)| is_missing(digest.hex()))
            .map(|(name, _)| name.as_str())
            .collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            return CheckAnswer::fail(format!("no signed statement says where {missing} is from"));
        }
        let builders: Vec<&str> = self.builders.iter().map(String::as_str).collect();
        CheckAnswer::pass(format!(
            "{} built by {} from {}, as {} {}{passed_by}",
            counted(artifacts.len() as u64, "artefact"),
            builders.join(", "),
            short(&self.asked.settings.source),
            counted(self.count, "signed statement"),
            if self.count == 1 { "says" } else { "say" },
        ))
    }
}

impl Tally for Statements {
    type Sum = Self;
    const WHAT: &'static str = "file of signed statements";

    fn add(&mut self, report: &Report<'_>) -> Result<String, Wrong> {
        let envelopes = envelope::all(report)?;
        let shown = shown(report.path);
        for signed in &envelopes {
            report.stop.check()?;
            self.count += 1;
            match self.asked.hold(signed) {
                Ok(statement) => {
                    self.shown.extend(statement.subjects.iter().cloned());
                    self.builders.insert(short(&statement.builder));
                }
                Err(why) => {
                    self.refused.get_or_insert(format!("{shown}: {why}"));
                }
            }
        }
        Ok(counted(envelopes.len() as u64, "envelope"))
    }

    fn sum(self) -> Self {
        self
    }
}

impl Asked {
    /// The statement in an envelope, if all of it holds.
    fn hold(&self, signed: &Signed) -> Result<Statement, String> {
        let signature = signed.verified(&self.keys)?;
        if let Some(log) = &self.log {
            log::verify(signed, signature, log)?;
        }
        let statement = statement::read(&signed.payload)?;
        self.hold_subjects(&statement)?;
        let Settings { builders, build_types, .. } = &*self.settings;
        if !builders.contains(&statement.builder) {
            return Err(format!("`{}` is none of the trusted builders", short(&statement.builder)));
        }
        if !build_types.contains(&statement.build_type) {
            let of = short(&statement.build_type);
            return Err(format!("builds of the type `{of}` are not understood"));
        }
        self.hold_source(&statement)?;
        self.hold_parameters(&statement)?;
        self.hold_time(&statement)?;
        Ok(statement)
    }

    fn hold_subjects(&self, statement: &Statement) -> Result<(), String> {
        let subjects = &statement.subjects;
        if !subjects.iter().any(|hex| self.subject.has(hex)) {
            return Err("it speaks of no artefact of the release".to_owned());
        }
        let foreign = subjects.iter().find(|hex| !self.subject.has(hex));
        match foreign.filter(|_| !self.settings.other_subjects) {
            Some(foreign) => Err(format!(
                "it speaks of sha256:{} too, which is no artefact of the release",
                short(foreign)
            )),
            None => Ok(()),
        }
    }

    fn hold_source(&self, statement: &Statement) -> Result<(), String> {
        let wanted = repository(&self.settings.source);
        if statement.sources.is_empty() {
            return Err("it does not say from which source".to_owned());
        }
        for source in &statement.sources {
            if repository(&source.repository) != wanted {
                let of = short(&source.repository);
                return Err(format!("it was built from {of}, and not from {wanted}"));
            }
        }
        let named: Vec<&str> =
            statement.sources.iter().filter_map(|source| source.reference.as_deref()).collect();
        if let Some(refs) = &self.settings.refs {
            let version = self.subject.version.as_str();
            let allowed: Vec<String> =
                refs.iter().map(|reference| reference.replace(VERSION, version)).collect();
            if named.is_empty() {
                return Err("it does not say from which branch or tag".to_owned());
            }
            if let Some(other) = named.iter().find(|name| !allowed.iter().any(|one| one == *name)) {
                let other = short(other);
                return Err(format!(
                    "it was built from {other}, and not from {}",
                    allowed.join(" or ")
                ));
            }
        }
        let commits = statement.sources.iter().filter_map(|source| source.commit.as_deref());
        match &self.subject.commit {
            Some(own) => match commits.clone().find(|commit| !commit.eq_ignore_ascii_case(own)) {
                Some(other) => {
                    Err(format!("it was built from {}, and not from {own}", short(other)))
                }
                None => Ok(()),
            },
            None => Ok(()),
        }
    }

    fn hold_parameters(&self, statement: &Statement) -> Result<(), String> {
        for (name, value) in &statement.parameters {
            let value = value.as_str();
            let is_meant = |allowed: &&String| match allowed.split_once('=') {
                Some((own, wanted)) => own == name && value == Some(wanted),
                None => *allowed == name,
            };
            if self.settings.parameters.iter().any(|allowed| is_meant(&allowed)) {
                continue;
            }
            let pinned =
                |allowed: &String| allowed.split_once('=').is_some_and(|(own, _)| own == name);
            return Err(if self.settings.parameters.iter().any(pinned) {
                format!(
                    "its parameter `{}` has another value than `parameters` allows",
                    short(name)
                )
            } else {
                format!(
                    "nobody knows what its parameter `{}` does (`parameters` names those that may be \
                     given)",
                    short(name)
                )
            });
        }
        Ok(())
    }

    fn hold_time(&self, statement: &Statement) -> Result<(), String> {
        let Some(finished) = &statement.finished_at else {
            return match self.settings.max_age {
                Some(_) => Err("it does not say when the build was done".to_owned()),
                None => Ok(()),
            };
        };
        let read: Result<jiff::Timestamp, _> = finished.parse();
        let at = read.map_err(|_| format!("`{}` is no time", short(finished)))?;
        let at = Timestamp(at.as_microsecond());
        if at.since(self.now) > reports::CLOCKS_DIFFER {
            return Err("it says that it was built in the future".to_owned());
        }
        let age = self.now.since(at);
        match self.settings.max_age.filter(|most| age > *most) {
            Some(most) => Err(format!("it was built {age} ago (`max_age` is {most})")),
            None => Ok(()),
        }
    }
}

/// An address of a repository as it is compared: without what says that it is one of git.
fn repository(address: &str) -> &str {
    let address = address.strip_prefix("git+").unwrap_or(address);
    address.strip_suffix(".git").unwrap_or(address)
}

#[cfg(test)]
mod tests;
