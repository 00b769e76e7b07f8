//! What is different for one kind of change. What of it demands more than is carried out refuses.

use towpath_core::change_types::{ChangeTypes, TypeRules};
use towpath_core::matrix::Rollout;
use towpath_core::release::ChangeType;

use super::people::roles;
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
    Key::optional("purpose", TEXT, "What it is for.").standing(Standing::ForPeople),
    Key::optional("from_branch", TEXT, "The branch that such a change starts from.")
        .standing(Standing::Refuses),
    Key::optional("backport_to", TEXT, "The branch that it must reach afterwards.")
        .standing(Standing::Refuses),
    Key::optional(
        "skip",
        Shape::Names,
        "Environments before this one that it goes round: it must be verified in what comes before those.",
    ),
    Key::optional("rollout", Shape::Map(ROLLOUT), "How its traffic moves."),
    Key::optional("coordinate_with", ROLES, "Roles that must know before it starts.")
        .standing(Standing::Refuses),
    Key::optional("notify", Shape::Names, "Channels that are told of it.")
        .standing(Standing::Kept(None)),
    Key::optional("watch", Shape::Names, "Figures to watch afterwards.")
        .standing(Standing::Kept(None)),
];

const KEYS: &[Key] = &[
    Key::optional("feature", Shape::Map(TYPE), "Something new."),
    Key::optional("fix", Shape::Map(TYPE), "A fault repaired."),
    Key::optional("hotfix", Shape::Map(TYPE), "A fault repaired at once."),
    Key::optional("infrastructure", Shape::Map(TYPE), "What it runs on."),
    Key::optional("configuration", Shape::Map(TYPE), "How it is set up."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::optional("change_types", Shape::Map(KEYS), "What is different for one kind of change."),
    SHARED,
    "change_types:\n  hotfix: { from_branch: main, backport_to: develop }\n",
)];

/// What is different for each type, from the lane that may hold it, whose `shared` rollout holds for what
/// a type does not say.
pub(crate) fn read(
    lane: &Node,
    place: Place,
    shared: &Rollout,
    problems: &mut Problems,
) -> ChangeTypes {
    let section = lane.get("change_types");
    let mut all = ChangeTypes::new();
    for of_type in ChangeType::ALL {
        let Some(node) = section.and_then(|section| section.get(of_type.as_str())) else {
            continue;
        };
        let own = node.get("rollout");
        let rules = TypeRules {
            skip: roles(node.get("skip")).collect(),
            rollout: own.map(|own| rollout::of_type(own, place, shared, problems)),
        };
        if rules != TypeRules::default() {
            all.insert(of_type, rules);
        }
    }
    all
}
