//! One cell of the tables: a described traffic and what is wrong with green, run many times. Owns the
//! running; prints nothing.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
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
    /// How many rollouts its goal asks for.
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

    /// Where they stand, in the same order.
    pub(super) fn sources(self) -> impl Iterator<Item = &'static str> {
        let flagger = (self == Self::Errors).then_some(flagger::SOURCE);
        self.peers().iter().map(|peer| peer.source).chain(flagger)
    }
}

/// What one rule did in all runs of a cell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    runs: u64,
    /// When it went back, of the runs in which it did, in seconds.
    at_s: Vec<f64>,
    harmed: Sum,
    /// With those harmed in declared warm-ups, which only the guard has.
    harmed_at_all: Sum,
}

/// Visitors harmed, over all runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sum {
    sum: f64,
    squares: f64,
}

/// Visitors harmed by a rule in one rollout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Harm {
    /// On average.
    pub(super) mean: f64,
    /// The standard error of that mean.
    pub(super) error: f64,
}

/// What a cell came to: the guard first, then each peer in its order, Flagger last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Outcome {
    pub(super) rows: Vec<Row>,
    /// Rollouts at whose end green was proven.
    pub(super) proven: u64,
    /// When it was proven, of the runs in which it was, in seconds.
    pub(super) proven_s: Vec<f64>,
    pub(super) runs: u64,
}

impl Cell {
    /// Does the given runs on so many threads; the same for the same cell and runs, whatever the number
    /// of threads.
    pub(super) fn run(&self, runs: Range<u64>, jobs: usize) -> Outcome {
        let next = AtomicU64::new(runs.start);
        let ended = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    loop {
                        let run = next.fetch_add(1, Ordering::Relaxed);
                        if run >= runs.end {
                            return;
                        }
                        let one = self.one(run);
                        ended.lock().expect("no holder of this lock panics").push((run, one));
                    }
                });
            }
        });
        let mut ended = ended.into_inner().expect("no holder of this lock panics");
        ended.sort_by_key(|(run, _)| *run);
        let mut outcome = Outcome::default();
        for (_, one) in &ended {
            outcome.add(one);
        }
        outcome
    }

    fn one(&self, run: u64) -> Outcome {
        // Seeds far apart, the same for every cell with this number.
        let seed = (run + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let described = (&self.traffic, &self.fault, &self.schedule);
        let ended = rollout(described, &self.policy, seed, true);
        let at_s = ended.decided.map(|decided| decided.at_s);
        let at_all = Sum::of(ended.harmed + ended.harmed_warming);
        let mut rows = vec![Row { harmed_at_all: at_all, ..Row::of(at_s, ended.harmed) }];
        let Rollout { series, is_proven, proven_s, .. } = ended;
        if let Some(series) = &series {
            for peer in self.beside.peers() {
                let at = (peer.decide)(series);
                let harmed = series.harmed_until(at.unwrap_or(usize::MAX));
                rows.push(Row::of(at.map(seconds), harmed));
            }
            if self.beside == Beside::Errors {
                let (at_s, harmed) = flagger::rollout(described, seed);
                rows.push(Row::of(at_s, harmed));
            }
        }
        let proven_s = proven_s.into_iter().collect();
        Outcome { rows, proven: u64::from(is_proven), proven_s, runs: 1 }
    }
}

impl Outcome {
    /// Adds other runs of the same cell.
    pub(super) fn add(&mut self, other: &Self) {
        self.rows.resize_with(self.rows.len().max(other.rows.len()), Row::default);
        for (row, more) in self.rows.iter_mut().zip(&other.rows) {
            row.runs += more.runs;
            row.at_s.extend_from_slice(&more.at_s);
            row.harmed.add(more.harmed);
            row.harmed_at_all.add(more.harmed_at_all);
        }
        self.proven += other.proven;
        self.proven_s.extend_from_slice(&other.proven_s);
        self.runs += other.runs;
    }

    /// The guard's row.
    pub(super) fn guard(&self) -> &Row {
        &self.rows[0]
    }

