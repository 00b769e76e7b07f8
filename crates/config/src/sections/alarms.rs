//! Thresholds that somebody is told of. Those that take a release back are the same thing in
//! `rollback.when.alarms`.

use super::{SHARED, Section};
use crate::shape::{Bound, Default, Key, Measure, Shape, TEXT};

/// The keys of one alarm.
pub(crate) const ALARM: &[Key] = &[
    Key::new("name", Shape::Name, Default::Required, "What it is called."),
    Key::optional(
        "source",
        Shape::Name,
        "A name from `metrics_sources`; left out, the only one there is.",
    ),
    Key::optional(
        "query",
        TEXT,
        "What the source is asked; `{version}`, `{service}` and `{environment}` stand for what is \
         judged.",
    ),
    Key::new(
        "is",
        Shape::Promise(Measure::Any, Bound::Either),
        Default::Required,
        "What raises it.",
    ),
    Key::new("for", Shape::SomeTime, Default::Is("1m"), "For how long that must hold."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::kept(
    Key::optional(
        "alarms",
        Shape::List(&Shape::Map(ALARM)),
        "Thresholds that somebody is told of.",
    ),
    SHARED,
    "alarms:\n  - { name: dead-letters, query: ApproximateNumberOfMessagesVisible, is: \"> 0\", for: 5m }\n",
)];
