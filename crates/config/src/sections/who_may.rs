//! Which roles may do what with the program. Doors that the program does not hold are in `access`.

use super::{ANYWHERE, Section};
use crate::shape::{Key, ROLES, Shape};

const KEYS: &[Key] = &[
    Key::optional("promote", ROLES, "May promote into it."),
    Key::optional(
        "approve",
        ROLES,
        "May approve a plan, where the change type asks for no other role.",
    ),
    Key::optional("attest", ROLES, "May answer the questions that only people can."),
    Key::optional("rollback", ROLES, "May take a release back."),
    Key::optional("pause", ROLES, "May pause, resume and abort."),
    Key::optional("freeze", ROLES, "May stop promotions."),
    Key::optional("thaw", ROLES, "May let them go on."),
    Key::optional("signal", ROLES, "May report an incident."),
    Key::optional("lift_quarantine", ROLES, "May let a condemned release in again."),
    Key::optional("break_glass", ROLES, "May go past the rules, on the record."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::refuses(
    Key::optional("who_may", Shape::Map(KEYS), "Who may do what."),
    ANYWHERE,
    "who_may: { promote: [devops], rollback: [developer, devops] }\n",
)];
