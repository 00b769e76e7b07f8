//! An absolute limit on green, beside blue where there is one. Owns how the two questions are
//! joined: green breaks its limit, and blue is not as bad.

use serde::{Deserialize, Serialize};

use crate::label::{Effects, LabelTest};
use crate::outcome::{Arm, Outcome};
use crate::policy::Policy;
use crate::share_test::ShareTest;
use crate::{IntervalCounts, LatencyLimit, Quantile};

/// One limit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Limit {
    event: Event,
    even_if_blue: bool,
    /// Requests while blue was served too, and the comparison with it.
    beside: ShareTest,
    worse: LabelTest,
    /// Requests and probes while there was no blue to compare with.
    alone: ShareTest,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Event {
    Failed,
    SlowerThan(u64),
}

impl Limit {
    /// The limits of a policy: the error rate first, then the latencies that are not relative.
    pub(crate) fn all(policy: &Policy) -> Vec<Self> {
        let errors = policy.error_rate.map(|share| Self::new(Event::Failed, share, policy));
        let latency = policy.latency.iter().filter_map(|limit| match limit {
            LatencyLimit::AtMost(Quantile(percent), at_most_us) => {
                let share = 1.0 - f64::from((*percent).clamp(1, 99)) / 100.0;
                Some(Self::new(Event::SlowerThan(*at_most_us), share, policy))
            }
            LatencyLimit::Factor(..) => None,
        });
        errors.into_iter().chain(latency).collect()
    }

    fn new(event: Event, share: f64, policy: &Policy) -> Self {
        let effects = match event {
            Event::Failed => Effects::FAILURES,
            Event::SlowerThan(_) => Effects::SLOWNESS,
        };
        Self {
            event,
            even_if_blue: policy.even_if_blue,
            beside: ShareTest::new(share),
            worse: LabelTest::of(policy, 1.0, effects),
            alone: ShareTest::new(share),
        }
    }

    /// Takes note of a request, which may be a client's repetition of a failure; answers whether the
    /// evidence may have grown.
    pub(crate) fn observe(&mut self, outcome: &Outcome, is_repeated: bool) -> bool {
        let probability = f64::from(outcome.green_probability);
        let is_green = outcome.arm == Arm::Green;
        let happened = match self.event {
            Event::Failed => outcome.failed(),
            Event::SlowerThan(at_most_us) => u64::from(outcome.latency_us) > at_most_us,
        };
        if happened && !is_repeated {
            self.worse.observe(is_green, probability);
        }
        if is_green && probability < 1.0 {
            self.beside.observe(happened);
        } else if is_green {
            self.alone.observe(happened);
        }
        happened && is_green
    }

    /// Takes note of all requests of one interval in which the coin said green with this probability.
    /// Says nothing about latencies, which counts do not have.
    pub(crate) fn observe_together(&mut self, counts: &IntervalCounts, green_probability: f64) {
        let Event::Failed = self.event else { return };
        let IntervalCounts { green, blue } = counts;
        self.worse.observe_together(green.failed, blue.failed, green_probability);
        let test = if green_probability < 1.0 { &mut self.beside } else { &mut self.alone };
        test.observe_together(green.failed, green.requests - green.failed);
    }

    /// Takes note of a probe of green, which no visitor shares.
    pub(crate) fn observe_probe(&mut self, failed: bool) {
        if let Event::Failed = self.event {
            self.alone.observe(failed);
        }
    }

    /// The evidence that green breaks its limit and blue does not as well. The smaller of two
    /// e-processes is one for the claim that either of what they refute is true (Berger's
    /// intersection-union test, 1982, in its sequential form); half of the capital is laid on the
    /// time without blue.
    pub(crate) fn evidence(&self) -> f64 {
        let beside = self.beside.evidence();
        let beside = if self.even_if_blue { beside } else { beside.min(self.worse.evidence()) };
        f64::midpoint(beside, self.alone.evidence())
    }
}
