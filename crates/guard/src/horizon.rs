//! How long an outcome waits for requests that were assigned before it. Owns that time, learnt from
//! blue; hands nothing out itself.

use serde::{Deserialize, Serialize};

use crate::{Histogram, Quantile};

/// Longest wait while the speed of blue's failures is not known: an answer that takes longer is a
/// failure to most clients.
const UNKNOWN_US: u64 = 2_000_000;
/// Longest wait ever: the proxy's own time limit for an answer, after which every failure is known.
const LONGEST_US: u64 = 30_000_000;
/// Failures of blue from which their speed is known: the slowest twentieth of them is then seen.
const KNOWN: u64 = 20;
/// Answers of blue from which its p99 is known: fewer hold no hundredth.
const USUAL: u64 = 100;
/// Requests of blue after which the wait is worked out anew.
const EVERY: u64 = 64;

/// The speed of blue's failures and answers, also from before the rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Horizon {
    failures: Histogram,
    answers: Histogram,
    since: u64,
    wait_us: u64,
    /// The time that 99 of 100 of blue's answers take; none while hardly any is known.
    #[serde(default)]
    usual_us: Option<u64>,
}

impl Default for Horizon {
    fn default() -> Self {
        let histogram = Histogram::default();
        let (failures, answers) = (histogram.clone(), histogram);
        Self { failures, answers, since: 0, wait_us: UNKNOWN_US, usual_us: None }
    }
}

impl Horizon {
    /// Takes note of one of blue's requests.
    pub fn saw(&mut self, failed: bool, latency_us: u32) {
        self.answers.record(latency_us);
        if failed {
            self.failures.record(latency_us);
        }
        self.since += 1;
        if self.since >= EVERY {
            self.since = 0;
            self.wait_us = self.worked_out();
            let is_known = self.answers.count() >= USUAL;
            self.usual_us = self.answers.quantile_us(Quantile(99)).filter(|_| is_known);
        }
    }

    /// The p99 of blue's answers in microseconds, at most 64 requests old; none while fewer than
    /// a hundred are known.
    pub fn usual_us(&self) -> Option<u64> {
        self.usual_us
    }

    /// What is known of blue's answers.
    pub(crate) fn answers(&self) -> &Histogram {
        &self.answers
    }

    /// Forgets most of what is known, because blue became another release.
    pub(crate) fn fade(&mut self, most: u64) {
        self.answers = self.answers.faded(most);
        self.failures = self.failures.faded(most);
    }

    /// How long to wait, in microseconds: as long as nearly all of blue's failures take, because a
    /// failure of blue that is still under way must be counted before a quicker one of green that
    /// was assigned later. While hardly any is known, as long as nearly all of blue's answers take,
    /// and two seconds at most.
    pub fn wait_us(&self) -> u64 {
        self.wait_us
    }

    fn worked_out(&self) -> u64 {
        if self.failures.count() >= KNOWN {
            let slow = self.failures.quantile_us(Quantile(99));
            return slow.map_or(UNKNOWN_US, |slow| slow.min(LONGEST_US));
        }
        let slow = self.answers.thousandth_us(999);
        slow.map_or(UNKNOWN_US, |slow| slow.min(UNKNOWN_US))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u32 = 1_000_000;

    fn after(requests: impl IntoIterator<Item = (bool, u32)>) -> u64 {
        let mut horizon = Horizon::default();
        for (failed, latency_us) in requests {
            horizon.saw(failed, latency_us);
        }
        horizon.wait_us() / u64::from(SECOND)
    }

    #[test]
    fn nothing_known_waits_two_seconds_and_quick_answers_less() {
        assert_eq!(after([]), 2);
        assert_eq!(after((0..1000).map(|_| (false, SECOND / 100))), 0);
        assert_eq!(after((0..1000).map(|_| (false, 9 * SECOND))), 2);
    }

    #[test]
    fn what_blue_usually_takes_is_known_from_a_hundred_answers_on() {
        let mut horizon = Horizon::default();
        let mut answer = |latency_us: u32, times: u32| {
            (0..times).for_each(|_| horizon.saw(false, latency_us));
            horizon.usual_us()
        };
        assert_eq!(answer(1_000, 64), None);
        let usual = answer(1_000, 64).expect("it is known");
        assert!((1_000..1_200).contains(&usual), "{usual}");
        let usual = answer(50_000, 64).expect("it is known");
        assert!((50_000..60_000).contains(&usual), "{usual}");
    }

    #[test]
    fn slow_failures_of_blue_are_waited_for_as_long_as_the_proxy_would() {
        let slow = |seconds: u32| {
            (0..2000).map(move |n| (n % 50 == 0, if n % 50 == 0 { seconds * SECOND } else { 1000 }))
        };
        assert_eq!(after(slow(8)), 8);
        assert_eq!(after(slow(60)), 30);
    }
}
