//! What sends visitors to the releases. Everything but the kind belongs to the kind.

use towpath_ports::catalogue::{Family, FieldType};

use super::{LANE, Section};
use crate::shape::{Default, Key, Shape};

/// Keys beside the kind's own.
pub(crate) const KEYS: &[Key] = &[Key::new(
    "kind",
    Shape::Of(FieldType::Text),
    Default::Required,
    "Which adapter sends visitors.",
)];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::new(
        "router",
        Shape::Adapter(Family::Router, KEYS),
        Default::Absent,
        "What sends visitors to the releases. Left out: nothing is routed, and a promotion restarts \
         the service.",
    ),
    LANE,
    "router: { kind: towpath, listen: 127.0.0.1:3000 }\n",
)];
