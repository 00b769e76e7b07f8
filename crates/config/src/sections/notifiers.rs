//! How people are told. The names are the channels of `alerting`, `notify` and `communication`. What a kind can be told belongs to the kind.

use towpath_ports::catalogue::Family;

use super::{Section, TOP};
use crate::shape::{Default, Key, KeyRule, Shape, TEXT};

/// Keys beside the kind's own.
pub(crate) const KEYS: &[Key] =
    &[Key::new("kind", TEXT, Default::Required, "Which adapter it is.")];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::kept(
    Key::optional(
        "notifiers",
        Shape::MapOf(KeyRule::Name, &Shape::Adapter(Family::Notifier, KEYS)),
        "How we are told.",
    ),
    TOP,
    "notifiers:\n  slack: { kind: webhook, template: slack, url_secret: SLACK_URL }\n",
)];
