//! Which unit a value carries, as data for tools; `type_words` has the same for people. Owns the few
//! words of `x-unit`, which `matrix-format.md` explains.

use serde_json::{Value, json};
use towpath_ports::catalogue::FieldType;

use crate::shape::{Measure, Shape};

/// A length of time: a text of numbers with `ms`, `s`, `m`, `h` or `d`.
const DURATION: &str = "duration";
/// A text that ends in `%`.
const PERCENT: &str = "percent";
/// A text that ends in `B`, `KB` to `TB`, or `KiB` to `TiB`.
const BYTES: &str = "bytes";
/// A text with a currency before the number, and after it a slash and a time.
const MONEY: &str = "money per time";
/// A text that ends in `/s`, `/m`, `/h` or `/d`.
const RATE: &str = "per time";
/// A text that ends in `requests`.
const REQUESTS: &str = "requests";
/// A bare number: what is counted or numbered has no unit.
const NUMBER: &str = "number";

/// The unit of a value; of a list or a map, that of what is in it. A list where the value says which
/// of several it carries, and none where there is nothing to measure.
pub(super) fn of(shape: Shape) -> Option<Value> {
    match shape {
        Shape::Of(of) => of_field(of),
        Shape::List(inner) | Shape::MapOf(_, inner) => of(*inner),
        Shape::SomeTime | Shape::WordOrSpan(_) | Shape::Bake => Some(json!(DURATION)),
        Shape::Requests => Some(json!(REQUESTS)),
        Shape::ErrorLimit => Some(json!(PERCENT)),
        Shape::LatencyLimit => Some(json!([DURATION, PERCENT])),
        Shape::Money => Some(json!(MONEY)),
        Shape::Size => Some(json!(BYTES)),
        Shape::Rate => Some(json!(RATE)),
        Shape::Promise(measure, _) => Some(match measure {
            Measure::Share => json!(PERCENT),
            Measure::Time => json!(DURATION),
            Measure::Rate => json!(RATE),
            Measure::Any => json!([PERCENT, DURATION, RATE, NUMBER]),
        }),
        Shape::FormatVersion
        | Shape::Name
        | Shape::Names
        | Shape::Processors
        | Shape::Endpoints
        | Shape::Routes
        | Shape::Variables
        | Shape::Date
        | Shape::Hours
        | Shape::Zone
        | Shape::Map(_)
        | Shape::WordOrMap(..)
        | Shape::Kinds(..)
        | Shape::Adapter(..)
        | Shape::Sections => None,
    }
}

/// The unit of a setting of an adapter.
pub(super) fn of_field(of: FieldType) -> Option<Value> {
    match of {
        FieldType::Span => Some(json!(DURATION)),
        FieldType::Share => Some(json!(PERCENT)),
        FieldType::Size(..) => Some(json!(BYTES)),
        FieldType::Count(..) | FieldType::Counts(_) => Some(json!(NUMBER)),
        FieldType::Condition => Some(json!([PERCENT, DURATION, NUMBER])),
        FieldType::Text
        | FieldType::Word(_)
        | FieldType::Argv
        | FieldType::Texts
        | FieldType::Roles
        | FieldType::Flag
        | FieldType::Address
        | FieldType::Path
        | FieldType::Url
        | FieldType::TextMap
        | FieldType::Name => None,
    }
}
