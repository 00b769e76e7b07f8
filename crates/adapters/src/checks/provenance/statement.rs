//! What a statement says: in-toto Statement 0.1 and 1 with SLSA provenance 0.2 and 1. Owns the names of
//! its parts; judges nothing, and is given only what was signed by a declared key.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::reports::{json, short};

const STATEMENTS: [&str; 2] =
    ["https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"];
const SLSA_V0_2: &str = "https://slsa.dev/provenance/v0.2";
const SLSA_V1: &str = "https://slsa.dev/provenance/v1";

/// What either version says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Statement {
    /// The SHA-256 of what was built, in lower case; never empty.
    pub(super) subjects: Vec<String>,
    pub(super) builder: String,
    pub(super) build_type: String,
    /// Wherever it says that it was built from. All must hold.
    pub(super) sources: Vec<Source>,
    /// Parameters from outside with their values, but for those that name the source. What stands beside a
    /// source in one is a parameter of its own, such as `workflow.path`.
    pub(super) parameters: Vec<(String, Value)>,
    pub(super) finished_at: Option<String>,
}

/// One mention of what was built.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) repository: String,
    /// Such as `refs/heads/main`.
    pub(super) reference: Option<String>,
    /// The hash of the commit.
    pub(super) commit: Option<String>,
}

impl Source {
    /// Of `git+https://…@refs/heads/main`.
    fn of_uri(uri: &str, commit: Option<&str>) -> Self {
        let commit = commit.map(str::to_owned);
        match uri.rsplit_once("@refs/") {
            Some((repository, name)) => Self {
                repository: repository.to_owned(),
                reference: Some(format!("refs/{name}")),
                commit,
            },
            None => Self { repository: uri.to_owned(), reference: None, commit },
        }
    }
}

#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "_type")]
    of: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Value,
}

#[derive(Deserialize)]
struct Subject {
    digest: Map<String, Value>,
}

/// A dependency, a material, or the source of the configuration.
#[derive(Default, Deserialize)]
struct Resource {
    #[serde(default)]
    uri: String,
    #[serde(default)]
    digest: Map<String, Value>,
    /// What of it was run, in provenance of version 0.2.
    #[serde(default, rename = "entryPoint")]
    entry_point: Option<String>,
}

impl Resource {
    /// The hash of a commit, by any of the names that are in use.
    fn commit(&self) -> Option<&str> {
        ["gitCommit", "sha1"].iter().find_map(|name| self.digest.get(*name)?.as_str())
    }

