//! Checks that parse and do nothing yet. A matrix that names one refuses promotions until that is
//! accepted by name.

use towpath_ports::Kind;
use towpath_ports::catalogue::{Family, Field, FieldType, KindEntry};
use towpath_ports::check::Check;

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
