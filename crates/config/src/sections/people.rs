//! Who we are. Rules name roles; only here persons have names. Who may do what is elsewhere.

use super::{Section, Standing, TOP};
use crate::shape::{Default, FLAG, Key, KeyRule, PATH, ROLES, Shape, TEXT};

const KEYS: &[Key] = &[
    Key::optional("name", TEXT, "The person's name."),
    Key::optional("email", TEXT, "Where the person reads mail."),
    Key::optional("key", PATH, "The public key that the person signs with."),
    Key::new("roles", ROLES, Default::Required, "What the person may speak for."),
    Key::new(
        "bot",
        FLAG,
        Default::Is("false"),
        "Whether this is a program: its word never counts as a person's.",
    )
    .standing(Standing::RefusesWhen("true")),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::kept(
    Key::optional(
        "people",
        Shape::MapOf(KeyRule::Name, &Shape::Map(KEYS)),
        "Who we are, and with which roles.",
    ),
    TOP,
    "people:\n  ada: { name: Ada Moreau, key: keys/ada.pub, roles: [developer, lead-developer] }\n",
)];
