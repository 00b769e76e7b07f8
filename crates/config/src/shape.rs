//! What may stand where. The tables of the sections are written in these words; checking, JSON
//! Schema and the resolved form all read them. Owns the messages about a single value.

use std::str::FromStr;

use towpath_core::ids::Name;
use towpath_core::matrix::{Strategy, Tier};
use towpath_core::units::{Span, Weight};
use towpath_ports::catalogue::{Catalogue, Family, FieldType};
use towpath_ports::settings;

use crate::codes::Code;
use crate::limits;
use crate::problem::{Problem, Problems};
use crate::source::Extent;
use crate::tree::{Node, Scalar, Tree, printable};

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// One of the types that adapters use too.
    Of(FieldType),
    /// The whole number 1, the version of this format.
    FormatVersion,
    /// A name that people choose.
    Name,
    /// One name or a list of at least one.
    Names,
    /// One of these words, or a duration.
    WordOrSpan(&'static [&'static str]),
    /// A count with its unit: `20 requests`.
    Requests,
    /// A duration, or `{ min, max }`.
    Bake,
    /// The share of failed requests that is too much: `"> 5%"`.
    ErrorLimit,
    /// The latency that is too much: `"> 300ms"`, or `"+20%"` against the old release.
    LatencyLimit,
    /// Environment variables: a map of texts; numbers and flags stand as they are written.
    Variables,
    /// A map with these keys.
    Map(&'static [Key]),
    /// A map whose keys are names that people choose.
    MapOf(&'static Shape),
    /// A list.
    List(&'static Shape),
    /// An adapter by its `kind`, with these keys beside its own settings.
    Adapter(Family, &'static [Key]),
    /// A map whose content nothing checks yet.
    AnyMap,
    /// Anything at all.
    Anything,
}

/// One key of a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) default: Default,
    pub(crate) doc: &'static str,
}

/// What holds when a key is left out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Default {
    /// It may not be left out.
    Required,
    /// Nothing holds.
    Absent,
    /// This, as it would be written.
    Is(&'static str),
    /// Depends on the place: the function, and the rule in words.
    By(fn(Place) -> &'static str, &'static str),
}

/// What a default may depend on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) tier: Tier,
    /// Whether a router sends visitors here.
    pub(crate) routed: bool,
    pub(crate) strategy: Strategy,
}

impl Key {
    pub(crate) const fn new(
        name: &'static str,
        shape: Shape,
        default: Default,
        doc: &'static str,
    ) -> Self {
        Self { name, shape, default, doc }
    }

    /// The default at `place`, as it would be written.
    pub(crate) fn default_at(&self, place: Place) -> Option<&'static str> {
        match self.default {
            Default::Required | Default::Absent => None,
            Default::Is(text) => Some(text),
            Default::By(choose, _) => Some(choose(place)),
        }
    }
}

/// Checks `node` against `shape`. `name` is what the value is called in messages.
pub(crate) fn verify(
    node: &Node,
    shape: Shape,
    name: &str,
    catalogue: &Catalogue,
    problems: &mut Problems,
) {
    if node.is_broken() {
        return;
    }
    match shape {
        Shape::Anything => {}
        Shape::AnyMap => {
            wants(matches!(node.tree, Tree::Map(_)), node, name, shape, problems);
        }
        Shape::Bake if matches!(node.tree, Tree::Map(_)) => {
            verify_keys(
                node,
                crate::sections::rollout::BAKE_RANGE,
                name,
                true,
                catalogue,
                problems,
            );
        }
        Shape::Map(keys) => {
            if wants(matches!(node.tree, Tree::Map(_)), node, name, shape, problems) {
                verify_keys(node, keys, name, true, catalogue, problems);
            }
        }
        Shape::Adapter(family, keys) => {
            if wants(matches!(node.tree, Tree::Map(_)), node, name, shape, problems) {
                verify_keys(node, keys, name, false, catalogue, problems);
                verify_kind(node, family, catalogue, problems);
            }
        }
        Shape::List(inner) => {
            if wants(matches!(node.tree, Tree::List(_)), node, name, shape, problems) {
                for (index, item) in node.items().iter().enumerate() {
                    let name = format!("{name}[{index}]");
                    verify(item, *inner, &name, catalogue, problems);
                }
            }
        }
        Shape::MapOf(inner) => {
            if wants(matches!(node.tree, Tree::Map(_)), node, name, shape, problems) {
                for entry in node.entries().iter().filter(|entry| !entry.key.starts_with("x-")) {
                    verify_name(&entry.key, entry.key_extent, problems);
                    // A name alone is enough where nothing about it must be said.
                    if entry.value.scalar() == Some(Scalar::Null) && is_optional(*inner) {
                        continue;
                    }
                    verify(&entry.value, *inner, &printable(&entry.key), catalogue, problems);
                }
            }
        }
        Shape::Names => verify_names(node, name, problems),
        _ => {
            if let Err(message) = verify_leaf(node, shape, name) {
                let is_leaf = matches!(node.tree, Tree::Scalar(..));
                let code = if is_leaf { Code::WrongValue } else { Code::WrongType };
                let nearest = nearest_word(node, shape);
                let mut problem =
                    Problem::new(code, node.extent, message).expected(expected(shape));
                problem.next = repair(node, shape, nearest.as_deref());
                problems.add(problem.nearest(nearest));
            }
        }
    }
}

