//! Sums and strategies of `costs`. Asks no provider what anything costs.

use towpath_core::matrix::Tier;

use super::values::texts;
use super::{Lane, Whole};
use crate::codes::Code;
use crate::problem::{Problem, Problems};
use crate::tree::{Node, printable};

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
    let lines: Vec<&Node> = LINES.iter().filter_map(|line| costs.get(line)).collect();
    let mut total = 0_u64;
    for line in &lines {
        let sum = money(line.text()?)?;
        // Sums in two currencies or for two lengths of time cannot be added up.
        if (sum.currency, sum.per) != (budget.currency, budget.per) {
            return None;
        }
        total = total.checked_add(sum.cents)?;
    }
    if lines.is_empty() || total == budget.cents {
        return None;
    }
    let (sum, wanted) = (budget.shown(total), budget.shown(budget.cents));
    let difference = budget.shown(total.abs_diff(budget.cents));
    let (label, next) = if total > budget.cents {
        let label = format!("the lines are {difference} more");
        (label, format!("write `budget: {sum}`, or cut a line"))
    } else {
        let label = format!("{difference} of it stand in no line");
        (label, format!("write `budget: {sum}`, or name the rest: `other: {difference}`"))
    };
    let message = format!("the cost lines of {name} add up to {sum}, and its budget is {wanted}");
    Some(Problem::new(Code::BudgetMismatch, place.extent, message).label(label).next(next))
}

/// A sum for a length of time.
struct Money<'a> {
    currency: char,
    cents: u64,
    per: &'a str,
}

/// `$420/month`, `€0.50/hour`.
fn money(text: &str) -> Option<Money<'_>> {
    let (sum, per) = text.split_once('/')?;
    let mut characters = sum.chars();
    let currency = characters.next().filter(|it| !it.is_ascii_digit())?;
    let (whole, part) = characters.as_str().split_once('.').unwrap_or((characters.as_str(), "00"));
    let digits = |text: &str| {
        let plain = text.bytes().all(|it| it.is_ascii_digit()) && text.len() <= 12;
        text.parse::<u64>().ok().filter(|_| plain)
    };
    let part = digits(part).filter(|_| part.len() == 2)?;
    let cents = digits(whole)?.checked_mul(100)?.checked_add(part)?;
    Some(Money { currency, cents, per })
}

impl Money<'_> {
    /// Another sum of the same kind, as people write it.
    fn shown(&self, cents: u64) -> String {
        let (whole, part) = (cents / 100, cents % 100);
        let part = if part == 0 { String::new() } else { format!(".{part:02}") };
        format!("{}{whole}{part}/{}", self.currency, printable(self.per))
    }
}
