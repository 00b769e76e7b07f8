//! The goals that the guard is held to, and how the measured cells stand to them. Owns the bars.

use serde_json::json;
use towpath_simulate::statistics;

use super::cell::{Harm, Row};
use super::quiet::{self, Quiet};
use super::tables::{Measured, Table, is_whole};

/// Two-sided 95% of a normal distribution.
const Z: f64 = 1.96;

const CODEDEPLOY: &str = "CodeDeploy, alarm > 5%";

/// One goal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Goal {
    pub(super) name: &'static str,
    /// The worst figure of all its cells; none where none was measured.
    pub(super) value: Option<f64>,
    pub(super) bar: f64,
    /// None where the chosen size cannot decide.
    pub(super) met: Option<bool>,
    /// The cell of that figure, or why there is none.
    pub(super) place: String,
}

/// What one cell says to a goal.
#[derive(Clone, Debug)]
struct Figure {
    value: f64,
    /// Its 95% interval.
    between: (f64, f64),
    place: String,
}

/// Which side of the bar is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Below,
    Above,
}

/// Judges every goal that the cells can speak to.
pub(super) fn judge(measured: &[Measured], quiet: &[Quiet]) -> Vec<Goal> {
    let mut goals = thrown_out(measured);
    goals.extend(harm(measured));
    let late = |name, onset_s, bar| {
        let is_all = is_whole(measured, Table::LateOnset);
        goal(name, bar, Side::Below, late(measured, onset_s), is_all)
    };
    goals.push(late("harm from 10 minutes on over harm from the start", 600.0, 5.0));
    goals.push(late("harm from 25 minutes on over harm from the start", 1500.0, 15.0));
    goals.extend(elsewhere(quiet));
    goals
}

/// Goals 3, which has no place in a simulation of single arms, and 6.
fn elsewhere(quiet: &[Quiet]) -> [Goal; 2] {
    let worst = quiet::worst(quiet);
    let place = worst.as_ref().map_or_else(|| "not measured".to_owned(), |it| it.1.clone());
    let value = worst.map(|it| it.0);
    [
        Goal {
            name: "rescue and mirror: safe requests harmed",
            value: None,
            bar: 0.0,
            met: None,
            place: "asked of real processes, not simulated".to_owned(),
        },
        Goal {
            name: "good releases back for want of evidence",
            value,
            bar: 0.0,
            met: value.map(|value| value <= 0.0),
            place,
        },
    ]
}

/// Goal 1: the bound is the figure, so that enough runs always decide.
fn thrown_out(measured: &[Measured]) -> Vec<Goal> {
    let one = |name, table, tolerates: fn(&Measured) -> bool| {
        let cells = measured.iter().filter(|cell| cell.table == table && tolerates(cell));
        let figures = cells.map(|cell| {
            let (_, (low, high)) = cell.outcome.guard().went_back();
            Figure { value: high, between: (low, high), place: cell.place() }
        });
        let mut goal = goal(name, 0.01, Side::Below, figures.collect(), is_whole(measured, table));
        if goal.met.is_none() && is_whole(measured, table) {
            goal.met = Some(false);
        }
        goal
    };
    vec![
        one("false rollbacks, good releases, upper 95% bound", Table::GoodReleases, |_| true),
        one("false rollbacks, disturbed, upper 95% bound", Table::Disturbed, |_| true),
        one("false rollbacks, latency up to +20%, upper 95% bound", Table::Latency, |cell| {
            cell.cell.fault.slower <= 1.2
        }),
    ]
}

/// Goals 2 and 4. What happens in a declared warm-up is no part of goal 2, which has it in a column of
/// its own; other tools declare none, so that the comparison with them holds with all of it or not at
/// all. Without it is given beside.
fn harm(measured: &[Measured]) -> Vec<Goal> {
    let is_all = is_whole(measured, Table::BadReleases);
    let bad = || measured.iter().filter(|cell| cell.table == Table::BadReleases);
    let found = bad().filter(|cell| cell.outcome.guard().went_back().0 >= 0.99);
    let over_floor = found.map(|cell| mean_over(cell, floor(cell, 1.0)));
    let whole = bad().filter(|cell| cell.what == "100%").map(|cell| mean_over(cell, 1.0));
    let beside = |name, tool: &str, bar, ours: fn(&Row) -> Harm| {
        let cells = bad().filter(|cell| cell.what == "20%" && cell.requests_per_s >= 100.0);
        let figures = cells.filter_map(|cell| {
            let theirs = cell.row_of(tool)?.harm();
            Some(ratio(theirs, ours(cell.outcome.guard()), cell.place()))
        });
        goal(name, bar, Side::Above, figures.collect(), is_all)
    };
    vec![
        goal("harm over the floor of the test", 2.5, Side::Below, over_floor.collect(), is_all),
        goal("harm of a fully failing green", 4.0, Side::Below, whole.collect(), is_all),
        beside(
            "20% failing: CodeDeploy's harm over ours, all of it",
            CODEDEPLOY,
            8.0,
            Row::harm_at_all,
        ),
        beside(
            "20% failing: Flagger's harm over ours, all of it",
            "Flagger",
            20.0,
            Row::harm_at_all,
        ),
        beside("20% failing: CodeDeploy's over ours after warm-up", CODEDEPLOY, 8.0, Row::harm),
        beside("20% failing: Flagger's over ours after warm-up", "Flagger", 20.0, Row::harm),
    ]
}

