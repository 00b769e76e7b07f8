//! Check `prometheus`: a figure of a Prometheus server is within its limit, or no worse than the same of
//! what serves beside it. Owns what the figure is held against; it is read by the metrics source of the
//! same name, for which only one fresh finite number is an answer.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use towpath_core::check::CheckAnswer;
use towpath_core::deployment::Deployment;
use towpath_core::units::{Span, Weight};
use towpath_ports::check::{Check, CheckRequest};
use towpath_ports::metrics::{GaugeQuestion, MetricsSource, fill};
use towpath_ports::settings::Problem;
use towpath_ports::threshold::Threshold;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site, settings};

use crate::{metrics, question};

/// The metrics source that is asked.
const SOURCE: &str = "prometheus";

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "prometheus",
        summary: "What a query of a Prometheus server stands for, held against a limit or a baseline.",
        example: "{ check: prometheus, url: \"http://prometheus:9090\", \
                  query: \"max(queue_depth{version='{version}'})\", is: \"< 1000\" }",
        state: KindState::Built,
        capabilities: &[],
        fields: &[
            Field::required(
                "url",
                FieldType::Url,
                "The server, with its path prefix where it has one; `/api/v1/query` is added.",
            ),
            Field::required(
                "query",
                FieldType::Text,
                "PromQL that stands for one number; {version}, {service} and {environment} stand for \
                 those of the release that is asked about.",
            ),
            Field::optional(
                "is",
                FieldType::Condition,
                "What must hold of the number, in the base unit of what is measured: a share, a time, \
                 a rate such as \"< 100/s\", or a plain number.",
            ),
            Field::optional(
                "baseline",
                FieldType::Text,
                "PromQL of the number that it must not exceed, such as the same of the other versions.",
            ),
            Field::optional(
                "above",
                FieldType::Share,
                "By how much of the baseline it may exceed it all the same; left out, by nothing.",
            ),
            Field::optional(
                "token_file",
                FieldType::Path,
                "A file with a bearer token, read for each question, so that it may change.",
            ),
            Field {
                name: "stale_after",
                of: FieldType::Span,
                default: Some("2m"),
                doc: "Samples older than this are no news. It is not shortened in a rehearsal.",
            },
        ],
        validate,
    },
    build: Some(|settings, site| Ok(Arc::new(Query::new(settings, site)?))),
};

/// The settings of the source among those of the check.
fn of_source(given: &Value) -> Result<Value, Vec<Problem>> {
    let entry = metrics::KINDS.iter().find(|kind| kind.entry.name == SOURCE).map(|kind| kind.entry);
    let entry = entry.expect("it is in the list of metrics sources");
    let mut own = json!({ "url": given["url"] });
    if let Some(token_file) = given.get("token_file") {
        own["token_file"] = token_file.clone();
    }
    let stale_after = given["stale_after"].as_u64().map(Span).unwrap_or_default();
    own["stale_after"] = stale_after.to_string().into();
    settings::check(&entry, &own)
}

fn validate(given: &Value) -> Vec<Problem> {
    let mut problems = of_source(given).err().unwrap_or_default();
    if given.get("is").is_none() && given.get("baseline").is_none() {
        let message = "`prometheus` has nothing that the figure is held against";
        problems.push(Problem::new("is", message, "such as is: \"< 1000\", or a `baseline`"));
    }
    if let Some(Err(wrong)) = given.get("is").and_then(Value::as_str).map(str::parse::<Threshold>) {
        problems.push(Problem::new("is", wrong, "such as \"< 5%\", \"< 300ms\" or \"< 100/s\""));
    }
    if given.get("above").is_some() && given.get("baseline").is_none() {
        problems.push(Problem::new("above", "`above` needs a `baseline`", "PromQL in `baseline`"));
    }
    problems
}

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Debug, Deserialize)]
struct Settings {
    query: String,
    is: Option<String>,
    baseline: Option<String>,
    above: Option<u16>,
}

struct Query {
    source: Arc<dyn MetricsSource>,
    text: String,
    is: Option<Threshold>,
    /// What it must not exceed, and by which share of that it may.
    baseline: Option<(String, Weight)>,
}

