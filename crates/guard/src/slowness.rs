//! Green's latency against blue's: how often does each exceed what blue seldom does? Owns the
//! threshold, which is known before each request.

use serde::{Deserialize, Serialize};

use crate::label::{Effects, LabelTest};
use crate::outcome::{Arm, ErrorKind, Outcome};
use crate::policy::Policy;
use crate::{Histogram, LatencyLimit, Quantile};

/// Differences below this are what a shared machine's scheduler and a cold cache do to any program;
/// the seeds' own latency goals begin at ten times as much.
const FLOOR_US: u64 = 10_000;
/// Answers of blue from which its quantile is taken, and after which it is taken anew.
const ENOUGH: u64 = 200;
/// Answers of blue from before the rollout that count: enough for a p99, few enough that what blue does
/// now soon outweighs them.
const KEPT: u64 = 1_000;

/// How long an answer is held back while one that was assigned before it is under way: whatever exceeds
/// a threshold is slow by definition, so until blue's slow answers are there green's usual ones look
/// like all there are. Longer than a pause of a runtime or a failover takes, and an answer that takes
/// longer is a failure to most clients.
pub(crate) const WAIT_US: u64 = 2_000_000;

/// One test of a declared factor on a quantile.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Slowness {
    position: usize,
    quantile: Quantile,
    factor: f64,
    blue: Histogram,
    since: u64,
    threshold: Option<Threshold>,
    test: LabelTest,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Threshold {
    blue_us: u64,
    green_us: u64,
}

impl Slowness {
    /// The tests of a policy's factors, with what is known of blue's answers from before.
    pub(crate) fn all(policy: &Policy, past: &Histogram) -> Vec<Self> {
        let factors = policy.latency.iter().enumerate();
        let tests = factors.filter_map(|(position, limit)| match limit {
            LatencyLimit::Factor(quantile, factor) => Some(Self {
                position,
                quantile: *quantile,
                factor: factor.max(1.0),
                blue: past.faded(KEPT),
                since: 0,
                threshold: None,
                test: LabelTest::new(1.0, Effects::SLOWNESS),
            }),
            LatencyLimit::AtMost(..) => None,
        });
        tests.map(Self::with_threshold).collect()
    }

    /// The position of the factor among the policy's latencies.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Takes note of a request; answers whether the evidence may have grown. The threshold comes
    /// from earlier requests alone: a wrong one costs power, never validity. The claim that is
    /// tested is "green exceeds the tolerated latency no more often than blue exceeds its quantile".
    /// A client that gave up counts only where it had waited longer than that.
    pub(crate) fn observe(&mut self, outcome: &Outcome) -> bool {
        let is_green = outcome.arm == Arm::Green;
        let latency_us = u64::from(outcome.latency_us);
        let exceeded = self.threshold.is_some_and(|threshold| {
            latency_us > if is_green { threshold.green_us } else { threshold.blue_us }
        });
        if exceeded {
            self.test.observe(is_green, f64::from(outcome.green_probability));
        }
        if !is_green && outcome.error != ErrorKind::ClientAbort {
            self.learn(outcome.latency_us);
        }
        exceeded && is_green
    }

    /// The evidence that green is slower than tolerated.
    pub(crate) fn evidence(&self) -> f64 {
        self.test.evidence()
    }

    fn learn(&mut self, latency_us: u32) {
        self.blue.record(latency_us);
        self.since += 1;
        if self.since < ENOUGH {
            return;
        }
        self.since = 0;
        self.threshold = self.worked_out();
    }

    fn with_threshold(self) -> Self {
        let threshold = self.worked_out().filter(|_| self.blue.count() >= ENOUGH);
        Self { threshold, ..self }
    }

    fn worked_out(&self) -> Option<Threshold> {
        let blue_us = self.blue.quantile_us(self.quantile)?;
        Some(Threshold { blue_us, green_us: tolerated(blue_us, self.factor) })
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "microseconds below 2^27, times a factor of a few"
)]
fn tolerated(blue_us: u64, factor: f64) -> u64 {
    ((blue_us as f64 * factor) as u64).max(blue_us + FLOOR_US)
}