fn is_optional(shape: Shape) -> bool {
    let required = |key: &Key| matches!(key.default, Default::Required);
    matches!(shape, Shape::Map(keys) if !keys.iter().any(required))
}

fn wants(fits: bool, node: &Node, name: &str, shape: Shape, problems: &mut Problems) -> bool {
    if !fits {
        problems.add(
            Problem::new(Code::WrongType, node.extent, format!("`{name}` is {}", described(node)))
                .expected(expected(shape)),
        );
    }
    fits
}

/// Checks the keys of a map. `closed` refuses keys that are not among `keys`.
pub(crate) fn verify_keys(
    node: &Node,
    keys: &[Key],
    name: &str,
    closed: bool,
    catalogue: &Catalogue,
    problems: &mut Problems,
) {
    for entry in node.entries() {
        match keys.iter().find(|key| key.name == &*entry.key) {
            Some(key) => verify(&entry.value, key.shape, key.name, catalogue, problems),
            None if !closed || entry.key.starts_with("x-") => {}
            None => unknown_key(&entry.key, entry.key_extent, keys, name, problems),
        }
    }
    for key in keys.iter().filter(|key| matches!(key.default, Default::Required)) {
        // What an adapter needs may come from the shared section; that is checked when joined.
        if closed && node.get(key.name).is_none() {
            problems.add(
                Problem::new(
                    Code::MissingKey,
                    node.extent,
                    format!("`{name}` needs the key `{}`", key.name),
                )
                .expected(format!("{}: {}", key.name, expected(key.shape)))
                .next(format!("add `{}`: {}", key.name, key.doc)),
            );
        }
    }
}

fn unknown_key(key: &str, extent: Extent, keys: &[Key], name: &str, problems: &mut Problems) {
    let shown = printable(key);
    let nearest = settings::nearest(key, keys.iter().map(|key| key.name));
    let known: Vec<_> = keys.iter().map(|key| key.name).collect();
    problems.add(unknown(&shown, extent, nearest, known.join(", "), format!("`{name}`")));
}

/// A key that is not known, with its nearest name. `of` says whose key it would be.
pub(crate) fn unknown(
    shown: &str,
    extent: Extent,
    nearest: Option<String>,
    known: String,
    of: impl Into<String>,
) -> Problem {
    let (label, next) = match &nearest {
        Some(near) => (
            format!("the nearest key is `{near}`"),
            format!("write `{near}`, or `x-{shown}` to keep a key of your own"),
        ),
        None => (
            "no key is called anything like it".to_owned(),
            format!("remove it, or write `x-{shown}` to keep a key of your own"),
        ),
    };
    Problem::new(Code::UnknownKey, extent, format!("{} has no key `{shown}`", of.into()))
        .label(label)
        .expected(known)
        .nearest(nearest)
        .next(next)
}

