//! What a type is called on the reference pages and in the schema, with its unit and a value as it is
//! written. What a message says of a value that does not fit is in `shape` and `towpath_ports`.

use towpath_ports::catalogue::{Family, FieldType};
use towpath_ports::size;

use crate::shape::{KeyRule, Measure, Shape, promised};

/// The type in a few words, such as "duration, such as 5m".
pub(crate) fn of(shape: Shape) -> String {
    let words = match shape {
        Shape::Of(of) => return of_field(of),
        Shape::List(inner) => return format!("list, each a {}", of(*inner)),
        Shape::MapOf(rule, inner) => {
            return format!("map: {} to {}", keys(rule), of(*inner));
        }
        Shape::WordOrSpan(words) => {
            return format!("{}, or duration above zero, such as 5m", words.join(", "));
        }
        Shape::WordOrMap(words, _) => return format!("{}, or map", words.join(", ")),
        Shape::FormatVersion => "the number 1",
        Shape::Name => "name",
        Shape::Names => "name, or list of names",
        Shape::SomeTime => "duration above zero, such as 5m",
        Shape::Requests => "count with its unit, such as 20 requests",
        Shape::Bake => "duration, such as 5m, or map",
        Shape::ErrorLimit => "share that is too much, in quotes, such as \"> 5%\"",
        Shape::LatencyLimit => {
            "latency that is too much, in quotes, such as \"> 300ms\", or \"+20%\" against the old release"
        }
        Shape::Endpoints => "path of the service, such as /health, or list of them",
        Shape::Routes => "path of requests, such as /checkout, or list of at most 8 of them",
        Shape::Variables => "map: name of a variable to text, number, true or false",
        Shape::Map(_) => "map",
        Shape::Money => "money for a time, such as $420/month",
        Shape::Size => "size in bytes, such as 512MB",
        Shape::Rate => "rate, such as 100/s",
        Shape::Processors => "processors, such as \"0.5\", \"2\" or 500m",
        Shape::Promise(measure, bound) => {
            let what = match measure {
                Measure::Share => "share that is promised",
                Measure::Time => "time that is promised",
                Measure::Rate => "rate that is promised",
                Measure::Any => return "comparison in quotes, such as \"> 5%\"".to_owned(),
            };
            return format!("{what}, in quotes, such as {}", promised(measure, bound));
        }
        Shape::Date => "day, such as 2026-12-24",
        Shape::Hours => "part of the day, such as 09:00-16:00, or 22:00-06:00 over midnight",
        Shape::Zone => "time zone, such as Europe/Berlin",
        Shape::Kinds(..) => "map that begins with kind",
        Shape::Adapter(Family::Check, _) => "map that begins with check",
        Shape::Adapter(..) => "map that begins with kind, of an adapter",
        Shape::Sections => "map of sections",
    };
    words.to_owned()
}

/// The type of a setting of an adapter.
pub(crate) fn of_field(of: FieldType) -> String {
    let words = match of {
        FieldType::Word(words) => return words.join(" or "),
        FieldType::Count(least, most) => return format!("whole number from {least} to {most}"),
        FieldType::Counts(words) => return format!("map: {} to count", words.join(", ")),
        FieldType::Size(least, most) => {
            return format!("size from {} to {}", size::written(least), size::written(most));
        }
        FieldType::Text => "text",
        FieldType::Argv => "list: a program and its arguments",
        FieldType::Texts => "text, or list of texts",
        FieldType::Roles => "role, or list of roles",
        FieldType::Flag => "true or false",
        FieldType::Span => "duration, such as 5m",
        FieldType::Share => "share, such as 10%",
        FieldType::Address => "address and port, such as 127.0.0.1:3000",
        FieldType::Path => "path inside the project, or an absolute one",
        FieldType::Url => "http or https address",
        FieldType::Condition => "comparison in quotes, such as \"< 5%\"",
        FieldType::TextMap => "map of texts",
        FieldType::Name => "name",
    };
    words.to_owned()
}

fn keys(rule: KeyRule) -> &'static str {
    match rule {
        KeyRule::Name => "name",
        KeyRule::Variable => "name such as API_KEY",
        KeyRule::Branch => "branch or pattern",
    }
}
