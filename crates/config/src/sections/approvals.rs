//! Who must agree to a plan, by the kind of change. Counting and signing are elsewhere.

use super::{SHARED, Section};
use crate::shape::{Default, FLAG, Key, KeyRule, Shape, count};

/// People that one role can be asked for.
const MOST_PEOPLE: u64 = 20;

const COUNTS: Shape = Shape::MapOf(KeyRule::Name, &count(1, MOST_PEOPLE));

const KEYS: &[Key] = &[
    Key::optional("all", COUNTS, "For every change, beside what its own type asks."),
    Key::optional("feature", COUNTS, "Something new: roles, and how many people of each."),
    Key::optional("fix", COUNTS, "A fault repaired: roles, and how many people of each."),
    Key::optional(
        "hotfix",
        COUNTS,
        "A fault repaired at once: roles, and how many people of each.",
    ),
    Key::optional("infrastructure", COUNTS, "What it runs on: roles, and how many people of each."),
    Key::optional("configuration", COUNTS, "How it is set up: roles, and how many people of each."),
    Key::new("expires", Shape::SomeTime, Default::Is("72h"), "How long a yes holds."),
    Key::optional(
        "remind_every",
        Shape::SomeTime,
        "Time after which those who can agree are told again.",
    ),
    Key::optional("code_owners", FLAG, "Whether the owners of the changed paths must agree."),
    Key::optional(
        "author_may_approve",
        FLAG,
        "Whether who made the release, or promotes it, may agree. Left out: not in staging and production.",
    ),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::refuses(
    Key::optional("approvals", Shape::Map(KEYS), "Who must agree."),
    SHARED,
    "approvals:\n  feature: { developer: 2, business: 1 }\n  hotfix: { senior-developer: 1, business: 1 }\n",
)];
