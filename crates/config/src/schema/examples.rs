//! An example for every key: what the documented example of its section shows, else what stands in
//! the samples, and else one made from what may stand there. Says nothing of what keys mean together.

use serde_json::{Map, Value, json};
use towpath_ports::catalogue::{Catalogue, Family, FieldType, KindEntry};
use towpath_ports::size;

use super::samples;
use crate::fields::from_default;
use crate::sections::{self, Section};
use crate::shape::{Bound, Default, Key, KeyRule, Measure, Shape};
use crate::tree::Node;

/// A place of the schema, with what documented examples show there.
#[derive(Clone, Debug)]
pub(super) struct Here<'a> {
    pub(super) catalogue: &'a Catalogue,
    /// `windows[].days`: what people choose and the number of an item left out.
    pub(super) path: String,
    shown: Vec<Value>,
}

impl<'a> Here<'a> {
    /// A section; its documented example is the first that is shown.
    pub(super) fn section(section: &Section, catalogue: &'a Catalogue) -> Self {
        let shown = from_default(section.example).get(section.key.name).map(Node::to_json);
        let path = section.key.name.to_owned();
        Self { catalogue, path, shown: shown.into_iter().collect() }
    }

    /// Adapters of one definition of the schema: all that stand in examples of sections.
    pub(super) fn adapters(definition: &str, catalogue: &'a Catalogue) -> Self {
        let mut shown = Vec::new();
        for section in sections::all() {
            let here = Self::section(section, catalogue);
            here.collect(section.key.shape, definition, &mut shown);
        }
        Self { catalogue, path: definition.to_owned(), shown }
    }

    /// One kind of adapter, by its own documented example.
    pub(super) fn kind_of_adapter(&self, entry: &KindEntry) -> Self {
        let shown = vec![from_default(entry.example).to_json()];
        Self { shown, path: format!("{} {}", self.path, entry.name), ..*self }
    }

    /// A key of the map that stands here.
    pub(super) fn key(&self, name: &str) -> Self {
        let path = format!("{}.{name}", self.path);
        let shown = self.shown.iter().filter_map(|it| it.get(name)).cloned().collect();
        Self { path, shown, ..*self }
    }

    /// An item of the list that stands here.
    pub(super) fn item(&self) -> Self {
        let shown = self.shown.iter().filter_map(Value::as_array).flatten().cloned().collect();
        Self { path: format!("{}[]", self.path), shown, ..*self }
    }

    /// A value of the map that stands here, whose keys people choose.
    pub(super) fn named(&self) -> Self {
        let maps = self.shown.iter().filter_map(Value::as_object);
        let shown = maps.flat_map(Map::values).cloned().collect();
        Self { path: format!("{}.NAME", self.path), shown, ..*self }
    }

    /// The map that stands here, where it is of this kind.
    pub(super) fn of_kind(&self, kind: &str) -> Self {
        let shown = self.shown.iter().filter(|it| it["kind"] == kind).cloned().collect();
        Self { path: format!("{} {kind}", self.path), shown, ..*self }
    }

    /// An example of what may stand here.
    pub(super) fn example(&self, shape: Shape) -> Value {
        self.shown.first().cloned().unwrap_or_else(|| self.made(shape))
    }

    /// An example of a setting of an adapter.
    pub(super) fn example_of_field(&self, of: FieldType) -> Value {
        self.shown.first().cloned().unwrap_or_else(|| self.made(Shape::Of(of)))
    }

    fn collect(&self, shape: Shape, definition: &str, found: &mut Vec<Value>) {
        match shape {
            Shape::Adapter(family, keys)
                if super::adapters::definition(family, keys) == definition =>
            {
                found.extend(self.shown.iter().cloned());
            }
            Shape::List(inner) => self.item().collect(*inner, definition, found),
            Shape::MapOf(_, inner) => self.named().collect(*inner, definition, found),
            Shape::Map(keys) | Shape::WordOrMap(_, keys) => {
                for key in keys {
                    self.key(key.name).collect(key.shape, definition, found);
                }
            }
            _ => {}
        }
    }

