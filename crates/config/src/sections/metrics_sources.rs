//! Where figures come from that the router does not see. The names are the sources of alarms. What a kind can be told belongs to the kind.

use towpath_ports::catalogue::Family;

use super::{Section, TOP};
use crate::shape::{Default, Key, KeyRule, Shape, TEXT};

/// Keys beside the kind's own.
pub(crate) const KEYS: &[Key] =
    &[Key::new("kind", TEXT, Default::Required, "Which adapter it is.")];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::kept(
    Key::optional(
        "metrics_sources",
        Shape::MapOf(KeyRule::Name, &Shape::Adapter(Family::Metrics, KEYS)),
        "Where figures come from.",
    ),
    TOP,
    "metrics_sources:\n  prometheus: { kind: prometheus, url: \"http://prometheus:9090\" }\n",
)];
