//! What a load came to. Owns how a percentile is taken of times; judges nothing.

use serde_json::{Value, json};
use towpath_core::units::Span;

use crate::reports::grouped;

/// One percentile that may be limited.
pub(super) struct Quantile {
    /// As in the matrix.
    pub(super) key: &'static str,
    /// In percent.
    pub(super) percent: u64,
    /// The fewest times of which one lies beyond it; with fewer it is only the longest.
    pub(super) least: u64,
}

pub(super) const QUANTILES: [Quantile; 4] = [
    Quantile { key: "latency_p50", percent: 50, least: 2 },
    Quantile { key: "latency_p90", percent: 90, least: 10 },
    Quantile { key: "latency_p95", percent: 95, least: 20 },
    Quantile { key: "latency_p99", percent: 99, least: 100 },
];

/// What one load came to, as far as it is known.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Figures {
    /// What it is about, safe to print.
    pub(super) of: String,
    pub(super) requests: u64,
    /// Of one.
    pub(super) error_rate: Option<f64>,
    /// How the load was made, where that is known: figures of different loads are not compared.
    pub(super) load: Value,
    /// In milliseconds, in the order of [`QUANTILES`]; infinite where that request was not answered.
    pub(super) latencies: [Option<f64>; 4],
}

impl Figures {
    /// Of the times of requests in milliseconds, infinite for those that failed. A percentile is the
    /// smallest time that so many percent of them do not exceed (nearest rank), so that it is one that
    /// was measured.
    pub(super) fn of_times(of: String, mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let requests = times.len() as u64;
        let failed = times.iter().filter(|time| time.is_infinite()).count();
        let latencies = QUANTILES.map(|Quantile { percent, least, .. }| {
            let rank = (requests * percent).div_ceil(100).max(1);
            let at = usize::try_from(rank - 1).ok()?;
            times.get(at).copied().filter(|_| requests >= least)
        });
        #[expect(clippy::cast_precision_loss, reason = "at most 100,000 requests")]
        let error_rate = (requests > 0).then(|| failed as f64 / requests as f64);
        Self { of, requests, error_rate, load: Value::Null, latencies }
    }

    /// The figures of a report, whose percentiles may be over quick failures as well: where more failed
    /// than a percentile leaves aside it says nothing good, and with too few requests nothing at all.
    pub(super) fn failures_taking_for_ever(mut self) -> Self {
        for (time, quantile) in self.latencies.iter_mut().zip(&QUANTILES) {
            let percent = u32::try_from(quantile.percent).unwrap_or(100);
            let beyond = 1.0 - f64::from(percent) / 100.0;
            let failed_most = self.error_rate.is_some_and(|rate| rate > beyond + f64::EPSILON);
            *time = match *time {
                Some(_) if self.requests < quantile.least => None,
                Some(_) if failed_most => Some(f64::INFINITY),
                other => other,
            };
        }
        self
    }

    /// `500 requests to http://…`.
    pub(super) fn said(&self) -> String {
        format!("{} requests {}", grouped(self.requests), self.of)
    }

    /// For the record.
    pub(super) fn told(&self) -> Value {
        let latencies = QUANTILES.iter().zip(self.latencies);
        let latencies: serde_json::Map<_, _> =
            latencies.map(|(quantile, time)| (quantile.key.to_owned(), json!(time))).collect();
        json!({
            "of": self.of, "requests": self.requests, "error_rate": self.error_rate,
            "load": self.load, "latencies_in_milliseconds": latencies,
        })
    }
}

/// A time as limits are written, rounded up; none for what is no length of time.
pub(super) fn span(milliseconds: f64) -> Option<Span> {
    /// A hundred years.
    const MOST: f64 = 3.2e12;
    let is_time = (0.0..MOST).contains(&milliseconds);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between zero and a hundred years"
    )]
    is_time.then(|| Span(milliseconds.ceil() as u64))
}
