//! Sums and strategies of `costs`. Asks no provider what anything costs.

use towpath_core::matrix::Tier;

use super::values::texts;
use super::{Lane, Whole};
use crate::codes::Code;
use crate::problem::{Problem, Problems};
use crate::quantities::{Money, money};
use crate::tree::Node;

/// The lines of `costs` that a budget is the sum of.
const LINES: [&str; 10] = [
    "compute",
    "storage",
    "database",
    "cache",
    "queue",
    "network",
    "monitoring",
    "security",
    "tools",
    "other",
];

/// Where sums for different times are compared, one part in so many may be missing: months have 28 to
/// 31 days, and people round.
const TOLERANCE: u64 = 20;

/// Lines that do not add up to the budget of an environment.
pub(super) fn budget_mismatch(lane: &Lane<'_>, problems: &mut Problems) {
    let costs = lane.node.node.get("costs");
    if let Some(problem) = costs.and_then(|costs| mismatch(costs, lane.name())) {
        lane.add(problem, problems);
    }
}

/// Lines that do not add up to the budget at the top of the file.
pub(super) fn budget_mismatch_at_top(whole: &Whole<'_>, problems: &mut Problems) {
    let costs = whole.root.get("costs");
    if let Some(problem) = costs.and_then(|costs| mismatch(costs, "the project")) {
        problems.add(problem);
    }
}

/// Production on machines that the provider may take back at any time.
pub(super) fn spot_only_production(lane: &Lane<'_>, problems: &mut Problems) {
    if lane.environment.tier != Tier::Production {
        return;
    }
    let Some(strategy) = lane.get("costs", "strategy") else { return };
    let words: Vec<_> = texts(strategy).map(|(word, _)| word).collect();
    if words.is_empty() || words.iter().any(|word| *word != "spot") {
        return;
    }
    let message = format!("{} runs on spot instances alone", lane.name());
    let problem = Problem::new(Code::SpotOnlyProduction, strategy.extent, message)
        .label("the provider may take all of them back at the same time")
        .next("keep a part that stays: `strategy: [spot, reserved]`");
    lane.add(problem, problems);
}

fn mismatch(costs: &Node, name: &str) -> Option<Problem> {
    let place = costs.get("budget")?;
    let budget = money(place.text()?)?;
    let mut lines = Vec::new();
    for line in LINES.iter().filter_map(|line| costs.get(line)) {
        let sum = money(line.text()?)?;
        // Sums in two currencies cannot be added up.
        if sum.currency != budget.currency {
            return None;
        }
        lines.push((line, sum));
    }
    let mut yearly = 0_u64;
    for (_, sum) in &lines {
        yearly = yearly.checked_add(a_year(*sum)?)?;
    }
    let (wanted, other) = (a_year(budget)?, lines.iter().find(|(_, it)| it.per != budget.per));
    let apart = yearly.abs_diff(wanted);
    let tolerated = if other.is_some() { wanted / TOLERANCE } else { 0 };
    if lines.is_empty() || apart <= tolerated {
        return None;
    }
    let in_budget = |yearly: u64| shown(budget, yearly / times_a_year(budget.per));
    let (sum, wanted, difference) = (in_budget(yearly), in_budget(wanted), in_budget(apart));
    let (label, next) = if yearly > a_year(budget)? {
        let label = format!("the lines are {difference} more");
        (label, format!("write `budget: {sum}`, or cut a line"))
    } else {
        let label = format!("{difference} of it stand in no line");
        (label, format!("write `budget: {sum}`, or name the rest: `other: {difference}`"))
    };
    let message = format!("the cost lines of {name} add up to {sum}, and its budget is {wanted}");
    let problem = Problem::new(Code::BudgetMismatch, place.extent, message).label(label).next(next);
    Some(match other {
        Some((line, sum)) => {
            problem.related(line.extent, format!("for one {}, not one {}", sum.per, budget.per))
        }
        None => problem,
    })
}

/// The cents of a year at this rate; none when they are too many.
fn a_year(sum: Money) -> Option<u64> {
    sum.cents.checked_mul(times_a_year(sum.per))
}

/// How often the time that a sum is for passes in a year of 365 days.
fn times_a_year(per: &str) -> u64 {
    match per {
        "hour" => 365 * 24,
        "day" => 365,
        "month" => 12,
        _ => 1,
    }
}

/// A sum of the same kind as `like`, as people write it.
fn shown(like: Money, cents: u64) -> String {
    let (whole, part) = (cents / 100, cents % 100);
    let part = if part == 0 { String::new() } else { format!(".{part:02}") };
    format!("{}{whole}{part}/{}", like.currency, like.per)
}
