//! The role that people and programs take to change this environment, and how long somebody who signed in at the
//! server may give orders there. Who may promote is in `who_may`.

use super::{SHARED, Section, Standing};
use crate::shape::{FLAG, Key, Shape, TEXT, TEXTS, word};

const KEYS: &[Key] = &[
    Key::optional("role", TEXT, "The provider's name of the role.").standing(Standing::Kept(None)),
    Key::optional(
        "permissions",
        word(&["basic", "enhanced", "high", "maximum"]),
        "How much the role may do.",
    )
    .standing(Standing::Kept(None)),
    Key::optional("actions", TEXTS, "What the role may do, as the provider names it.")
        .standing(Standing::Kept(None)),
    Key::optional("policy", TEXT, "The provider's name of the policy that bounds the role.")
        .standing(Standing::Kept(None)),
    Key::optional(
        "mfa",
        FLAG,
        "Whether whoever signed in shows a second factor before an order that could do harm.",
    ),
    Key::optional(
        "session",
        Shape::SomeTime,
        "How long after signing in somebody may give orders; an hour where nothing is said.",
    ),
    Key::optional(
        "sign_in",
        word(&["none", "password", "oidc"]),
        "`oidc`: whoever signed in gives orders that could do harm only after signing in at the provider of OpenID Connect.",
    ),
    Key::optional(
        "unattended_role",
        TEXT,
        "The role without a second factor that goes back at night, and may do no more.",
    )
    .standing(Standing::Kept(None)),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::optional("iam", Shape::Map(KEYS), "The role it runs under, and how one signs in."),
    SHARED,
    "iam: { role: StagingRole, permissions: high, mfa: true, session: 30m }\n",
)];
