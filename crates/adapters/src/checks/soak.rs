//! Check `soak`: the release has served somewhere else for long enough, and well. Owns what long
//! enough and well mean; the evidence is the telemetry's.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use towpath_core::check::CheckAnswer;
use towpath_core::ids::Name;
use towpath_core::units::{Span, Timestamp};
use towpath_ports::check::{Check, CheckRequest, SoakRecord};
use towpath_ports::condition::{Condition, Limit};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

use crate::question;

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "soak",
        summary: "The release has served in another environment for long enough, and well.",
        example: "{ check: soak, in: staging, for: 24h, error_rate: \"< 5%\" }",
        state: KindState::Built,
        capabilities: &["telemetry"],
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
                doc: "How long without a break, up to now.",
            },
            Field {
                name: "error_rate",
                of: FieldType::Condition,
                default: Some(""),
                doc: "What the share of failed requests must be over that time, visitors' and \
                      probes' each; left out: that it was there all the time is enough.",
            },
        ],
        validate,
    },
    build: Some(|settings, site| Ok(Arc::new(Soak::new(settings, site)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let mut problems = question::wrong_environments(settings);
    if settings.get("in").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        problems.push(Problem::new("in", "`in` names no environment", "at least one environment"));
    }
    if settings.get("for").and_then(Value::as_u64) == Some(0) {
        problems.push(Problem::new("for", "`for` is no time at all", "a duration such as 24h"));
    }
    if let Some(text) = settings.get("error_rate").and_then(Value::as_str) {
        let wrong = match text.parse::<Condition>() {
            Ok(Condition { limit: Limit::Share(_), .. }) => None,
            Ok(_) => Some(format!("`{text}` does not speak of a share")),
            Err(wrong) => Some(wrong),
        };
        problems.extend(wrong.map(|wrong| Problem::new("error_rate", wrong, "such as \"< 5%\"")));
    }
    problems
}

#[derive(Debug, Deserialize)]
struct Settings {
    r#in: Vec<Name>,
    r#for: Span,
    error_rate: Option<String>,
}

struct Soak {
    environments: Vec<Name>,
    time: Span,
    error_rate: Option<Condition>,
}

impl Soak {
    fn new(settings: &Value, site: &Site) -> Result<Self, String> {
        let settings =
            Settings::deserialize(settings).map_err(|error| format!("check `soak`: {error}"))?;
        Ok(Self {
            environments: settings.r#in,
            time: settings.r#for.faster(site.speed),
            error_rate: settings.error_rate.map(|text| text.parse()).transpose()?,
        })
    }

    async fn ask_in(&self, environment: &Name, request: &CheckRequest) -> CheckAnswer {
        let microseconds = i64::try_from(self.time.milliseconds().saturating_mul(1000));
        let since = Timestamp(request.now.0.saturating_sub(microseconds.unwrap_or(i64::MAX)));
        let (service, release) = (&request.lane.service, &request.release);
        let asked = request.evidence.soak(service, environment, release, since).await;
        let record = match asked {
            Ok(record) => record,
            Err(why) => {
                let what = format!("the telemetry of {environment} cannot be read: {why}");
                return CheckAnswer::inconclusive(what);
            }
        };
        let version = &release.version;
        let Some(serving_since) = record.serving_since else {
            return CheckAnswer::fail(format!("{version} does not serve in {environment}"));
        };
        if serving_since > since {
            let served = request.now.since(serving_since);
            let what =
                format!("{version} has served in {environment} for {served} of {}", self.time);
            return CheckAnswer::pending(serving_since.plus(self.time), what);
        }
        self.judge(environment, request, &record)
    }

    fn judge(
        &self,
        environment: &Name,
        request: &CheckRequest,
        record: &SoakRecord,
    ) -> CheckAnswer {
        let (version, time) = (&request.release.version, self.time);
        let Some(condition) = &self.error_rate else {
            return match self.gaps(Needed::Life, record) {
                Some(gaps) => CheckAnswer::inconclusive(format!("{environment}: {gaps}")),
                None => {
                    CheckAnswer::pass(format!("{version} has served in {environment} for {time}"))
                }
            };
        };
        let sources = [
            ("requests", record.requests, record.failed),
            ("probes", record.probes, record.probes_failed),
        ];
        let mut shown = Vec::new();
        for (what, total, failed) in sources.into_iter().filter(|(_, total, _)| *total > 0) {
            #[expect(clippy::cast_precision_loss, reason = "no count of requests reaches 2^52")]
            let rate = failed as f64 / total as f64;
            shown.push(format!("{failed} of {total} {what} failed"));
            if condition.holds_for_share(rate) != Some(true) {
                let all = shown.join(", ");
                let what = format!("{environment} over {time}: {all}, wanted {condition}");
                return CheckAnswer::fail(what);
            }
        }
        if shown.is_empty() {
            let what = format!("nobody visited or probed {version} in {environment} over {time}");
            return CheckAnswer::inconclusive(what);
        }
        let all = shown.join(", ");
        if let Some(gaps) = self.gaps(Needed::Outcomes, record) {
            return CheckAnswer::inconclusive(format!("{environment}: {gaps}; {all}"));
        }
        CheckAnswer::pass(format!("{environment} over {time}: {all}, wanted {condition}"))
    }

    /// What is not known and would have to be; none when nothing is missing.
    fn gaps(&self, needed: Needed, record: &SoakRecord) -> Option<String> {
        // Where probes look after it all the time, it lives whatever the router could not tell.
        let probes_suffice = needed == Needed::Life && record.probes > 0;
        let visitors = if probes_suffice { Span::ZERO } else { record.visitor_gaps };
        let missing: Vec<_> = [("visitors", visitors), ("probes", record.probe_gaps)]
            .into_iter()
            .filter(|(_, gap)| *gap > Span::ZERO)
            .map(|(what, gap)| format!("of {what} for {gap}"))
            .collect();
        let missing = missing.join(" and ");
        (!missing.is_empty()).then(|| format!("nothing is known {missing} of {}", self.time))
    }
}

/// What the evidence has to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needed {
    /// That the release was there all the time.
    Life,
    /// How every request and every probe ended.
    Outcomes,
}

