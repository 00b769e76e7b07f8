//! The rules on latency: the tools' own settings where they document some, on green's p99 of each
//! minute, and the seeds' factor on blue's. None of them halts here, which costs Flagger some harm.

use super::{Peer, after_minutes, after_two_in_a_row, kayenta};
use crate::counts::Series;

/// Every rule on latency.
pub const ON_LATENCY: &[Peer] = &[
    Peer {
        name: "Flagger, documented: p99 < 500ms, threshold 5",
        source: "fluxcd/flagger pkg/controller/scheduler.go at 15bd6ad5, tutorials' settings",
        decide: flagger,
    },
    Peer {
        name: "CodeDeploy, alarm p99 > 500ms, 2 of 2 minutes",
        source: "CodeDeploy user guide, alarms; a period and a threshold chosen for this comparison",
        decide: codedeploy,
    },
    Peer {
        name: "polled each minute, p99 > 1.2x blue's, limit 0",
        source: "the threshold of the seed documents with Argo Rollouts' default failureLimit 0",
        decide: |series| polled(series, 1),
    },
    Peer {
        name: "polled each minute, p99 > 1.2x blue's, limit 3",
        source: "the threshold of the seed documents with the failureLimit of Argo Rollouts' example",
        decide: |series| polled(series, 4),
    },
    Peer {
        name: "Kayenta, Mann-Whitney on p99, every 10m",
        source: "spinnaker/kayenta MannWhitneyClassifier.scala at a69573be, analysis interval of 10m",
        decide: |series| {
            kayenta::decide_on(series, |arm, minute| arm.p99_us(minute).map(f64::from))
        },
    },
];

/// 500 ms.
const LIMIT_US: u32 = 500_000;
/// "+20%".
const FACTOR: f64 = 1.2;
/// Checks that may fail.
const THRESHOLD: usize = 5;

/// A minute without an answer fails the check as well; it goes back on the next tick.
fn flagger(series: &Series) -> Option<usize> {
    let is_bad = |minute| series.green.p99_us(minute).is_none_or(|p99| p99 > LIMIT_US);
    let last = after_minutes(series, 1, THRESHOLD, is_bad)?;
    Some(last + 60).filter(|second| *second <= series.minutes() * 60)
}

fn codedeploy(series: &Series) -> Option<usize> {
    let is_bad = |minute| series.green.p99_us(minute).is_some_and(|p99| p99 > LIMIT_US);
    after_two_in_a_row(series, is_bad)
}

fn polled(series: &Series, bad: usize) -> Option<usize> {
    let is_bad = |minute| {
        let both = series.green.p99_us(minute).zip(series.blue.p99_us(minute));
        both.is_some_and(|(green, blue)| f64::from(green) > FACTOR * f64::from(blue))
    };
    after_minutes(series, 1, bad, is_bad)
}
