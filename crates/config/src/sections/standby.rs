//! How long the old release is kept ready after commit.

use towpath_core::matrix::Tier;
use towpath_core::units::Span;
use towpath_ports::catalogue::FieldType;

use super::{LANE, Section};
use crate::fields::Fields;
use crate::shape::{Default, Key, Place, Shape};
use crate::tree::Node;

const KEY: Key = Key::new(
    "standby",
    Shape::Of(FieldType::Span),
    Default::By(
        default,
        "24h in production and 1h in staging where a router sends visitors, else 0s",
    ),
    "How long the old release is kept at full capacity after commit; 0s keeps none.",
);

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(KEY, LANE, "standby: 24h\n")];

fn default(place: Place) -> &'static str {
    match place.tier {
        Tier::Production if place.routed => "24h",
        Tier::Staging if place.routed => "1h",
        _ => "0s",
    }
}

/// The time, from the lane that may hold it.
pub(crate) fn read(lane: &Node, place: Place) -> Span {
    Fields::new(Some(lane), &[KEY], place).span("standby").unwrap_or_default()
}
