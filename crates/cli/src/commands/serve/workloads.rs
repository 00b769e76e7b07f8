//! What the file of settings says of programs that another issuer vouches for. Owns names and defaults; asks no
//! issuer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use towpath_core::ids::{Name, Person};
use towpath_core::people::Verb;
use towpath_core::tokens::Bounds;
use towpath_core::units::Span;
use towpath_ports::clock::{Clock, SystemClock};
use towpath_server::signin::{Workload, Workloads};

/// How long a token lasts that is given to a build: as long as most of them run.
const USUAL: Span = Span::hours(1);
/// The longest: a build that waits for people over night.
const LONGEST: Span = Span::hours(24);

/// One of `workloads`, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkloadSection {
    #[serde(default)]
    project: Option<String>,
    acts_as: String,
    issuer: String,
    audience: String,
    subject: String,
    #[serde(default)]
    claims: BTreeMap<String, String>,
    #[serde(default)]
    may: BTreeSet<Verb>,
    #[serde(default)]
    environments: BTreeSet<String>,
    #[serde(default)]
    lasts: Option<String>,
    #[serde(default)]
    keys_file: Option<PathBuf>,
}

impl WorkloadSection {
    /// What a server is told; `beside` finds files beside the one of the settings.
    ///
    /// # Errors
    /// What is wrong, with its key.
    pub(super) fn told(self, beside: impl Fn(PathBuf) -> PathBuf) -> Result<Workload, String> {
        let name =
            |key: &str, text: &str| Name::new(text).map_err(|error| format!("{key}: {error}"));
        let acts_as = Person::new(&self.acts_as).map_err(|error| format!("acts_as: {error}"))?;
        for (key, text) in [("audience", &self.audience), ("subject", &self.subject)] {
            if text.trim().is_empty() {
                return Err(format!("{key}: it is empty"));
            }
            if text.contains('*') {
                return Err(format!("{key}: `{text}` has a `*`, and nothing is a pattern here"));
            }
        }
        let lasts = match self.lasts.as_deref().map(str::parse::<Span>) {
            None => USUAL,
            Some(Ok(lasts)) if lasts > Span::ZERO && lasts <= LONGEST => lasts,
            Some(_) => return Err("lasts: it is no duration of up to 24h, such as 1h".to_owned()),
        };
        let places = self.environments.iter().map(|text| name("environments", text));
        let bounds = Bounds { verbs: self.may, environments: places.collect::<Result<_, _>>()? };
        let keys_file = self.keys_file.map(beside);
        if let Some(file) = &keys_file {
            let read = std::fs::read(file).map_err(|error| error.to_string());
            let read = read.and_then(|text| towpath_server::signin::keys_in(&text));
            read.map_err(|cause| format!("keys_file: {}: {cause}", file.display()))?;
        }
        Ok(Workload {
            project: self.project.as_deref().map(|text| name("project", text)).transpose()?,
            acts_as,
            issuer: self.issuer,
            audience: self.audience,
            subject: self.subject,
            claims: self.claims,
            bounds,
            lasts,
            keys_file,
        })
    }
}

/// All of them, ready to be asked for.
///
/// # Errors
/// What is wrong.
pub(super) fn ready(all: Vec<Workload>) -> Result<Workloads, String> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    Workloads::new(all, &clock)
}
