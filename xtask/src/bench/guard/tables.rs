//! The cells in the order of the tables, and the order in which they are run. Owns the figures of each
//! cell; judges none.

use std::time::Instant;

use anyhow::Result;
use towpath_guard::{LatencyLimit, Policy, Quantile};
use towpath_simulate::{Disturbance, Fault, Latency, Schedule, Step, Traffic};

use super::cell::{Beside, Cell, Outcome, Row};
use super::kept::Kept;
use super::text::percent;
use super::{Order, Size};

/// A cell that was run.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) table: Table,
    pub(super) requests_per_s: f64,
    pub(super) error_rate: f64,
    /// Green's share of failures, or its slowness, or the name of the disturbance.
    pub(super) what: String,
    pub(super) cell: Cell,
    pub(super) outcome: Outcome,
}

/// Which table a cell belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// A green that is as good as blue.
    GoodReleases,
    /// A green that fails more often, from the start.
    BadReleases,
    /// A good green while something else goes on.
    Disturbed,
    /// A good green that warms up at weight, which no declaration remedies: for the record.
    Start,
    /// A good or a slower green.
    Latency,
    /// A green that begins to fail later.
    LateOnset,
}

/// The one configuration of all cells: the defaults, with the seeds' limits on errors and on latency.
pub(super) fn policy() -> Policy {
    let latency = [50, 90, 99].map(|percent| LatencyLimit::Factor(Quantile(percent), 1.2));
    Policy { error_rate: Some(0.05), latency: latency.to_vec(), ..Policy::default() }
}

/// Answers of 50 ms with a spread as in the reference simulation.
const ANSWERS: Latency = Latency::LogNormal { median_us: 50_000.0, sigma: 0.8 };

/// A cell under its name.
type Named = (Table, String, Cell);

/// Runs of one cell that are done before another one has its turn, so that a bench that ends early
/// has about as many of each.
const PIECE: u64 = 250;

/// Runs what is ordered, except what is kept from before. When the time is up it answers with what
/// there is; a cell that has not been run at all is left out then.
///
/// # Errors
/// When what was run cannot be kept.
pub(super) fn measure(order: &Order, kept: &mut Kept) -> Result<Vec<Measured>> {
    let cells = cells(order.size).into_iter().map(Measured::of);
    let mut all: Vec<_> = cells.filter(|it| it.name().contains(&order.only)).collect();
    for measured in &mut all {
        measured.outcome = kept.of(&measured.cell)?;
    }
    let most = all.iter().map(|it| it.cell.runs).max().unwrap_or_default();
    let turns =
        (1..=most.div_ceil(PIECE)).flat_map(|turn| (0..all.len()).map(move |at| (turn, at)));
    for (turn, at) in turns.collect::<Vec<_>>() {
        if order.until.is_some_and(|until| Instant::now() >= until) {
            break;
        }
        all[at].run_upto((turn * PIECE).min(order.runs), order.jobs, kept)?;
    }
    all.retain(|measured| measured.outcome.runs > 0);
    Ok(all)
}

/// Whether every cell of the table that `--full` has was run as often as its goal asks for.
pub(super) fn is_whole(measured: &[Measured], table: Table) -> bool {
    let wanted = cells(Size::Full).into_iter().filter(|cell| cell.0 == table).count();
    let done = measured.iter().filter(|cell| cell.table == table);
    let done = done.filter(|cell| cell.outcome.runs >= cell.cell.runs);
    done.count() >= wanted
}

impl Measured {
    fn of((table, what, cell): Named) -> Self {
        let Traffic { requests_per_s, error_rate, .. } = cell.traffic;
        Self { table, requests_per_s, error_rate, what, cell, outcome: Outcome::default() }
    }

    /// As `LateOnset 20% from 600 s at 100 per second, 0.5%`.
    pub(super) fn name(&self) -> String {
        let Self { table, what, requests_per_s, error_rate, .. } = self;
        format!("{table:?} {what} at {requests_per_s} per second, {}", percent(*error_rate))
    }

