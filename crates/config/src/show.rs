//! The resolved form: every default filled in, and for each line where its value comes from. It is
//! a matrix again, and means the same. Owns the writing of YAML.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::Serialize;
use towpath_core::matrix::Predecessors;
use towpath_ports::catalogue::{Catalogue, Family, FieldType, KindEntry};

use crate::Checked;
use crate::fields::from_default;
use crate::lane::{self, LaneNode, Resolved};
use crate::pipeline;
use crate::sections::{self, Section, Standing, Where};
use crate::shape::{Default, Key, NOWHERE, Place, Shape, Variant};
use crate::source::Source;
use crate::tree::{Entry, Node, Scalar, Tree, is_safe};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Its own line of the file.
    Line(usize),
    /// A shared section, such as `defaults.production`, and the line there.
    Shared(String, usize),
    /// Nothing was said, and this is what holds then.
    BuiltIn,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(formatter, "line {line}"),
            Self::Shared(section, line) => write!(formatter, "{section}, line {line}"),
            Self::BuiltIn => formatter.write_str("built-in default"),
        }
    }
}

/// One line of the resolved form.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    indent: usize,
    text: String,
    /// The path of a value and its origin; none for a line that only opens a map.
    value: Option<(String, Origin)>,
}

/// Column at which the comments stand, unless a line is longer.
const COMMENT_COLUMN: usize = 64;

/// The resolved form as YAML, with a comment on every value. Empty when the matrix has an error.
pub fn resolved_yaml(checked: &Checked) -> String {
    let mut text = String::new();
    for line in &checked.resolved {
        let written = format!("{}{}", " ".repeat(line.indent), line.text);
        match &line.value {
            Some((_, origin)) => {
                let _ = write!(text, "{written:<COMMENT_COLUMN$} # {origin}");
            }
            None => text.push_str(&written),
        }
        text.push('\n');
    }
    text
}

/// A line of the resolved form, for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedLine {
    /// Columns before it.
    pub indent: usize,
    /// What it says.
    pub text: String,
    /// The dotted path of its value, and where that comes from; none for a line that only opens a map.
    pub value: Option<(String, Origin)>,
}

/// The resolved form line by line. Empty when the matrix has an error.
pub fn resolved_lines(checked: &Checked) -> Vec<ResolvedLine> {
    let lines = checked.resolved.iter().cloned();
    lines.map(|Line { indent, text, value }| ResolvedLine { indent, text, value }).collect()
}

/// Where each value of the resolved form comes from, by dotted path.
pub fn origins(checked: &Checked) -> BTreeMap<String, Origin> {
    checked.resolved.iter().filter_map(|line| line.value.clone()).collect()
}

/// The resolved form without its comments: its lines are those of `lines`, one by one.
pub(crate) fn bare(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "{}{}", " ".repeat(line.indent), line.text);
    }
    text
}

impl Line {
    /// Where the value on this line comes from; none for a line that only opens a map.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.value.as_ref().map(|(_, origin)| origin)
    }
}

/// Writes the resolved form of a matrix without errors.
pub(crate) fn lines(
    root: &Node,
    source: &Source,
    catalogue: &Catalogue,
    resolved: &Resolved,
) -> Vec<Line> {
    let mut writer = Writer { root, source, catalogue, lines: Vec::new() };
    writer.top(resolved);
    writer.lines
}

struct Writer<'a> {
    root: &'a Node,
    source: &'a Source,
    catalogue: &'a Catalogue,
    lines: Vec<Line>,
}

