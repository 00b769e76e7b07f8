//! Who hears of a promotion as a piece of work: before it, after it, and in reports. Single events
//! are in `notify`. Whom a promotion must wait for refuses it until somebody is really asked.

use towpath_ports::catalogue::FieldType;

use super::{Section, Standing, Where};
use crate::shape::{Default, Key, ROLES, Shape, word};

const STATUS_PAGE: &[Key] = &[
    Key::new("url", Shape::Of(FieldType::Url), Default::Required, "The page."),
    Key::new(
        "for",
        Shape::List(&word(&["all", "major", "rollbacks", "incidents"])),
        Default::Is("[major, rollbacks]"),
        "What is announced on it.",
    ),
];

const REPORTS: &[Key] = &[
    Key::optional("daily", Shape::Names, "Channels that get a report every day."),
    Key::optional("weekly", Shape::Names, "Channels that get a report every week."),
    Key::optional("monthly", Shape::Names, "Channels that get a report every month."),
    Key::optional("quarterly", Shape::Names, "Channels that get a report every quarter."),
];

const KEYS: &[Key] = &[
    Key::optional(
        "stakeholders",
        Shape::Names,
        "Channels of those whose business it is; they get what `summary` sends.",
    ),
    Key::optional("before", Shape::Names, "Channels that are told before a promotion starts.")
        .standing(Standing::Refuses),
    Key::optional(
        "summary",
        Shape::Names,
        "Channels that get a summary when a promotion that took effect has ended.",
    ),
    Key::optional("status_page", Shape::Map(STATUS_PAGE), "The public page.")
        .standing(Standing::Kept(None)),
    Key::optional(
        "customers",
        word(&["never", "on-rollback", "on-incident"]),
        "When customers are told.",
    )
    .standing(Standing::Kept(None)),
    Key::optional("available", ROLES, "Roles that must be reachable while a promotion runs.")
        .standing(Standing::Refuses),
    Key::optional("reports", Shape::Map(REPORTS), "Regular reports.")
        .standing(Standing::Kept(None)),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::optional("communication", Shape::Map(KEYS), "Who hears of promotions, and when."),
    &[Where::Top, Where::Environment],
    "communication: { before: [slack], summary: [email], available: [devops] }\n",
)];