#[async_trait]
impl Check for Soak {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        let mut answers = Vec::new();
        for environment in &self.environments {
            answers.push(self.ask_in(environment, request).await);
        }
        question::worst_of(answers, "environments")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::testing::{Evidence, NOW, check, problems, request, site};
    use serde_json::json;
    use towpath_core::check::CheckResult;

    fn record(hours: i64, requests: u64, failed: u64) -> SoakRecord {
        let serving_since = Some(Timestamp(NOW.0 - hours * 3_600_000_000));
        SoakRecord { serving_since, requests, failed, ..SoakRecord::default() }
    }

    async fn ask(records: Vec<(&'static str, SoakRecord)>, speed: u32) -> CheckAnswer {
        let environments: Vec<_> = records.iter().map(|(name, _)| *name).collect();
        let settings = json!({ "in": environments, "for": "24h", "error_rate": "< 5%" });
        let check = check("soak", &settings, &site(std::path::Path::new("/"), speed));
        check.ask(&request(&[], Evidence { records, ..Evidence::default() })).await
    }

    #[tokio::test]
    async fn too_short_waits_until_the_moment_at_which_it_is_long_enough() {
        let answer = ask(vec![("staging", record(20, 1000, 0))], 1).await;
        assert_eq!(answer.result, CheckResult::Pending { ask_again_at: NOW.plus(Span::hours(4)) });
        assert_eq!(answer.sentence, "1.2.0 has served in staging for 20h of 24h");
        let rehearsed = ask(vec![("staging", record(20, 1000, 0))], 60).await;
        assert_eq!(rehearsed.result, CheckResult::Pass, "24 minutes are enough at 60x");
    }

    #[tokio::test]
    async fn the_limit_itself_is_not_below_the_limit() {
        let good = ask(vec![("staging", record(24, 1000, 49))], 1).await;
        assert_eq!(good.sentence, "staging over 24h: 49 of 1000 requests failed, wanted < 5%");
        assert_eq!(good.result, CheckResult::Pass);
        let bad = ask(vec![("staging", record(24, 1000, 50))], 1).await;
        assert_eq!(bad.result, CheckResult::Fail);
        let probed = SoakRecord { probes: 10, probes_failed: 1, ..record(24, 1000, 0) };
        assert_eq!(ask(vec![("staging", probed)], 1).await.result, CheckResult::Fail);
    }

    #[tokio::test]
    async fn silence_proves_nothing() {
        let silent = ask(vec![("staging", record(24, 0, 0))], 1).await;
        assert_eq!(silent.result, CheckResult::Inconclusive);
        let gone = ask(vec![("staging", SoakRecord::default())], 1).await;
        assert_eq!(gone.result, CheckResult::Fail);
    }

    /// What a soak with these settings says of a record with these gaps, in minutes.
    async fn with_gaps(error_rate: Option<&str>, probes: u64, gaps: [u64; 2]) -> CheckAnswer {
        let [visitor_gaps, probe_gaps] = gaps.map(Span::minutes);
        let record = SoakRecord { probes, visitor_gaps, probe_gaps, ..record(24, 1000, 0) };
        let mut settings = json!({ "in": ["staging"], "for": "24h" });
        if let Some(condition) = error_rate {
            settings["error_rate"] = condition.into();
        }
        let check = check("soak", &settings, &site(std::path::Path::new("/"), 1));
        let records = vec![("staging", record)];
        check.ask(&request(&[], Evidence { records, ..Evidence::default() })).await
    }

    #[tokio::test]
    async fn an_error_rate_needs_all_outcomes_and_says_whose_are_missing() {
        let answer = with_gaps(Some("< 5%"), 0, [0, 0]).await;
        assert_eq!(answer.result, CheckResult::Pass);
        let answer = with_gaps(Some("< 5%"), 10, [90, 0]).await;
        assert_eq!(answer.result, CheckResult::Inconclusive, "probes stand for no visitor");
        assert_eq!(
            answer.sentence,
            "staging: nothing is known of visitors for 1h 30m of 24h; 0 of 1000 requests failed, \
             0 of 10 probes failed"
        );
        let answer = with_gaps(Some("< 5%"), 10, [90, 1]).await;
        assert!(answer.sentence.contains("of visitors for 1h 30m and of probes for 1m of 24h"));
        assert_eq!(with_gaps(Some("< 5%"), 10, [0, 1]).await.result, CheckResult::Inconclusive);
    }

    #[tokio::test]
    async fn time_alone_needs_to_be_known_of_from_end_to_end() {
        assert_eq!(with_gaps(None, 10, [0, 0]).await.result, CheckResult::Pass);
        assert_eq!(with_gaps(None, 0, [0, 0]).await.result, CheckResult::Pass);
        let answer = with_gaps(None, 10, [0, 120]).await;
        assert_eq!(answer.result, CheckResult::Inconclusive);
        assert_eq!(answer.sentence, "staging: nothing is known of probes for 2h of 24h");
        let answer = with_gaps(None, 0, [120, 0]).await;
        assert_eq!(answer.sentence, "staging: nothing is known of visitors for 2h of 24h");
        assert_eq!(answer.result, CheckResult::Inconclusive);
        let watched = with_gaps(None, 10, [120, 0]).await;
        assert_eq!(watched.result, CheckResult::Pass, "probes saw it live");
    }

    #[tokio::test]
    async fn a_bad_rate_fails_whatever_is_missing() {
        let record = SoakRecord { visitor_gaps: Span::hours(1), ..record(24, 1000, 100) };
        assert_eq!(ask(vec![("staging", record)], 1).await.result, CheckResult::Fail);
    }

    #[tokio::test]
    async fn every_environment_must_hold() {
        let good = || ("staging", record(24, 1000, 0));
        assert_eq!(ask(vec![good(), ("qa", record(30, 5, 0))], 1).await.result, CheckResult::Pass);
        let answer = ask(vec![good(), ("qa", record(30, 5, 5))], 1).await;
        assert_eq!(answer.result, CheckResult::Fail);
        assert!(answer.sentence.starts_with("qa over 24h"), "{answer:?}");
        let answer = ask(vec![good(), ("qa", record(1, 5, 0))], 1).await;
        assert!(matches!(answer.result, CheckResult::Pending { .. }), "{answer:?}");
    }

    #[test]
    fn conditions_that_speak_of_something_else_are_refused_when_the_matrix_is_checked() {
        let given = json!({ "in": "Staging", "for": "0s", "error_rate": "> 300ms" });
        assert_eq!(problems("soak", &given), ["in[0]", "for", "error_rate"]);
    }
}