impl Writer<'_> {
    fn top(&mut self, resolved: &Resolved) {
        let here = sections::all().filter(|section| section.may_stand(Where::Top));
        let plain = here.filter(|it| !["defaults", "environments"].contains(&it.key.name));
        for section in plain {
            let name = section.key.name;
            match self.root.get(name) {
                Some(node) => self.shaped(0, &section.key, Some(node), name, NOWHERE),
                None if name == "services" => {
                    self.open(0, "services:");
                    let service = &resolved.matrix.project;
                    let path = format!("services.{service}");
                    self.value(2, format!("{service}: {{}}"), path, Origin::BuiltIn);
                }
                None => {}
            }
        }
        self.own_keys(0, self.root, "");
        self.open(0, "environments:");
        for environment in &resolved.matrix.environments {
            let lanes = resolved.lanes.iter().filter(|it| it.id.environment == environment.name);
            let lanes: Vec<_> = lanes.collect();
            self.environment(environment.name.as_str(), &lanes);
        }
    }

    fn environment(&mut self, name: &str, lanes: &[&LaneNode]) {
        let own = self.root.get("environments").and_then(|it| it.get(name));
        let (Some(first), Some(own)) = (lanes.first(), own) else { return };
        let path = format!("environments.{name}");
        self.open(2, &format!("{}:", written(name)));
        let joined = lane::join_shared(self.root, own, first.place.tier);
        let root = pipeline::predecessors(own) == Predecessors::Root;
        for section in sections::all().filter(|it| it.may_stand(Where::Environment)) {
            let shared_by_root =
                section.key.name == "promote" && root && own.get("promote").is_none();
            let node = joined.get(section.key.name).filter(|_| !shared_by_root);
            self.section(4, section, node, &path, first.place);
        }
        self.own_keys(4, &joined, &format!("{path}."));
        self.services(&path, lanes);
    }

    /// What is different for one service, whole: a section that it has of its own, and one whose
    /// defaults depend on what another section of its own says.
    fn services(&mut self, path: &str, lanes: &[&LaneNode]) {
        let overrides = |lane: &LaneNode, name: &str| {
            lane.overrides.as_ref().is_some_and(|it| it.get(name).is_some())
        };
        let apart = lanes.iter().any(|lane| lane.place != lanes[0].place);
        let before = self.lines.len();
        for lane in lanes {
            let service = &lane.id.service;
            let path = format!("{path}.services.{service}");
            let first = self.lines.len();
            for section in sections::all().filter(|it| it.may_stand(Where::Service)) {
                let name = section.key.name;
                if overrides(lane, name) || (apart && depends_on_place(&section.key)) {
                    self.section(8, section, lane.node.get(name), &path, lane.place);
                }
            }
            if let Some(overrides) = &lane.overrides {
                self.own_keys(8, overrides, &format!("{path}."));
            }
            if self.lines.len() > first {
                let text = format!("{service}:");
                self.lines.insert(first, Line { indent: 6, text, value: None });
            }
        }
        if self.lines.len() > before {
            let text = "services:".to_owned();
            self.lines.insert(before, Line { indent: 4, text, value: None });
        }
    }

    fn section(
        &mut self,
        indent: usize,
        section: &Section,
        node: Option<&Node>,
        path: &str,
        place: Place,
    ) {
        let path = format!("{path}.{}", section.key.name);
        // A map of defaults alone is shown where every environment has one: to ask nobody is no default
        // of whom to ask, and whoever promises nothing has no budget.
        let always = section.standing == Standing::Enforced
            && matches!(section.key.shape, Shape::Map(_))
            && !["gate", "approvals", "error_budget"].contains(&section.key.name);
        if node.is_some() || always {
            self.shaped(indent, &section.key, node, &path, place);
        } else if let Some(default) = section.key.default_at(place) {
            let line =
                format!("{}: {}", section.key.name, default_text(section.key.shape, default));
            self.value(indent, line, path, Origin::BuiltIn);
        }
    }

    /// A value by its table, so that what is left out is filled in.
    fn shaped(&mut self, indent: usize, key: &Key, node: Option<&Node>, path: &str, place: Place) {
        match (key.shape, node) {
            // What needs something said is not there until somebody says it.
            (Shape::Map(keys), None)
                if keys.iter().any(|it| matches!(it.default, Default::Required)) => {}
            (Shape::WordOrMap(_, keys), Some(node)) if node.text().is_none() => {
                self.open(indent, &format!("{}:", key.name));
                self.keys(indent + 2, keys, Some(node), path, place);
            }
            (Shape::Map(keys), node) => {
                let before = self.lines.len();
                self.open(indent, &format!("{}:", key.name));
                self.keys(indent + 2, keys, node, path, place);
                if self.lines.len() > before + 1 {
                    return;
                }
                self.lines.pop();
                if let Some(node) = node {
                    let origin = self.origin(node);
                    self.value(indent, format!("{}: {{}}", key.name), path.to_owned(), origin);
                }
            }
            (Shape::Adapter(family, keys), Some(node)) => {
                self.open(indent, &format!("{}:", key.name));
                self.adapter(indent + 2, family, keys, node, path, place);
            }
            (Shape::List(Shape::Adapter(family, keys)), Some(node)) if !node.items().is_empty() => {
                self.open(indent, &format!("{}:", key.name));
                for (index, item) in node.items().iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    self.item(indent, *family, keys, item, &path, place);
                }
            }
            (Shape::Kinds(kinds, common), Some(node)) => {
                self.open(indent, &format!("{}:", key.name));
                self.variant(indent + 2, kinds, common, node, path, place);
            }
            (Shape::MapOf(_, inner @ (Shape::Adapter(..) | Shape::Map(_))), Some(node))
                if !node.entries().is_empty() =>
            {
                self.open(indent, &format!("{}:", key.name));
                for entry in node.entries() {
                    self.named(indent + 2, *inner, entry, path, place);
                }
            }
            (Shape::List(Shape::Map(_)), node) => {
                let default = || key.default_at(place).map(from_default);
                let Some(shown) = node.cloned().or_else(default) else { return };
                if shown.items().is_empty() {
                    return;
                }
                self.open(indent, &format!("{}:", key.name));
                for (index, item) in shown.items().iter().enumerate() {
                    let origin = node.map_or(Origin::BuiltIn, |_| self.origin(item));
                    let line = format!("- {}", flow(item));
                    self.value(indent + 2, line, format!("{path}[{index}]"), origin);
                }
            }
            (_, Some(node)) => self.node(indent, key.name, node, path),
            (_, None) => {
                if let Some(default) = key.default_at(place) {
                    let line = format!("{}: {}", key.name, default_text(key.shape, default));
                    self.value(indent, line, path.to_owned(), Origin::BuiltIn);
                }
            }
        }
    }

    /// One adapter of a list.
    fn item(
        &mut self,
        indent: usize,
        family: Family,
        keys: &[Key],
        node: &Node,
        path: &str,
        place: Place,
    ) {
        let first = self.lines.len();
        self.adapter(indent + 4, family, keys, node, path, place);
        if let Some(line) = self.lines.get_mut(first) {
            line.indent -= 2;
            line.text.insert_str(0, "- ");
        }
    }

    /// One entry of a map whose keys people choose.
    fn named(&mut self, indent: usize, shape: Shape, entry: &Entry, path: &str, place: Place) {
        let path = format!("{path}.{}", entry.key);
        self.open(indent, &format!("{}:", written(&entry.key)));
        let before = self.lines.len();
        match shape {
            Shape::Adapter(family, keys) => {
                self.adapter(indent + 2, family, keys, &entry.value, &path, place);
            }
            Shape::Map(keys) => self.keys(indent + 2, keys, Some(&entry.value), &path, place),
            _ => {}
        }
        if self.lines.len() == before {
            self.lines.pop();
            let origin = self.origin(&entry.value);
            self.value(indent, format!("{}: {{}}", written(&entry.key)), path, origin);
        }
    }

    fn keys(&mut self, indent: usize, keys: &[Key], node: Option<&Node>, path: &str, place: Place) {
        for key in keys {
            let given = node.and_then(|node| node.get(key.name));
            let path = format!("{path}.{}", key.name);
            self.shaped(indent, key, given, &path, place);
        }
        if let Some(node) = node {
            self.own_keys(indent, node, &format!("{path}."));
        }
    }

    /// The keys that people added, which nothing reads. `path` ends with a dot, or is empty.
    fn own_keys(&mut self, indent: usize, node: &Node, path: &str) {
        for entry in node.entries().iter().filter(|entry| entry.key.starts_with("x-")) {
            let path = format!("{path}{}", entry.key);
            self.node(indent, &entry.key, &entry.value, &path);
        }
    }

    fn variant(
        &mut self,
        indent: usize,
        kinds: &[Variant],
        common: &[Key],
        node: &Node,
        path: &str,
        place: Place,
    ) {
        let Some(kind) = node.get("kind") else { return };
        self.node(indent, "kind", kind, &format!("{path}.kind"));
        self.keys(indent, &Variant::keys_for(kinds, common, node), Some(node), path, place);
    }

    fn adapter(
        &mut self,
        indent: usize,
        family: Family,
        keys: &[Key],
        node: &Node,
        path: &str,
        place: Place,
    ) {
        self.keys(indent, keys, Some(node), path, place);
        let kind = keys.first().and_then(|key| node.get(key.name)).and_then(Node::text);
        let entry = kind.and_then(|kind| self.catalogue.find(family, kind));
        let fields = entry.map(|entry: &KindEntry| entry.fields).unwrap_or_default();
        for field in fields.iter().filter(|field| node.get(field.name).is_none()) {
            if let Some(default) = field.default.filter(|default| !default.is_empty()) {
                let line =
                    format!("{}: {}", field.name, default_text(Shape::Of(field.of), default));
                self.value(indent, line, format!("{path}.{}", field.name), Origin::BuiltIn);
            }
        }
        for entry in node.entries() {
            let is_field = !entry.key.starts_with("x-");
            if is_field && !keys.iter().any(|key| key.name == &*entry.key) {
                let path = format!("{path}.{}", entry.key);
                self.node(indent, &entry.key, &entry.value, &path);
            }
        }
    }

    /// A value as it stands in the file: maps over several lines, for each line may come from
    /// another place.
    fn node(&mut self, indent: usize, key: &str, node: &Node, path: &str) {
        if node.entries().is_empty() {
            let origin = self.origin(node);
            let line = format!("{}: {}", written(key), flow(node));
            return self.value(indent, line, path.to_owned(), origin);
        }
        self.open(indent, &format!("{}:", written(key)));
        for entry in node.entries() {
            self.node(indent + 2, &entry.key, &entry.value, &format!("{path}.{}", entry.key));
        }
    }

    fn open(&mut self, indent: usize, text: &str) {
        self.lines.push(Line { indent, text: text.to_owned(), value: None });
    }

    fn value(&mut self, indent: usize, text: String, path: String, origin: Origin) {
        self.lines.push(Line { indent, text, value: Some((path, origin)) });
    }

    fn origin(&self, node: &Node) -> Origin {
        let line = self.source.line_of(node.extent.start);
        let path = self.root.path_to(node.extent);
        let mut parts = path.split('.');
        match (parts.next(), parts.next()) {
            (Some("defaults"), Some(tier)) => Origin::Shared(format!("defaults.{tier}"), line),
            _ => Origin::Line(line),
        }
    }
}

