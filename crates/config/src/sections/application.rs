//! How the application is set up, in words of this file. What it reads itself are its `settings`.

use super::{SHARED, Section};
use crate::shape::{FLAG, Key, Shape, word};

const KEYS: &[Key] = &[
    Key::optional(
        "log_level",
        word(&["trace", "debug", "info", "warn", "error"]),
        "The least level that is logged.",
    ),
    Key::optional("debug", FLAG, "Whether debugging is on."),
    Key::optional("metrics", FLAG, "Whether it hands out metrics."),
    Key::optional("alerts", FLAG, "Whether it raises alerts."),
    Key::optional("cache", FLAG, "Whether it uses its cache."),
    Key::optional("request_timeout", Shape::SomeTime, "How long one request may take."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::kept(
    Key::optional("application", Shape::Map(KEYS), "How the application is set up."),
    SHARED,
    "application: { log_level: warn, debug: false, metrics: true, alerts: true }\n",
)];
