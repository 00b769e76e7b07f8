//! What the forge asks before a change may enter a branch. The forge holds these doors, not this
//! program: a check with `protection` compares page and forge.

use serde_json::Value;

use super::{Section, TOP};
use crate::shape::{FLAG, Key, KeyRule, Shape, TEXT, count};
use crate::tree::Node;

/// Most approvals that one change can ask for; the forges take no more than 6 to 10.
const MOST_APPROVALS: u64 = 20;

const KEYS: &[Key] = &[
    Key::optional("purpose", TEXT, "What the branch is for."),
    Key::optional("from", TEXT, "The branch that it starts from."),
    Key::optional("approvals", count(0, MOST_APPROVALS), "People who must approve a change."),
    Key::optional("status_checks", FLAG, "Whether the checks of a change must pass."),
    Key::optional("up_to_date", FLAG, "Whether a change must contain the newest commit."),
    Key::optional("code_owners", FLAG, "Whether the owners of the changed paths must approve."),
    Key::optional("signed_commits", FLAG, "Whether every commit must be signed."),
    Key::optional(
        "dismiss_stale_reviews",
        FLAG,
        "Whether an approval ends when new commits are pushed.",
    ),
];

/// Keys that are for people.
const FOR_PEOPLE: [&str; 2] = ["purpose", "from"];

/// What a change must show before it may enter the branch of this name; none when the matrix says
/// nothing of it.
pub(crate) fn rules(root: &Node, branch: &str) -> Option<Value> {
    let mut rules = root.get("branches")?.get(branch)?.to_json();
    let is_rule = |key: &String| !FOR_PEOPLE.contains(&key.as_str()) && !key.starts_with("x-");
    rules.as_object_mut()?.retain(|key, _| is_rule(key));
    Some(rules)
}

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::apart(
    Key::optional(
        "branches",
        Shape::MapOf(KeyRule::Branch, &Shape::Map(KEYS)),
        "Rules of the branches that releases come from, by branch or pattern.",
    ),
    TOP,
    "branches:\n  main: { approvals: 2, status_checks: true, code_owners: true, signed_commits: true }\n",
)];