/// Goal 5.
fn late(measured: &[Measured], onset_s: f64) -> Vec<Figure> {
    let cells = || measured.iter().filter(|cell| cell.table == Table::LateOnset);
    let late = cells().filter(|cell| same(cell.cell.fault.onset_s, onset_s));
    let figures = late.filter_map(|cell| {
        let first = cells().find(|other| {
            same(other.cell.fault.onset_s, 0.0)
                && same(other.cell.fault.error_rate, cell.cell.fault.error_rate)
                && same(other.requests_per_s, cell.requests_per_s)
        })?;
        let harm = |cell: &Measured| cell.outcome.guard().harm_at_all();
        Some(ratio(harm(cell), harm(first), cell.place()))
    });
    figures.collect()
}

fn goal(name: &'static str, bar: f64, side: Side, figures: Vec<Figure>, is_whole: bool) -> Goal {
    let is_met = |figure: f64| if side == Side::Below { figure <= bar } else { figure >= bar };
    let ends = |figure: &Figure| {
        let (low, high) = figure.between;
        if side == Side::Below { (low, high) } else { (high, low) }
    };
    let met = if figures.iter().any(|figure| !is_met(ends(figure).0)) {
        Some(false)
    } else {
        let is_sure = is_whole && figures.iter().all(|figure| is_met(ends(figure).1));
        (is_sure && !figures.is_empty()).then_some(true)
    };
    let worst = figures.into_iter().reduce(|one, other| {
        let is_worse =
            if side == Side::Below { other.value > one.value } else { other.value < one.value };
        if is_worse { other } else { one }
    });
    let place = worst.as_ref().map_or_else(|| "not measured".to_owned(), |it| it.place.clone());
    Goal { name, value: worst.map(|it| it.value), bar, met, place }
}

/// Mean harm after declared warm-ups as a multiple of `unit`.
fn mean_over(cell: &Measured, unit: f64) -> Figure {
    let Harm { mean, error } = cell.outcome.guard().harm();
    let [value, low, high] = [0.0, -Z, Z].map(|errors| (mean + errors * error) / unit);
    Figure { value, between: (low, high), place: cell.place() }
}

/// One mean over another with its interval on the logarithmic scale (the delta method: the squares of
/// the relative errors add up).
fn ratio(one: Harm, other: Harm, place: String) -> Figure {
    let value = one.mean / other.mean.max(1e-9);
    let relative = |harm: Harm| harm.error / harm.mean.max(1e-9);
    let spread = (Z * relative(one).hypot(relative(other))).exp();
    Figure { value, between: (value / spread, value * spread), place }
}

/// What any test of this level must let through that tolerates `margin`, with the weight that was in
/// force at the middle time of going back.
pub(super) fn floor(cell: &Measured, margin: f64) -> f64 {
    let at_s = cell.outcome.guard().median_s().unwrap_or_default();
    let weight = cell.cell.schedule.weight_at(at_s).0;
    let arms = (cell.cell.fault.error_rate, cell.error_rate);
    label_floor(arms, weight, margin, cell.cell.policy.alpha)
}

/// Harm that a test by labels alone cannot avoid: the failures of green among as many failures as
/// it takes, `ln(1/alpha)` over the relative entropy of the label to the one at the margin, less those
/// that blue would have had; at least 1.
fn label_floor((green, blue): (f64, f64), weight: f64, margin: f64, alpha: f64) -> f64 {
    let ratio = green / blue;
    let share = |ratio: f64| weight * ratio / (1.0 - weight + weight * ratio);
    let failures = (1.0 / alpha).ln() / statistics::relative_entropy(share(ratio), share(margin));
    (failures * share(ratio) * (1.0 - 1.0 / ratio)).max(1.0)
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

impl Goal {
    /// In words.
    pub(super) fn standing(&self) -> &'static str {
        match self.met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "not decided",
        }
    }
}

/// One line per goal.
pub(super) fn lines(goals: &[Goal]) -> Vec<String> {
    let line = |goal: &Goal| {
        let value = goal.value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
        let (name, bar, place) = (goal.name, goal.bar, &goal.place);
        format!("goal: {name:<54} {value:>10}  bar {bar:<5} {:<12} {place}", goal.standing())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(value: f64, half: f64) -> Figure {
        Figure { value, between: (value - half, value + half), place: value.to_string() }
    }

    fn met(side: Side, figures: Vec<Figure>, is_whole: bool) -> Option<bool> {
        goal("a goal", 4.0, side, figures, is_whole).met
    }

    #[test]
    fn a_goal_is_met_only_by_everything_and_missed_by_any_sure_figure() {
        let good = || vec![figure(3.0, 0.5), figure(2.0, 0.1)];
        assert_eq!(met(Side::Below, good(), true), Some(true));
        assert_eq!(met(Side::Below, good(), false), None);
        assert_eq!(met(Side::Below, vec![figure(3.9, 0.2)], true), None);
        assert_eq!(met(Side::Below, vec![figure(4.1, 0.2)], true), None);
        assert_eq!(met(Side::Below, vec![figure(4.3, 0.2), figure(1.0, 0.1)], false), Some(false));
        assert_eq!(met(Side::Above, vec![figure(3.0, 0.5)], true), Some(false));
        assert_eq!(met(Side::Above, vec![figure(5.0, 0.5)], true), Some(true));
        assert_eq!(met(Side::Below, Vec::new(), true), None);
        assert_eq!(goal("a goal", 4.0, Side::Above, good(), true).place, "2");
    }

    /// For 20% against 0.5%, worked out in another language.
    #[test]
    fn the_floor_rises_with_the_weight() {
        let floor = |weight| label_floor((0.2, 0.005), weight, 1.0, 0.01);
        for (weight, exact) in [(0.01, 1.8), (0.5, 7.6), (0.95, 99.0)] {
            assert!((floor(weight) / exact - 1.0).abs() < 0.03, "{}", floor(weight));
        }
    }
}