impl Query {
    fn new(given: &Value, site: &Site) -> Result<Self, String> {
        let settings =
            Settings::deserialize(given).map_err(|error| format!("check `prometheus`: {error}"))?;
        let of_source = of_source(given).map_err(|problems| {
            problems.first().map_or_else(String::new, |problem| problem.message.clone())
        })?;
        let above = settings.above.map_or(Some(Weight::ZERO), Weight::from_basis_points);
        let above = above.ok_or("`above` is no share")?;
        Ok(Self {
            source: crate::build(metrics::KINDS, SOURCE, &of_source, site)?,
            text: settings.query,
            is: settings.is.map(|text| text.parse()).transpose()?,
            baseline: settings.baseline.map(|query| (query, above)),
        })
    }

    /// The one number that a query stands for.
    async fn figure(&self, query: &str, request: &CheckRequest) -> Result<f64, CheckAnswer> {
        let green = Deployment {
            number: request.promotion,
            release: request.release.clone(),
            capacity: 1,
            endpoints: request.green.clone(),
        };
        let query = fill(query, &request.lane, &green);
        let asked = GaugeQuestion { query: query.clone(), now: request.now };
        let asked = self.source.gauge(&asked);
        let answered = tokio::time::timeout(question::patience(request), asked).await;
        match answered {
            Ok(Ok(measured)) if measured.value.is_finite() => {
                let told = json!({ "query": query, "value": measured.value, "at": measured.at });
                question::keep(request, "prometheus.json", &told);
                Ok(measured.value)
            }
            Ok(Ok(_)) => Err(CheckAnswer::inconclusive(format!("`{query}` is no finite number"))),
            Ok(Err(blind)) => Err(CheckAnswer::inconclusive(format!("`{query}`: {blind}"))),
            Err(_) => Err(CheckAnswer::inconclusive(format!(
                "`{query}` was not answered within {}",
                request.timeout
            ))),
        }
    }

    async fn answers(&self, request: &CheckRequest) -> Result<Vec<CheckAnswer>, CheckAnswer> {
        let value = self.figure(&self.text, request).await?;
        let mut answers = Vec::new();
        if let Some(threshold) = &self.is {
            let said = format!("`{}` is {}, wanted {threshold}", self.text, threshold.said(value));
            answers.push(match threshold.holds(value) {
                Some(true) => CheckAnswer::pass(said),
                Some(false) => CheckAnswer::fail(said),
                None => CheckAnswer::inconclusive(said),
            });
        }
        if let Some((query, above)) = &self.baseline {
            let baseline = self.figure(query, request).await?;
            let most = baseline + baseline.abs() * above.share();
            let said = format!(
                "`{}` is {value}, and at most {most} is wanted: {baseline} of the baseline and {above}",
                self.text
            );
            let holds = value <= most;
            answers.push(if holds { CheckAnswer::pass(said) } else { CheckAnswer::fail(said) });
        }
        Ok(answers)
    }
}

#[async_trait]
impl Check for Query {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        match self.answers(request).await {
            Ok(answers) => question::all_of(&answers),
            Err(answer) => answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::testing::{Evidence, NOW, check, problems, request, site};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use towpath_core::check::CheckResult::{Fail, Inconclusive, Pass};

    /// A server that answers a query with what stands beside the first text that it holds, and what
    /// asks for its time with that time.
    async fn server(answers: &'static [(&'static str, &'static str)]) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut heard = vec![0; 4096];
                let length = connection.read(&mut heard).await.unwrap_or(0);
                let heard = String::from_utf8_lossy(&heard[..length]).into_owned();
                let found = answers.iter().find(|(part, _)| heard.contains(part));
                let result = found.map_or("", |(_, result)| *result);
                let (now, old) = (NOW.0 / 1_000_000, NOW.0 / 1_000_000 - 600);
                let result =
                    result.replace("NOW", &now.to_string()).replace("OLD", &old.to_string());
                let sampled = if heard.contains("query=timestamp") {
                    format!(r#"{{"metric":{{}},"value":[{now},"{now}"]}}"#)
                } else {
                    result
                };
                let body = sampled.strip_prefix('!').map_or_else(
                    || {
                        let data = format!(r#"{{"resultType":"vector","result":[{sampled}]}}"#);
                        format!(r#"{{"status":"success","data":{data}}}"#)
                    },
                    str::to_owned,
                );
                let page = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _gone = connection.write_all(page.as_bytes()).await;
            }
        });
        url
    }