/// Whether what holds when nothing is said differs from lane to lane of one environment.
fn depends_on_place(key: &Key) -> bool {
    let by_place = |key: &Key| matches!(key.default, Default::By(..));
    by_place(key) || matches!(key.shape, Shape::Map(keys) if keys.iter().any(by_place))
}

/// A default as it is written in a matrix.
pub(crate) fn default_text(shape: Shape, default: &str) -> String {
    match shape {
        Shape::List(_) | Shape::Of(FieldType::Flag | FieldType::Count(..)) => default.to_owned(),
        Shape::Of(FieldType::Argv | FieldType::Texts | FieldType::Roles) => {
            let words: Vec<_> = default.split(' ').map(written).collect();
            format!("[{}]", words.join(", "))
        }
        Shape::Of(FieldType::TextMap) => "{}".to_owned(),
        _ => written(default),
    }
}

/// A value on one line.
pub(crate) fn flow(node: &Node) -> String {
    match (&node.tree, node.scalar()) {
        (Tree::List(items), _) => {
            let items: Vec<_> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        (Tree::Map(entries), _) if entries.is_empty() => "{}".to_owned(),
        (Tree::Map(entries), _) => {
            let entries = entries
                .iter()
                .map(|entry| format!("{}: {}", written(&entry.key), flow(&entry.value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        (_, Some(Scalar::Flag(flag))) => flag.to_string(),
        (_, Some(Scalar::Number(number))) => number.to_owned(),
        (_, Some(Scalar::Text(text))) => written(text),
        _ => "null".to_owned(),
    }
}

/// A text that YAML reads back as this text, wherever it stands. What a terminal would act upon is
/// written as an escape, all of which JSON and YAML read alike (YAML 1.2.2, section 5.7).
pub(crate) fn written(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let quoted = serde_json::Value::from(text).to_string();
    let mut shown = String::with_capacity(quoted.len());
    for character in quoted.chars() {
        if is_safe(character) {
            shown.push(character);
        } else {
            let _ = write!(shown, "\\u{:04x}", u32::from(character));
        }
    }
    shown
}

fn is_plain(text: &str) -> bool {
    let node =
        Node { tree: Tree::Scalar(text.into(), true), extent: crate::source::Extent::default() };
    let means_itself = matches!(node.scalar(), Some(Scalar::Text(_)));
    let fits =
        |character: char| character.is_ascii_alphanumeric() || "_./%- :@$".contains(character);
    means_itself
        && !crate::yaml::is_yes_no(text)
        && (text.starts_with(|first: char| first.is_ascii_alphanumeric() || "_/$".contains(first))
            || text.starts_with("./"))
        && text.chars().all(fits)
        && !text.contains("  ")
        && !text.contains(": ")
        && !text.ends_with([' ', ':'])
}
