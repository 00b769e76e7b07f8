//! Traffic as it was recorded: counts per interval, however they were written down. Owns the sizes
//! that are taken; one file for each form of text, none of which reads a file.

mod access_log;
mod counts_csv;

use crate::arrivals::Counted;
use crate::numbers::real;

pub use access_log::{AccessLog, Form};
pub use counts_csv::read as counts_from_csv;

/// The longest time that is taken, in seconds: 31 days, so that a month fits and a clock that is
/// wrong by years is noticed.
pub const LONGEST_S: u32 = 31 * 86_400;

/// Most requests per second in any interval: more than a route of any size has, and few enough to be
/// drawn one by one.
const MOST_PER_S: f64 = 200_000.0;

/// Counts of requests per interval, with at least one request in them.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    interval_s: f64,
    intervals: Vec<Counted>,
    requests: u64,
    failed: u64,
}

/// Why there is no recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// What is wrong, one sentence without its full stop.
    pub what: String,
    /// On which line, from 1, where one line is to blame.
    pub line: Option<u64>,
}

impl Unusable {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), line: None }
    }

    pub(crate) fn at(line: u64, what: impl Into<String>) -> Self {
        Self { what: what.into(), line: Some(line) }
    }
}

impl Recording {
    /// Counts of intervals of `interval_s` seconds each, in their order.
    ///
    /// # Errors
    /// When there is no request in them, or so many at once that they could not be drawn.
    pub fn new(interval_s: f64, intervals: Vec<Counted>) -> Result<Self, Unusable> {
        let sum = |of: fn(&Counted) -> u64| intervals.iter().map(of).fold(0, u64::saturating_add);
        let failed = sum(|counted| counted.failed);
        let requests = sum(|counted| counted.answered).saturating_add(failed);
        if requests == 0 || interval_s <= 0.0 {
            return Err(Unusable::new("there is no request in it"));
        }
        let most = intervals.iter().map(|it| it.answered.saturating_add(it.failed)).max();
        if real(most.unwrap_or_default()) / interval_s > MOST_PER_S {
            let what = format!("there are more than {MOST_PER_S} requests a second in it");
            return Err(Unusable::new(what));
        }
        Ok(Self { interval_s, intervals, requests, failed })
    }

    /// Length of each interval, in seconds; above 0.
    pub fn interval_s(&self) -> f64 {
        self.interval_s
    }

    /// The counts in their order.
    pub fn intervals(&self) -> &[Counted] {
        &self.intervals
    }

    /// How long it is, in seconds.
    pub fn seconds(&self) -> f64 {
        self.interval_s * real(self.intervals.len() as u64)
    }

    /// All requests.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Those of them that failed.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// Share of failed requests, 0 to 1.
    pub fn error_rate(&self) -> f64 {
        real(self.failed) / real(self.requests)
    }

    /// Requests per second, on average.
    pub fn requests_per_s(&self) -> f64 {
        real(self.requests) / self.seconds()
    }
}
