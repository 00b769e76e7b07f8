//! The matrix as a tree that knows where each part stands in the file. Owns the join of a shared
//! section with an environment's own; knows no section.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::source::Extent;

/// One value of the file. Cloning shares the content.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) tree: Tree,
    pub(crate) extent: Extent,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    /// A text as written, and whether it stood there without quotes.
    Scalar(Arc<str>, bool),
    /// A list.
    List(Arc<[Node]>),
    /// A map, in the order of the file.
    Map(Arc<[Entry]>),
    /// Something that was refused already, and about which nothing more is said.
    Broken,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Arc<str>,
    pub(crate) key_extent: Extent,
    pub(crate) value: Node,
}

/// What a text means by the core schema of YAML 1.2.2 (section 10.3), octal and hexadecimal
/// numbers and infinities left out: those are texts here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scalar<'a> {
    Null,
    Flag(bool),
    Number(&'a str),
    Text(&'a str),
}

impl Node {
    /// The scalar that this is, if it is one.
    pub(crate) fn scalar(&self) -> Option<Scalar<'_>> {
        let Tree::Scalar(text, plain) = &self.tree else { return None };
        Some(match &**text {
            text if !plain => Scalar::Text(text),
            "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
            "true" | "True" | "TRUE" => Scalar::Flag(true),
            "false" | "False" | "FALSE" => Scalar::Flag(false),
            text if is_number(text) => Scalar::Number(text),
            text => Scalar::Text(text),
        })
    }

    /// The text of a scalar as written; none for a null and for what is no scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match (&self.tree, self.scalar()) {
            (_, Some(Scalar::Null)) => None,
            (Tree::Scalar(text, _), _) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        if let Tree::Map(entries) = &self.tree { entries } else { &[] }
    }

    pub(crate) fn items(&self) -> &[Node] {
        if let Tree::List(items) = &self.tree { items } else { &[] }
    }

    pub(crate) fn is_broken(&self) -> bool {
        matches!(self.tree, Tree::Broken)
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| &*entry.key == key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The same value as JSON, for the settings of adapters.
    pub(crate) fn to_json(&self) -> Value {
        match (&self.tree, self.scalar()) {
            (Tree::List(items), _) => items.iter().map(Self::to_json).collect(),
            (Tree::Map(entries), _) => Value::Object(json_map(entries)),
            (_, None | Some(Scalar::Null)) => Value::Null,
            (_, Some(Scalar::Flag(flag))) => Value::Bool(flag),
            (_, Some(Scalar::Text(text))) => Value::from(text),
            (_, Some(Scalar::Number(text))) => json_number(text),
        }
    }

    /// A map of `entries` that stands where `self` stands.
    pub(crate) fn with_entries(&self, entries: Vec<Entry>) -> Self {
        Self { tree: Tree::Map(entries.into()), extent: self.extent }
    }

    /// How one gets to `extent` from here: `environments.staging.rollout.steps[1].weight`.
    pub(crate) fn path_to(&self, extent: Extent) -> String {
        let mut path = String::new();
        let mut node = self;
        while node.extent != extent {
            let next = match &node.tree {
                Tree::Map(entries) => {
                    let after = entries.partition_point(|it| it.key_extent.start <= extent.start);
                    let Some(entry) = entries[..after].last() else { break };
                    if entry.value.extent.end.max(entry.key_extent.end) < extent.start {
                        break;
                    }
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(&printable(&entry.key));
                    if entry.key_extent == extent {
                        break;
                    }
                    &entry.value
                }
                Tree::List(items) => {
                    let after = items.partition_point(|item| item.extent.start <= extent.start);
                    let Some(item) = items[..after].last() else { break };
                    let _ = write!(path, "[{}]", after - 1);
                    item
                }
                Tree::Scalar(..) | Tree::Broken => break,
            };
            node = next;
        }
        path
    }
}

fn json_map(entries: &[Entry]) -> Map<String, Value> {
    entries.iter().map(|entry| (entry.key.to_string(), entry.value.to_json())).collect()
}

fn json_number(text: &str) -> Value {
    let unsigned = text.trim_start_matches('+');
    if let Ok(number) = unsigned.parse::<u64>() {
        return Value::from(number);
    }
    if let Ok(number) = unsigned.parse::<i64>() {
        return Value::from(number);
    }
    unsigned.parse::<f64>().map_or_else(|_| Value::from(text), Value::from)
}

fn is_number(text: &str) -> bool {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    body.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && body.contains(|character: char| character.is_ascii_digit())
        && body.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && body.parse::<f64>().is_ok()
}

/// `text` with everything that could move a terminal's cursor written out, and cut at 80.
pub(crate) fn printable(text: &str) -> String {
    /// Longest name that is repeated in a message.
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => escaped(&text[..end]) + "...",
        None => escaped(text),
    }
}

/// `text` with everything that could move a terminal's cursor written out.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_safe(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    shown
}

/// Whether a character may be printed as it is: no control character, and none that changes the
/// direction of text (Unicode 17, UAX #9 explicit and implicit directional formatting characters).
pub(crate) fn is_safe(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
        && !matches!(character, '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{2028}' | '\u{2029}')
}

/// `over` joined over `base`: maps key by key, everything else replaced, and a map of another
/// `kind` replaces the map whole. Environment variables may be called `kind`, so `settings` is
/// joined by its keys alone.
pub(crate) fn join(base: &Node, over: &Node) -> Node {
    join_maps(base, over, true)
}

fn join_maps(base: &Node, over: &Node, by_kind: bool) -> Node {
    let (Tree::Map(below), Tree::Map(above)) = (&base.tree, &over.tree) else {
        return over.clone();
    };
    if by_kind && differs(base.get("kind"), over.get("kind")) {
        return over.clone();
    }
    let mut own: BTreeMap<&str, &Entry> = above.iter().map(|entry| (&*entry.key, entry)).collect();
    let mut joined = Vec::with_capacity(below.len() + above.len());
    for entry in below.iter() {
        joined.push(match own.remove(&*entry.key) {
            None => entry.clone(),
            Some(winner) => {
                let by_kind = &*entry.key != "settings";
                let value = join_maps(&entry.value, &winner.value, by_kind);
                Entry { value, ..winner.clone() }
            }
        });
    }
    joined.extend(above.iter().filter(|entry| own.contains_key(&*entry.key)).cloned());
    over.with_entries(joined)
}

fn differs(base: Option<&Node>, over: Option<&Node>) -> bool {
    match (base.and_then(Node::text), over.and_then(Node::text)) {
        (Some(base), Some(over)) => base != over,
        _ => false,
    }
}
