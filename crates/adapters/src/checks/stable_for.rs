//! Check `stable_for`: a release has served somewhere else for so long, and nothing went wrong there in that
//! time. Owns what that means; when something went wrong is the journal's. How many requests failed is
//! asked by `soak`.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use towpath_core::check::CheckAnswer;
use towpath_core::ids::Name;
use towpath_core::units::Span;
use towpath_ports::check::{Check, CheckRequest};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

use crate::{promises, question};

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "stable_for",
        summary: "The release has served in another environment for so long without anything going wrong.",
        example: "{ check: stable_for, in: staging, for: 24h }",
        state: KindState::Built,
        capabilities: &["journal"],
        fields: &[
            Field {
                name: "in",
                of: FieldType::Texts,
                default: None,
                doc: "Environments of the same service, all of which must hold.",
            },
            Field {
                name: "for",
                of: FieldType::Span,
                default: None,
                doc: "How long, up to now: no rollback, no lapsed lease, no lost health, no unhealthy \
                      verdict, no signal, of whichever release.",
            },
        ],
        validate,
    },
    build: Some(|settings, site| Ok(Arc::new(StableFor::new(settings, site)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(question::wrong_environments(settings));
    if settings.get("in").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        problems.push(Problem::new("in", "`in` names no environment", "at least one environment"));
    }
    if settings.get("for").and_then(Value::as_u64) == Some(0) {
        problems.push(Problem::new("for", "`for` is no time at all", "a duration such as 24h"));
    }
    problems
}

#[derive(Debug, Deserialize)]
struct Settings {
    r#in: Vec<Name>,
    r#for: Span,
}

struct StableFor {
    environments: Vec<Name>,
    time: Span,
}

impl StableFor {
    fn new(settings: &Value, site: &Site) -> Result<Self, String> {
        let settings = Settings::deserialize(settings)
            .map_err(|error| format!("check `stable_for`: {error}"))?;
        Ok(Self { environments: settings.r#in, time: settings.r#for.faster(site.speed) })
    }

    async fn ask_in(
        &self,
        environment: &Name,
        request: &CheckRequest,
        kept: &mut Vec<Value>,
    ) -> CheckAnswer {
        let (service, release) = (&request.lane.service, &request.release);
        let record = match request.evidence.calm(service, environment, release).await {
            Ok(record) => record,
            Err(why) => {
                let what = format!("what happened in {environment} cannot be read: {why}");
                return CheckAnswer::inconclusive(what);
            }
        };
        kept.push(json!({
            "environment": environment,
            "serving_since": record.serving_since,
            "trouble": record.trouble,
        }));
        let (version, time) = (&release.version, self.time);
        let Some(serving_since) = record.serving_since else {
            return CheckAnswer::fail(format!("{version} does not serve in {environment}"));
        };
        let since = promises::since(request.now, time);
        if let Some((at, what)) =
            record.trouble.filter(|(at, _)| *at > since && *at >= serving_since)
        {
            let ago = request.now.since(at);
            let said = format!("{environment} is quiet for {ago} of {time} since {what}");
            return CheckAnswer::pending(at.plus(time), said);
        }
        if serving_since > since {
            let served = request.now.since(serving_since);
            let what = format!("{version} has served in {environment} for {served} of {time}");
            return CheckAnswer::pending(serving_since.plus(time), what);
        }
        CheckAnswer::pass(format!(
            "{version} has served in {environment} for {time} without trouble"
        ))
    }
}

#[async_trait]
impl Check for StableFor {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        let (mut answers, mut kept) = (Vec::new(), Vec::new());
        for environment in &self.environments {
            answers.push(self.ask_in(environment, request, &mut kept).await);
        }
        question::keep(request, "stable.json", &kept.into());
        question::worst_of(answers, "environments")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::testing::{Evidence, NOW, check, problems, request, site};
    use towpath_core::check::CheckResult::{Fail, Inconclusive, Pass, Pending};
    use towpath_core::units::Timestamp;
    use towpath_ports::check::CalmRecord;

    fn ago(hours: i64) -> Timestamp {
        Timestamp(NOW.0 - hours * 3_600_000_000)
    }

    fn record(serving: i64, trouble: Option<i64>) -> CalmRecord {
        let trouble = trouble.map(|hours| (ago(hours), "a rollback (promotion 3): p99".to_owned()));
        CalmRecord { serving_since: Some(ago(serving)), trouble }
    }

    async fn ask(calm: Vec<(&'static str, CalmRecord)>) -> CheckAnswer {
        let environments: Vec<_> = calm.iter().map(|(name, _)| *name).collect();
        let settings = json!({ "in": environments, "for": "24h" });
        let check = check("stable_for", &settings, &site(std::path::Path::new("/"), 1));
        check.ask(&request(&[], Evidence { calm, ..Evidence::default() })).await
    }

    #[tokio::test]
    async fn what_went_wrong_lately_is_waited_out_from_then_on() {
        let answer = ask(vec![("staging", record(48, Some(4)))]).await;
        assert_eq!(answer.result, Pending { ask_again_at: NOW.plus(Span::hours(20)) });
        let said = "staging is quiet for 4h of 24h since a rollback (promotion 3): p99";
        assert_eq!(answer.sentence, said);
        assert_eq!(ask(vec![("staging", record(48, Some(24)))]).await.result, Pass);
    }

    #[tokio::test]
    async fn what_went_wrong_before_it_served_is_not_about_it_but_its_time_counts_from_then() {
        let answer = ask(vec![("staging", record(20, Some(21)))]).await;
        assert_eq!(answer.result, Pending { ask_again_at: NOW.plus(Span::hours(4)) });
        assert_eq!(answer.sentence, "1.2.0 has served in staging for 20h of 24h");
    }

    #[tokio::test]
    async fn a_release_that_serves_nowhere_is_not_stable_and_a_silent_journal_tells_nothing() {
        assert_eq!(ask(vec![("staging", CalmRecord::default())]).await.result, Fail);
        let settings = json!({ "in": "staging", "for": "24h" });
        let check = check("stable_for", &settings, &site(std::path::Path::new("/"), 1));
        let answer =
            check.ask(&request(&[], Evidence { is_down: true, ..Evidence::default() })).await;
        assert_eq!(answer.result, Inconclusive);
    }

    #[tokio::test]
    async fn every_environment_must_have_been_quiet() {
        let quiet = || ("staging", record(30, None));
        assert_eq!(ask(vec![quiet(), ("qa", record(24, None))]).await.result, Pass);
        let answer = ask(vec![quiet(), ("qa", record(30, Some(1)))]).await;
        assert!(answer.sentence.starts_with("qa is quiet"), "{answer:?}");
    }

    #[test]
    fn no_time_and_no_environment_are_refused_when_the_matrix_is_checked() {
        assert_eq!(problems("stable_for", &json!({ "in": [], "for": "0s" })), ["in", "for"]);
    }
}
