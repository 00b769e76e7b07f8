//! What is read of a SARIF log (OASIS, Static Analysis Results Interchange Format 2.1.0). Owns the
//! names of its properties; weighs nothing.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::reports::{Report, Wrong, json, short};

const VERSION: &str = "2.1.0";

/// A log, section 3.13.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) runs: Vec<Run>,
}

#[derive(Debug, Deserialize)]
struct Raw {
    version: Option<String>,
    runs: Option<Vec<Run>>,
}

/// One run of one tool, section 3.14.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Run {
    pub(super) tool: Tool,
    /// Absent or null: the tool did not look for any (section 3.14.23). Empty: it found none.
    pub(super) results: Option<Vec<Finding>>,
    invocations: Option<Vec<Invocation>>,
    external_property_file_references: Option<BTreeMap<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: Option<bool>,
}

/// Section 3.18.
#[derive(Debug, Deserialize)]
pub(super) struct Tool {
    pub(super) driver: Component,
    pub(super) extensions: Option<Vec<Component>>,
}

/// A tool or an extension of it, section 3.19.
#[derive(Debug, Deserialize)]
pub(super) struct Component {
    pub(super) name: String,
    pub(super) guid: Option<String>,
    pub(super) rules: Option<Vec<Rule>>,
}

/// Section 3.49.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule {
    pub(super) id: Option<String>,
    pub(super) default_configuration: Option<Configuration>,
    pub(super) properties: Option<Properties>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Configuration {
    pub(super) level: Option<Level>,
}

/// What tools add of their own.
#[derive(Debug, Deserialize)]
pub(super) struct Properties {
    /// A text or a number, by GitHub's convention.
    #[serde(rename = "security-severity")]
    pub(super) security_severity: Option<Value>,
    /// bandit's.
    pub(super) issue_severity: Option<Value>,
}

/// A result, section 3.27.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    pub(super) rule_id: Option<String>,
    pub(super) rule_index: Option<i64>,
    pub(super) rule: Option<RuleReference>,
    pub(super) kind: Option<FindingKind>,
    pub(super) level: Option<Level>,
    pub(super) suppressions: Option<Vec<Suppression>>,
    pub(super) baseline_state: Option<BaselineState>,
    pub(super) properties: Option<Properties>,
    message: Option<Message>,
    locations: Option<Vec<Location>>,
}

/// Section 3.52.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleReference {
    pub(super) id: Option<String>,
    pub(super) index: Option<i64>,
    pub(super) tool_component: Option<ComponentReference>,
}

/// Section 3.54.
#[derive(Debug, Deserialize)]
pub(super) struct ComponentReference {
    pub(super) name: Option<String>,
    pub(super) index: Option<i64>,
    pub(super) guid: Option<String>,
}

/// Section 3.27.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum FindingKind {
    Pass,
    Open,
    Informational,
    NotApplicable,
    Review,
    Fail,
}

/// Section 3.27.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Level {
    None,
    Note,
    Warning,
    Error,
}

/// Section 3.27.24.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum BaselineState {
    New,
    Unchanged,
    Updated,
    Absent,
}

/// Section 3.35.
#[derive(Debug, Deserialize)]
pub(super) struct Suppression {
    pub(super) status: Option<Status>,
}

/// Section 3.35.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Status {
    Accepted,
    UnderReview,
    Rejected,
}

#[derive(Debug, Deserialize)]
struct Message {
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Option<PhysicalLocation>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Option<ArtifactLocation>,
    region: Option<Region>,
}

#[derive(Debug, Deserialize)]
struct ArtifactLocation {
    uri: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: Option<i64>,
}

impl Run {
    /// Whether the tool says that it came to no good end, section 3.20.14.
    pub(super) fn failed(&self) -> bool {
        let mut invocations = self.invocations.iter().flatten();
        invocations.any(|one| one.execution_successful == Some(false))
    }

    /// What of importance is in other files, section 3.15.
    pub(super) fn kept_elsewhere(&self) -> Option<&'static str> {
        let elsewhere = self.external_property_file_references.as_ref()?;
        [("results", "results"), ("driver", "rules"), ("extensions", "rules")]
            .into_iter()
            .find(|(key, _)| elsewhere.contains_key(*key))
            .map(|(_, what)| what)
    }
}

impl Finding {
    /// The name of the rule that it breaks, wherever it stands.
    pub(super) fn rule_name(&self) -> Option<&str> {
        let referred = self.rule.as_ref().and_then(|rule| rule.id.as_deref());
        self.rule_id.as_deref().or(referred)
    }

    /// `RULE in FILE:LINE: MESSAGE`, as far as it is told.
    pub(super) fn told(&self) -> String {
        let rule = short(self.rule_name().unwrap_or("a rule without a name"));
        let location = self.locations.iter().flatten().next();
        let place = location.and_then(|location| location.physical_location.as_ref());
        let file = place.and_then(|place| place.artifact_location.as_ref()?.uri.as_deref());
        let line = place.and_then(|place| place.region.as_ref()?.start_line);
        let told = match (file.map(short), line) {
            (Some(file), Some(line)) => format!("{rule} in {file}:{line}"),
            (Some(file), None) => format!("{rule} in {file}"),
            (None, _) => rule,
        };
        let message = self.message.as_ref().and_then(|message| message.text.as_deref());
        match message.map(short) {
            Some(message) if !message.is_empty() => format!("{told}: {message}"),
            Some(_) | None => told,
        }
    }
}

/// Reads a log. Properties that are not read here may be anything.
pub(super) fn read(report: &Report<'_>) -> Result<Log, Wrong> {
    let raw: Raw = json::object(report)?;
    let version = raw.version.ok_or_else(|| Wrong::whole("it has no `version`"))?;
    if version != VERSION {
        let version = short(&version);
        return Err(Wrong::whole(format!(
            "it is of version {version}; have it written in {VERSION}"
        )));
    }
    Ok(Log { runs: raw.runs.unwrap_or_default() })
}
