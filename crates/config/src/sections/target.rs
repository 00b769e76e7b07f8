//! What runs the releases of an environment. Owns the keys that all kinds share; the rest belongs
//! to the kind.

use towpath_ports::catalogue::{Family, FieldType};

use super::{LANE, Section};
use crate::fields::Fields;
use crate::shape::{Default, Key, Place, Shape};
use crate::tree::Node;

/// Most copies of one release; far above what one machine bears.
const MAX_INSTANCES: u64 = 1000;

/// Keys beside the kind's own.
pub(crate) const KEYS: &[Key] = &[
    Key::new("kind", Shape::Of(FieldType::Text), Default::Required, "Which adapter runs releases."),
    Key::new(
        "instances",
        Shape::Of(FieldType::Count(1, MAX_INSTANCES)),
        Default::Is("1"),
        "Copies of the release that carry all traffic.",
    ),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::new(
        "target",
        Shape::Adapter(Family::Target, KEYS),
        Default::Required,
        "What runs the releases.",
    ),
    LANE,
    "target: { kind: process, command: [node, dist/main.js], instances: 2 }\n",
)];

/// Copies of the release that carry all traffic.
pub(crate) fn instances(node: Option<&Node>, place: Place) -> u32 {
    u32::try_from(Fields::new(node, KEYS, place).count("instances")).unwrap_or(1).max(1)
}
