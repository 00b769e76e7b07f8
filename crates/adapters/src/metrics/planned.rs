//! Sources of figures that parse and do nothing yet; what names them is listed as not enforced.

use towpath_ports::catalogue::{Family, Field, FieldType, KindEntry};

pub(super) const PROMETHEUS: KindEntry = KindEntry::planned(
    Family::Metrics,
    "prometheus",
    "Queries of a Prometheus server.",
    "{ kind: prometheus, url: \"http://prometheus:9090\" }",
    &[
        Field::required("url", FieldType::Url, "The server."),
        Field::optional(
            "token_secret",
            FieldType::Text,
            "The name of the secret with a bearer token.",
        ),
        Field::optional("every", FieldType::Span, "Time between two queries."),
    ],
);
pub(super) const CLOUDWATCH: KindEntry = KindEntry::planned(
    Family::Metrics,
    "cloudwatch",
    "Metrics and alarms of AWS CloudWatch.",
    "{ kind: cloudwatch, region: us-east-1 }",
    &[
        Field::required("region", FieldType::Text, "The region."),
        Field::optional("namespace", FieldType::Text, "The namespace of the metrics."),
        Field::optional("role", FieldType::Text, "The role that is taken to read."),
    ],
);
