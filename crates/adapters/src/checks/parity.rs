//! Check `parity`: an environment has every setting and every secret that the one before it has. Owns what
//! is missing; which keys each has is taken from the matrix. Knows names alone and no value.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use towpath_core::check::CheckAnswer;
use towpath_core::ids::Name;
use towpath_core::release::Release;
use towpath_ports::check::{Check, CheckRequest};
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState};

use crate::question;

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "parity",
        summary: "No setting and no secret is missing here that an environment before has.",
        example: "{ check: parity, in: staging, except: [DEBUG_*] }",
        state: KindState::Built,
        capabilities: &["parity"],
        fields: &[
            Field {
                name: "in",
                of: FieldType::Texts,
                default: None,
                doc: "Environments of the same service that have what is wanted here.",
            },
            Field::optional(
                "except",
                FieldType::Texts,
                "Names of settings and secrets that are meant to be missing; a star stands for any end.",
            ),
        ],
        validate: question::wrong_environments,
    },
    build: Some(|settings, _| Ok(Arc::new(Parity::new(settings)?))),
};

/// Checked settings; `compared` is filled in from the sections of the environments.
#[derive(Debug, Deserialize)]
struct Parity {
    #[serde(default)]
    except: Vec<String>,
    #[serde(default)]
    compared: Vec<Compared>,
}

/// What the matrix says of one environment before, held against this one.
#[derive(Debug, Deserialize)]
struct Compared {
    environment: Name,
    /// Settings that it has and this one has not.
    settings: Vec<String>,
    /// Secrets for the releases that it has and this one has not.
    secrets: Vec<String>,
    /// Settings that both have, with other values.
    differing: Vec<String>,
}

impl Parity {
    fn new(settings: &Value) -> Result<Self, String> {
        Self::deserialize(settings).map_err(|error| format!("check `parity`: {error}"))
    }

    fn is_meant(&self, name: &str) -> bool {
        self.except.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == pattern,
        })
    }

    fn judge(&self, compared: &Compared, release: &Release, here: &Name) -> CheckAnswer {
        // What the release brings itself is there, whatever an environment says beside.
        let settings =
            compared.settings.iter().filter(|name| !release.settings.contains_key(*name));
        let wanted = |name: &&String| !self.is_meant(name);
        let settings: BTreeSet<&str> = settings.filter(wanted).map(String::as_str).collect();
        let secrets: BTreeSet<&str> =
            compared.secrets.iter().filter(wanted).map(String::as_str).collect();
        let named = |what: &str, names: &BTreeSet<&str>| {
            let names: Vec<&str> = names.iter().copied().collect();
            let many = if names.len() == 1 { "" } else { "s" };
            (!names.is_empty()).then(|| format!("the {what}{many} {}", names.join(", ")))
        };
        let missing = [named("setting", &settings), named("secret", &secrets)];
        let missing: Vec<String> = missing.into_iter().flatten().collect();
        let before = &compared.environment;
        let answer = if missing.is_empty() {
            CheckAnswer::pass(format!("{here} has every setting and secret that {before} has"))
        } else {
            CheckAnswer::fail(format!("{here} lacks {} that {before} has", missing.join(" and ")))
        };
        if compared.differing.is_empty() {
            return answer;
        }
        let differing = compared.differing.join(", ");
        answer.with_output(format!("other values in {here} than in {before}: {differing}"))
    }
}

#[async_trait]
impl Check for Parity {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        let here = &request.lane.environment;
        let asked = request.evidence.release(&request.lane.service, &request.release).await;
        let release = match asked {
            Ok(Some(release)) => release,
            Ok(None) => return CheckAnswer::inconclusive("the journal does not know the release"),
            Err(why) => {
                let what = format!("what the release brings cannot be read: {why}");
                return CheckAnswer::inconclusive(what);
            }
        };
        let answers = self.compared.iter().map(|it| self.judge(it, &release, here));
        let answers: Vec<CheckAnswer> = answers.collect();
        let told: Vec<&str> = answers.iter().map(|answer| answer.sentence.as_str()).collect();
        question::keep(request, "parity.json", &told.into());
        question::worst_of(answers, "environments")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::testing::{Evidence, problems, request};
    use serde_json::json;
    use towpath_core::check::CheckResult::{self, Fail, Inconclusive, Pass};

    async fn says(except: &[&str], evidence: Evidence) -> (CheckResult, String) {
        let parity = Parity::new(&json!({
            "except": except,
            "compared": [{
                "environment": "staging",
                "settings": ["API_URL", "DEBUG_LEVEL"],
                "secrets": ["DB_PASSWORD"],
                "differing": ["LOG_LEVEL"],
            }],
        }));
        let answer = parity.unwrap().ask(&request(&[], evidence)).await;
        (answer.result, answer.sentence)
    }

    #[tokio::test]
    async fn what_is_missing_is_named_and_what_is_meant_or_brought_is_not_missing() {
        let (result, said) = says(&[], Evidence::default()).await;
        assert_eq!(result, Fail);
        assert_eq!(
            said,
            "live lacks the settings API_URL, DEBUG_LEVEL and the secret DB_PASSWORD that staging has"
        );
        let brings = Evidence { settings: vec![("API_URL", "x")], ..Evidence::default() };
        let (_, said) = says(&["DEBUG_*"], brings.clone()).await;
        assert_eq!(said, "live lacks the secret DB_PASSWORD that staging has");
        assert_eq!(says(&["DEBUG_*", "DB_PASSWORD"], brings).await.0, Pass);
        assert_eq!(says(&["DEBUG", "DB_*"], Evidence::default()).await.0, Fail, "no star, no end");
    }

    #[tokio::test]
    async fn a_release_that_cannot_be_read_and_nothing_to_compare_with_are_no_yes() {
        let down = Evidence { is_down: true, ..Evidence::default() };
        assert_eq!(says(&["*"], down).await.0, Inconclusive);
        let nothing = Parity::new(&json!({})).unwrap();
        assert_eq!(nothing.ask(&request(&[], Evidence::default())).await.result, Inconclusive);
    }

    #[test]
    fn what_is_no_environment_is_refused_with_the_matrix() {
        assert_eq!(problems("parity", &json!({ "in": ["staging", "A B"] })), ["in[1]"]);
    }
}
