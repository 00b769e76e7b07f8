//! What a team holds itself to over all environments. What one environment promises is in `slo`.

use super::{Section, TOP};
use crate::shape::{Bound, FLAG, Key, Measure, Shape};

const KEYS: &[Key] = &[
    Key::optional(
        "promotion_success_rate",
        Shape::Promise(Measure::Share, Bound::AtLeast),
        "Promotions that end well, of all that started.",
    ),
    Key::optional(
        "promotion_time",
        Shape::Promise(Measure::Time, Bound::AtMost),
        "From the start of a promotion to its end.",
    ),
    Key::optional(
        "rollback_success_rate",
        Shape::Promise(Measure::Share, Bound::AtLeast),
        "Rollbacks that end well, of all that started.",
    ),
    Key::optional(
        "rollback_time",
        Shape::Promise(Measure::Time, Bound::AtMost),
        "From the order to go back until all visitors are back.",
    ),
    Key::optional(
        "validation_time",
        Shape::Promise(Measure::Time, Bound::AtMost),
        "All checks of a validation together.",
    ),
    Key::optional(
        "environment_uptime",
        Shape::Promise(Measure::Share, Bound::AtLeast),
        "Probes that were answered, in every environment.",
    ),
    Key::optional(
        "environments_operational",
        Shape::Promise(Measure::Share, Bound::AtLeast),
        "Environments that work.",
    ),
    Key::optional(
        "response_time",
        Shape::Promise(Measure::Time, Bound::AtMost),
        "Mean time of an answer.",
    ),
    Key::optional(
        "error_rate",
        Shape::Promise(Measure::Share, Bound::AtMost),
        "Requests that fail.",
    ),
    Key::optional(
        "automation",
        Shape::Promise(Measure::Share, Bound::AtLeast),
        "Promotions in which no hand did a machine's work.",
    ),
    Key::optional(
        "resource_utilization",
        Shape::Promise(Measure::Share, Bound::AtLeast),
        "Use of what is paid for.",
    ),
    Key::optional(
        "waste",
        Shape::Promise(Measure::Share, Bound::AtMost),
        "Cost of what nobody uses.",
    ),
    Key::optional(
        "savings",
        Shape::Promise(Measure::Share, Bound::AtLeast),
        "What optimising saves.",
    ),
    Key::optional(
        "security_compliance",
        Shape::Promise(Measure::Share, Bound::AtLeast),
        "Environments that keep their security rules.",
    ),
    Key::optional(
        "vulnerability_detection_time",
        Shape::Promise(Measure::Time, Bound::AtMost),
        "From its publication until a weakness is known here.",
    ),
    Key::optional(
        "access_control_monitored",
        Shape::Promise(Measure::Share, Bound::AtLeast),
        "Doors whose use is watched.",
    ),
    Key::optional(
        "audit_compliance",
        Shape::Promise(Measure::Share, Bound::AtLeast),
        "Decisions that can be proved afterwards.",
    ),
    Key::optional("within_budget", FLAG, "Whether every environment keeps its budget."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::apart(
    Key::optional("goals", Shape::Map(KEYS), "What we hold ourselves to, over all environments."),
    TOP,
    "goals: { promotion_time: \"< 30m\", promotion_success_rate: \"> 95%\" }\n",
)];
