//! Judges one value against another by a rule. Owns what the absence of a value means; which rule
//! holds for which key is in `rules`.

use std::cmp::Ordering;

use serde::Serialize;

use super::amount::{compare, compare_conditions, compare_hours};
use super::rules::Rule;
use crate::tree::{Node, Scalar};

/// What a change does to what a matrix demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// More may happen than before, or it is noticed later.
    Looser,
    /// Less may happen than before, or it is noticed sooner.
    Stricter,
    /// Neither, or it cannot be told from the matrix.
    Neutral,
}

impl Judgement {
    /// What the same change is when it is taken back.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Looser => Self::Stricter,
            Self::Stricter => Self::Looser,
            Self::Neutral => Self::Neutral,
        }
    }
}

/// What a changed value does; none when it means what it meant.
pub(crate) fn changed(rule: Rule, was: &Node, now: &Node) -> Option<Judgement> {
    match looseness(rule, was, now) {
        Some(Ordering::Greater) => Some(Judgement::Looser),
        Some(Ordering::Less) => Some(Judgement::Stricter),
        Some(Ordering::Equal) => None,
        None => Some(Judgement::Neutral),
    }
}

/// What a value does that was not said before.
pub(crate) fn added(rule: Rule, value: &Node) -> Judgement {
    let word = value.text();
    match rule {
        Rule::Words(words) if word == words.last().copied() => Judgement::Neutral,
        Rule::OffIsLooser if value.scalar() != Some(Scalar::Flag(true)) => Judgement::Neutral,
        Rule::OnIsLooser if value.scalar() == Some(Scalar::Flag(true)) => Judgement::Looser,
        Rule::OnIsLooser | Rule::Steps | Rule::Apart => Judgement::Neutral,
        Rule::Promise | Rule::Trigger if word == Some("none") => Judgement::Neutral,
        Rule::Permits => Judgement::Looser,
        _ => Judgement::Stricter,
    }
}

/// How much looser `now` is than `was`; none when that cannot be told.
fn looseness(rule: Rule, was: &Node, now: &Node) -> Option<Ordering> {
    let flags = || match (was.scalar(), now.scalar()) {
        (Some(Scalar::Flag(was)), Some(Scalar::Flag(now))) => Some(was.cmp(&now)),
        _ => None,
    };
    let (before, after) = (was.text()?, now.text()?);
    match rule {
        Rule::MoreIsLooser => compare(after, before),
        Rule::LessIsLooser => compare(before, after),
        Rule::Promise if before == "none" || after == "none" => {
            Some((after == "none").cmp(&(before == "none")))
        }
        Rule::Promise => compare_conditions(after, before),
        Rule::Trigger => compare_conditions(before, after),
        Rule::Words(words) => {
            let place = |word: &str| words.iter().position(|it| *it == word);
            Some(place(after)?.cmp(&place(before)?))
        }
        Rule::OffIsLooser => flags(),
        Rule::OnIsLooser => flags().map(Ordering::reverse),
        Rule::MoreHoursAreLooser => compare_hours(after, before),
        // Days are written so that their texts are in the order of the calendar.
        Rule::LaterIsLooser => Some(after.cmp(before)),
        Rule::EarlierIsLooser => Some(before.cmp(after)),
        Rule::Demands
        | Rule::Permits
        | Rule::LimitedTo
        | Rule::Said
        | Rule::Steps
        | Rule::Apart => None,
    }
}
