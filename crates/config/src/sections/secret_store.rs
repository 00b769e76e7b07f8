//! How an environment keeps all its secrets. Where a single one is kept is in `secrets`.

use towpath_ports::catalogue::Family;

use super::{SHARED, Section, Standing};
use crate::shape::{Default, FLAG, Key, Shape, TEXT, word};
use crate::tree::{Node, Scalar};

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
pub(crate) const SECTIONS: &[Section] = &[Section {
    standing: Standing::KeptUntilBuilt,
    ..Section::kept(
        Key::optional(
            "secret_store",
            Shape::Adapter(Family::Secrets, KEYS),
            "How it keeps all its secrets. Those that name no `kind` of their own are read there.",
        ),
        SHARED,
        "secret_store: { kind: aws-secrets-manager, rotation: automatic, access: [iam, mfa] }\n",
    )
}];

/// What is said of a store that this program would have to see to. That every reading of a secret is in
/// the journal is so (`access: [audit]`), and whoever may read a file decides the machine.
pub(crate) fn demands(store: &Node) -> Vec<&'static str> {
    let is = |key: &str, word: &str| store.get(key).and_then(Node::text) == Some(word);
    let asks = |key: &str| store.get(key).and_then(Node::scalar) == Some(Scalar::Flag(true));
    let ways = store.get("access").map(Node::items).unwrap_or_default();
    let all = [
        ("rotation", is("rotation", "automatic")),
        ("encryption", asks("encryption")),
        ("access", ways.iter().any(|way| matches!(way.text(), Some("iam" | "mfa")))),
        ("hsm", asks("hsm")),
    ];
    all.into_iter().filter(|(_, is_asked)| *is_asked).map(|(key, _)| key).collect()
}
