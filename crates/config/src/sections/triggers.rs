//! What in the forge makes a release come here. Without it nobody comes: what a verified release
//! does next is `promote`.

use super::{OWN, Section};
use crate::shape::{Default, Key, Shape, TEXT, word};

const KEYS: &[Key] = &[
    Key::new(
        "event",
        word(&["push", "merge", "tag", "release", "pull-request"]),
        Default::Required,
        "What happens in the forge.",
    ),
    Key::optional("branch", TEXT, "On which branch."),
    Key::optional("tag", TEXT, "Which tags, as a pattern."),
    Key::optional("service", Shape::Name, "Which service it releases."),
    Key::new("does", word(&["promote", "validate"]), Default::Is("promote"), "What follows."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::kept(
    Key::optional(
        "triggers",
        Shape::List(&Shape::Map(KEYS)),
        "What in the forge makes a release come here.",
    ),
    OWN,
    "triggers:\n  - { event: merge, branch: main }\n",
)];