    /// The share of good releases that were proven at the end.
    pub(super) fn share_proven(&self) -> f64 {
        real(self.proven) / real(self.runs.max(1))
    }

    /// The middle time until green was proven over all runs; none if in fewer than half it was.
    pub(super) fn median_proven_s(&self) -> Option<f64> {
        median_of(&self.proven_s, self.runs)
    }
}

impl Row {
    fn of(at_s: Option<f64>, harmed: f64) -> Self {
        let harmed = Sum::of(harmed);
        Self { runs: 1, at_s: at_s.into_iter().collect(), harmed, harmed_at_all: harmed }
    }

    /// The share of runs in which it went back, with its 95% interval.
    pub(super) fn went_back(&self) -> (f64, (f64, f64)) {
        let hits = self.at_s.len() as u64;
        (real(hits) / real(self.runs.max(1)), statistics::wilson(hits, self.runs))
    }

    /// Visitors harmed, of the guard after declared warm-ups.
    pub(super) fn harm(&self) -> Harm {
        self.harmed.over(self.runs)
    }

    /// Visitors harmed whenever it was.
    pub(super) fn harm_at_all(&self) -> Harm {
        self.harmed_at_all.over(self.runs)
    }

    /// The middle time until it went back over all runs; none if in fewer than half of them it did.
    pub(super) fn median_s(&self) -> Option<f64> {
        median_of(&self.at_s, self.runs)
    }
}

impl Sum {
    fn of(one: f64) -> Self {
        Self { sum: one, squares: one * one }
    }

    fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.squares += other.squares;
    }

    fn over(self, runs: u64) -> Harm {
        let count = real(runs.max(1));
        let squares = (self.squares - self.sum * self.sum / count).max(0.0);
        let error = (squares / (count - 1.0).max(1.0) / count).sqrt();
        Harm { mean: self.sum / count, error }
    }
}

fn median_of(known: &[f64], runs: u64) -> Option<f64> {
    let mut all = known.to_vec();
    all.resize(usize::try_from(runs).unwrap_or(known.len()).max(known.len()), f64::INFINITY);
    statistics::median(&all).filter(|at| at.is_finite())
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a rollout")]
fn seconds(whole: usize) -> f64 {
    whole as f64
}

#[expect(clippy::cast_precision_loss, reason = "a count of rollouts")]
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::super::tables::policy;
    use super::*;

    fn cell() -> Cell {
        Cell {
            traffic: Traffic::plain(10.0, 0.01),
            fault: Fault::none(0.2),
            schedule: Schedule::of_the_seeds(),
            policy: policy(),
            runs: 6,
            beside: Beside::Errors,
        }
    }

    #[test]
    fn runs_in_pieces_and_on_any_number_of_threads_are_the_same_runs() {
        let whole = cell().run(0..6, 1);
        let mut pieces = cell().run(0..2, 3);
        pieces.add(&cell().run(2..6, 2));
        assert_eq!(whole.proven_s, pieces.proven_s);
        for (one, other) in whole.rows.iter().zip(&pieces.rows) {
            assert_eq!((one.runs, &one.at_s), (other.runs, &other.at_s));
            assert!((one.harm().mean - other.harm().mean).abs() < 1e-9);
        }
        assert_eq!(whole.rows.len(), 1 + cell().beside.names().count());
    }

    /// Of 2, 4 and 9: mean 5, standard deviation sqrt(13), worked out by hand.
    #[test]
    fn the_error_of_a_mean_is_that_of_the_sums() {
        let mut outcome = Outcome::default();
        for harmed in [2.0, 4.0, 9.0] {
            outcome.add(&Outcome { rows: vec![Row::of(None, harmed)], ..Outcome::default() });
        }
        let row = &outcome.rows[0];
        assert!((row.harm().mean - 5.0).abs() < 1e-12);
        assert!((row.harm().error - (13.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!((row.went_back().0, row.median_s()), (0.0, None));
    }
}
