//! What is counted of promotions, and what the matrix holds them to. Draws nothing.

use towpath_core::matrix::{Matrix, Tier};
use towpath_core::promotion::state::{Kind, Outcome};

use super::digest::Fact;
use super::marks::Dots;
use crate::pages::marks::{grouped, took};

/// A target of the matrix.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Goal {
    key: String,
    text: String,
    /// A share, or seconds.
    value: f64,
}

impl Goal {
    /// What it is about, by its key in the matrix.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// As the matrix writes it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// One promise and how it was kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) name: &'static str,
    pub(super) means: &'static str,
    pub(super) value: String,
    pub(super) target: Option<String>,
    pub(super) is_met: Option<bool>,
    pub(super) said: String,
    /// When each ended, how long it took, and whether it missed.
    pub(super) marks: Vec<(i64, f64, bool)>,
    /// Seconds of the target, where it is one of time.
    pub(super) limit: Option<f64>,
    /// Environments on the axis of a figure, in place of promotions.
    pub(super) dots: Option<Dots>,
}

/// What `goals` declares, as far as it is counted here.
pub(super) fn goals(matrix: &Matrix) -> Vec<Goal> {
    let declared = matrix.declared.get("goals").and_then(|goals| goals.as_object());
    let read = |(key, value): (&String, &serde_json::Value)| {
        let text = value.as_str()?.to_owned();
        let value = number(&text)?;
        Some(Goal { key: key.clone(), text, value })
    };
    declared.into_iter().flatten().filter_map(read).collect()
}

/// `> 95%` is 0.95, `< 30m` is 1800 seconds; none of what is neither.
fn number(text: &str) -> Option<f64> {
    let bare = text.trim_start_matches(['<', '>', '=', ' ']).trim();
    if let Some(percent) = bare.strip_suffix('%') {
        return percent.trim().parse::<f64>().ok().map(|value| value / 100.0);
    }
    let span: towpath_core::units::Span = bare.parse().ok()?;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a target")]
    let seconds = span.milliseconds() as f64 / 1_000.0;
    Some(seconds)
}

/// Environments of the tier production.
pub(super) fn production(matrix: &Matrix) -> Vec<String> {
    let own = matrix.environments.iter().filter(|one| one.tier == Tier::Production);
    own.map(|one| one.name.to_string()).collect()
}

pub(super) fn kept(all: &[&Fact], validated: &[(i64, f64)], goals: &[Goal]) -> Vec<Kept> {
    let of = |kind: Kind| all.iter().copied().filter(move |one| one.kind == kind && one.began);
    let success = |one: &Fact| one.outcome == Some(Outcome::Succeeded);
    let promotions: Vec<&Fact> = of(Kind::Promote).collect();
    let rollbacks: Vec<&Fact> = of(Kind::Rollback).collect();
    vec![
        share(
            ("Promotion success", "succeeded, of all that began", "promotion_success_rate"),
            &promotions,
            success,
            goals,
        ),
        time(
            ("Promotion time", "from its start to its end", "promotion_time"),
            spans(&promotions),
            goals,
        ),
        time(
            (
                "Validation time",
                "from ready copies until the first visitor, or the no",
                "validation_time",
            ),
            validated.to_vec(),
            goals,
        ),
        share(
            ("Rollback success", "the release before serves again", "rollback_success_rate"),
            &rollbacks,
            success,
            goals,
        ),
        time(
            ("Rollback time", "from the order until it serves", "rollback_time"),
            spans(&rollbacks),
            goals,
        ),
    ]
}

type Named = (&'static str, &'static str, &'static str);

fn share(named: Named, own: &[&Fact], good: impl Fn(&Fact) -> bool, goals: &[Goal]) -> Kept {
    let goal = goals.iter().find(|goal| goal.key == named.2);
    let well = own.iter().filter(|one| good(one)).count();
    let rate = (!own.is_empty()).then(|| real(well) / real(own.len()));
    let marks = own.iter().map(|one| (one.ended, 0.0, !good(one))).collect();
    Kept {
        name: named.0,
        means: named.1,
        value: rate.map_or_else(|| "none".to_owned(), |rate| format!("{:.1}%", rate * 100.0)),
        target: goal.map(|goal| goal.text.clone()),
        is_met: goal.zip(rate).map(|(goal, rate)| rate >= goal.value),
        said: format!("{} of {}.", grouped(well as u64), grouped(own.len() as u64)),
        marks,
        limit: None,
        dots: None,
    }
}

/// When each ended, and how long it took.
fn spans(own: &[&Fact]) -> Vec<(i64, f64)> {
    own.iter().filter_map(|one| Some((one.ended, one.seconds?))).collect()
}

fn time(named: Named, own: Vec<(i64, f64)>, goals: &[Goal]) -> Kept {
    let goal = goals.iter().find(|goal| goal.key == named.2);
    let limit = goal.map(|goal| goal.value);
    let is_late = |seconds: f64| limit.is_some_and(|limit| seconds > limit);
    let marks: Vec<(i64, f64, bool)> =
        own.into_iter().map(|(at, seconds)| (at, seconds, is_late(seconds))).collect();
    let late = marks.iter().filter(|(_, _, is_late)| *is_late).count();
    let median = middle(marks.iter().map(|(_, seconds, _)| *seconds), 0.5);
    Kept {
        name: named.0,
        means: named.1,
        value: median.map_or_else(|| "none".to_owned(), took),
        target: goal.map(|goal| goal.text.clone()),
        is_met: goal.filter(|_| !marks.is_empty()).map(|_| late == 0),
        said: match (marks.len(), limit) {
            (0, _) => "None ended.".to_owned(),
            (count, None) => format!("The middle one of {}.", grouped(count as u64)),
            (count, Some(_)) => {
                let (count, late) = (grouped(count as u64), grouped(late as u64));
                format!("The middle one of {count}; {late} took longer than the target.")
            }
        },
        marks,
        limit,
        dots: None,
    }
}

/// The one below which this share of them lies, one of them itself; none of none.
pub(super) fn middle(all: impl Iterator<Item = f64>, share: f64) -> Option<f64> {
    let mut all: Vec<f64> = all.collect();
    all.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below its length")]
    let at = (real(all.len()) * share) as usize;
    all.get(at.min(all.len().saturating_sub(1))).copied()
}

pub(super) fn real(count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let real = count as f64;
    real
}

#[cfg(test)]
mod tests {
    use super::{middle, number};

    #[test]
    fn targets_are_read_as_the_matrix_writes_them() {
        assert_eq!(number("> 95%"), Some(0.95));
        assert_eq!(number("< 30m"), Some(1800.0));
        assert_eq!(number(">= 100%"), Some(1.0));
        assert_eq!(number("500ms"), Some(0.5));
        assert_eq!(number("soon"), None);
    }

    #[test]
    fn the_middle_one_is_one_of_them() {
        assert_eq!(middle([3.0, 1.0, 2.0].into_iter(), 0.5), Some(2.0));
        assert_eq!(middle(std::iter::empty(), 0.9), None);
        assert_eq!(middle((1..=10).map(f64::from), 0.9), Some(10.0));
        assert_eq!(middle([4.0].into_iter(), 0.9), Some(4.0));
    }
}
