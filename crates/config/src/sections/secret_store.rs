//! How an environment keeps all its secrets. Where a single one is kept is in `secrets`.

use towpath_ports::catalogue::Family;

use super::{SHARED, Section};
use crate::shape::{Default, FLAG, Key, Shape, TEXT, word};

/// Keys beside the kind's own.
pub(crate) const KEYS: &[Key] = &[
    Key::new("kind", TEXT, Default::Required, "Which store it is."),
    Key::optional("rotation", word(&["none", "manual", "automatic"]), "Who replaces secrets."),
    Key::optional("encryption", FLAG, "Whether secrets are encrypted where they are kept."),
    Key::optional(
        "access",
        Shape::List(&word(&["local", "iam", "mfa", "audit"])),
        "What stands before a secret.",
    ),
    Key::optional("hsm", FLAG, "Whether a hardware module holds the keys."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::kept(
    Key::optional(
        "secret_store",
        Shape::Adapter(Family::Secrets, KEYS),
        "How it keeps all its secrets.",
    ),
    SHARED,
    "secret_store: { kind: aws-secrets-manager, rotation: automatic, access: [iam, mfa] }\n",
)];
