//! The judge of a rollout: outcomes of requests in, a verdict with its evidence out.
//!
//! Pure and deterministic: no clock, no I/O, no allocation per request. It knows nothing of
//! promotions, routes or releases; an arm is blue (serves now) or green (is coming).
//!
//! Reading order: [`Outcome`] is what happened to one request, [`Policy`] what is tolerated,
//! [`Guard`] takes in one outcome after the other and answers with a [`Verdict`]; the tests it is
//! made of stand beside it, and the documentation's page on its mathematics proves them.

mod acceptance;
mod against;
mod capital;
mod clients;
#[cfg(test)]
mod coin;
mod counts;
mod finding;
mod guard;
mod harm;
mod histogram;
mod horizon;
mod interval;
mod kept;
mod label;
mod limit;
mod outcome;
mod past;
mod policy;
mod restarts;
mod sequence;
mod share_test;
mod slowness;
mod strata;
mod sustained;
mod verdict;
mod words;

pub use against::Against;
pub use counts::Counts;
pub use finding::{Cause, Finding};
pub use guard::Guard;
pub use harm::{Forecast, Rung, Seen};
pub use histogram::{Histogram, Quantile};
pub use horizon::Horizon;
pub use interval::{IntervalCounts, IntervalGuard, Tally};
pub use outcome::{Arm, ErrorKind, Observed, Outcome, StatusClass};
pub use past::Past;
pub use policy::{
    DEFAULT_ALPHA, DEFAULT_CLIENT_WINDOW_US, DEFAULT_MARGIN, DEFAULT_WARM_UP_US, MOST_STRATA,
    Policy,
};
pub use sustained::{Look, Sustained};
pub use verdict::{
    DEFAULT_MINIMUM_SAMPLE, Evidence, LatencyLimit, Limits, Probes, Standing, StratumEvidence,
    Verdict,
};
pub use words::{grouped, percent};
