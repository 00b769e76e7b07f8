//! The role that people and programs take to change this environment. Who may promote is in
//! `who_may`.

use super::{SHARED, Section};
use crate::shape::{FLAG, Key, Shape, TEXT, TEXTS, word};

const KEYS: &[Key] = &[
    Key::optional("role", TEXT, "The provider's name of the role."),
    Key::optional(
        "permissions",
        word(&["basic", "enhanced", "high", "maximum"]),
        "How much the role may do.",
    ),
    Key::optional("actions", TEXTS, "What the role may do, as the provider names it."),
    Key::optional("policy", TEXT, "The provider's name of the policy that bounds the role."),
    Key::optional("mfa", FLAG, "Whether taking the role asks for a second factor."),
    Key::optional("session", Shape::SomeTime, "How long one taking lasts."),
    Key::optional("sign_in", word(&["none", "password", "oidc"]), "How one proves who one is."),
    Key::optional(
        "unattended_role",
        TEXT,
        "The role without a second factor that goes back at night, and may do no more.",
    ),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::kept(
    Key::optional("iam", Shape::Map(KEYS), "The role it runs under."),
    SHARED,
    "iam: { role: StagingRole, permissions: high, mfa: true, session: 30m }\n",
)];
