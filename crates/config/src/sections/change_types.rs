//! What is different for one kind of change. What of it is a shorter way refuses nothing, for until
//! it is carried out the ordinary way holds; what demands more than that way does refuses.

use super::{SHARED, Section, Standing, rollout};
use crate::problem::Problems;
use crate::shape::{Key, Place, ROLES, Shape, TEXT, word};
use crate::tree::Node;

/// Words for the kinds of change (seed 004, approval matrix).
pub(crate) const TYPES: &[&str] = &["feature", "fix", "hotfix", "infrastructure", "configuration"];

const ROLLOUT: &[Key] = &[
    Key::optional("strategy", word(rollout::STRATEGIES), "The name of the shape."),
    Key::optional("steps", Shape::List(&Shape::Map(rollout::STEP)), "Rising weights."),
];

const TYPE: &[Key] = &[
    Key::optional("purpose", TEXT, "What it is for."),
    Key::optional("from_branch", TEXT, "The branch that such a change starts from.")
        .standing(Standing::Refuses),
    Key::optional("backport_to", TEXT, "The branch that it must reach afterwards.")
        .standing(Standing::Refuses),
    Key::optional("skip", Shape::Names, "Environments that it need not have been verified in."),
    Key::optional("rollout", Shape::Map(ROLLOUT), "How its traffic moves.")
        .standing(Standing::Refuses),
    Key::optional("coordinate_with", ROLES, "Roles that must know before it starts.")
        .standing(Standing::Refuses),
    Key::optional("notify", Shape::Names, "Channels that are told of it."),
    Key::optional("watch", Shape::Names, "Figures to watch afterwards."),
];

const KEYS: &[Key] = &[
    Key::optional("feature", Shape::Map(TYPE), "Something new."),
    Key::optional("fix", Shape::Map(TYPE), "A fault repaired."),
    Key::optional("hotfix", Shape::Map(TYPE), "A fault repaired at once."),
    Key::optional("infrastructure", Shape::Map(TYPE), "What it runs on."),
    Key::optional("configuration", Shape::Map(TYPE), "How it is set up."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::kept(
    Key::optional("change_types", Shape::Map(KEYS), "What is different for one kind of change."),
    SHARED,
    "change_types:\n  hotfix: { from_branch: main, backport_to: develop }\n",
)];

/// Checks the steps that each type has of its own, as those of the lane are.
pub(crate) fn check(node: Option<&Node>, place: Place, problems: &mut Problems) {
    let types = node.map(Node::entries).unwrap_or_default();
    for of_type in types.iter().filter(|it| !it.key.starts_with("x-")) {
        if let Some(own) = of_type.value.get("rollout") {
            rollout::check(own, place, problems);
        }
    }
}
