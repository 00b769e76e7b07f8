//! The judge of a rollout: outcomes of requests in, a verdict with its evidence out.
//!
//! Pure and deterministic: no clock, no I/O, no allocation per request. It knows nothing of
//! promotions, routes or releases; an arm is blue (serves now) or green (is coming).
//!
//! Reading order: [`Outcome`] is what happened to one request, [`Counts`] is the sum of many,
//! [`judge`] answers with a [`Verdict`].
//!
//! This version judges by declared thresholds over counts, with a minimum sample. It does not
//! test green against blue for errors; the sequential tests take this place behind [`judge`].

mod acceptance;
mod capital;
mod clients;
#[cfg(test)]
mod coin;
mod counts;
mod finding;
mod guard;
mod histogram;
mod horizon;
mod interval;
mod label;
mod limit;
mod outcome;
mod policy;
mod restarts;
mod sequence;
mod share_test;
mod slowness;
mod sustained;
mod verdict;

pub use counts::Counts;
pub use finding::{Cause, Finding};
pub use guard::Guard;
pub use histogram::{Histogram, Quantile};
pub use horizon::Horizon;
pub use interval::{IntervalCounts, IntervalGuard, Tally};
pub use outcome::{Arm, ErrorKind, Observed, Outcome, StatusClass};
pub use policy::{
    DEFAULT_ALPHA, DEFAULT_CLIENT_WINDOW_US, DEFAULT_MARGIN, DEFAULT_WARM_UP_US, Policy,
};
pub use sustained::{Look, Sustained};
pub use verdict::{
    DEFAULT_MINIMUM_SAMPLE, Evidence, LatencyLimit, Limits, Probes, Standing, Verdict, judge,
};
