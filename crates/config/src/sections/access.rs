//! Doors that others hold: databases, shells, secrets, code. They restrict people, not promotions,
//! so they refuse none; what the program holds itself is in `who_may`.

use super::{ANYWHERE, Section};
use crate::shape::{FLAG, Key, ROLES, Shape, TEXT, TEXTS, word};

const DOOR: &[Key] = &[
    Key::optional(
        "level",
        word(&["none", "test", "limited", "read-only", "full", "emergency"]),
        "How far the door opens.",
    ),
    Key::optional("by", ROLES, "Who may go through; left out, everybody on the team."),
    Key::optional("via", TEXT, "The way: a bastion host, a key vault, a pull request."),
    Key::optional("approval", FLAG, "Whether somebody must agree each time."),
    Key::optional("logged", FLAG, "Whether each use is logged."),
    Key::optional("log_to", TEXT, "Where it is logged."),
    Key::optional("log_fields", TEXTS, "What of a use is logged."),
];

const KEYS: &[Key] = &[
    Key::optional("environment", Shape::Map(DOOR), "The environment as a whole."),
    Key::optional("features", Shape::Map(DOOR), "What it offers to its users."),
    Key::optional("code", Shape::Map(DOOR), "What releases are made from."),
    Key::optional("api", Shape::Map(DOOR), "Its interface."),
    Key::optional("database", Shape::Map(DOOR), "Its database."),
    Key::optional("data", Shape::Map(DOOR), "Real data of another environment."),
    Key::optional("secrets", Shape::Map(DOOR), "Its secrets."),
    Key::optional("shell", Shape::Map(DOOR), "A shell on its machines."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::apart(
    Key::optional(
        "access",
        Shape::Map(KEYS),
        "Who may reach what, through doors that others hold.",
    ),
    ANYWHERE,
    "access: { shell: { level: emergency, via: bastion host, approval: true, logged: true } }\n",
)];
