//! What is described: how much traffic, how it usually fares, and what is wrong with green. Owns the
//! shapes; draws nothing.

/// Traffic that arrives at one route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traffic {
    /// Requests per second, as a Poisson stream; above 0.
    pub requests_per_s: f64,
    /// Share of requests that fail on either release, 0 to 1.
    pub error_rate: f64,
    /// How long answers take.
    pub latency: Latency,
    /// What else goes on.
    pub disturbance: Disturbance,
}

/// How long answers take, as a log-normal time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Latency {
    /// No time at all: outcomes are known in the order of assignment.
    AtOnce,
    /// Half of the answers take less than `median_us`; `sigma` is the spread of the logarithm.
    LogNormal {
        /// Half of the answers take less, in microseconds.
        median_us: f64,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
    },
}

/// What breaks the assumption that requests are independent and alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Disturbance {
    /// Nothing.
    None,
    /// Half-minutes, one in ten at random, in which both releases fail `factor` times as often.
    SharedBursts {
        /// How many times as often.
        factor: f64,
    },
    /// Each failure brings as many repetitions by the same client, on average, with the same fate.
    Retries {
        /// Repetitions for each failure, on average, as a Poisson count.
        mean: f64,
        /// Clients that the traffic comes from.
        clients: u64,
        /// Whether they meet the same release again, as on one connection; otherwise each has a coin
        /// of its own.
        on_the_same: bool,
    },
    /// Green fails more while it warms up.
    WarmUp {
        /// What is added to green's share of failures, 0 to 1.
        extra: f64,
        /// For how long, in seconds.
        seconds: f64,
        /// After every change of weight, or only after green started.
        at_each_step: bool,
    },
    /// Blue's failures are time-outs: they are known only this much later, green's at once.
    BlueFailsLate {
        /// Seconds from the assignment of a failing request of blue to its failure.
        seconds: f64,
    },
    /// Blue answers nothing for a while, and then everything at once.
    BlueStalls {
        /// When, in seconds from the start.
        at_s: f64,
        /// For how long, in seconds.
        seconds: f64,
    },
}

/// What is wrong with green.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// Green's share of failing requests from the onset on, 0 to 1, at least blue's.
    pub error_rate: f64,
    /// By how much green's answers take longer from the onset on, 1 or more.
    pub slower: f64,
    /// Share of green's answers that take longer, 0 to 1.
    pub slower_share: f64,
    /// When the fault begins, in seconds from the start of the rollout.
    pub onset_s: f64,
}

impl Traffic {
    /// Traffic of which nothing else is to be said.
    pub fn plain(requests_per_s: f64, error_rate: f64) -> Self {
        Self {
            requests_per_s,
            error_rate,
            latency: Latency::AtOnce,
            disturbance: Disturbance::None,
        }
    }
}

impl Fault {
    /// A green that is as good as blue, which fails `error_rate` of its requests.
    pub fn none(error_rate: f64) -> Self {
        Self { error_rate, slower: 1.0, slower_share: 0.0, onset_s: 0.0 }
    }
}
