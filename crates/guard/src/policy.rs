//! What a guard tests, and how surely. Owns the defaults; tests nothing itself.

use serde::{Deserialize, Serialize};

use crate::{DEFAULT_MINIMUM_SAMPLE, LatencyLimit};

/// Chance of throwing out a good release, per rollout, unless the matrix says otherwise.
pub const DEFAULT_ALPHA: f64 = 0.01;
/// How many times as often as blue green may fail, unless the matrix says otherwise: at 1 a release
/// that is a tenth worse is thrown out in 8% of rollouts at a thousand requests a second, at 1.25 in
/// none of 60.
pub const DEFAULT_MARGIN: f64 = 1.25;
/// Time after a change of weight in which only a catastrophe counts: connections and caches warm up.
pub const DEFAULT_WARM_UP_US: u64 = 10_000_000;
/// Time in which a client's failures are one observation: longer than the usual back-off of three
/// retries.
pub const DEFAULT_CLIENT_WINDOW_US: u64 = 10_000_000;

/// Strata that one policy may declare: each further one takes its share from the others.
pub const MOST_STRATA: usize = 8;

/// The largest margin: a release that may fail a hundred times as often is not compared at all.
pub(crate) const MOST_MARGIN: f64 = 100.0;

/// What a guard tests, and how surely.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Chance of a wrong finding over the whole rollout, above 0 and below 1.
    pub alpha: f64,
    /// How many times as often as blue green may fail, 1 or more.
    pub margin: f64,
    /// Highest tolerated share of failed requests, above 0 and below 1.
    pub error_rate: Option<f64>,
    /// Whether the limits hold even where blue is no better.
    pub even_if_blue: bool,
    /// Limits on latencies.
    pub latency: Vec<LatencyLimit>,
    /// Microseconds after a change of weight in which only a catastrophe counts.
    pub warm_up_us: u64,
    /// Microseconds in which a client's failures are one observation; none where clients are tied
    /// to a release.
    pub client_window_us: Option<u64>,
    /// Requests of green below which it is not called healthy.
    pub minimum_sample: u64,
    /// Kinds of requests that are judged by themselves as well, by what a sentence calls them, such as
    /// the path they are for; at most [`MOST_STRATA`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strata: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            alpha: DEFAULT_ALPHA,
            margin: DEFAULT_MARGIN,
            error_rate: None,
            even_if_blue: false,
            latency: Vec::new(),
            warm_up_us: DEFAULT_WARM_UP_US,
            client_window_us: Some(DEFAULT_CLIENT_WINDOW_US),
            minimum_sample: DEFAULT_MINIMUM_SAMPLE,
            strata: Vec::new(),
        }
    }
}

impl Policy {
    /// Refuses figures that no test can be made of, in words; everything else judges.
    ///
    /// # Errors
    /// The sentence names the figure and what it should be; correct it.
    pub fn check(&self) -> Result<(), String> {
        let is_share = |share: f64| share > 0.0 && share < 1.0;
        if !is_share(self.alpha) {
            return Err(format!("alpha is {} and must be above 0 and below 1", self.alpha));
        }
        if !(self.margin >= 1.0 && self.margin <= MOST_MARGIN) {
            return Err(format!("the margin is {} and must be 1 to {MOST_MARGIN}", self.margin));
        }
        if let Some(limit) = self.error_rate.filter(|limit| !is_share(*limit)) {
            return Err(format!("the error rate is {limit} and must be above 0 and below 1"));
        }
        if self.strata.len() > MOST_STRATA {
            let strata = self.strata.len();
            return Err(format!("{strata} strata are declared and must be at most {MOST_STRATA}"));
        }
        let is_factor = |factor: f64| (1.0..=1000.0).contains(&factor);
        let wrong = self.latency.iter().find(|limit| match limit {
            LatencyLimit::Factor(_, factor) => !is_factor(*factor),
            LatencyLimit::AtMost(_, at_most_us) => *at_most_us == 0,
        });
        wrong.map_or(Ok(()), |wrong| Err(format!("the latency limit {wrong:?} cannot be tested")))
    }
}
