//! Check `performance`: latencies and failures under load are within their limits. Owns what the figures
//! are held against ([`before`]: those of the last release); they come from a load of our own ([`load`]) or from a tool's report ([`report`]).

mod before;
mod figures;
mod load;
mod report;

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use towpath_core::check::CheckAnswer;
use towpath_core::units::{Span, Weight};
use towpath_ports::check::{Check, CheckRequest, KeptBefore};
use towpath_ports::condition::{Condition, Limit};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

use crate::question;
use crate::reports::find::Pattern;
use crate::reports::{self, Reports};
use before::Before;
use figures::{Figures, QUANTILES};
use load::Load;

/// Under which name the figures are kept.
const KEPT_AS: &str = "performance.json";

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "performance",
        summary: "Limits on latency and errors, under a short load or in the report of a load test.",
        example: "{ check: performance, url: \"{green}/\", requests: 500, latency_p95: \"< 300ms\" }",
        state: KindState::Built,
        capabilities: &[],
        fields: &[
            Field::optional(
                "url",
                FieldType::Url,
                "What is asked, by GET; {green} stands for the instances of the release, in turn. Either \
                 this or `path`.",
            ),
            Field::optional(
                "path",
                FieldType::Path,
                "Reports of load tests, as a pattern from the folder of the matrix on: summaries of k6, \
                 Artillery and JMeter, or our own form. Each must hold.",
            ),
            Field {
                name: "requests",
                of: FieldType::Count(1, 100_000),
                default: Some("200"),
                doc: "Requests in all; a percentile needs so many that one of them lies beyond it.",
            },
            Field {
                name: "users",
                of: FieldType::Count(1, 256),
                default: Some("4"),
                doc: "Requests under way at the same time, at most.",
            },
            Field::optional(
                "rate",
                FieldType::Count(1, 10_000),
                "Requests in each second, whose times count from when they were due; left out, each \
                 begins when one before it ended.",
            ),
            Field::optional(
                "latency_p50",
                FieldType::Condition,
                "The median latency, or how much above that of the release before it may be: \"+20%\".",
            ),
            Field::optional(
                "latency_p90",
                FieldType::Condition,
                "The 90th percentile of latency, likewise.",
            ),
            Field::optional(
                "latency_p95",
                FieldType::Condition,
                "The 95th percentile of latency, likewise.",
            ),
            Field::optional(
                "latency_p99",
                FieldType::Condition,
                "The 99th percentile of latency, likewise.",
            ),
            Field::optional(
                "error_rate",
                FieldType::Condition,
                "The share of requests that failed: no answer, or a status of 400 and above. For \
                 latencies a failed one took for ever.",
            ),
            reports::MAX_AGE,
        ],
        validate,
    },
    build: Some(|settings, site| Ok(Arc::new(Performance::new(settings, site)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    let (url, path) = (settings.get("url"), settings.get("path"));
    if url.is_some() == path.is_some() {
        let message = "`performance` needs `url` or `path`, and not both";
        problems.push(Problem::new("url", message, "an address to ask, or the path of a report"));
    }
    if let Some(Err(wrong)) = url.and_then(Value::as_str).map(load::ensure_askable) {
        let message = format!("`url` cannot be asked: {wrong}");
        problems.push(Problem::new("url", message, "an address that checks may ask"));
    }
    if let Some(Err(wrong)) = path.and_then(Value::as_str).map(Pattern::new) {
        problems.push(Problem::new("path", wrong, "a path such as reports/k6.json"));
    }
    match Limits::read(settings) {
        Ok(limits) if limits.0.is_empty() => {
            let message = "`performance` has no limit";
            problems.push(Problem::new("latency_p99", message, "such as latency_p99: \"< 300ms\""));
        }
        Ok(limits) => {
            let requests = settings["requests"].as_u64().unwrap_or(u64::MAX);
            let wanting = limits.0.iter().filter_map(|limit| limit.wanting(requests));
            if let (Some(least), Some(_)) = (wanting.max(), url) {
                let message = format!("{requests} requests are too few for that percentile");
                problems.push(Problem::new("requests", message, format!("at least {least}")));
            }
        }
        Err(problem) => problems.push(problem),
    }
    problems
}

/// One limit: which figure, by its key, and what must hold.
struct Held {
    key: String,
    /// Its place in [`QUANTILES`]; none for the error rate.
    quantile: Option<usize>,
    wanted: Wanted,
}

/// What a figure is held against.
enum Wanted {
    /// What the matrix says.
    Fixed(Condition),
    /// The same figure of the release before, and this share of it.
    Above(Weight),
}

impl Held {
    /// How many requests its percentile needs, if `requests` are too few.
    fn wanting(&self, requests: u64) -> Option<u64> {
        let least = QUANTILES[self.quantile?].least;
        (requests < least).then_some(least)
    }

    /// What the figures say to it.
    fn judge(&self, figures: &Figures, before: &[Before]) -> CheckAnswer {
        let Self { key, quantile, .. } = self;
        let condition = match (&self.wanted, *quantile) {
            (Wanted::Fixed(condition), _) => condition,
            (Wanted::Above(share), at) => {
                return before::judge(at.unwrap_or_default(), share.share(), figures, before);
            }
        };
        let (holds, shown) = match *quantile {
            None => match figures.error_rate {
                Some(rate) => (condition.holds_for_share(rate), format!("{:.2}%", rate * 100.0)),
                None => (None, String::new()),
            },
            Some(at) => match figures.latencies[at] {
                Some(time) if time.is_infinite() => {
                    (Some(false), "beyond what was answered".to_owned())
                }
                Some(milliseconds) => {
                    let time = figures::span(milliseconds);
                    (
                        time.and_then(|time| condition.holds_for_time(time)),
                        format!("{milliseconds:.1}ms"),
                    )
                }
                None => (None, String::new()),
            },
        };
        match holds {
            Some(true) => CheckAnswer::pass(format!("{key} is {shown}, wanted {condition}")),
            Some(false) => CheckAnswer::fail(format!("{key} is {shown}, wanted {condition}")),
            None => CheckAnswer::inconclusive(format!("{key} is not known, wanted {condition}")),
        }
    }
}

/// All limits, in the order of the fields.
struct Limits(Vec<Held>);

impl Limits {
    fn read(settings: &Value) -> Result<Self, Problem> {
        let keys = QUANTILES.iter().enumerate().map(|(at, quantile)| (quantile.key, Some(at)));
        let mut limits = Vec::new();
        for (key, quantile) in keys.chain([("error_rate", None)]) {
            let Some(text) = settings.get(key).and_then(Value::as_str) else { continue };
            let wanted = if quantile.is_some() {
                "such as \"< 300ms\" or \"+20%\""
            } else {
                "such as \"< 1%\""
            };
            let told = |message: String| Problem::new(key, message, wanted);
            let wanted = match (text.strip_prefix('+'), quantile) {
                (Some(share), Some(_)) => Wanted::Above(share.trim().parse().map_err(told)?),
                (Some(_), None) => {
                    let message = "`error_rate` is held against what the matrix says";
                    return Err(told(message.to_owned()));
                }
                (None, _) => {
                    Wanted::Fixed(fixed(text, quantile.is_some()).map_err(|fault| {
                        told(fault.unwrap_or_else(|| {
                            format!("`{text}` does not speak of what `{key}` is")
                        }))
                    })?)
                }
            };
            limits.push(Held { key: key.to_owned(), quantile, wanted });
        }
        Ok(Self(limits))
    }

    /// Whether any is held against the release before.
    fn looks_back(&self) -> bool {
        self.0.iter().any(|limit| matches!(limit.wanted, Wanted::Above(_)))
    }

    /// What the figures of one load say to all of them.
    fn judge(
        &self,
        figures: &Figures,
        before: &[KeptBefore],
        request: &CheckRequest,
    ) -> CheckAnswer {
        let before = before::comparable(before, &request.release, figures);
        let answers: Vec<_> = self.0.iter().map(|limit| limit.judge(figures, &before)).collect();
        let answer = question::all_of(&answers);
        CheckAnswer { sentence: format!("{}: {}", figures.said(), answer.sentence), ..answer }
    }
}

/// A comparison with a time, or else with a share. An error without a sentence: it speaks of neither.
fn fixed(text: &str, is_time: bool) -> Result<Condition, Option<String>> {
    let condition: Condition = text.parse().map_err(Some)?;
    match condition.limit {
        Limit::Time(_) if is_time => Ok(condition),
        Limit::Share(_) if !is_time => Ok(condition),
        Limit::Time(_) | Limit::Share(_) | Limit::Number(_) => Err(None),
    }
}

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Debug, Deserialize)]
struct Settings {
    url: Option<String>,
    path: Option<String>,
    requests: u64,
    users: u64,
    rate: Option<u64>,
    max_age: Option<Span>,
}

