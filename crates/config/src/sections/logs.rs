//! What becomes of logs. The level is the application's.

use super::{SHARED, Section};
use crate::shape::{Key, Shape, word};

const KEYS: &[Key] = &[
    Key::optional("size", Shape::Size, "How much is kept."),
    Key::optional("retention", Shape::SomeTime, "How long it is kept."),
    Key::optional("purge", word(&["manual", "automatic"]), "Who deletes what is older."),
    Key::optional(
        "archive",
        word(&["none", "cold-storage"]),
        "Where old logs go before they are deleted.",
    ),
    Key::optional("inspected", word(&["manual", "automatic"]), "Who looks through them."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::apart(
    Key::optional("logs", Shape::Map(KEYS), "What becomes of logs."),
    SHARED,
    "logs: { size: 100GB, retention: 30d, purge: automatic }\n",
)];