    /// A value of this shape as people would write it.
    fn made(&self, shape: Shape) -> Value {
        if let Some(sample) = samples::of(&self.path) {
            return sample;
        }
        match shape {
            Shape::Of(of) => made_of_field(of),
            Shape::FormatVersion => json!(1),
            Shape::Name | Shape::Names => made_of_field(FieldType::Name),
            Shape::SomeTime | Shape::Bake => json!("5m"),
            Shape::WordOrSpan(words) | Shape::WordOrMap(words, _) => json!(telling(words)),
            Shape::Requests => json!("20 requests"),
            Shape::ErrorLimit => json!("> 5%"),
            Shape::LatencyLimit => json!("+20%"),
            Shape::Endpoints => json!(["/health"]),
            Shape::Routes => json!(["/checkout"]),
            Shape::Variables => json!({ "LOG_LEVEL": "info" }),
            Shape::Money => json!("$20/month"),
            Shape::Size => json!("512MB"),
            Shape::Rate => json!("100/s"),
            Shape::Processors => json!("0.5"),
            Shape::Promise(measure, bound) => json!(promise(measure, bound)),
            Shape::Date => json!("2027-12-24"),
            Shape::Hours => json!("09:00-16:00"),
            Shape::Zone => json!("Europe/Berlin"),
            Shape::Map(keys) => self.map(keys),
            Shape::MapOf(rule, inner) => {
                let name = match rule {
                    KeyRule::Name => "name",
                    KeyRule::Variable => "API_KEY",
                    KeyRule::Branch => "main",
                };
                json!({ name: self.named().made(*inner) })
            }
            Shape::Kinds(kinds, _) => {
                let mut value = self.map(kinds[0].keys);
                value["kind"] = json!(kinds[0].name);
                value
            }
            Shape::List(inner) => json!([self.item().made(*inner)]),
            Shape::Adapter(family, _) => adapter(family, self.catalogue),
            Shape::Sections => json!({}),
        }
    }

    /// What must be given; where nothing must, the first key.
    fn map(&self, keys: &[Key]) -> Value {
        let required = |key: &&Key| matches!(key.default, Default::Required);
        let mut needed: Vec<_> = keys.iter().filter(required).collect();
        if needed.is_empty() {
            needed.extend(keys.first());
        }
        let made = |key: &Key| (key.name.to_owned(), self.key(key.name).made(key.shape));
        needed.into_iter().map(made).collect()
    }
}

fn adapter(family: Family, catalogue: &Catalogue) -> Value {
    let first = catalogue.family(family).next();
    first.map_or_else(|| json!({}), |entry| from_default(entry.example).to_json())
}

const fn promise(measure: Measure, bound: Bound) -> &'static str {
    match (measure, bound) {
        (Measure::Share, Bound::AtLeast) => ">= 99.9%",
        (Measure::Time, Bound::AtLeast) => ">= 30m",
        (Measure::Time, Bound::AtMost | Bound::Either) => "< 200ms",
        (Measure::Rate, Bound::AtMost) => "<= 100/s",
        (Measure::Rate, Bound::AtLeast | Bound::Either) => ">= 100/s",
        (Measure::Any, Bound::AtLeast) => "> 5%",
        (Measure::Share | Measure::Any, Bound::AtMost | Bound::Either) => "< 5%",
    }
}

/// By its type alone. `text`, `name`, `path` and `program` tell nobody anything: no example of the schema
/// may be one, so a key of such a type needs a sample where no documented example shows it.
fn made_of_field(of: FieldType) -> Value {
    match of {
        FieldType::Text => json!("text"),
        FieldType::Word(words) => json!(telling(words)),
        FieldType::Argv => json!(["program"]),
        FieldType::Texts => json!(["text"]),
        FieldType::Roles => json!(["developer"]),
        FieldType::Flag => json!(true),
        FieldType::Count(least, most) => json!(1.clamp(least, most)),
        FieldType::Span => json!("5m"),
        FieldType::Share => json!("10%"),
        FieldType::Size(least, _) => json!(size::written(least)),
        FieldType::Address => json!("127.0.0.1:3000"),
        FieldType::Path => json!("path"),
        FieldType::Url => json!("https://example.org"),
        FieldType::Condition => json!("< 5%"),
        FieldType::TextMap => json!({ "name": "text" }),
        FieldType::Counts(words) => json!({ words[0]: 0 }),
        FieldType::Name => json!("name"),
    }
}

/// The first word that says something is there.
fn telling(words: &[&'static str]) -> &'static str {
    let empty = ["none", "never", "nothing"];
    words.iter().find(|word| !empty.contains(word)).unwrap_or(&words[0])
}
