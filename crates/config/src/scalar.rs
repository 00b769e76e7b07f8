//! Checks a single value: a text, a number, a duration, a list of words. Owns what is said when it
//! does not fit; what to write instead is in `repair`.

use std::str::FromStr;

use towpath_core::ids::Name;
use towpath_core::units::{Span, Weight};
use towpath_ports::catalogue::FieldType;

use crate::PROGRAM;
use crate::cause::cause;
use crate::codes::Code;
use crate::limits;
use crate::problem::{Problem, Problems};
use crate::quantities;
use crate::repair::{nearest_word, repair};
use crate::shape::{Shape, described, expected};
use crate::tree::{Node, Scalar, Tree, printable};

/// Checks `node`, called `name` in messages.
pub(crate) fn verify(node: &Node, shape: Shape, name: &str, problems: &mut Problems) {
    let Err(message) = fits(node, shape, name) else { return };
    let message = because(message, node, shape);
    let is_leaf = matches!(node.tree, Tree::Scalar(..));
    let code = if is_leaf { Code::WrongValue } else { Code::WrongType };
    let nearest = nearest_word(node, shape);
    let mut problem = Problem::new(code, node.extent, message).expected(expected(shape));
    problem.next = repair(node, shape, nearest.as_deref());
    problems.add(problem.nearest(nearest));
}

/// The message with why the value does not fit, where that can be told. What is expected, which some
/// messages end with, stands beside them.
pub(crate) fn because(message: String, node: &Node, shape: Shape) -> String {
    let what = match message.split_once("` is not a ") {
        Some((before, after)) => {
            let after = after.split(" such as ").next().unwrap_or_default();
            format!("{before}` is not a {after}")
        }
        None => message,
    };
    match cause(node, shape).filter(|_| !what.ends_with(" years") && !what.contains("more than")) {
        Some(cause) => format!("{what}: {cause}"),
        None => what,
    }
}

/// The error says what the value is instead.
pub(crate) fn fits(node: &Node, shape: Shape, name: &str) -> Result<(), String> {
    let wrong = || format!("`{name}` is {}", described(node));
    let text = || node.text().filter(|text| !text.is_empty()).ok_or_else(wrong);
    match shape {
        Shape::Of(of) => verify_field(node, of, name),
        Shape::FormatVersion => match node.scalar() {
            Some(Scalar::Number("1")) => Ok(()),
            Some(Scalar::Number(other)) => Err(format!(
                "the file is of version {} of the format, and {PROGRAM} reads version 1",
                printable(other)
            )),
            _ => Err(wrong()),
        },
        Shape::Name => match Name::new(text()?) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("`{}` cannot be a name", error.text)),
        },
        Shape::WordOrMap(words, _) => words.contains(&text()?).then_some(()).ok_or_else(wrong),
        Shape::WordOrSpan(words) if words.contains(&text()?) => Ok(()),
        Shape::WordOrSpan(_) | Shape::SomeTime => match text()?.parse::<Span>()? {
            Span(0) => Err(format!("`{name}` lasts no time")),
            Span(_) => Ok(()),
        },
        Shape::Bake => parses::<Span>(text()?),
        Shape::Requests => limits::requests(text()?).map(drop).ok_or_else(wrong),
        Shape::ErrorLimit => limits::error_limit(text()?).map(drop).ok_or_else(wrong),
        Shape::LatencyLimit => limits::latency_limit(text()?).map(drop).ok_or_else(wrong),
        Shape::Money => quantities::money(text()?).map(drop).ok_or_else(wrong),
        Shape::Size => quantities::bytes(text()?).map(drop).ok_or_else(wrong),
        Shape::Rate => quantities::per_second(text()?).map(drop).ok_or_else(wrong),
        Shape::Promise(measure, bound) => {
            quantities::promise(text()?, measure, bound).ok_or_else(wrong)
        }
        Shape::Processors => match node.scalar() {
            Some(Scalar::Text(text)) if quantities::processors(text) => Ok(()),
            _ => Err(wrong()),
        },
        Shape::Date => quantities::date(text()?).map(drop).ok_or_else(wrong),
        Shape::Hours => quantities::hours(text()?).map(drop).ok_or_else(wrong),
        Shape::Zone => quantities::zone(text()?).then_some(()).ok_or_else(wrong),
        _ => Ok(()),
    }
}

fn verify_field(node: &Node, of: FieldType, name: &str) -> Result<(), String> {
    let wrong = || format!("`{name}` is {}", described(node));
    let text = match node.scalar() {
        Some(Scalar::Text(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    match of {
        FieldType::Flag => match node.scalar() {
            Some(Scalar::Flag(_)) => Ok(()),
            _ => Err(wrong()),
        },
        FieldType::Count(least, most) => match node.scalar() {
            Some(Scalar::Number(number)) => number
                .parse::<u64>()
                .ok()
                .filter(|number| (least..=most).contains(number))
                .map(drop)
                .ok_or_else(wrong),
            _ => Err(wrong()),
        },
        FieldType::Roles => are_roles(node).then_some(()).ok_or_else(wrong),
        FieldType::Argv | FieldType::Texts => {
            let one = of != FieldType::Argv && text.is_some();
            let all = !node.items().is_empty()
                && node
                    .items()
                    .iter()
                    .all(|item| item.is_broken() || matches!(item.scalar(), Some(Scalar::Text(_))));
            if one || all { Ok(()) } else { Err(wrong()) }
        }
        FieldType::Word(words) => match text.ok_or_else(wrong)? {
            text if words.contains(&text) => Ok(()),
            text => Err(format!("`{name}` cannot be `{}`", printable(text))),
        },
        FieldType::Span => parses::<Span>(text.ok_or_else(wrong)?),
        FieldType::Name => Name::new(text.ok_or_else(wrong)?).map(drop).map_err(|_| wrong()),
        FieldType::Share => parses::<Weight>(text.ok_or_else(wrong)?),
        FieldType::Size(least, most) => quantities::bytes(text.ok_or_else(wrong)?)
            .filter(|bytes| (least..=most).contains(bytes))
            .map(drop)
            .ok_or_else(wrong),
        FieldType::Path => {
            let text = text.ok_or_else(wrong)?;
            if text.split('/').any(|part| part == "..") || text.contains('\0') {
                return Err(format!("`{}` leaves the project", printable(text)));
            }
            Ok(())
        }
        FieldType::Address => {
            let text = text.ok_or_else(wrong)?;
            text.parse::<std::net::SocketAddr>().map(drop).map_err(|_| wrong())
        }
        FieldType::Url => {
            let text = text.ok_or_else(wrong)?;
            let web = text.starts_with("http://") || text.starts_with("https://");
            web.then_some(()).ok_or_else(wrong)
        }
        FieldType::Condition => {
            let text = text.ok_or_else(wrong)?;
            text.starts_with(['<', '>', '=', '+']).then_some(()).ok_or_else(wrong)
        }
        _ => text.map(drop).ok_or_else(wrong),
    }
}

/// A name or a list of at least one.
fn are_roles(node: &Node) -> bool {
    let is_role = |node: &Node| match node.scalar() {
        Some(Scalar::Text(text)) => Name::new(text).is_ok(),
        _ => false,
    };
    let mut items = node.items().iter();
    is_role(node) || (items.len() > 0 && items.all(|item| item.is_broken() || is_role(item)))
}

fn parses<T: FromStr<Err = String>>(text: &str) -> Result<(), String> {
    text.parse::<T>().map(drop)
}
