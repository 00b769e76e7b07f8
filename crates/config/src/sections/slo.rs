//! What an environment promises its users. What is done when it is broken is in `rollback` and
//! `error_budget`.

use super::{SHARED, Section, Standing};
use crate::shape::{Bound, Key, Measure, Shape};

const KEYS: &[Key] = &[
    Key::optional(
        "uptime",
        Shape::Promise(Measure::Share, Bound::AtLeast),
        "Probes that are answered.",
    ),
    Key::optional(
        "availability",
        Shape::Promise(Measure::Share, Bound::AtLeast),
        "Requests that are answered.",
    ),
    Key::optional(
        "error_rate",
        Shape::Promise(Measure::Share, Bound::AtMost),
        "Requests that fail.",
    ),
    Key::optional(
        "latency_average",
        Shape::Promise(Measure::Time, Bound::AtMost),
        "Mean time of an answer.",
    ),
    Key::optional(
        "latency_p50",
        Shape::Promise(Measure::Time, Bound::AtMost),
        "Time in which half of the requests are answered.",
    ),
    Key::optional(
        "latency_p90",
        Shape::Promise(Measure::Time, Bound::AtMost),
        "Time in which 90% of the requests are answered.",
    ),
    Key::optional(
        "latency_p95",
        Shape::Promise(Measure::Time, Bound::AtMost),
        "Time in which 95% of the requests are answered.",
    ),
    Key::optional(
        "latency_p99",
        Shape::Promise(Measure::Time, Bound::AtMost),
        "Time in which 99% of the requests are answered.",
    ),
    Key::optional(
        "throughput",
        Shape::Promise(Measure::Rate, Bound::AtLeast),
        "Requests that it bears.",
    )
    .standing(Standing::Kept(None)),
    Key::optional(
        "window",
        Shape::SomeTime,
        "Time over which all of it is counted, 35 days at most. Left out: 30 days.",
    ),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section {
    touches_promotions: false,
    ..Section::enforced(
        Key::optional(
            "slo",
            Shape::Map(KEYS),
            "What is promised, and held against all that is counted.",
        ),
        SHARED,
        "slo: { availability: \">= 99.9%\", latency_p99: \"< 500ms\", error_rate: \"< 0.5%\" }\n",
    )
}];
