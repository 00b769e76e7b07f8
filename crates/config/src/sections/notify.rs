//! Which channels hear of which event of promotions. What a channel is stands in `notifiers`.

use towpath_core::ids::Name;
use towpath_core::notices::{NotifyRules, Occasion};

use super::{ANYWHERE, Section, Standing};
use crate::shape::{Key, Shape};
use crate::tree::Node;

const KEYS: &[Key] = &[
    Key::optional("started", Shape::Names, "A promotion has started."),
    Key::optional("waiting", Shape::Names, "A promotion waits for a person."),
    Key::optional("approved", Shape::Names, "Everybody who must has agreed to a plan."),
    Key::optional("rejected", Shape::Names, "A plan was rejected."),
    Key::optional("succeeded", Shape::Names, "A promotion has succeeded."),
    Key::optional("failed", Shape::Names, "A promotion has failed."),
    Key::optional("rolled_back", Shape::Names, "A release was taken back."),
    Key::optional("paused", Shape::Names, "A promotion was paused."),
    Key::optional("held", Shape::Names, "A step holds because there is too little evidence."),
    Key::optional("superseded", Shape::Names, "A newer release took the place of one that waited."),
    Key::optional("aborted", Shape::Names, "A promotion was aborted."),
    Key::optional("hotfix", Shape::Names, "A hotfix is on its way."),
    Key::optional(
        "person_called",
        Shape::Names,
        "The program cannot go on without a person, or asks one to roll back.",
    ),
    Key::optional("owed", Shape::Names, "Somebody owes a reason, a review or a backport."),
    Key::optional(
        "error_budget",
        Shape::Names,
        "All of an error budget is spent, or some of it is left again.",
    ),
    Key::optional(
        "break_glass",
        Shape::Names,
        "Somebody breaks the glass. Left out: whoever hears of anything else here.",
    ),
    Key::optional("freeze", Shape::Names, "Somebody froze the environment, or thawed it."),
    Key::optional("drift", Shape::Names, "What runs is no longer what was declared.")
        .standing(Standing::Kept(None)),
    Key::optional("budget", Shape::Names, "Costs pass the budget.").standing(Standing::Kept(None)),
    Key::optional("secret_rotation", Shape::Names, "A secret was replaced, or is due.")
        .standing(Standing::Kept(None)),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::optional("notify", Shape::Map(KEYS), "Who is told of promotions."),
    ANYWHERE,
    "notify: { rolled_back: [slack, email] }\n",
)];

/// Who hears of what, by the sections of an environment joined with what it shares; what it does not say
/// is as the top of the file says it.
pub(crate) fn read(node: &Node, root: &Node) -> NotifyRules {
    let said = |section: &str, key: &str| {
        let at = |node: &Node| node.get(section).and_then(|it| it.get(key)).map(channels);
        at(node).or_else(|| at(root)).unwrap_or_default()
    };
    let spent = node.get("error_budget").and_then(|it| it.get("when_spent")).and_then(Node::text);
    let is_told = |one: &Occasion| *one != Occasion::ErrorBudget || spent != Some("nothing");
    let on = Occasion::RULED
        .into_iter()
        .filter(is_told)
        .map(|occasion| (occasion, said("notify", occasion.key())));
    let mut summary = said("communication", "summary");
    for channel in said("communication", "stakeholders") {
        if !summary.contains(&channel) {
            summary.push(channel);
        }
    }
    let before = as_production(node, root, "before").map(channels).unwrap_or_default();
    let customers = as_production(node, root, "customers").and_then(Node::text);
    NotifyRules {
        on: on.filter(|(_, channels)| !channels.is_empty()).collect(),
        summary,
        before,
        customers_on_rollback: customers == Some("on-rollback"),
    }
}

/// A key of `communication`: as the environment says it, else as the top of the file does for
/// production. Stakeholders and customers are not concerned by what happens before it.
pub(crate) fn as_production<'a>(node: &'a Node, root: &'a Node, key: &str) -> Option<&'a Node> {
    let at = |node: &'a Node| node.get("communication").and_then(|it| it.get(key));
    let is_production = node.get("tier").and_then(Node::text) == Some("production");
    at(node).or_else(|| at(root).filter(|_| is_production))
}

/// One name, or a list of them. Those that no notifier has were refused already.
fn channels(node: &Node) -> Vec<Name> {
    let one = node.text().into_iter();
    let names = one.chain(node.items().iter().filter_map(Node::text));
    names.filter_map(|name| Name::new(name).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occasion_has_a_key_and_every_other_key_is_listed_as_planned() {
        for key in KEYS {
            let is_told = Occasion::RULED.into_iter().any(|occasion| occasion.key() == key.name);
            assert_eq!(is_told, key.standing.is_none(), "{}", key.name);
        }
        for occasion in Occasion::RULED {
            assert!(KEYS.iter().any(|key| key.name == occasion.key()), "{}", occasion.key());
        }
    }
}
