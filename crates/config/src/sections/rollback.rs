//! When and by whom a release is taken back. The guard judges; this section gives it its limits.

use towpath_core::matrix::{RollbackPolicy, Signal};
use towpath_guard::Limits;
use towpath_ports::catalogue::FieldType;

use super::alarms::ALARM;
use super::order::{DECIDERS, decider};
use super::{LANE, Section, Standing};
use crate::fields::Fields;
use crate::limits;
use crate::shape::{Default, Key, Place, Shape, TEXT};
use crate::tree::Node;

const SIGNALS: &[&str] = &["security-incident", "business-impact"];

/// The keys of `rollback`.
pub(crate) const KEYS: &[Key] = &[
    Key::new(
        "mode",
        Shape::Of(FieldType::Word(DECIDERS)),
        Default::Is("manual"),
        "Whether a trigger acts after commit, or asks. Before commit it always acts.",
    ),
    Key::new(
        "within",
        Shape::Of(FieldType::Span),
        Default::Absent,
        "How long a rollback may take. Not measured yet.",
    )
    .standing(Standing::Kept(None)),
    Key::new("when", Shape::Map(WHEN), Default::Absent, "What takes a release back."),
    Key::optional("executor", TEXT, "What carries it out where that is not this program.")
        .standing(Standing::ForPeople),
    Key::optional("runbook", TEXT, "What people do beside it: a path or an address.")
        .standing(Standing::ForPeople),
    Key::optional("practised_every", Shape::SomeTime, "Time after which going back is practised.")
        .standing(Standing::Kept(None)),
];

/// The keys of `rollback.when`.
pub(crate) const WHEN: &[Key] = &[
    Key::new(
        "error_rate",
        Shape::ErrorLimit,
        Default::Is("> 5%"),
        "Share of failed requests that is too much (seed 000's trigger).",
    ),
    latency("latency_p50", "Median latency that is too much."),
    latency("latency_p90", "90th percentile of latency that is too much."),
    latency("latency_p95", "95th percentile of latency that is too much."),
    latency("latency_p99", "99th percentile of latency that is too much."),
    Key::new(
        "signals",
        Shape::List(&Shape::Of(FieldType::Word(SIGNALS))),
        Default::Absent,
        "Words of people and tools that take a release back.",
    ),
    Key::optional(
        "alarms",
        Shape::List(&Shape::Map(ALARM)),
        "Thresholds of metrics sources that take a release back.",
    )
    .standing(Standing::Refuses),
];

const fn latency(name: &'static str, doc: &'static str) -> Key {
    Key::new(name, Shape::LatencyLimit, Default::Absent, doc)
}

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::new("rollback", Shape::Map(KEYS), Default::Absent, "When a release is taken back."),
    LANE,
    "rollback:\n  mode: automatic\n  within: 5m\n  when: { error_rate: \"> 5%\", latency_p99: \"+20%\", \
     signals: [security-incident] }\n",
)];

/// The section with its defaults. `minimum_sample` comes from the rollout.
pub(crate) fn read(node: Option<&Node>, minimum_sample: u64, place: Place) -> RollbackPolicy {
    let fields = Fields::new(node, KEYS, place);
    let when = Fields::new(fields.given("when"), WHEN, place);
    let quantiles =
        [("latency_p50", 50), ("latency_p90", 90), ("latency_p95", 95), ("latency_p99", 99)];
    let latency = quantiles
        .iter()
        .filter_map(|(key, quantile)| Some(limits::latency_limit(&when.text(key)?)?.at(*quantile)));
    let named = when.texts("signals");
    let signals = Signal::ALL.into_iter().filter(|it| named.iter().any(|name| name == it.as_str()));
    RollbackPolicy {
        mode: decider(&fields, "mode"),
        within: fields.span("within"),
        limits: Limits {
            error_rate: when.text("error_rate").as_deref().and_then(limits::error_limit),
            latency: latency.collect(),
            minimum_sample,
        },
        signals: signals.collect(),
    }
}