/// Where the figures are from.
enum From {
    Load(Load),
    Reports(Reports),
}

struct Performance {
    limits: Limits,
    from: From,
}

impl Performance {
    fn new(given: &Value, site: &Site) -> Result<Self, String> {
        let settings = Settings::deserialize(given)
            .map_err(|error| format!("check `performance`: {error}"))?;
        let limits = Limits::read(given).map_err(|problem| problem.message)?;
        let from = match (settings.url, settings.path) {
            (Some(url), None) => {
                From::Load(Load::new(url, settings.requests, settings.users, settings.rate)?)
            }
            (None, Some(path)) => From::Reports(Reports::new(&path, settings.max_age, site)?),
            _ => return Err("check `performance` needs `url` or `path`, and not both".to_owned()),
        };
        Ok(Self { limits, from })
    }

    /// What was kept of releases before, where a limit looks back.
    async fn before(&self, request: &CheckRequest) -> Result<Vec<KeptBefore>, CheckAnswer> {
        if !self.limits.looks_back() {
            return Ok(Vec::new());
        }
        let kept = request.evidence.kept_before(&request.lane, &request.title).await;
        kept.map_err(|why| {
            let said = format!("the figures of the release before cannot be read: {why}");
            CheckAnswer::inconclusive(said)
        })
    }
}

#[async_trait]
impl Check for Performance {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        let before = match self.before(request).await {
            Ok(before) => before,
            Err(answer) => return answer,
        };
        match &self.from {
            From::Load(load) => match load.run(request).await {
                Ok(figures) => {
                    question::keep(request, KEPT_AS, &figures.told());
                    self.limits.judge(&figures, &before, request)
                }
                Err(answer) => answer,
            },
            From::Reports(reports) => {
                match reports.read(request, report::LoadTests::default()).await {
                    Ok(read) => {
                        // The next release is held against what was read, whichever tool wrote it.
                        let told = read.sum.iter().map(Figures::told).collect();
                        question::keep(request, KEPT_AS, &Value::Array(told));
                        let answers =
                            read.sum.iter().map(|one| self.limits.judge(one, &before, request));
                        let answer = question::worst_of(answers.collect(), "reports");
                        answer.with_output(read.lines.join("\n"))
                    }
                    Err(answer) => answer,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