    async fn ask(answers: &'static [(&'static str, &'static str)], more: &Value) -> CheckAnswer {
        let mut settings = json!({ "url": server(answers).await, "query": "depth{v='{version}'}" });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let check = check("prometheus", &settings, &site(std::path::Path::new("/"), 1));
        check.ask(&request(&[], Evidence::default())).await
    }

    const GREEN: (&str, &str) = ("1.2.0", r#"{"metric":{},"value":[NOW,"0.06"]}"#);
    const BLUE: (&str, &str) = ("others", r#"{"metric":{},"value":[NOW,"0.05"]}"#);

    #[tokio::test]
    async fn a_figure_is_held_against_its_limit() {
        let answer = ask(&[GREEN], &json!({ "is": "< 7%" })).await;
        assert_eq!(answer.result, Pass, "{answer:?}");
        assert_eq!(answer.sentence, "`depth{v='{version}'}` is 6%, wanted < 7%");
        assert_eq!(ask(&[GREEN], &json!({ "is": "< 6%" })).await.result, Fail);
    }

    #[tokio::test]
    async fn a_figure_is_held_against_what_serves_beside_it() {
        let with = |above: &str| json!({ "baseline": "depth{v='others'}", "above": above });
        assert_eq!(ask(&[GREEN, BLUE], &with("20%")).await.result, Pass, "the limit itself");
        assert_eq!(ask(&[GREEN, BLUE], &with("19%")).await.result, Fail);
        let both = json!({ "baseline": "depth{v='others'}", "above": "20%", "is": "< 1%" });
        assert_eq!(ask(&[GREEN, BLUE], &both).await.result, Fail, "each must hold");
        let alone = ask(&[GREEN], &with("20%")).await;
        assert_eq!(alone.result, Inconclusive, "nothing is beside it: {alone:?}");
    }

    #[tokio::test]
    async fn whoever_is_blind_knows_nothing() {
        let is = json!({ "is": "< 7%" });
        for (result, said) in [
            ("", "no series fits"),
            (r#"{"metric":{},"value":[NOW,"NaN"]}"#, "NaN"),
            (r#"{"metric":{},"value":[NOW,"+Inf"]}"#, "no finite number"),
            (r#"{"metric":{},"value":[OLD,"0.01"]}"#, "is stale"),
            (
                r#"{"metric":{"a":"1"},"value":[NOW,"0"]},{"metric":{"a":"2"},"value":[NOW,"0"]}"#,
                "2 figures",
            ),
            (r#"!{"status":"success","warnings":["a store is away"]}"#, "a store is away"),
            (r#"!{"status":"error","error":"busy"}"#, "busy"),
            ("!no JSON", "nothing that Prometheus would say"),
        ] {
            let answers: &'static [_] = Box::leak(Box::new([("1.2.0", result)]));
            let answer = ask(answers, &is).await;
            assert_eq!(answer.result, Inconclusive, "{result}: {answer:?}");
            assert!(answer.sentence.contains(said), "{result}: {answer:?}");
        }
        let settings = json!({ "url": "http://127.0.0.1:1", "query": "up", "is": "= 1" });
        let down = check("prometheus", &settings, &site(std::path::Path::new("/"), 1));
        let answer = down.ask(&request(&[], Evidence::default())).await;
        assert_eq!(answer.result, Inconclusive, "{answer:?}");
    }

    #[test]
    fn what_is_set_wrongly_is_told_when_the_matrix_is_checked() {
        for (more, wanted) in [
            (json!({ "is": "< 5%" }), &[][..]),
            (json!({ "baseline": "up", "above": "5%" }), &[]),
            (json!({}), &["is"]),
            (json!({ "is": "< 5%/s" }), &["is"]),
            (json!({ "is": "< 5%", "above": "5%" }), &["above"]),
            (json!({ "is": "< 5%", "stale_after": "0s" }), &["stale_after"]),
            (json!({ "is": "< 5%", "url": "http://u:p@127.0.0.1/" }), &["url"]),
        ] {
            let mut given = json!({ "url": "http://127.0.0.1:9090", "query": "up" });
            given.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            assert_eq!(problems("prometheus", &given), wanted, "{given}");
        }
    }
}