    /// As `20% from 600 s at 100/s, blue fails 0.5%`.
    pub(super) fn place(&self) -> String {
        let Self { what, requests_per_s, error_rate, .. } = self;
        format!("{what} at {requests_per_s}/s, blue fails {}", percent(*error_rate))
    }

    /// The row of the first rule whose name begins so.
    pub(super) fn row_of(&self, tool: &str) -> Option<&Row> {
        let place = self.cell.beside.names().position(|name| name.starts_with(tool))?;
        self.outcome.rows.get(1 + place)
    }

    fn run_upto(&mut self, runs: u64, jobs: usize, kept: &mut Kept) -> Result<()> {
        let from = self.outcome.runs;
        let runs = from..runs.min(self.cell.runs);
        if runs.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        let piece = self.cell.run(runs.clone(), jobs);
        let seconds = began.elapsed().as_secs_f64();
        kept.keep(&self.cell, from, &piece)?;
        self.outcome.add(&piece);
        eprintln!(
            "{}: {}..{} of {} in {seconds:.1} s",
            self.name(),
            runs.start,
            runs.end,
            self.cell.runs
        );
        Ok(())
    }
}

fn cells(size: Size) -> Vec<Named> {
    let rates: &[f64] = if size == Size::Quick { &[10.0, 100.0] } else { &[10.0, 100.0, 1000.0] };
    let mut cells: Vec<_> = rates.iter().flat_map(|rate| errors(*rate, size)).collect();
    if size == Size::Full {
        for rate in rates {
            cells.push(hardly_any_errors(*rate, size));
            cells.extend(disturbed(*rate, size));
            cells.extend(starts(*rate, size));
            cells.extend(latencies(*rate, size));
            cells.extend(late_onsets(*rate, size));
        }
    }
    cells
}

fn errors(rate: f64, size: Size) -> Vec<Named> {
    let mut cells = Vec::new();
    for error_rate in [0.001, 0.005, 0.01] {
        let traffic = Traffic::plain(rate, error_rate);
        let good = plain(traffic, Fault::none(error_rate), size);
        cells.push((Table::GoodReleases, "as good".to_owned(), good));
        let faults =
            [("2x", 2.0 * error_rate), ("5x", 5.0 * error_rate), ("20%", 0.2), ("100%", 1.0)];
        for (what, share) in faults {
            let runs = bad_runs(size, rate);
            let bad = Cell { runs, ..plain(traffic, Fault::none(share), size) };
            cells.push((Table::BadReleases, what.to_owned(), bad));
        }
    }
    cells
}

/// So few errors that hardly anything can be proven: how many end so, and that none goes back for it.
fn hardly_any_errors(rate: f64, size: Size) -> Named {
    let good = plain(Traffic::plain(rate, 0.0001), Fault::none(0.0001), size);
    (Table::GoodReleases, "as good".to_owned(), good)
}

/// A fifth of the requests fail in the first ten seconds that green has visitors, and the same where
/// these were spent at weight 0.
fn starts(rate: f64, size: Size) -> [Named; 2] {
    let disturbance = Disturbance::WarmUp { extra: 0.2, seconds: 10.0, at_each_step: false };
    let traffic = Traffic { disturbance, ..Traffic::plain(rate, 0.005) };
    let at_weight = plain(traffic, Fault::none(0.005), size);
    let before = Step { weight: 0.0, seconds: 10.0 };
    let schedule = Schedule::of_the_seeds().after(before);
    let at_zero = Cell { schedule, ..at_weight.clone() };
    [
        (Table::Start, "start +20%, at weight".to_owned(), at_weight),
        (Table::Disturbed, "start +20%, at weight 0".to_owned(), at_zero),
    ]
}

