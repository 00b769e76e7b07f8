//! Sources of figures that parse and do nothing yet; what names them is listed as not enforced.

use towpath_ports::Kind;
use towpath_ports::catalogue::{Family, Field, FieldType, KindEntry};
use towpath_ports::metrics::MetricsSource;

pub(super) const CLOUDWATCH: Kind<dyn MetricsSource> = Kind::planned(KindEntry::planned(
    Family::Metrics,
    "cloudwatch",
    "Metrics and alarms of AWS CloudWatch.",
    "{ kind: cloudwatch, region: us-east-1 }",
    &[
        Field::required("region", FieldType::Text, "The region."),
        Field::optional("namespace", FieldType::Text, "The namespace of the metrics."),
        Field::optional("role", FieldType::Text, "The role that is taken to read."),
    ],
));
