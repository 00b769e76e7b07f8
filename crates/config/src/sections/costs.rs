//! What an environment may cost, line by line. Nothing here spends or saves.

use super::{ANYWHERE, Section, Standing};
use crate::shape::{Key, SHARE, Shape, word};

const STRATEGIES: &[&str] = &[
    "free",
    "free-tier",
    "sized-for-testing",
    "reserved",
    "spot",
    "cheaper-instances",
    "cold-archive",
    "off-hours-shutdown",
    "delete-unused",
];

const KEYS: &[Key] = &[
    Key::optional("compute", Shape::Money, "Machines and functions."),
    Key::optional("storage", Shape::Money, "Files and logs."),
    Key::optional("database", Shape::Money, "Databases."),
    Key::optional("cache", Shape::Money, "Caches."),
    Key::optional("queue", Shape::Money, "Queues."),
    Key::optional("network", Shape::Money, "Traffic and addresses."),
    Key::optional("monitoring", Shape::Money, "Metrics, logs and alarms."),
    Key::optional("security", Shape::Money, "Scanners and firewalls."),
    Key::optional("tools", Shape::Money, "Tools of development."),
    Key::optional("other", Shape::Money, "Everything else."),
    Key::optional("budget", Shape::Money, "What all lines together may cost."),
    Key::optional("strategy", Shape::List(&word(STRATEGIES)), "How costs are kept down."),
    Key::optional("reserved_savings", SHARE, "What reserving saves of the price on demand."),
    Key::optional(
        "delete_unused",
        word(&["never", "after-standby", "at-once"]),
        "When resources that nobody uses are deleted.",
    ),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section {
    standing: Standing::Kept(Some("budget")),
    ..Section::apart(
        Key::optional("costs", Shape::Map(KEYS), "What it may cost."),
        ANYWHERE,
        "costs: { compute: $50/month, storage: $20/month, budget: $70/month }\n",
    )
}];
