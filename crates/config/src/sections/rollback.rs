//! When and by whom a release is taken back. The guard judges; this section gives it its limits.

use towpath_core::ids::Name;
use towpath_core::matrix::{AdapterSpec, Alarm, RollbackPolicy, Signal};
use towpath_core::units::Span;
use towpath_guard::Limits;
use towpath_ports::catalogue::FieldType;

use super::alarms::ALARM;
use super::order::{DECIDERS, decider};
use super::{LANE, Section, Standing};
use crate::fields::Fields;
use crate::lane::Reading;
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
        "Share of failed requests that is too much.",
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
    .standing(Standing::Enforced),
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
        alarms: Vec::new(),
    }
}

/// The thresholds of metrics sources that take a release back. One that nobody can be asked about is
/// among what is not enforced, because a release would stay that it should take back.
pub(crate) fn alarms(
    node: Option<&Node>,
    place: Place,
    prefix: &str,
    reading: &mut Reading<'_>,
) -> Vec<Alarm> {
    let when = node.and_then(|rollback| rollback.get("when"));
    let items = when.and_then(|when| when.get("alarms")).map(Node::items).unwrap_or_default();
    let mut alarms = Vec::new();
    for item in items {
        let fields = Fields::new(Some(item), ALARM, place);
        let Some(name) = fields.text("name").and_then(|text| Name::new(&text).ok()) else {
            continue;
        };
        match asked(&fields, reading) {
            Ok(Some((source, adapter, query))) => {
                let (Some(is), Some(held_for)) = (fields.text("is"), fields.span("for")) else {
                    continue;
                };
                let held_for = held_for.max(Span(1));
                alarms.push(Alarm { name, source, adapter, query, is, held_for });
            }
            Ok(None) => {}
            Err(reason) => {
                let path = format!("{prefix}.rollback.when.alarms.{name}");
                reading.not_enforced(path, reason, true);
            }
        }
    }
    alarms
}

/// Who is asked what; none where the source was refused or is unknown, which is told elsewhere.
///
/// # Errors
/// In a few words, why nobody can be asked.
fn asked(
    fields: &Fields<'_>,
    reading: &Reading<'_>,
) -> Result<Option<(Name, AdapterSpec, String)>, String> {
    let sources = &reading.sources;
    let (name, source) = match fields.text("source") {
        Some(text) => {
            let named = Name::new(&text).ok();
            let Some(found) = named.as_ref().and_then(|name| sources.get_key_value(name)) else {
                return Ok(None);
            };
            found
        }
        None => match (sources.first_key_value(), sources.len()) {
            (Some(only), 1) => only,
            (None, _) => return Err("`metrics_sources` names nobody to ask".to_owned()),
            (Some(_), _) => return Err("`source` does not say who is asked".to_owned()),
        },
    };
    let adapter = source.clone()?;
    if !reading.hands_out(&adapter.kind, "gauges") {
        return Err(format!(
            "metrics source `{}` counts requests and measures nothing",
            adapter.kind
        ));
    }
    let query = fields.text("query").ok_or("`query` does not say what is asked")?;
    Ok(Some((name.clone(), adapter, query)))
}
