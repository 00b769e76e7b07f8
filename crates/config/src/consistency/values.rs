//! Values as the rules read them. What does not fit its key was reported before, and reads here as
//! if it were left out.

use towpath_core::units::Span;
use towpath_ports::condition::{Condition, Limit};

use crate::tree::{Node, Scalar};

/// A list of texts, of which one may stand alone.
pub(super) fn texts(node: &Node) -> impl Iterator<Item = (&str, &Node)> {
    let one = node.text().is_some().then_some(node);
    one.into_iter().chain(node.items()).filter_map(|it| Some((it.text()?, it)))
}

/// `true` or `false`.
pub(super) fn flag(node: &Node) -> Option<bool> {
    if let Some(Scalar::Flag(flag)) = node.scalar() { Some(flag) } else { None }
}

/// A whole number.
pub(super) fn count(node: &Node) -> Option<u64> {
    if let Some(Scalar::Number(number)) = node.scalar() { number.parse().ok() } else { None }
}

/// A length of time.
pub(super) fn span(node: &Node) -> Option<Span> {
    node.text()?.parse().ok()
}

/// The share of 1 in a promise such as `">= 99.9%"`.
pub(super) fn promised_share(node: &Node) -> Option<f64> {
    match node.text()?.parse::<Condition>().ok()?.limit {
        Limit::Share(share) => Some(share),
        Limit::Time(_) | Limit::Number(_) => None,
    }
}

/// The length of time in a promise such as `"< 200ms"`.
pub(super) fn promised_time(node: &Node) -> Option<Span> {
    match node.text()?.parse::<Condition>().ok()?.limit {
        Limit::Time(time) => Some(time),
        Limit::Share(_) | Limit::Number(_) => None,
    }
}

/// A share of 1 as people write it: `0.5%`.
pub(super) fn percent(share: f64) -> String {
    let hundredths = (share * 10_000.0).round() / 100.0;
    format!("{hundredths}%")
}

/// How much larger something is, in words: `ten times`, `2.5 times`.
pub(super) fn times(ratio: f64) -> String {
    let words = [(2.0, "two"), (5.0, "five"), (10.0, "ten"), (50.0, "fifty")];
    let word = words.iter().find(|(number, _)| (ratio - number).abs() < 0.001);
    let number = word.map_or_else(|| format!("{ratio:.1}"), |(_, word)| (*word).to_owned());
    format!("{} times", number.trim_end_matches(".0"))
}

/// `backup`, `backup and monitoring`, `backup, monitoring and ttl`.
pub(super) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
