//! How an environment comes back after a loss, and how fast. Going back to an older release is
//! another thing: `rollback`.

use super::{SHARED, Section};
use crate::shape::{Bound, Default, FLAG, Key, Measure, Shape, TEXT, word};

const KEYS: &[Key] = &[
    Key::new(
        "method",
        word(&["rebuild", "restore", "failover"]),
        Default::Required,
        "How it comes back.",
    ),
    Key::optional("required", FLAG, "Whether anybody depends on it coming back."),
    Key::optional("from", TEXT, "What it comes back from."),
    Key::optional(
        "rto",
        Shape::Promise(Measure::Time, Bound::AtMost),
        "Time until it works again.",
    ),
    Key::optional(
        "rpo",
        Shape::Promise(Measure::Time, Bound::AtMost),
        "Time whose changes may be lost.",
    ),
    Key::optional("rehearsed_every", Shape::SomeTime, "Time after which it is rehearsed."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::apart(
    Key::optional("recovery", Shape::Map(KEYS), "How it comes back after a loss."),
    SHARED,
    "recovery: { method: failover, rto: \"< 1h\", rpo: \"< 5m\" }\n",
)];
