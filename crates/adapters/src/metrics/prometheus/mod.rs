//! Source `prometheus`: what a query of a Prometheus server stands for. Owns how it is asked; what its
//! answers mean is read beside it.
//!
//! Asked is the instant query of its HTTP API (prometheus.io/docs/prometheus/latest/querying/api, as of
//! version 2.42), by POST, so that a query stands in no log of addresses.

mod answer;
mod asking;
mod counting;

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use towpath_core::units::{Span, Timestamp};
use towpath_ports::metrics::{
    Blind, Counted, CountsQuestion, GaugeQuestion, Measured, MetricsSource, Pace,
};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState};

use asking::Asking;

pub(super) const KIND: Kind<dyn MetricsSource> = Kind {
    entry: KindEntry {
        family: Family::Metrics,
        name: "prometheus",
        summary: "Queries of a Prometheus server, or of one that speaks its HTTP API.",
        example: "{ kind: prometheus, url: \"http://prometheus:9090\" }",
        state: KindState::Built,
        capabilities: &["gauges", "counts"],
        fields: &[
            Field::required(
                "url",
                FieldType::Url,
                "The server, with its path prefix where it has one; `/api/v1/query` is added.",
            ),
            Field::optional(
                "token_file",
                FieldType::Path,
                "A file with a bearer token, read for each question, so that it may change.",
            ),
            Field::optional(
                "token_secret",
                FieldType::Text,
                "The name of the secret with a bearer token; nothing hands it over yet, so use \
                 `token_file`.",
            ),
            Field {
                name: "every",
                of: FieldType::Span,
                default: Some("15s"),
                doc: "Time between two questions.",
            },
            Field {
                name: "timeout",
                of: FieldType::Span,
                default: Some("5s"),
                doc: "How long one answer may take.",
            },
            Field {
                name: "stale_after",
                of: FieldType::Span,
                default: Some("2m"),
                doc: "Samples older than this are no news: twice what Prometheus leaves between two \
                      of them by itself.",
            },
            Field::optional(
                "requests",
                FieldType::Text,
                "PromQL of a counter: requests of one release, which `{version}` names.",
            ),
            Field::optional(
                "failures",
                FieldType::Text,
                "PromQL of a counter: those of them that failed.",
            ),
        ],
        validate,
    },
    build: Some(|settings, site| Ok(Arc::new(Prometheus::new(settings, &site.root)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let settings = match Settings::deserialize(settings) {
        Ok(settings) => settings,
        Err(error) => return vec![Problem::new("", error.to_string(), "the documented settings")],
    };
    let mut problems = Vec::new();
    if let Err(wrong) = asking::address(&settings.url) {
        let message = format!("`url` cannot be asked: {wrong}");
        problems.push(Problem::new("url", message, "the address of a Prometheus server"));
    }
    for (name, span) in [
        ("every", settings.every),
        ("timeout", settings.timeout),
        ("stale_after", settings.stale_after),
    ] {
        if span == Span::ZERO {
            let message = format!("`{name}` lasts no time");
            problems.push(Problem::new(name, message, "a duration above zero"));
        }
    }
    let counters = [("requests", &settings.requests), ("failures", &settings.failures)];
    for (index, (name, query)) in counters.iter().enumerate() {
        let other = counters[1 - index];
        match query {
            None if other.1.is_some() => {
                let message = format!("`{}` needs `{name}` beside it", other.0);
                problems.push(Problem::new(name, message, "PromQL of a counter"));
            }
            Some(query) if !query.contains("{version}") => {
                let message = format!("`{name}` counts both releases as one");
                problems.push(Problem::new(name, message, "PromQL with `{version}` in it"));
            }
            Some(_) | None => {}
        }
    }
    problems
}

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Debug, Deserialize)]
struct Settings {
    url: String,
    token_file: Option<std::path::PathBuf>,
    token_secret: Option<String>,
    every: Span,
    timeout: Span,
    stale_after: Span,
    requests: Option<String>,
    failures: Option<String>,
}

struct Prometheus {
    asking: Asking,
    pace: Pace,
    counters: Option<counting::Counters>,
}

impl Prometheus {
    fn new(settings: &Value, root: &std::path::Path) -> Result<Self, String> {
        let settings = Settings::deserialize(settings)
            .map_err(|error| format!("metrics source `prometheus`: {error}"))?;
        if settings.token_secret.is_some() {
            return Err(
                "nothing hands `token_secret` over yet; name the token's file in `token_file`"
                    .to_owned(),
            );
        }
        let token_file = settings.token_file.map(|path| root.join(path));
        let (timeout, stale_after) = (settings.timeout, settings.stale_after);
        let counters = settings.requests.zip(settings.failures);
        Ok(Self {
            asking: Asking::new(&settings.url, token_file, timeout, stale_after)?,
            // Both ends of an interval are read at their moment: what is scraped later is of the next.
            pace: Pace { every: settings.every, timeout, stale_after, late: Span::ZERO },
            counters: counters
                .map(|(requests, failures)| counting::Counters { requests, failures }),
        })
    }
}

#[async_trait]
impl MetricsSource for Prometheus {
    fn pace(&self) -> Pace {
        self.pace
    }

    async fn gauge(&self, question: &GaugeQuestion) -> Result<Measured, Blind> {
        let evaluated = self.asking.ask(&question.query, None).await?;
        fresh(evaluated.at, question.now, self.pace.stale_after)?;
        let at = self.sampled_at(&question.query).await?.unwrap_or(evaluated.at);
        fresh(at, question.now, self.pace.stale_after)?;
        Ok(Measured { at, ..evaluated })
    }

    async fn counts(&self, question: &CountsQuestion) -> Result<Counted, Blind> {
        let Some(counters) = &self.counters else {
            let missing = "the matrix names no counters for it: `requests` and `failures`";
            return Err(Blind::Refused(missing.to_owned()));
        };
        counters.count(&self.asking, question).await
    }
}

impl Prometheus {
    /// When the sample was taken that `query` found. An answer says when it was evaluated, which is
    /// always now; servers before `lookback_delta` hand out what is five minutes old as well. None
    /// where PromQL cannot tell, as for scalars. Of an expression over samples it says when it was
    /// evaluated, so that old servers keep their five minutes there.
    async fn sampled_at(&self, query: &str) -> Result<Option<Timestamp>, Blind> {
        let measured = match self.asking.ask(&format!("timestamp({query})"), None).await {
            Ok(measured) => measured,
            Err(Blind::Refused(_)) => return Ok(None),
            Err(blind) => return Err(blind),
        };
        #[expect(clippy::cast_possible_truncation, reason = "a cast of floats stops at the bounds")]
        Ok(Some(Timestamp((measured.value * 1e6) as i64)))
    }
}

/// Whether a sample of this moment says something about now. One from the future is as useless: the
/// clocks differ by more than what is called stale.
fn fresh(at: Timestamp, now: Timestamp, limit: Span) -> Result<(), Blind> {
    let age = now.since(at);
    if age > limit {
        return Err(Blind::Stale { age, limit });
    }
    let ahead = at.since(now);
    if ahead > limit {
        let wrong = format!("its clock is {ahead} ahead, and more than {limit} is too much");
        return Err(Blind::Unavailable(wrong));
    }
    Ok(())
}
