//! Where each secret is kept and how often it changes. Never a value: there is no key for one.

use towpath_ports::catalogue::Family;

use super::{ANYWHERE, Section};
use crate::shape::{FLAG, Key, KeyRule, Shape, TEXT, word};

/// Keys beside the kind's own.
pub(crate) const KEYS: &[Key] = &[
    Key::optional(
        "kind",
        TEXT,
        "Where this one is kept. Left out: in the environment's `secret_store`, under its own name.",
    ),
    Key::optional(
        "type",
        word(&["password", "api-key", "signing-key", "certificate", "token", "other"]),
        "What it is.",
    ),
    Key::optional("rotate_every", Shape::SomeTime, "Time after which it is replaced."),
    Key::optional(
        "renew_before",
        Shape::SomeTime,
        "Time before its end at which a certificate is renewed.",
    ),
    Key::optional("hsm", FLAG, "Whether a hardware module holds the key it is encrypted with."),
    Key::optional("logged", FLAG, "Whether every access to it is logged."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::kept(
    Key::optional(
        "secrets",
        Shape::MapOf(KeyRule::Variable, &Shape::Adapter(Family::Secrets, KEYS)),
        "Where each secret is kept; never its value.",
    ),
    ANYWHERE,
    "secrets:\n  TLS_KEY: { kind: file, path: /etc/towpath/api.key, rotate_every: 90d }\n",
)];
