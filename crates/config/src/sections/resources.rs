//! What one copy of the service may use. It is a limit, so it refuses promotions until copies are
//! started under it. How many copies there are is the target's and scaling's.

use super::{LANE, Section};
use crate::shape::{Key, Shape, count};

/// Requests that one copy of a service may answer at the same time, at most.
const MOST_AT_ONCE: u64 = 100_000;

const KEYS: &[Key] = &[
    Key::optional("memory", Shape::Size, "Memory of one copy."),
    Key::optional("cpu", Shape::Processors, "Processors of one copy."),
    Key::optional("disk", Shape::Size, "Disk of one copy."),
    Key::optional("timeout", Shape::SomeTime, "How long one piece of work may take."),
    Key::optional(
        "concurrency",
        count(1, MOST_AT_ONCE),
        "Pieces of work that run at the same time, over all copies.",
    ),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::refuses(
    Key::optional("resources", Shape::Map(KEYS), "What one copy may use."),
    LANE,
    "resources: { memory: 512MB, timeout: 5m }\n",
)];
