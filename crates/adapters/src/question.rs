//! What all checks share about being asked: the place `{green}`, how long to wait, and how several
//! answers become one. Asks nobody.

use std::time::Duration;

use serde_json::{Value, json};
use towpath_core::check::{CheckAnswer, CheckResult};
use towpath_core::ids::Name;
use towpath_ports::check::CheckRequest;
use towpath_ports::settings::Problem;

/// As written in addresses and arguments.
pub(crate) const PLACE: &str = "{green}";

/// `text` once for each instance, with `http://ADDRESS:PORT` in the place; once and unchanged when
/// it has no such place.
///
/// # Errors
/// The answer of a check that cannot be asked, because there is no instance: a prerequisite.
pub(crate) fn for_each(text: &str, request: &CheckRequest) -> Result<Vec<String>, CheckAnswer> {
    if !text.contains(PLACE) {
        return Ok(vec![text.to_owned()]);
    }
    if request.green.is_empty() {
        return Err(none_yet(request));
    }
    Ok(request.green.iter().map(|one| text.replace(PLACE, &url(one.address))).collect())
}

/// `text` with the first instance in the place.
///
/// # Errors
/// As of [`for_each`].
pub(crate) fn first(text: &str, request: &CheckRequest) -> Result<String, CheckAnswer> {
    for_each(text, request).map(|mut texts| texts.swap_remove(0))
}

/// The address of an instance as the place says it.
pub(crate) fn url(address: std::net::SocketAddr) -> String {
    format!("http://{address}")
}

fn none_yet(request: &CheckRequest) -> CheckAnswer {
    CheckAnswer::inconclusive(format!(
        "{{green}} has no address: no instance of {} runs in {} before the release is deployed",
        request.release.version, request.lane
    ))
}

/// How long a check may wait for what it asks: less than the caller does, so that what it found out
/// is heard, and its own cleaning up (half a second at most) is done in time.
pub(crate) fn patience(request: &CheckRequest) -> Duration {
    let timeout = Duration::from(request.timeout);
    timeout.saturating_sub((timeout / 10).min(Duration::from_secs(1)))
}

/// Keeps what was asked and answered as one document, which names the question and its time: the same
/// words to another question are another piece.
pub(crate) fn keep(request: &CheckRequest, name: &str, told: &Value) {
    let told = json!({
        "title": request.title,
        "service": request.lane.service,
        "environment": request.lane.environment,
        "release": request.release,
        "promotion": request.promotion,
        "at": request.now,
        "told": told,
    });
    let bytes = serde_json::to_vec_pretty(&told).expect("plain data with text keys");
    request.keeper.keep(name, "application/json", &bytes);
}

/// What is wrong with the names in the setting `in`, which are those of environments.
pub(crate) fn wrong_environments(settings: &Value) -> Vec<Problem> {
    let named = settings.get("in").and_then(Value::as_array).into_iter().flatten();
    let wrong = named.enumerate().filter_map(|(index, name)| {
        let error = Name::new(name.as_str().unwrap_or_default()).err()?;
        let path = format!("in[{index}]");
        Some(Problem::new(&path, error.to_string(), "the name of an environment"))
    });
    wrong.collect()
}

/// All must pass. A failure outweighs what cannot be told, that outweighs what is not yet known,
/// and that a pass. `what` is what was asked, in the plural.
pub(crate) fn worst_of(answers: Vec<CheckAnswer>, what: &str) -> CheckAnswer {
    let count = answers.len();
    let worst = answers.into_iter().min_by_key(rank);
    let mut worst = worst.unwrap_or_else(|| CheckAnswer::inconclusive("nobody was asked"));
    if worst.result == CheckResult::Pass && count > 1 {
        worst.sentence = format!("all {count} {what} passed, the first: {}", worst.sentence);
    }
    worst
}

/// The worst first.
fn rank(answer: &CheckAnswer) -> u8 {
    match answer.result {
        CheckResult::Fail => 0,
        CheckResult::Inconclusive => 1,
        CheckResult::Pending { .. } => 2,
        CheckResult::Pass => 3,
    }
}

