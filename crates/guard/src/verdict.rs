//! What the judge says and the figures behind it. Owns their shapes; how they are put into words stands
//! beside.

use serde::{Deserialize, Serialize};

use crate::{Against, Counts, Quantile, Tally};

/// Requests of green below which a release is not called healthy, unless the matrix says another
/// number: one failure among fewer is more than 5%, the seeds' own trigger.
pub const DEFAULT_MINIMUM_SAMPLE: u64 = 20;

/// What the matrix declares about when a release must go back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Highest tolerated share of failed requests, 0 to 1; none means no such limit.
    pub error_rate: Option<f64>,
    /// Limits on latencies.
    pub latency: Vec<LatencyLimit>,
    /// Requests of green below which it is not called healthy.
    pub minimum_sample: u64,
}

/// One limit on a latency quantile of green.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum LatencyLimit {
    /// Green's quantile may exceed blue's by this factor, at least 1 (1.2 means 20% slower).
    /// Says nothing where there is no blue.
    Factor(Quantile, f64),
    /// Green's quantile may be at most this many microseconds.
    AtMost(Quantile, u64),
}

/// What the built-in prober saw of green: evidence where there are few visitors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probes {
    /// Probes answered or given up on.
    pub total: u64,
    /// Those of them that failed.
    pub failed: u64,
}

/// How green stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is proven that green is not much worse than blue, or stays below its limit.
    Healthy,
    /// Green is worse than is tolerated.
    Unhealthy,
    /// Some evidence, none of it of harm, too little to prove anything.
    Undecided,
    /// No request and no probe at all.
    Blind,
}

/// The figures that a verdict rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Green's requests and failures.
    pub green_requests: u64,
    /// Green's failures.
    pub green_failed: u64,
    /// Blue's requests over the same time.
    pub blue_requests: u64,
    /// Blue's failures over the same time.
    pub blue_failed: u64,
    /// Green's p99 in microseconds.
    pub green_p99_us: Option<u64>,
    /// Blue's p99 in microseconds.
    pub blue_p99_us: Option<u64>,
    /// The prober's view of green.
    pub probes: Probes,
    /// A good release shows as much evidence of harm, by chance, in at most one of so many rollouts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once_in: Option<u64>,
    /// How much speaks against green, for people who watch; none from whoever does not see single requests,
    /// and in the journal, which keeps what was decided by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
    /// What both arms did in each stratum that the policy declares, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strata: Vec<StratumEvidence>,
}

/// What both arms did with the requests of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StratumEvidence {
    /// Which requests those are, as the policy calls them.
    pub name: String,
    /// What green did.
    pub green: Tally,
    /// What blue did over the same time.
    pub blue: Tally,
}

/// What the judge says, with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// How green stands.
    pub standing: Standing,
    /// One sentence a person reads.
    pub sentence: String,
    /// The figures behind it.
    pub evidence: Evidence,
}

impl Evidence {
    /// The figures of two arms; `beside` is none where green serves alone.
    pub fn of(green: &Counts, beside: Option<&Counts>, probes: Probes) -> Self {
        let p99 = Quantile(99);
        Self {
            green_requests: green.requests,
            green_failed: green.failed,
            blue_requests: beside.map_or(0, |blue| blue.requests),
            blue_failed: beside.map_or(0, |blue| blue.failed),
            green_p99_us: green.latency.quantile_us(p99),
            blue_p99_us: beside.and_then(|blue| blue.latency.quantile_us(p99)),
            probes,
            once_in: None,
            against: None,
            strata: Vec::new(),
        }
    }

    /// How a release stands of which nothing bad was found: proven or not, or unseen. Fewer requests and
    /// probes than `minimum_sample` prove nothing.
    pub fn unbroken(self, is_proven: bool, minimum_sample: u64) -> Verdict {
        let sentence = crate::words::unbroken(&self);
        let standing = if self.green_requests == 0 && self.probes.total == 0 {
            Standing::Blind
        } else if is_proven && self.green_requests + self.probes.total >= minimum_sample {
            Standing::Healthy
        } else {
            Standing::Undecided
        };
        Verdict { standing, sentence, evidence: self }
    }
}