fn verify_kind(node: &Node, family: Family, catalogue: &Catalogue, problems: &mut Problems) {
    let word = if family == Family::Check { "check" } else { "kind" };
    let Some(kind) = node.get(word) else { return };
    let name = kind.text().unwrap_or_default();
    if kind.is_broken() || catalogue.find(family, name).is_some() {
        return;
    }
    let known: Vec<_> = catalogue.family(family).map(|entry| entry.name).collect();
    let nearest = settings::nearest(name, known.iter().copied());
    let mut problem = Problem::new(
        Code::UnknownKind,
        kind.extent,
        format!("there is no {} called `{}`", family.as_str(), printable(name)),
    )
    .expected(known.join(", "))
    .nearest(nearest.clone());
    problem = match nearest {
        Some(near) => {
            problem.label(format!("the nearest is `{near}`")).next(format!("write `{near}`"))
        }
        None => problem.next("towpath adapters     lists what there is"),
    };
    problems.add(problem);
}

fn verify_name(text: &str, extent: Extent, problems: &mut Problems) {
    if Name::new(text).is_err() {
        problems.add(
            Problem::new(
                Code::WrongValue,
                extent,
                format!("`{}` cannot be a name", printable(text)),
            )
            .expected(expected(Shape::Name)),
        );
    }
}

fn verify_names(node: &Node, name: &str, problems: &mut Problems) {
    match (&node.tree, node.text()) {
        (Tree::List(items), _) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                if let Some(text) = item.text() {
                    verify_name(text, item.extent, problems);
                } else {
                    let name = format!("{name}[{index}]");
                    wants(item.is_broken(), item, &name, Shape::Name, problems);
                }
            }
        }
        (_, Some(text)) => verify_name(text, node.extent, problems),
        _ => {
            wants(false, node, name, Shape::Names, problems);
        }
    }
}

/// Checks a single value; the error says what it is instead.
fn verify_leaf(node: &Node, shape: Shape, name: &str) -> Result<(), String> {
    let wrong = || format!("`{name}` is {}", described(node));
    let text = || node.text().filter(|text| !text.is_empty()).ok_or_else(wrong);
    match shape {
        Shape::Of(of) => verify_field(node, of, name),
        Shape::FormatVersion => match node.scalar() {
            Some(Scalar::Number("1")) => Ok(()),
            _ => Err(wrong()),
        },
        Shape::Name => match Name::new(text()?) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("`{}` cannot be a name", error.text)),
        },
        Shape::WordOrSpan(words) if words.contains(&text()?) => Ok(()),
        Shape::WordOrSpan(_) | Shape::Bake => parses::<Span>(text()?),
        Shape::Requests => limits::requests(text()?).map(drop).ok_or_else(wrong),
        Shape::ErrorLimit => limits::error_limit(text()?).map(drop).ok_or_else(wrong),
        Shape::LatencyLimit => limits::latency_limit(text()?).map(drop).ok_or_else(wrong),
        Shape::Variables => {
            let Tree::Map(entries) = &node.tree else { return Err(wrong()) };
            let bad = entries.iter().find(|entry| !is_variable(&entry.key, &entry.value));
            bad.map_or(Ok(()), |entry| {
                let key = printable(&entry.key);
                Err(format!("`{name}.{key}` is {}", described(&entry.value)))
            })
        }
        _ => Ok(()),
    }
}

/// A name that a process environment can hold, with a value that stands in one piece.
fn is_variable(key: &str, value: &Node) -> bool {
    let named = !key.is_empty() && !key.contains(['=', '\0']);
    let text = value.text().map(|text| !text.contains('\0'));
    value.is_broken() || (named && text.unwrap_or(false))
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
        FieldType::Argv | FieldType::Texts => {
            let one = of == FieldType::Texts && text.is_some();
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
        FieldType::Share => parses::<Weight>(text.ok_or_else(wrong)?),
        FieldType::Path => {
            let text = text.ok_or_else(wrong)?;
            if text.split('/').any(|part| part == "..") || text.contains('\0') {
                return Err(format!("`{}` leaves the project", printable(text)));
            }
            Ok(())
        }
        FieldType::Condition => {
            let text = text.ok_or_else(wrong)?;
            text.starts_with(['<', '>', '=', '+']).then_some(()).ok_or_else(wrong)
        }
        _ => text.map(drop).ok_or_else(wrong),
    }
}