fn disturbed(rate: f64, size: Size) -> Vec<Named> {
    let mut cells = Vec::new();
    for (what, disturbance) in disturbances() {
        let latency = match disturbance {
            Disturbance::BlueFailsLate { .. } | Disturbance::BlueStalls { .. } => ANSWERS,
            _ => Latency::AtOnce,
        };
        let traffic = Traffic { disturbance, latency, ..Traffic::plain(rate, 0.005) };
        let cell = plain(traffic, Fault::none(0.005), size);
        cells.push((Table::Disturbed, what.to_owned(), cell));
    }
    let benign = plain(Traffic::plain(rate, 0.005), Fault::none(0.0055), size);
    cells.push((Table::Disturbed, "a tenth worse".to_owned(), benign));
    cells
}

fn latencies(rate: f64, size: Size) -> Vec<Named> {
    let faults = [
        ("x1", 1.0, 1.0),
        ("x1.1", 1.1, 1.0),
        ("x1.2", 1.2, 1.0),
        ("x1.5", 1.5, 1.0),
        ("x3", 3.0, 1.0),
        ("x5 on 5%", 5.0, 0.05),
    ];
    let cell = |(what, slower, slower_share): (&str, f64, f64)| {
        let traffic = Traffic { latency: ANSWERS, ..Traffic::plain(rate, 0.005) };
        let fault = Fault { slower, slower_share, ..Fault::none(0.005) };
        let mut cell = Cell { beside: Beside::Latency, ..plain(traffic, fault, size) };
        if slower > 1.2 {
            cell.runs = bad_runs(size, rate);
        }
        (Table::Latency, what.to_owned(), cell)
    };
    faults.into_iter().map(cell).collect()
}

fn late_onsets(rate: f64, size: Size) -> Vec<Named> {
    let mut cells = Vec::new();
    for (what, share) in [("20%", 0.2), ("100%", 1.0)] {
        for onset_s in [0.0, 120.0, 600.0, 1500.0, 2400.0] {
            let fault = Fault { onset_s, ..Fault::none(share) };
            let schedule = Schedule::with_holdback();
            let plain = plain(Traffic::plain(rate, 0.005), fault, size);
            let cell = Cell { schedule, runs: bad_runs(size, rate), ..plain };
            cells.push((Table::LateOnset, format!("{what} from {onset_s:.0} s"), cell));
        }
    }
    cells
}

fn disturbances() -> [(&'static str, Disturbance); 8] {
    let late = |seconds| Disturbance::BlueFailsLate { seconds };
    let retries = |clients, on_the_same| Disturbance::Retries { mean: 2.0, clients, on_the_same };
    [
        ("shared bursts x20", Disturbance::SharedBursts { factor: 20.0 }),
        ("repeated failures, new coin", retries(2_000, false)),
        ("repeated failures, same arm", retries(2_000, true)),
        ("20 noisy clients, same arm", retries(21, true)),
        (
            "warm-up +2% after each change",
            Disturbance::WarmUp { extra: 0.02, seconds: 10.0, at_each_step: true },
        ),
        ("blue fails after 2 s", late(2.0)),
        ("blue fails after 10 s", late(10.0)),
        ("blue stalls for 1 s", Disturbance::BlueStalls { at_s: 400.0, seconds: 1.0 }),
    ]
}

fn plain(traffic: Traffic, fault: Fault, size: Size) -> Cell {
    // What the goal on false rollbacks asks for.
    let runs = if size == Size::Quick { 300 } else { 3_000 };
    let schedule = Schedule::of_the_seeds();
    Cell { traffic, fault, schedule, policy: policy(), runs, beside: Beside::Errors }
}

/// The mean harm of a bad release settles with fewer runs: a tenth of it is five standard errors.
fn bad_runs(size: Size, rate: f64) -> u64 {
    match size {
        Size::Full if rate > 500.0 => 200,
        Size::Quick | Size::Full => 300,
    }
}