/// Answers to different questions, all of which must pass: the worst result, with the sentences of all
/// that came to it, and a line for each answer as the output.
pub(crate) fn all_of(answers: &[CheckAnswer]) -> CheckAnswer {
    let Some(worst) = answers.iter().min_by_key(|answer| rank(answer)) else {
        return CheckAnswer::inconclusive("nothing was asked");
    };
    let alike = answers.iter().filter(|answer| rank(answer) == rank(worst));
    let sentences: Vec<&str> = alike.map(|answer| answer.sentence.as_str()).collect();
    let lines = answers.iter().flat_map(|answer| {
        let word = match answer.result {
            CheckResult::Fail => "does not hold",
            CheckResult::Inconclusive => "cannot be told",
            CheckResult::Pending { .. } => "not yet",
            CheckResult::Pass => "holds",
        };
        [Some(format!("{word}: {}", answer.sentence)), answer.output.clone()]
    });
    let lines: Vec<String> = lines.flatten().collect();
    let sentence = sentences.join("; ");
    CheckAnswer {
        result: worst.result,
        sentence,
        output: Some(lines.join("\n")),
        evidence: Vec::new(),
    }
}

/// Requests for the tests of all checks.
#[cfg(test)]
pub(crate) mod testing {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use async_trait::async_trait;
    use serde_json::Value;
    use towpath_core::deployment::Endpoint;
    use towpath_core::ids::{Digest, LaneId, Name, PromotionNumber, Version};
    use towpath_core::release::{Artifact, ArtifactForm, Brought, ChangeType, Release, ReleaseRef};
    use towpath_core::units::{Span, Timestamp};
    use towpath_ports::check::{
        Attestation, CalmRecord, Check, CheckRequest, EvidenceReader, KeptBefore, ServedRecord,
        SoakRecord,
    };
    use towpath_ports::{Site, settings};

