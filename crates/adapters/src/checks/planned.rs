//! Checks that parse and do nothing yet. A matrix that names one refuses promotions until that is
//! accepted by name.

use towpath_ports::Kind;
use towpath_ports::catalogue::{Family, Field, FieldType, KindEntry};
use towpath_ports::check::Check;

pub(super) const PERFORMANCE: Kind<dyn Check> = Kind::planned(KindEntry::planned(
    Family::Check,
    "performance",
    "A short load with limits on latency and errors.",
    "{ check: performance, url: \"{green}/\", latency_p95: \"< 300ms\" }",
    &[
        Field::required("url", FieldType::Url, "What is asked."),
        Field::optional("requests", FieldType::Count(1, 10_000_000), "Requests in all."),
        Field::optional("rate", FieldType::Count(1, 1_000_000), "Requests in each second."),
        Field::optional("duration", FieldType::Span, "How long it lasts."),
        Field::optional("latency_p50", FieldType::Condition, "The median latency."),
        Field::optional("latency_p90", FieldType::Condition, "The 90th percentile of latency."),
        Field::optional("latency_p95", FieldType::Condition, "The 95th percentile of latency."),
        Field::optional("latency_p99", FieldType::Condition, "The 99th percentile of latency."),
        Field::optional("error_rate", FieldType::Condition, "The share of failed requests."),
    ],
));
pub(super) const METRIC: Kind<dyn Check> = Kind::planned(KindEntry::planned(
    Family::Check,
    "metric",
    "A figure of a metrics source, held against a limit.",
    "{ check: metric, source: prometheus, query: up, is: \"= 1\" }",
    &[
        Field::required("source", FieldType::Name, "A name from `metrics_sources`."),
        Field::required("query", FieldType::Text, "What the source is asked."),
        Field::required("is", FieldType::Condition, "What must hold."),
        Field::optional("for", FieldType::Span, "For how long it must have held."),
    ],
));
