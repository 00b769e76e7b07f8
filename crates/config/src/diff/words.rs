//! What a reviewer reads about a difference: one sentence each. Owns all wording; finds and judges
//! nothing.

use std::fmt::Write as _;

use super::compare::Found;
use super::judge::Judgement;
use super::rules::{self, Rule};
use crate::show::{Origin, flow};
use crate::tree::{Node, Tree, escaped, printable};

/// A value as it is written, on one line, fit for a terminal.
pub(crate) fn value(node: &Node) -> String {
    escaped(&node.text().map_or_else(|| flow(node), str::to_owned))
}

/// `place: what changed, where it now comes from (judgement)`.
pub(crate) fn sentence(place: &str, found: &Found, now_from: Option<&Origin>) -> String {
    let mut sentence = format!("{place}: {}", what(found));
    match now_from {
        Some(Origin::Shared(section, _)) => {
            let _ = write!(sentence, ", from {section}");
        }
        Some(Origin::BuiltIn) => sentence.push_str(", the built-in default"),
        Some(Origin::Line(_)) | None => {}
    }
    judged(sentence, found.judgement)
}

/// The sentence with its judgement, if it is one.
pub(crate) fn judged(sentence: String, judgement: Judgement) -> String {
    match judgement {
        Judgement::Looser => sentence + " (looser)",
        Judgement::Stricter => sentence + " (stricter)",
        Judgement::Unclear => sentence + " (check it)",
        Judgement::Neutral => sentence,
    }
}

fn what(found: &Found) -> String {
    let called = || rules::called(&found.path);
    match (&found.was, &found.now) {
        // Lists of free form are told whole, all others entry by entry but for their order.
        (Some(was), Some(now))
            if is_reordered(was, now) && rules::find(&found.path) != Rule::Neutral =>
        {
            format!("{}: in another order", called())
        }
        (Some(was), Some(now)) => {
            let (was, now) = beside(was, now, rules::find(&found.path));
            pair(&called(), &was, &now)
        }
        (Some(value), None) => alone(found, value, "removed"),
        (None, Some(value)) => alone(found, value, "added"),
        (None, None) => called(),
    }
}

fn is_reordered(was: &Node, now: &Node) -> bool {
    let is_of_maps =
        |list: &Node| matches!(list.items().first().map(|first| &first.tree), Some(Tree::Map(_)));
    is_of_maps(was) && is_of_maps(now)
}

/// What is added or removed: an entry by the list it belongs to, anything else with its value.
fn alone(found: &Found, node: &Node, verb: &str) -> String {
    if let Some(list) = found.path.list() {
        let called = rules::called(&list);
        let bake = node.get("bake").map(|bake| format!(" for {}", short(bake)));
        let name = found.path.last_words();
        return format!("{called}: {name}{} is {verb}", bake.unwrap_or_default());
    }
    let called = rules::called(&found.path);
    match short(node).as_str() {
        "null" | "{}" | "[]" => format!("{called} is {verb}"),
        value if verb == "removed" => pair(&called, value, NOTHING),
        value => pair(&called, NOTHING, value),
    }
}

/// What stands for a value that is not there.
const NOTHING: &str = "not set";

/// `error trigger 5% -> 8%`; between a name and a word stands a colon, so that one sees where it ends.
fn pair(called: &str, was: &str, now: &str) -> String {
    let is_word = |text: &str| {
        let is_amount = |first: char| first.is_ascii_digit() || "<>=+$".contains(first);
        text != NOTHING && !text.starts_with(is_amount)
    };
    let colon = if (is_word(was) || is_word(now)) && !called.contains(':') { ":" } else { "" };
    format!("{called}{colon} {was} -> {now}")
}

/// Both values for a sentence; a comparison sign that both share goes without saying at a trigger.
fn beside(was: &Node, now: &Node, rule: Rule) -> (String, String) {
    let (was, now) = (short(was), short(now));
    let bare = |text: &str| text.strip_prefix('>').map(|it| it.trim_start().to_owned());
    match (bare(&was), bare(&now)) {
        (Some(was), Some(now))
            if rule == Rule::Trigger && !now.starts_with('=') && !was.starts_with('=') =>
        {
            (was, now)
        }
        _ => (was, now),
    }
}

fn short(node: &Node) -> String {
    printable(&node.text().map_or_else(|| flow(node), str::to_owned))
}
