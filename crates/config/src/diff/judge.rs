//! Judges one value against another by a rule. Owns what the absence of a value means; which rule
//! holds for which key is in `rules`.

use std::cmp::Ordering;

use serde::Serialize;

use super::amount::{compare, compare_conditions, compare_hours};
use super::rules::Rule;
use crate::tree::{Node, Scalar, Tree};

/// What a change does to what a matrix demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// More may happen than before, or it is noticed later.
    Looser,
    /// Less may happen than before, or it is noticed sooner.
    Stricter,
    /// It may be either, which cannot be told from the matrix: somebody should look at it.
    Unclear,
    /// Neither.
    Neutral,
}

impl Judgement {
    /// What the same change is when it is taken back.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Looser => Self::Stricter,
            Self::Stricter => Self::Looser,
            Self::Unclear => Self::Unclear,
            Self::Neutral => Self::Neutral,
        }
    }
}

/// What a changed value does; none when it means what it meant.
pub(crate) fn changed(rule: Rule, was: &Node, now: &Node) -> Option<Judgement> {
    if rule == Rule::Neutral {
        return Some(Judgement::Neutral);
    }
    match looseness(rule, was, now) {
        Some(Ordering::Greater) => Some(Judgement::Looser),
        Some(Ordering::Less) => Some(Judgement::Stricter),
        Some(Ordering::Equal) => None,
        None => Some(Judgement::Unclear),
    }
}

/// What a value does that was not said before.
pub(crate) fn added(rule: Rule, value: &Node) -> Judgement {
    let is_on = value.scalar() == Some(Scalar::Flag(true));
    match rule {
        Rule::Words(words) if loosest(words, value) == words.len().checked_sub(1) => {
            Judgement::Neutral
        }
        Rule::OffIsLooser if !is_on => Judgement::Neutral,
        Rule::OnIsLooser | Rule::Forbids if is_on => Judgement::Looser,
        Rule::OnIsLooser | Rule::Steps | Rule::Apart | Rule::Neutral => Judgement::Neutral,
        Rule::Promise | Rule::Trigger if value.text() == Some("none") => Judgement::Neutral,
        Rule::Permits => Judgement::Looser,
        Rule::Unclear => Judgement::Unclear,
        _ => Judgement::Stricter,
    }
}

/// How much looser `now` is than `was`; none when that cannot be told.
fn looseness(rule: Rule, was: &Node, now: &Node) -> Option<Ordering> {
    let flags = || match (was.scalar(), now.scalar()) {
        (Some(Scalar::Flag(was)), Some(Scalar::Flag(now))) => Some(was.cmp(&now)),
        _ => None,
    };
    if let Rule::Words(words) = rule {
        return Some(loosest(words, now)?.cmp(&loosest(words, was)?));
    }
    let (before, after) = (was.text()?, now.text()?);
    match rule {
        Rule::MoreIsLooser => compare(after, before),
        Rule::LessIsLooser => compare(before, after),
        Rule::Promise if before == "none" || after == "none" => {
            Some((after == "none").cmp(&(before == "none")))
        }
        Rule::Promise => compare_conditions(after, before),
        Rule::Trigger => compare_conditions(before, after),
        Rule::OffIsLooser => flags(),
        Rule::OnIsLooser | Rule::Forbids => flags().map(Ordering::reverse),
        Rule::MoreHoursAreLooser => compare_hours(after, before),
        // Days are written so that their texts are in the order of the calendar.
        Rule::LaterIsLooser => Some(after.cmp(before)),
        Rule::EarlierIsLooser => Some(before.cmp(after)),
        Rule::Words(_)
        | Rule::Demands
        | Rule::Permits
        | Rule::LimitedTo
        | Rule::Said
        | Rule::Guards
        | Rule::Unclear
        | Rule::Neutral
        | Rule::Steps
        | Rule::Apart => None,
    }
}

/// The place in `words` of the loosest word of a text or a list; none when one is not among them.
fn loosest(words: &[&str], value: &Node) -> Option<usize> {
    let place = |node: &Node| words.iter().position(|it| Some(*it) == node.text());
    let alone = std::slice::from_ref(value);
    let items = if matches!(value.tree, Tree::List(_)) { value.items() } else { alone };
    let places: Option<Vec<usize>> = items.iter().map(place).collect();
    places?.into_iter().max()
}