fn parses<T: FromStr<Err = String>>(text: &str) -> Result<(), String> {
    text.parse::<T>().map(drop)
}

/// What to write instead, where that can be told.
fn repair(node: &Node, shape: Shape, nearest: Option<&str>) -> Option<String> {
    if let Some(word) = nearest {
        return Some(format!("write `{word}`"));
    }
    let text = node.text().filter(|text| !text.is_empty())?;
    let shown = printable(text);
    let bare = matches!(node.scalar(), Some(Scalar::Number(_) | Scalar::Flag(_)));
    let counted = text.bytes().all(|byte| byte.is_ascii_digit());
    match shape {
        Shape::Of(FieldType::Span) | Shape::Bake | Shape::WordOrSpan(_) if counted => {
            Some(format!("add the unit: `{shown}s`, `{shown}m` or `{shown}h`"))
        }
        Shape::Of(FieldType::Share) if counted => Some(format!("add the unit: `{shown}%`")),
        Shape::Requests if counted => Some(format!("add the unit: `{shown} requests`")),
        Shape::ErrorLimit if counted => Some(format!("write \"> {shown}%\"")),
        Shape::ErrorLimit if text.ends_with('%') => {
            let share = text.trim_start_matches(['<', '=', '>', ' ']);
            Some(format!("write \"> {}\": what is too much", printable(share)))
        }
        Shape::Of(FieldType::Text | FieldType::Texts) if bare => {
            Some(format!("put it in quotes: \"{shown}\""))
        }
        _ => None,
    }
}

fn nearest_word(node: &Node, shape: Shape) -> Option<String> {
    let (Shape::Of(FieldType::Word(words)) | Shape::WordOrSpan(words)) = shape else {
        return None;
    };
    settings::nearest(node.text()?, words.iter().copied())
}

/// What a value of this shape looks like, for messages.
pub(crate) fn expected(shape: Shape) -> String {
    match shape {
        Shape::Of(of) => settings::expected(of),
        Shape::FormatVersion => "1".to_owned(),
        Shape::Name => "a name: 1 to 63 of a-z, 0-9 and -".to_owned(),
        Shape::Names => "a name, or a list of names".to_owned(),
        Shape::WordOrSpan(words) => {
            format!("{}, or a duration such as 30s, 5m or 24h", words.join(", "))
        }
        Shape::Requests => "a count of requests such as 20 requests".to_owned(),
        Shape::Bake => "a duration such as 5m, or { min: 1m, max: 10m }".to_owned(),
        Shape::ErrorLimit => "a share that is too much, in quotes, such as \"> 5%\"".to_owned(),
        Shape::LatencyLimit => {
            "a latency that is too much, such as \"> 300ms\" or \"+20%\"".to_owned()
        }
        Shape::Variables => "a map of texts".to_owned(),
        Shape::Map(keys) => {
            let names: Vec<_> = keys.iter().map(|key| key.name).collect();
            format!("a map of {}", names.join(", "))
        }
        Shape::MapOf(_) => "a map whose keys are names".to_owned(),
        Shape::List(_) => "a list".to_owned(),
        Shape::Adapter(Family::Check, _) => "a map that begins with `check:`".to_owned(),
        Shape::Adapter(..) => "a map that begins with `kind:`".to_owned(),
        Shape::AnyMap => "a map".to_owned(),
        Shape::Anything => "anything".to_owned(),
    }
}

/// What a value is, for messages.
pub(crate) fn described(node: &Node) -> String {
    match (&node.tree, node.scalar()) {
        (Tree::List(items), _) if items.is_empty() => "an empty list".to_owned(),
        (Tree::List(_), _) => "a list".to_owned(),
        (Tree::Map(_), _) => "a map".to_owned(),
        (_, Some(Scalar::Flag(flag))) => format!("the yes-no value `{flag}`"),
        (_, Some(Scalar::Number(text))) => format!("the number `{}`", printable(text)),
        (_, Some(Scalar::Text(text))) if !text.is_empty() => {
            format!("the text `{}`", printable(text))
        }
        _ => "empty".to_owned(),
    }
}