    fn source(&self) -> Source {
        Source::of_uri(&self.uri, self.commit())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V1 {
    build_definition: BuildDefinition,
    run_details: RunDetails,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BuildDefinition {
    build_type: String,
    external_parameters: Map<String, Value>,
    #[serde(default)]
    resolved_dependencies: Vec<Resource>,
}

#[derive(Deserialize)]
struct RunDetails {
    builder: Builder,
    #[serde(default)]
    metadata: MetadataV1,
}

#[derive(Deserialize)]
struct Builder {
    id: String,
}

#[derive(Default, Deserialize)]
struct MetadataV1 {
    #[serde(rename = "finishedOn")]
    finished_on: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V02 {
    builder: Builder,
    build_type: String,
    invocation: Invocation,
    #[serde(default)]
    metadata: MetadataV02,
    #[serde(default)]
    materials: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    #[serde(default)]
    config_source: Resource,
    parameters: Option<Value>,
}

#[derive(Default, Deserialize)]
struct MetadataV02 {
    #[serde(rename = "buildFinishedOn")]
    finished_on: Option<String>,
}

/// Reads a signed payload, in which no name may stand twice.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub(super) fn read(payload: &[u8]) -> Result<Statement, String> {
    let text = std::str::from_utf8(payload).map_err(|_| "its payload is not UTF-8".to_owned())?;
    let value = json::strict(text).map_err(|wrong| format!("its payload: {}", wrong.why))?;
    let raw: Raw = of("statement", &value)?;
    if !STATEMENTS.contains(&raw.of.as_str()) {
        return Err(format!("`{}` is no statement of in-toto", short(&raw.of)));
    }
    let mut statement = match raw.predicate_type.as_str() {
        SLSA_V1 => of::<V1>("provenance", &raw.predicate)?.statement()?,
        SLSA_V0_2 => of::<V02>("provenance", &raw.predicate)?.statement()?,
        other => return Err(format!("`{}` is no provenance of SLSA 0.2 or 1", short(other))),
    };
    for subject in &raw.subject {
        let sha256 = subject.digest.get("sha256").and_then(Value::as_str).unwrap_or_default();
        if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("one of its subjects has no SHA-256".to_owned());
        }
        statement.subjects.push(sha256.to_ascii_lowercase());
    }
    if statement.subjects.is_empty() {
        return Err("it speaks of nothing".to_owned());
    }
    Ok(statement)
}

fn of<T: for<'de> Deserialize<'de>>(what: &str, value: &Value) -> Result<T, String> {
    if !value.is_object() {
        return Err(format!("its {what} is no object"));
    }
    T::deserialize(value).map_err(|error| format!("its {what}: {}", short(&error.to_string())))
}

impl V1 {
    /// The source is the parameter `source`, or the parameter `workflow` of GitHub's builds, and the
    /// dependency that it was resolved to.
    fn statement(self) -> Result<Statement, String> {
        let BuildDefinition { build_type, external_parameters, resolved_dependencies } =
            self.build_definition;
        let (mut sources, mut parameters) = (Vec::new(), Vec::new());
        for (name, value) in &external_parameters {
            match name.as_str() {
                "source" => {
                    sources.push(source_parameter(value)?);
                    parameters.extend(beside("source", value, &["uri", "digest", "name"]));
                }
                "workflow" => {
                    sources.push(workflow_parameter(value)?);
                    parameters.extend(beside("workflow", value, &["repository", "ref"]));
                }
                _ if value.is_null() => {}
                _ => parameters.push((name.clone(), value.clone())),
            }
        }
        let is_of_git = |one: &&Resource| one.uri.starts_with("git+") || one.commit().is_some();
        // The first is the source itself; what it brings in comes after it.
        sources.extend(resolved_dependencies.iter().find(is_of_git).map(Resource::source));
        let RunDetails { builder, metadata } = self.run_details;
        Ok(Statement {
            subjects: Vec::new(),
            builder: builder.id,
            build_type,
            sources,
            parameters,
            finished_at: metadata.finished_on,
        })
    }
}

/// What else a parameter holds that names a source: whoever starts a build may choose it as well.
fn beside(parameter: &str, value: &Value, known: &[&str]) -> Vec<(String, Value)> {
    let members = value.as_object().into_iter().flatten();
    let others =
        members.filter(|(name, value)| !known.contains(&name.as_str()) && !value.is_null());
    others.map(|(name, value)| (format!("{parameter}.{name}"), value.clone())).collect()
}

/// An address, or an object with one.
fn source_parameter(value: &Value) -> Result<Source, String> {
    let wrong = || "its parameter `source` names no repository".to_owned();
    match value {
        Value::String(uri) => Ok(Source::of_uri(uri, None)),
        Value::Object(_) => {
            let resource = Resource::deserialize(value).map_err(|_| wrong())?;
            let is_named = !resource.uri.is_empty();
            is_named.then(|| resource.source()).ok_or_else(wrong)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err(wrong()),
    }
}

/// Of builds on GitHub (buildType `https://actions.github.io/buildtypes/workflow/v1`).
fn workflow_parameter(value: &Value) -> Result<Source, String> {
    let repository = value["repository"].as_str();
    let repository = repository.ok_or("its parameter `workflow` names no repository")?;
    let reference = value["ref"].as_str().map(str::to_owned);
    Ok(Source { repository: repository.to_owned(), reference, commit: None })
}

impl V02 {
    /// The source is that of the configuration, and the material of the same repository.
    fn statement(self) -> Result<Statement, String> {
        let Invocation { config_source, parameters } = self.invocation;
        let mut sources = Vec::new();
        if !config_source.uri.is_empty() {
            sources.push(config_source.source());
        }
        let is_of_git = |one: &&Resource| one.uri.starts_with("git+");
        sources.extend(self.materials.iter().find(is_of_git).map(Resource::source));
        let mut parameters = match parameters {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(given)) => given.into_iter().collect(),
            Some(_) => return Err("its parameters are no object".to_owned()),
        };
        if let Some(point) = config_source.entry_point.clone().filter(|point| !point.is_empty()) {
            parameters.push(("configSource.entryPoint".to_owned(), Value::String(point)));
        }
        Ok(Statement {
            subjects: Vec::new(),
            builder: self.builder.id,
            build_type: self.build_type,
            sources,
            parameters,
            finished_at: self.metadata.finished_on,
        })
    }
}
