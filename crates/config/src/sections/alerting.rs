//! Who hears of trouble, how fast. What is watched is in `monitoring`, what rolls back in
//! `rollback`.

use super::{SHARED, Section};
use crate::shape::{Key, Shape, word};

const ANSWER: Shape = word(&["page", "ticket", "log", "report", "nothing"]);

const SEVERITIES: &[Key] = &[
    Key::optional("critical", ANSWER, "What a critical alert does."),
    Key::optional("high", ANSWER, "What a high alert does."),
    Key::optional("medium", ANSWER, "What a medium alert does."),
    Key::optional("low", ANSWER, "What a low alert does."),
];

const KEYS: &[Key] = &[
    Key::optional(
        "level",
        word(&["none", "basic", "medium", "high", "critical"]),
        "How much of it there is.",
    ),
    Key::optional("channels", Shape::Names, "Names from `notifiers`."),
    Key::optional("escalation", word(&["manual", "automatic"]), "Who calls the next person."),
    Key::optional("respond_within", Shape::SomeTime, "Time in which somebody should answer."),
    Key::optional("severities", Shape::Map(SEVERITIES), "What an alert does, by how bad it is."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::kept(
    Key::optional("alerting", Shape::Map(KEYS), "Who hears of trouble."),
    SHARED,
    "alerting: { level: high, escalation: automatic, respond_within: 15m }\n",
)];
