//! When an environment is needed at all. When promotions may run is in `windows`.

use super::{SHARED, Section};
use crate::shape::{Default, Key, Shape, word};

/// The days of the week.
pub(crate) const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const ACTIVE: &[Key] = &[
    Key::new("days", Shape::List(&word(DAYS)), Default::Required, "Days of the week."),
    Key::new("hours", Shape::Hours, Default::Required, "Hours of those days."),
    Key::new("zone", Shape::Zone, Default::Is("UTC"), "The time zone of the hours."),
];

const KEYS: &[Key] = &[
    Key::new("active", Shape::Map(ACTIVE), Default::Required, "When it is needed."),
    Key::new(
        "off_hours",
        word(&["nothing", "shutdown", "scale-down"]),
        Default::Is("nothing"),
        "What happens at all other times.",
    ),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::apart(
    Key::optional("schedule", Shape::Map(KEYS), "When the environment is needed."),
    SHARED,
    "schedule: { active: { days: [mon, tue, wed, thu, fri], hours: 07:00-19:00 }, off_hours: shutdown }\n",
)];
