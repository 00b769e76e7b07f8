//! One cell of the tables: a described traffic and what is wrong with green, run many times. Owns the
//! running; prints nothing.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use towpath_guard::Policy;
use towpath_simulate::peers::{ON_LATENCY, PEERS, Peer, flagger};
use towpath_simulate::{Fault, Rollout, Schedule, Traffic, rollout, statistics};

/// What is run, how often.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) traffic: Traffic,
    pub(super) fault: Fault,
    pub(super) schedule: Schedule,
    pub(super) policy: Policy,
    pub(super) runs: u64,
    pub(super) beside: Beside,
}

/// Which rules judge the same requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// Those on errors, Flagger last, with requests of its own because it halts.
    Errors,
    /// Those on latency.
    Latency,
}

impl Beside {
    /// Those that judge counts.
    pub(super) fn peers(self) -> &'static [Peer] {
        match self {
            Self::Errors => PEERS,
            Self::Latency => ON_LATENCY,
        }
    }

    /// Their names, in the order of the rows.
    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        let flagger = (self == Self::Errors).then_some(flagger::NAME);
        self.peers().iter().map(|peer| peer.name).chain(flagger)
    }
}

/// What one rule did in all runs of a cell.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// When it went back, of the runs in which it did, in seconds.
    pub(super) at_s: Vec<f64>,
    /// Visitors harmed in each run.
    pub(super) harmed: Vec<f64>,
    /// Of the guard: visitors harmed in a declared warm-up, apart from these.
    pub(super) warming: f64,
}

/// What a cell came to: the guard first, then each peer in its order, Flagger last.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) rows: Vec<Row>,
    pub(super) proven: u64,
    /// When it was proven, of the runs in which it was, in seconds.
    pub(super) proven_s: Vec<f64>,
    pub(super) runs: u64,
}

impl Cell {
    /// Runs it on all cores; the same for the same cell, whatever the number of cores.
    pub(super) fn run(&self) -> Outcome {
        let next = AtomicU64::new(0);
        let rows = vec![Row::default(); 1 + self.beside.names().count()];
        let empty = Outcome { rows, proven: 0, proven_s: Vec::new(), runs: self.runs };
        let outcome = Mutex::new(empty);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        std::thread::scope(|scope| {
            for _ in 0..cores {
                scope.spawn(|| {
                    loop {
                        let run = next.fetch_add(1, Ordering::Relaxed);
                        if run >= self.runs {
                            return;
                        }
                        let (rows, ended) = self.one(run);
                        let mut outcome = outcome.lock().expect("no holder of this lock panics");
                        outcome.proven += u64::from(ended.is_proven);
                        outcome.proven_s.extend(ended.proven_s);
                        outcome.rows[0].warming += ended.harmed_warming;
                        for (row, (at_s, harmed)) in outcome.rows.iter_mut().zip(rows) {
                            row.at_s.extend(at_s);
                            row.harmed.push(harmed);
                        }
                    }
                });
            }
        });
        outcome.into_inner().expect("no holder of this lock panics")
    }

    fn one(&self, run: u64) -> (Vec<(Option<f64>, f64)>, Rollout) {
        // Seeds far apart, the same for every cell with this number.
        let seed = (run + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let described = (&self.traffic, &self.fault, &self.schedule);
        let ended = rollout(described, &self.policy, seed, true);
        let mut rows = vec![(ended.decided.map(|decided| decided.at_s), ended.harmed)];
        if let Some(series) = &ended.series {
            for peer in self.beside.peers() {
                let at = (peer.decide)(series);
                let harmed = series.harmed_until(at.unwrap_or(usize::MAX));
                rows.push((at.map(seconds), harmed));
            }
            if self.beside == Beside::Errors {
                rows.push(flagger::rollout(described, seed));
            }
        }
        (rows, ended)
    }
}

impl Row {
    /// The share of runs in which it went back, with its 95% interval.
    pub(super) fn went_back(&self) -> (f64, (f64, f64)) {
        let (hits, runs) = (self.at_s.len() as u64, self.harmed.len() as u64);
        let share = if runs == 0 { 0.0 } else { real(hits) / real(runs) };
        (share, statistics::wilson(hits, runs))
    }

    /// Visitors harmed, on average.
    pub(super) fn mean_harm(&self) -> f64 {
        statistics::mean(&self.harmed).unwrap_or_default()
    }

    /// Visitors harmed in declared warm-ups, on average.
    pub(super) fn mean_warming(&self) -> f64 {
        self.warming / real(self.harmed.len().max(1) as u64)
    }

    /// The middle time until it went back over all runs; none if in fewer than half of them it did.
    pub(super) fn median_s(&self) -> Option<f64> {
        let mut all = self.at_s.clone();
        all.resize(self.harmed.len(), f64::INFINITY);
        statistics::median(&all).filter(|at| at.is_finite())
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a rollout")]
fn seconds(whole: usize) -> f64 {
    whole as f64
}

#[expect(clippy::cast_precision_loss, reason = "a count of rollouts")]
fn real(count: u64) -> f64 {
    count as f64
}
