//! What is different for one kind of change. What of it demands more than is carried out refuses.

use serde_json::json;
use towpath_core::change_types::{ChangeTypes, TypeRules};
use towpath_core::debts::{Owes, REVIEW_WITHIN};
use towpath_core::ids::Name;
use towpath_core::matrix::{CheckSpec, Rollout, Tier};
use towpath_core::release::ChangeType;

use super::people::roles;
use super::{SHARED, Section, Standing, branches, rollout, windows};
use crate::fields::Fields;
use crate::lane::Reading;
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
    Key::optional(
        "from_branch",
        TEXT,
        "The branch that such a change is made on or cut from, as the git repository around the matrix \
         tells.",
    ),
    Key::optional(
        "paths",
        Shape::List(&TEXT),
        "Files, as patterns, by which a release is of this type where nobody says its type: one that changes \
         any of them since the release before it. Those of all environments count together.",
    ),
    Key::optional(
        "evidence",
        Shape::Names,
        "Files that it brings with it (`release create --evidence NAME=FILE`), such as the output of a plan: \
         without them it does not enter, and whoever agrees agrees to these.",
    ),
    Key::optional(
        "backport_to",
        TEXT,
        "The branch that it must reach afterwards. Owed until a release from there has it.",
    ),
    Key::optional(
        "review_within",
        Shape::SomeTime,
        "Time within which somebody else looks at it afterwards. Left out: 24h for a hotfix in staging and production, and beside a `blocks` that waits for no backport.",
    ),
    Key::optional(
        "blocks",
        Shape::List(&word(TYPES)),
        "Types of change that may not enter here while such a review or backport is owed.",
    ),
    Key::optional(
        "skip",
        Shape::Names,
        "Environments before this one that it goes round: it must be verified in what comes before those.",
    ),
    Key::optional("rollout", Shape::Map(ROLLOUT), "How its traffic moves."),
    Key::optional(
        "coordinate_with",
        ROLES,
        "Roles that must know before it starts: one of each says so by agreeing to the plan.",
    ),
    Key::optional("notify", Shape::Names, "Channels that hear of each, beside those of `notify`."),
    Key::optional(
        "watch",
        Shape::Names,
        "What is watched while such a change comes in and afterwards: names of `rollback.when.alarms`. A name \
         of which there is no alarm is for people, and listed.",
    ),
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
/// a type does not say, and in whose gate names are `taken`.
pub(crate) fn read(
    lane: &Node,
    place: Place,
    shared: &Rollout,
    taken: &[CheckSpec],
    problems: &mut Problems,
) -> ChangeTypes {
    let section = lane.get("change_types");
    let mut all = ChangeTypes::new();
    for of_type in ChangeType::ALL {
        let node = section.and_then(|section| section.get(of_type.as_str()));
        let own = node.and_then(|node| node.get("rollout"));
        let rules = TypeRules {
            skip: roles(node.and_then(|it| it.get("skip"))).collect(),
            rollout: own.map(|own| rollout::of_type(own, place, shared, problems)),
            notify: roles(node.and_then(|it| it.get("notify"))).collect(),
            owes: owes(of_type, node, place),
            paths: texts(node.and_then(|it| it.get("paths"))).collect(),
            asks: asks(node, place, taken),
        };
        if rules != TypeRules::default() {
            all.insert(of_type, rules);
        }
    }
    all
}

fn texts(list: Option<&Node>) -> impl Iterator<Item = String> {
    let items = list.map(Node::items).unwrap_or_default();
    items.iter().filter_map(|item| item.text().map(str::to_owned))
}

/// What such a change is asked before the gate, in which names are `taken`.
fn asks(node: Option<&Node>, place: Place, taken: &[CheckSpec]) -> Vec<CheckSpec> {
    let from = Fields::new(node, TYPE, place).text("from_branch");
    let made = |branch: String| branches::cut_from(&format!("Made from {branch}"), &branch, taken);
    let mut all: Vec<CheckSpec> = from.map(made).into_iter().collect();
    for name in roles(node.and_then(|it| it.get("evidence"))) {
        let settings = json!({ "evidence": name });
        all.push(branches::asked(&format!("Brings {name}"), "brings", settings, taken));
    }
    all
}

/// What is owed for such a change once it serves.
fn owes(of_type: ChangeType, node: Option<&Node>, place: Place) -> Option<Owes> {
    let fields = Fields::new(node, TYPE, place);
    let at_stake = matches!(place.tier, Tier::Staging | Tier::Production);
    let by_itself = (of_type == ChangeType::Hotfix && at_stake).then_some(REVIEW_WITHIN);
    let (backport_to, blocks) = (fields.text("backport_to"), windows::types(&fields, "blocks"));
    // What blocks until something is done wants something that can be done.
    let implied = (backport_to.is_none() && !blocks.is_empty()).then_some(REVIEW_WITHIN);
    let review_within = fields.span("review_within").or(by_itself).or(implied);
    let owes = Owes { review_within, backport_to, blocks };
    (owes.review_within.is_some() || owes.backport_to.is_some()).then_some(owes)
}

/// Lists what is to be watched and what no alarm of the lane asks about. `path` is the lane's.
pub(crate) fn list_unwatched(lane: &Node, path: &str, reading: &mut Reading<'_>) {
    let section = lane.get("change_types");
    let when = lane.get("rollback").and_then(|it| it.get("when"));
    let alarms = when.and_then(|it| it.get("alarms")).map(Node::items).unwrap_or_default();
    let alarms: Vec<&str> = alarms.iter().filter_map(|it| it.get("name")?.text()).collect();
    for of_type in ChangeType::ALL {
        let of_type = of_type.as_str();
        let watched = section.and_then(|it| it.get(of_type)).and_then(|it| it.get("watch"));
        for name in roles(watched).filter(|name| !alarms.contains(&name.as_str())) {
            let reason = format!("`rollback.when.alarms` has no alarm called `{name}`");
            let path = format!("{path}.change_types.{of_type}.watch.{name}");
            reading.not_enforced(path, reason, false);
        }
    }
}

/// The roles that must know of such a change before it starts, by type.
pub(crate) fn to_coordinate(lane: &Node) -> impl Iterator<Item = (ChangeType, Vec<Name>)> {
    let section = lane.get("change_types");
    ChangeType::ALL.into_iter().filter_map(move |of_type| {
        let said = section?.get(of_type.as_str())?.get("coordinate_with")?;
        Some((of_type, roles(Some(said)).collect()))
    })
}