    /// What the journal is made to know; the records of environments by name.
    #[derive(Clone, Default)]
    pub(crate) struct Evidence {
        pub(crate) attestations: Vec<Attestation>,
        pub(crate) records: Vec<(&'static str, SoakRecord)>,
        /// What everybody met, by environment.
        pub(crate) served: Vec<(&'static str, ServedRecord)>,
        /// How quiet it was, by environment.
        pub(crate) calm: Vec<(&'static str, CalmRecord)>,
        /// What was kept of releases before, the latest first.
        pub(crate) before: Vec<KeptBefore>,
        /// What environment variables the release brings, and of what type it is.
        pub(crate) settings: Vec<(&'static str, &'static str)>,
        pub(crate) change_type: Option<ChangeType>,
        /// What the release was built from.
        pub(crate) commit: Option<String>,
        /// What the release consists of: the bytes of its artefacts, by name.
        pub(crate) artifacts: Vec<(&'static str, &'static [u8])>,
        /// Files that the release brings.
        pub(crate) brings: std::collections::BTreeMap<Name, Brought>,
        pub(crate) is_down: bool,
    }

    #[async_trait]
    impl EvidenceReader for Evidence {
        async fn release(
            &self,
            service: &Name,
            release: &ReleaseRef,
        ) -> Result<Option<Release>, String> {
            if self.is_down {
                return Err("no database".to_owned());
            }
            let artifacts = self.artifacts.iter().map(|(name, bytes)| {
                let artifact = Artifact {
                    digest: Digest::of(bytes),
                    form: ArtifactForm::File,
                    source: (*name).to_owned(),
                    size: bytes.len() as u64,
                };
                (Name::new(name).unwrap(), artifact)
            });
            Ok(Some(Release {
                service: service.clone(),
                version: release.version.clone(),
                digest: release.digest.clone(),
                artifacts: artifacts.collect(),
                settings: self
                    .settings
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
                migrations: Vec::new(),
                commit: self.commit.clone(),
                branch: None,
                author: None,
                change_type: self.change_type.unwrap_or(ChangeType::Feature),
                type_by: None,
                evidence: self.brings.clone(),
                snapshot: false,
                created_by: None,
                behind: Vec::new(),
                created_at: NOW,
            }))
        }

        async fn attestations(
            &self,
            _lane: &LaneId,
            _release: &ReleaseRef,
            _title: &str,
        ) -> Result<Vec<Attestation>, String> {
            if self.is_down { Err("no database".to_owned()) } else { Ok(self.attestations.clone()) }
        }

        async fn soak(
            &self,
            _service: &Name,
            environment: &Name,
            _release: &ReleaseRef,
            _since: Timestamp,
        ) -> Result<SoakRecord, String> {
            let found = self.records.iter().find(|(name, _)| *name == environment.as_str());
            match found {
                Some((_, record)) if !self.is_down => Ok(record.clone()),
                Some(_) | None => Err("no database".to_owned()),
            }
        }

        async fn served(
            &self,
            _service: &Name,
            environment: &Name,
            _since: Timestamp,
        ) -> Result<ServedRecord, String> {
            let found = self.served.iter().find(|(name, _)| *name == environment.as_str());
            match found {
                Some((_, record)) if !self.is_down => Ok(record.clone()),
                Some(_) | None => Err("no database".to_owned()),
            }
        }

        async fn kept_before(
            &self,
            _lane: &LaneId,
            _title: &str,
        ) -> Result<Vec<KeptBefore>, String> {
            if self.is_down { Err("no database".to_owned()) } else { Ok(self.before.clone()) }
        }

        async fn calm(
            &self,
            _service: &Name,
            environment: &Name,
            _release: &ReleaseRef,
        ) -> Result<CalmRecord, String> {
            let found = self.calm.iter().find(|(name, _)| *name == environment.as_str());
            match found {
                Some((_, record)) if !self.is_down => Ok(record.clone()),
                Some(_) | None => Err("no database".to_owned()),
            }
        }
    }

    /// The moment of every question: 100 hours after 1970 began.
    pub(crate) const NOW: Timestamp = Timestamp(360_000_000_000);

    pub(crate) fn request(green: &[SocketAddr], evidence: Evidence) -> CheckRequest {
        let green =
            (1..).zip(green).map(|(instance, address)| Endpoint { instance, address: *address });
        CheckRequest {
            lane: LaneId {
                service: Name::new("api").unwrap(),
                environment: Name::new("live").unwrap(),
            },
            promotion: PromotionNumber(7),
            release: ReleaseRef {
                version: Version::new("1.2.0").unwrap(),
                digest: Digest::of(b""),
            },
            title: "A question".to_owned(),
            green: green.collect(),
            timeout: Span::seconds(10),
            ordered_at: NOW.minus(Span::hours(1)),
            now: NOW,
            evidence: Arc::new(evidence),
            keeper: towpath_ports::evidence::Keeper::nowhere(),
            trace: None,
        }
    }

    pub(crate) fn site(root: &std::path::Path, speed: u32) -> Site {
        let state = root.join("state");
        let artifacts = Arc::new(crate::artifacts::Artifacts::new(&state));
        Site { root: root.to_owned(), state, program: "/bin/false".into(), artifacts, speed }
    }

    /// The check `name` with these settings, checked as the matrix checks them.
    pub(crate) fn check(name: &str, given: &Value, site: &Site) -> Arc<dyn Check> {
        let kinds = crate::checks::KINDS;
        let entry = &kinds.iter().find(|kind| kind.entry.name == name).unwrap().entry;
        let checked = settings::check(entry, given).unwrap();
        crate::build(kinds, name, &checked, site).unwrap()
    }

    /// Paths of the problems that the matrix would show.
    pub(crate) fn problems(name: &str, given: &Value) -> Vec<String> {
        let kinds = crate::checks::KINDS;
        let entry = &kinds.iter().find(|kind| kind.entry.name == name).unwrap().entry;
        let problems = settings::check(entry, given).err().unwrap_or_default();
        problems.into_iter().map(|problem| problem.path).collect()
    }
}
