//! The goals that the guard is held to, and how the measured cells stand to them. Owns the bars.

use serde_json::json;
use towpath_simulate::statistics;

use super::Size;
use super::tables::{Measured, Table};

/// One goal.
#[derive(Clone, Debug)]
pub(super) struct Goal {
    name: &'static str,
    value: Option<f64>,
    bar: f64,
    /// None where the chosen size cannot decide.
    met: Option<bool>,
}

/// Judges every goal that the cells can speak to.
pub(super) fn judge(measured: &[Measured], size: Size) -> Vec<Goal> {
    let of = |table: Table| measured.iter().filter(move |cell| cell.table == table);
    let good = |table: Table| of(table).map(|cell| cell.outcome.rows[0].went_back().1.1);
    let largest = |values: Vec<f64>| values.into_iter().reduce(f64::max);
    let full = size == Size::Full;
    let at_most = |name, value: Option<f64>, bar: f64, decides: bool| Goal {
        name,
        value,
        bar,
        met: value.filter(|_| decides).map(|value| value <= bar),
    };
    let at_least = |name, value: Option<f64>, bar: f64| Goal {
        name,
        value,
        bar,
        met: value.map(|value| value >= bar),
    };
    let twenty =
        of(Table::BadReleases).filter(|cell| cell.what == "20%" && cell.requests_per_s >= 100.0);
    let beside = |row: usize| {
        let ratio = |cell: &Measured| {
            cell.outcome.rows[row].mean_harm() / cell.outcome.rows[0].mean_harm().max(1e-9)
        };
        twenty.clone().map(ratio).reduce(f64::min)
    };
    let over_floor =
        of(Table::BadReleases).filter(|cell| cell.outcome.rows[0].went_back().0 >= 0.99);
    let slower = of(Table::Latency)
        .filter(|cell| cell.cell.fault.slower <= 1.2)
        .map(|cell| cell.outcome.rows[0].went_back().1.1);
    let whole = of(Table::BadReleases).filter(|cell| cell.what == "100%");
    vec![
        at_most(
            "false rollbacks, good releases, upper 95% bound",
            largest(good(Table::GoodReleases).collect()),
            0.01,
            full,
        ),
        at_most(
            "false rollbacks, disturbed, upper 95% bound",
            largest(good(Table::Disturbed).collect()),
            0.01,
            full,
        ),
        at_most(
            "false rollbacks, latency up to +20%, upper 95% bound",
            largest(slower.collect()),
            0.01,
            full,
        ),
        at_most(
            "harm over the floor of the test",
            largest(over_floor.map(floor_ratio).collect()),
            2.5,
            true,
        ),
        at_most(
            "harm of a fully failing green",
            largest(whole.map(|cell| cell.outcome.rows[0].mean_harm()).collect()),
            4.0,
            true,
        ),
        at_least("20% failing green, fewer harmed than CodeDeploy 2x1min", beside(4), 8.0),
        at_least("20% failing green, fewer harmed than Flagger", beside(7), 20.0),
        late(measured, "harm from 10 minutes over harm from the start", 600.0, 5.0),
        late(measured, "harm from 25 minutes over harm from the start", 1500.0, 15.0),
    ]
}

/// Mean harm over what any test of this level must let through, with the weight that was in force
/// at the middle time of going back.
fn floor_ratio(cell: &Measured) -> f64 {
    let row = &cell.outcome.rows[0];
    let at_s = row.median_s().unwrap_or_default();
    let weight = cell.cell.schedule.weight_at(at_s).0;
    row.mean_harm()
        / label_floor(cell.cell.fault.error_rate, cell.error_rate, weight, cell.cell.policy.alpha)
}

/// Harm that a test by labels alone cannot avoid: the failures of green among as many failures as
/// it takes, `ln(1/alpha)` over the relative entropy of the two labels, less those that blue would
/// have had; at least 1.
fn label_floor(green: f64, blue: f64, weight: f64, alpha: f64) -> f64 {
    let ratio = green / blue;
    let share = weight * ratio / (1.0 - weight + weight * ratio);
    let failures = (1.0 / alpha).ln() / statistics::relative_entropy(share, weight);
    (failures * share * (1.0 - 1.0 / ratio)).max(1.0)
}

fn late(measured: &[Measured], name: &'static str, onset_s: f64, bar: f64) -> Goal {
    let cells = || measured.iter().filter(|cell| cell.table == Table::LateOnset);
    let ratios = cells().filter(|cell| same(cell.cell.fault.onset_s, onset_s)).filter_map(|cell| {
        let first = cells().find(|other| {
            same(other.cell.fault.onset_s, 0.0)
                && same(other.cell.fault.error_rate, cell.cell.fault.error_rate)
                && same(other.requests_per_s, cell.requests_per_s)
        })?;
        Some(cell.outcome.rows[0].mean_harm() / first.outcome.rows[0].mean_harm())
    });
    let value = ratios.reduce(f64::max);
    Goal { name, value, bar, met: value.map(|value| value <= bar) }
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

/// One line per goal.
pub(super) fn lines(goals: &[Goal]) -> Vec<String> {
    let line = |goal: &Goal| {
        let met = match goal.met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "not decided by this size",
        };
        let value = goal.value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
        format!("goal: {:<58} {value:>10}  bar {:<6} {met}", goal.name, goal.bar)
    };
    goals.iter().map(line).collect()
}

/// One object.
pub(super) fn json(goals: &[Goal]) -> String {
    let goals: Vec<_> = goals
        .iter()
        .map(|goal| json!({"name": goal.name, "value": goal.value, "bar": goal.bar, "met": goal.met}))
        .collect();
    json!({ "goals": goals }).to_string()
}
