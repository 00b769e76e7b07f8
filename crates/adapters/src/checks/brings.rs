//! Check `brings`: a release was created with a file for whoever lets it in. Owns that its bytes are there and
//! what they were; does not judge what stands in them.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use towpath_core::check::CheckAnswer;
use towpath_core::ids::Name;
use towpath_ports::check::{Check, CheckRequest};
use towpath_ports::evidence::EvidenceStore as _;
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

use crate::evidence::KeptEvidence;
use crate::reports::counted;

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "brings",
        summary: "The release was created with a file that people look at.",
        example: "{ check: brings, evidence: infrastructure-plan }",
        state: KindState::Built,
        capabilities: &[],
        fields: &[Field::required(
            "evidence",
            FieldType::Text,
            "The name of the file, as in `release create --evidence NAME=FILE`. The plan holds its digest, \
             so that who agrees to a promotion agrees to these bytes.",
        )],
        validate,
    },
    build: Some(|settings, site| Ok(Arc::new(Brings::new(settings, site)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let name = settings.get("evidence").and_then(Value::as_str).unwrap_or_default();
    match Name::new(name) {
        Ok(_) => Vec::new(),
        Err(error) => vec![Problem::new("evidence", error.to_string(), "the name of a file")],
    }
}

#[derive(Deserialize)]
struct Settings {
    evidence: Name,
}

struct Brings {
    name: Name,
    kept: KeptEvidence,
}

impl Brings {
    fn new(settings: &Value, site: &Site) -> Result<Self, String> {
        let settings =
            Settings::deserialize(settings).map_err(|error| format!("check `brings`: {error}"))?;
        Ok(Self { name: settings.evidence, kept: KeptEvidence::new(&site.state) })
    }

    /// What it is, once its bytes were read and handed over.
    ///
    /// # Errors
    /// The answer that is no pass.
    async fn found(&self, request: &CheckRequest) -> Result<CheckAnswer, CheckAnswer> {
        let (name, version) = (&self.name, &request.release.version);
        let release = request.evidence.release(&request.lane.service, &request.release).await;
        let cannot = |why: String| {
            CheckAnswer::inconclusive(format!("what {version} brings cannot be read: {why}"))
        };
        let release = release.map_err(cannot)?;
        let release =
            release.ok_or_else(|| cannot("the journal knows no such release".to_owned()))?;
        let Some(brought) = release.evidence.get(name).cloned() else {
            return Err(CheckAnswer::fail(format!(
                "{version} brings no {name}; create a release of a new version with `--evidence \
                 {name}=FILE`"
            )));
        };
        let (kept, digest) = (self.kept.clone(), brought.digest.clone());
        let read = tokio::task::spawn_blocking(move || kept.read(&digest)).await;
        let bytes = read.unwrap_or_else(|error| Err(error.to_string())).map_err(cannot)?;
        let lost = || cannot(format!("the bytes of {name} are not kept here"));
        let bytes = bytes.ok_or_else(lost)?;
        request.keeper.keep(name.as_str(), "application/octet-stream", &bytes);
        Ok(CheckAnswer::pass(format!(
            "{version} brings {name}: sha256:{}, {}",
            brought.digest.short(),
            counted(brought.size, "byte")
        )))
    }
}

#[async_trait]
impl Check for Brings {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        self.found(request).await.unwrap_or_else(|answer| answer)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;
    use towpath_core::check::CheckResult::{Fail, Inconclusive, Pass};
    use towpath_core::ids::Digest;
    use towpath_core::release::Brought;

    use super::*;
    use crate::question::testing::{Evidence, check, problems, request, site};

    #[tokio::test]
    async fn a_file_passes_while_its_bytes_are_kept_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let site = site(folder.path(), 1);
        let digest = KeptEvidence::new(&site.state).keep(b"1 to add").unwrap();
        let settings = json!({ "evidence": "infrastructure-plan" });
        let ask = async |digest: Option<Digest>| {
            let one = |digest| Brought { digest, size: 8, source: "plan.txt".to_owned() };
            let name = Name::new("infrastructure-plan").unwrap();
            let brings: BTreeMap<_, _> = digest.map(|it| (name, one(it))).into_iter().collect();
            let evidence = Evidence { brings, ..Evidence::default() };
            check("brings", &settings, &site).ask(&request(&[], evidence)).await
        };
        let said = ask(Some(digest)).await;
        assert_eq!(said.result, Pass, "{said:?}");
        assert!(said.sentence.ends_with("8 bytes"), "{said:?}");
        let said = ask(Some(Digest::of(b"other"))).await;
        assert_eq!(said.result, Inconclusive, "{said:?}");
        let said = ask(None).await;
        assert_eq!(said.result, Fail, "{said:?}");
        assert!(said.sentence.contains("--evidence infrastructure-plan=FILE"), "{said:?}");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        assert_eq!(problems("brings", &json!({ "evidence": "a b" })).len(), 1);
    }
}
