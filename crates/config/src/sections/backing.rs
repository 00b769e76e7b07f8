//! What databases, storages, queues and caches have in common. The kinds are in their own files.

use crate::shape::{FLAG, Key, Shape, TEXT, Variant, word};

/// How closely something is watched.
pub(crate) const MONITORING: Shape = word(&["none", "basic", "medium", "high", "full"]);

/// Keys that all kinds share.
pub(crate) const COMMON: &[Key] = &[
    Key::optional("backup", FLAG, "Whether it is backed up."),
    Key::optional("encryption", FLAG, "Whether it is encrypted where it is kept."),
    Key::optional(
        "availability",
        word(&["single", "replicated", "multi-zone"]),
        "How it outlives the loss of a machine or a zone.",
    ),
    Key::optional("failover", word(&["none", "manual", "automatic"]), "Who moves it on a failure."),
    Key::optional("monitoring", MONITORING, "How closely it is watched."),
    Key::optional("logged", FLAG, "Whether every access to it is logged."),
];

/// Whatever has no kind of its own here.
pub(crate) const OTHER: Variant = Variant {
    name: "other",
    keys: &[Key::new("name", TEXT, crate::shape::Default::Required, "What it is, and its name.")],
    doc: "Anything that is none of the other kinds.",
};
