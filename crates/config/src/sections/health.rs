//! How an environment is probed. Whoever probes is elsewhere.

use towpath_core::matrix::Health;
use towpath_ports::catalogue::FieldType;

use super::{LANE, Section};
use crate::fields::Fields;
use crate::shape::{Default, Key, Place, Shape};
use crate::tree::Node;

/// The keys of `health`.
pub(crate) const KEYS: &[Key] = &[
    Key::new(
        "every",
        Shape::WordOrSpan(&["manual"]),
        Default::Is("1m"),
        "Time between two rounds, or `manual`: only when asked.",
    ),
    Key::new("timeout", Shape::SomeTime, Default::Is("5s"), "How long one answer may take."),
    Key::new(
        "retries",
        Shape::Of(FieldType::Count(1, 100)),
        Default::Is("3"),
        "Failures in a row after which health is lost; `status` shows the first one.",
    ),
    Key::new(
        "endpoints",
        Shape::Endpoints,
        Default::Absent,
        "Paths that must answer 2xx. Left out: nothing is probed.",
    ),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::new("health", Shape::Map(KEYS), Default::Absent, "How the environment is probed."),
    LANE,
    "health: { every: 1m, timeout: 10s, retries: 5, endpoints: [/health, /aws] }\n",
)];

/// The section with its defaults.
pub(crate) fn read(node: Option<&Node>, place: Place) -> Health {
    let fields = Fields::new(node, KEYS, place);
    let every = fields.text("every").filter(|text| text != "manual");
    Health {
        every: every.and_then(|text| text.parse().ok()),
        timeout: fields.span("timeout").unwrap_or_default(),
        retries: u32::try_from(fields.count("retries")).unwrap_or(1),
        endpoints: fields.texts("endpoints"),
    }
}
