//! What is copied for the day of a loss. Getting it back is in `recovery`.

use super::{SHARED, Section};
use crate::shape::{FLAG, Key, Shape};

const KEYS: &[Key] = &[
    Key::optional("every", Shape::SomeTime, "Time between two backups."),
    Key::optional("point_in_time", FLAG, "Whether any moment can be brought back."),
    Key::optional("keep", Shape::SomeTime, "How long a backup is kept."),
    Key::optional("tested_every", Shape::SomeTime, "Time after which one is brought back to see."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::apart(
    Key::optional("backups", Shape::Map(KEYS), "What is copied for the day of a loss."),
    SHARED,
    "backups: { every: 24h, point_in_time: true, keep: 30d }\n",
)];
