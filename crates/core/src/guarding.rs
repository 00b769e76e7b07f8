//! What the guard of a lane tolerates, from the matrix. Owns how one chance of a false alarm is shared by
//! everything that judges one release; judges nothing.

use serde::{Deserialize, Serialize};
use towpath_guard::{DEFAULT_ALPHA, DEFAULT_MARGIN, LatencyLimit, Policy};

use crate::ids::Name;
use crate::matrix::{AdapterSpec, LaneSpec};
use crate::promotion::state::{Kind, Lane, Outcome};
use crate::release::ReleaseRef;
use crate::units::{Span, Timestamp};

/// The part of the chance of a false alarm that belongs to whoever sees the requests; the rest is the
/// engine's, for what it sees itself: probes, and figures from elsewhere.
pub const ROUTER_SHARE: f64 = 0.9;
/// The part of the rest that belongs to counts of a metrics source, where one is declared; what remains
/// is that of the probes.
const COUNTS_SHARE: f64 = 0.5;
/// What each further attempt of one release gets of what the attempt before had: with nine tenths
/// for the first the sum over all attempts stays within the declared chance.
const FURTHER_ATTEMPT: f64 = 0.1;
/// Attempts after which the chance shrinks no more: at a ten-thousand-billionth it is nothing already.
const MOST_ATTEMPTS: u32 = 14;
/// How long attempts of one release count together.
const ATTEMPTS_WITHIN: Span = Span::hours(24);

/// The smallest share of failures that is told from none, and its like below 1.
const LEAST_LIMIT: f64 = 0.0001;
/// The largest factor of a latency that means anything.
const MOST_FACTOR: f64 = 1000.0;

/// How sure the guard must be, and what it overlooks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuardRules {
    /// Chance of throwing out a good release, over all of its attempts; above 0 and below 1.
    pub false_alarms: f64,
    /// How many times as often as blue green may fail; at least 1.
    pub margin: f64,
    /// Time after a change of weight in which only a catastrophe counts.
    pub warm_up: Span,
    /// Whether the limits hold even where blue breaks them as well.
    pub even_if_blue: bool,
    /// Request header that says whose request it is; none means the address of the connection.
    pub client: Option<String>,
    /// Who else counts the requests of both releases; none means that only the router does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<CountsFrom>,
    /// Paths whose requests are judged by themselves as well, each with all below it: at most
    /// [`towpath_guard::MOST_STRATA`], all different.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
}

/// A metrics source that is asked what each release did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountsFrom {
    /// Its name in the matrix.
    pub source: Name,
    /// The adapter that is asked.
    pub adapter: AdapterSpec,
}

/// Time after a change of weight in which only a catastrophe counts: caches and pools fill.
pub const DEFAULT_WARM_UP: Span = Span::seconds(10);
/// A client's failures within this time are one observation: longer than three usual retries take.
const CLIENT_WINDOW: Span = Span::seconds(10);

impl Default for GuardRules {
    fn default() -> Self {
        Self {
            false_alarms: DEFAULT_ALPHA,
            margin: DEFAULT_MARGIN,
            warm_up: DEFAULT_WARM_UP,
            even_if_blue: false,
            client: None,
            counts: None,
            routes: Vec::new(),
        }
    }
}

impl GuardRules {
    /// Whether nothing was said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The part of the chance of a false alarm that belongs to the probes.
    pub fn probes_share(&self) -> f64 {
        let rest = 1.0 - ROUTER_SHARE;
        if self.counts.is_some() { rest * (1.0 - COUNTS_SHARE) } else { rest }
    }

    /// The part that belongs to the counts of the source, if one is declared.
    pub fn counts_share(&self) -> f64 {
        (1.0 - ROUTER_SHARE) * COUNTS_SHARE
    }
}

/// What a guard of this lane tests of the `attempt`-th attempt of one release (from 1), with `share` of
/// its chance of a false alarm, where everything declared runs `speed` times faster.
pub fn policy(section: &LaneSpec, attempt: u32, share: f64, speed: u32) -> Policy {
    let (rules, limits) = (&section.guard, &section.rollback.limits);
    let microseconds = |span: Span| span.faster(speed).milliseconds().saturating_mul(1000);
    Policy {
        alpha: rules.false_alarms * share * part_of(attempt.saturating_sub(1)),
        margin: rules.margin,
        // "> 0%" is said of a release that must not fail at all; a test needs a chance to compare with.
        error_rate: limits.error_rate.map(|limit| limit.clamp(LEAST_LIMIT, 1.0 - LEAST_LIMIT)),
        even_if_blue: rules.even_if_blue,
        latency: limits.latency.iter().map(|limit| testable(*limit)).collect(),
        warm_up_us: microseconds(rules.warm_up),
        client_window_us: Some(microseconds(CLIENT_WINDOW)),
        minimum_sample: limits.minimum_sample,
        strata: rules.routes.clone(),
    }
}

/// What is left of `share` for the evidence that the engine keeps in memory alone, and begins anew, after
/// it started `starts` times since the rollout began, or since its commit: as with attempts, so that all
/// of them together stay within it.
pub fn after_starts(share: f64, starts: u32) -> f64 {
    share * part_of(starts)
}

/// The part of a chance that falls to what comes after `earlier` others of its kind; all parts sum to 1.
fn part_of(earlier: u32) -> f64 {
    let earlier = i32::try_from(earlier.min(MOST_ATTEMPTS)).unwrap_or_default();
    (1.0 - FURTHER_ATTEMPT) * FURTHER_ATTEMPT.powi(earlier)
}

fn testable(limit: LatencyLimit) -> LatencyLimit {
    match limit {
        LatencyLimit::Factor(quantile, factor) => {
            LatencyLimit::Factor(quantile, factor.clamp(1.0, MOST_FACTOR))
        }
        LatencyLimit::AtMost(quantile, at_most_us) => {
            LatencyLimit::AtMost(quantile, at_most_us.max(1))
        }
    }
}

/// Which attempt of a release this is, from 1: earlier promotions of the same bytes into the lane that
/// came to nothing within the last 24 h count.
pub fn attempt(lane: &Lane, release: &ReleaseRef, now: Timestamp) -> u32 {
    let earlier = lane.ended.iter().filter(|ended| {
        ended.kind == Kind::Promote
            && ended.release.digest == release.digest
            && matches!(ended.outcome, Outcome::RolledBack | Outcome::Aborted | Outcome::Failed)
            && now.since(ended.at) <= ATTEMPTS_WITHIN
    });
    u32::try_from(earlier.count()).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_attempts_of_all_judges_together_stay_within_the_declared_chance() {
        let adapter =
            AdapterSpec { kind: "prometheus".to_owned(), settings: serde_json::json!({}) };
        let counts =
            CountsFrom { source: Name::try_from("jobs".to_owned()).expect("a name"), adapter };
        for counts in [None, Some(counts)] {
            let rules = GuardRules { counts, ..GuardRules::default() };
            let of_counts = rules.counts.as_ref().map_or(0.0, |_| rules.counts_share());
            let of_engine = |starts| after_starts(rules.probes_share() + of_counts, starts);
            let engine: f64 = (0..1000).map(of_engine).sum();
            let attempts: f64 = (0..1000).map(part_of).sum();
            let sum = attempts * (ROUTER_SHARE + engine);
            assert!(sum > 0.99 && sum <= 1.0 + 1e-9, "{sum}");
        }
    }
}
