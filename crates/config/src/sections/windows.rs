//! When promotions may run, and when none may. Rollbacks are exempt from both.

use super::change_types::TYPES;
use super::schedule::DAYS;
use super::{ANYWHERE, Section};
use crate::shape::{Default, Key, Shape, TEXT, word};

const ZONE: Key =
    Key::new("zone", Shape::Zone, Default::Is("UTC"), "The time zone of days and hours.");

const WINDOW: &[Key] = &[
    Key::optional("name", TEXT, "What it is called."),
    Key::new("days", Shape::List(&word(DAYS)), Default::Required, "Days of the week."),
    Key::new("hours", Shape::Hours, Default::Is("00:00-23:59"), "Hours of those days."),
    ZONE,
    Key::optional("for", Shape::List(&word(TYPES)), "Change types it holds for; left out, all."),
];

/// Keys of one freeze.
pub(crate) const FREEZE: &[Key] = &[
    Key::optional("name", TEXT, "What it is called."),
    Key::optional("reason", TEXT, "Why."),
    Key::optional("from", Shape::Date, "The first day."),
    Key::optional("until", Shape::Date, "The last day."),
    Key::optional("days", Shape::List(&word(DAYS)), "Days of the week, every week."),
    ZONE,
    Key::optional("except", Shape::List(&word(TYPES)), "Change types that may pass."),
];

/// The two sections.
pub(crate) const SECTIONS: &[Section] = &[
    Section::refuses(
        Key::optional("windows", Shape::List(&Shape::Map(WINDOW)), "When promotions may run."),
        ANYWHERE,
        "windows:\n  - { days: [mon, tue, wed, thu], hours: 09:00-16:00, zone: Europe/Berlin }\n",
    ),
    Section::refuses(
        Key::optional("freezes", Shape::List(&Shape::Map(FREEZE)), "When no promotion may run."),
        ANYWHERE,
        "freezes:\n  - { name: year end, from: 2027-12-20, until: 2028-01-02 }\n",
    ),
];
