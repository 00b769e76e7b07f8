//! Reports of load tests: summaries of k6, Artillery and JMeter, and our own form. Owns their names for
//! the same figures; judges none.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::figures::Figures;
use crate::reports::{Report, Tally, Wrong, counted, json, shown};

/// Takes reports, one after the other.
#[derive(Default)]
pub(super) struct LoadTests(Vec<Figures>);

impl Tally for LoadTests {
    type Sum = Vec<Figures>;
    const WHAT: &'static str = "report of a load test";

    fn add(&mut self, report: &Report<'_>) -> Result<String, Wrong> {
        let raw: Raw = json::object(report)?;
        let (tool, figures) = raw.figures()?;
        let mut figures = figures.failures_taking_for_ever();
        if figures.requests == 0 {
            return Err(Wrong::whole("it counts no request"));
        }
        let is_share = |rate: &f64| (0.0..=1.0).contains(rate);
        figures.error_rate = figures.error_rate.filter(is_share);
        figures.of = format!("in {}", shown(report.path));
        let told = format!("{tool}, {}", counted(figures.requests, "request"));
        self.0.push(figures);
        Ok(told)
    }

    fn sum(self) -> Vec<Figures> {
        self.0
    }
}

/// What any of them may hold; each is known by its own name.
#[derive(Deserialize)]
struct Raw {
    /// k6.
    metrics: Option<BTreeMap<String, Value>>,
    /// Artillery.
    aggregate: Option<Aggregate>,
    /// JMeter, `statistics.json` of its dashboard.
    #[serde(rename = "Total")]
    total: Option<Total>,
    /// Our own form: `{ "requests": 1000, "failed": 3, "latency_ms": { "p99": 120.5 } }`.
    requests: Option<u64>,
    failed: Option<u64>,
    latency_ms: Option<BTreeMap<String, f64>>,
}

#[derive(Deserialize)]
struct Aggregate {
    counters: BTreeMap<String, f64>,
    summaries: BTreeMap<String, BTreeMap<String, f64>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Total {
    sample_count: u64,
    error_count: u64,
    median_res_time: Option<f64>,
    pct1_res_time: Option<f64>,
    pct2_res_time: Option<f64>,
    pct3_res_time: Option<f64>,
}

impl Raw {
    fn figures(self) -> Result<(&'static str, Figures), Wrong> {
        if let Some(metrics) = &self.metrics {
            return Ok(("k6", k6(metrics)));
        }
        if let Some(aggregate) = &self.aggregate {
            return Ok(("Artillery", aggregate.figures()));
        }
        if let Some(total) = &self.total {
            return Ok(("JMeter", total.figures()));
        }
        let Some(requests) = self.requests else {
            return Err(Wrong::whole(
                "it is neither of k6 (`metrics`), Artillery (`aggregate`) nor JMeter (`Total`), and \
                 counts no `requests`",
            ));
        };
        let times = self.latency_ms.unwrap_or_default();
        let time = |name: &str| times.get(name).copied();
        let latencies = [time("p50"), time("p90"), time("p95"), time("p99")];
        let error_rate = self.failed.and_then(|failed| rate(failed, requests));
        Ok(("own form", Figures { requests, error_rate, latencies, ..Figures::default() }))
    }
}

/// `--summary-export` has the values of a metric in it, `handleSummary` in its `values`.
fn k6(metrics: &BTreeMap<String, Value>) -> Figures {
    let value = |metric: &str, name: &str| {
        let metric = metrics.get(metric)?;
        metric.get("values").unwrap_or(metric).get(name)?.as_f64()
    };
    let time = |name| value("http_req_duration", name);
    let failed = value("http_req_failed", "rate").or_else(|| value("http_req_failed", "value"));
    Figures {
        requests: whole(value("http_reqs", "count")),
        error_rate: failed,
        latencies: [time("med"), time("p(90)"), time("p(95)"), time("p(99)")],
        ..Figures::default()
    }
}

impl Aggregate {
    /// Whatever got no answer, and answers with a status of 400 and above, failed.
    fn figures(&self) -> Figures {
        let counter = |name: &str| whole(self.counters.get(name).copied());
        let requests = counter("http.requests");
        let codes = self.counters.iter().filter_map(|(name, count)| {
            let code: u16 = name.strip_prefix("http.codes.")?.parse().ok()?;
            (code >= 400).then(|| whole(Some(*count)))
        });
        let silent = requests.saturating_sub(counter("http.responses"));
        let failed = codes.sum::<u64>() + silent;
        let times = self.summaries.get("http.response_time");
        let time = |name: &str| times?.get(name).copied();
        Figures {
            requests,
            error_rate: rate(failed, requests),
            latencies: [time("median"), time("p90"), time("p95"), time("p99")],
            ..Figures::default()
        }
    }
}

impl Total {
    /// The percentiles are 90, 95 and 99 unless somebody set others (`aggregate_rpt_pct1` to `pct3`).
    fn figures(&self) -> Figures {
        Figures {
            requests: self.sample_count,
            error_rate: rate(self.error_count, self.sample_count),
            latencies: [
                self.median_res_time,
                self.pct1_res_time,
                self.pct2_res_time,
                self.pct3_res_time,
            ],
            ..Figures::default()
        }
    }
}

fn rate(failed: u64, requests: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "no count of requests reaches 2^52")]
    (requests > 0 && failed <= requests).then(|| failed as f64 / requests as f64)
}

/// A count; zero for what is none.
fn whole(count: Option<f64>) -> u64 {
    let count = count.filter(|count| (0.0..9e15).contains(count)).unwrap_or_default();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between zero and 2^53"
    )]
    let whole = count as u64;
    whole
}
