//! From text to a tree. Owns which parts of YAML a matrix may use: plain data, no anchors, tags,
//! merge keys or further documents. Knows no section.

use std::collections::BTreeMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, options};

use crate::codes::Code;
use crate::problem::{Problem, Problems};
use crate::source::{Extent, Source};
use crate::tree::{Entry, Node, Tree, printable};

/// Levels of lists and maps inside each other. The deepest key of the seeds' tables stands at 8.
pub const MAX_DEPTH: usize = 32;
/// Entries of one list or map; the longest of the seeds has 41.
pub const MAX_ENTRIES: usize = 1000;
/// Bytes of one text; the longest of the seeds' descriptions has 120.
pub const MAX_TEXT: usize = 8 * 1024;

/// Reads the one document of `source`. None when it is empty or has no readable structure; the
/// reason is among the problems.
pub(crate) fn read(source: &Source, problems: &mut Problems) -> Option<Node> {
    let mut builder = Builder { source, problems, open: Vec::new(), root: None, documents: 0 };
    let options = options! { emit_anchor_events: true, emit_unresolved_aliases: true };
    for next in Parser::new_from_str_with_options(source.text(), options) {
        let outcome = match next {
            Ok((event, span)) => {
                if let Some(tag) = span.tag_span() {
                    builder.refuse(extent_of(&tag), "a tag", "every key knows its own type");
                }
                builder.take(&event, extent_of(&span))
            }
            Err(error) => {
                builder.syntax(&error);
                return None;
            }
        };
        if outcome.is_break() {
            return None;
        }
    }
    builder.root
}

fn extent_of(span: &Span) -> Extent {
    let start = span.start.byte_offset().unwrap_or_default();
    Extent { start, end: span.end.byte_offset().unwrap_or(start).max(start) }
}

/// A list or map that has not ended, from its first byte to the last that was read of it.
struct Open {
    extent: Extent,
    /// Has as many entries as it may.
    full: bool,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, seen: BTreeMap<Arc<str>, Extent>, key: Key },
}

/// The key whose value comes next.
enum Key {
    Awaited,
    Known(Arc<str>, Extent),
    Refused,
}

struct Builder<'a> {
    source: &'a Source,
    problems: &'a mut Problems,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
}

/// Breaks when nothing sensible can be read any more.
type Flow = std::ops::ControlFlow<()>;

impl Builder<'_> {
    fn take(&mut self, event: &Event<'_>, extent: Extent) -> Flow {
        match event {
            Event::DocumentStart(_, version) => return self.document(extent, version.is_some()),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.refuse(extent, "an alias", "write the value out; `defaults:` shares sections");
                self.put(Node { tree: Tree::Broken, extent });
            }
            Event::Anchor(..) => {
                self.refuse(
                    extent,
                    "an anchor",
                    "write the value out; `defaults:` shares sections",
                );
            }
            Event::Scalar(text, style, ..) => {
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let extent = if block { self.without_rest(extent) } else { extent };
                self.scalar(text, matches!(style, ScalarStyle::Plain), extent);
            }
            Event::SequenceStart(..) => return self.enter(Content::List(Vec::new()), extent),
            Event::MappingStart(..) => {
                let (entries, seen) = (Vec::new(), BTreeMap::new());
                return self.enter(Content::Map { entries, seen, key: Key::Awaited }, extent);
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave(extent),
            _ => {}
        }
        Flow::Continue(())
    }

    /// A text in a block ends with its last line, and not in the indentation of the line after it.
    fn without_rest(&self, Extent { start, end }: Extent) -> Extent {
        let piece = self.source.text().get(start..end).unwrap_or_default();
        Extent { start, end: start + piece.trim_end().len() }
    }

    fn document(&mut self, extent: Extent, directive: bool) -> Flow {
        self.documents += 1;
        if directive {
            self.refuse(extent, "a %YAML directive", "remove it; a matrix is YAML 1.2");
        }
        if self.documents > 1 {
            self.refuse(extent, "a second document", "keep one matrix in one file");
            return Flow::Break(());
        }
        Flow::Continue(())
    }

    fn refuse(&mut self, extent: Extent, what: &str, next: &str) {
        self.problems.add(
            Problem::new(Code::YamlFeature, extent, format!("a matrix cannot hold {what}"))
                .label(format!("this is {what}"))
                .expected("plain maps, lists and texts")
                .next(next),
        );
    }

    fn scalar(&mut self, text: &str, plain: bool, extent: Extent) {
        if text.len() > MAX_TEXT {
            // Of what is left out nobody can tell any more whether it is a secret.
            self.problems.hide(extent);
            let message = format!("a text of {} bytes is too long", text.len());
            self.problems.add(
                Problem::new(Code::TooMuch, extent, message)
                    .expected(format!("at most {MAX_TEXT} bytes"))
                    .next("keep long texts in a file of their own"),
            );
            return self.put(Node { tree: Tree::Broken, extent });
        }
        if let Some(spelling) = yes_no(text).filter(|_| plain) {
            self.problems.add(
                Problem::new(
                    Code::YesNoWord,
                    extent,
                    format!("`{text}` is a yes-no word of old YAML and a text of new YAML"),
                )
                .label("which of the two is meant?")
                .expected("true or false, or a text in quotes")
                .nearest(Some(spelling.to_owned()))
                .next(format!("write `{spelling}`, or \"{text}\" in quotes if a text is meant")),
            );
            return self.put(Node { tree: Tree::Broken, extent });
        }
        self.put(Node { tree: Tree::Scalar(text.into(), plain), extent });
    }

    fn enter(&mut self, content: Content, extent: Extent) -> Flow {
        if self.open.len() >= MAX_DEPTH {
            self.problems.add(
                Problem::new(
                    Code::TooDeep,
                    extent,
                    format!("lists and maps stand more than {MAX_DEPTH} deep inside each other"),
                )
                .expected(format!("at most {MAX_DEPTH} levels"))
                .next("no key of a matrix needs this; remove the inner levels"),
            );
            return Flow::Break(());
        }
        self.open.push(Open { extent, full: false, content });
        Flow::Continue(())
    }

    fn leave(&mut self, event: Extent) {
        let Some(open) = self.open.pop() else { return };
        let extent = self.closed(open.extent, event);
        let tree = match open.content {
            Content::List(items) => Tree::List(items.into()),
            Content::Map { entries, .. } => Tree::Map(entries.into()),
        };
        self.put(Node { tree, extent });
    }

    /// A block ends with its last entry and not where the parser noticed that it had ended.
    fn closed(&self, read: Extent, event: Extent) -> Extent {
        let flow = self.source.text()[read.start..].starts_with(['{', '[']);
        if flow { Extent { start: read.start, end: event.end.max(read.end) } } else { read }
    }

    fn put(&mut self, node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.root = self.root.take().or(Some(node));
            return;
        };
        open.extent.end = open.extent.end.max(node.extent.end);
        match &mut open.content {
            Content::List(items) => {
                if items.len() < MAX_ENTRIES {
                    items.push(node);
                } else {
                    self.left_out(&node);
                    self.too_many_entries(node.extent);
                }
            }
            Content::Map { key, .. } => match std::mem::replace(key, Key::Awaited) {
                Key::Awaited => {
                    let taken = self.key(node);
                    if let Some(Open { content: Content::Map { key, .. }, .. }) =
                        self.open.last_mut()
                    {
                        *key = taken;
                    }
                }
                Key::Known(name, key_extent) => self.value(name, key_extent, node),
                Key::Refused => self.left_out(&node),
            },
        }
    }

    /// Keeps a value that is in no tree out of what is printed of its lines: whether it is a secret is
    /// found out of trees alone.
    fn left_out(&mut self, value: &Node) {
        if let Tree::Scalar(..) = value.tree {
            self.problems.hide(value.extent);
        }
        value.entries().iter().for_each(|entry| self.left_out(&entry.value));
        value.items().iter().for_each(|item| self.left_out(item));
    }

    fn key(&mut self, node: Node) -> Key {
        match node.tree {
            Tree::Scalar(text, plain) if !(plain && text.is_empty()) => {
                if plain && &*text == "<<" {
                    self.refuse(node.extent, "a merge key", "`defaults:` shares sections");
                    return Key::Refused;
                }
                Key::Known(text, node.extent)
            }
            Tree::Broken => Key::Refused,
            Tree::Scalar(..) | Tree::List(_) | Tree::Map(_) => {
                self.refuse(node.extent, "a key that is no text", "write a word as the key");
                Key::Refused
            }
        }
    }

    fn value(&mut self, key: Arc<str>, key_extent: Extent, value: Node) {
        let Some(Open { content: Content::Map { entries, seen, .. }, .. }) = self.open.last_mut()
        else {
            return;
        };
        if let Some(first) = seen.get(&key).copied() {
            let message = format!("the key `{}` stands twice in one map", printable(&key));
            let line = self.source.line_of(first.start);
            self.left_out(&value);
            self.problems.add(
                Problem::new(Code::DuplicateKey, key_extent, message)
                    .label("this would replace the first")
                    .related(first, "the first")
                    .expected("each key once")
                    .next(format!("join both, or remove one; the first is in line {line}")),
            );
            return;
        }
        if entries.len() < MAX_ENTRIES {
            seen.insert(key.clone(), key_extent);
            entries.push(Entry { key, key_extent, value });
        } else {
            self.left_out(&value);
            self.too_many_entries(key_extent);
        }
    }

    /// Says so once for each list or map, and leaves the further entries out.
    fn too_many_entries(&mut self, extent: Extent) {
        let Some(open) = self.open.last_mut().filter(|open| !open.full) else { return };
        open.full = true;
        let message = format!("a list or map has more than {MAX_ENTRIES} entries");
        self.problems.add(
            Problem::new(Code::TooMuch, extent, message)
                .label("this one and all after it are not read")
                .expected(format!("at most {MAX_ENTRIES} entries"))
                .next("split it, or check that this is the matrix"),
        );
    }

    fn syntax(&mut self, error: &ScanError) {
        let text = self.source.text();
        let mut start = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let line = self.source.line(self.source.line_of(start));
        let bare = [": >", ": <", "[>", "[<"].iter().any(|mark| line.contains(mark));
        let next = if bare {
            "put comparisons in quotes: \"> 5%\""
        } else if line.contains('{') {
            "close every `{` and `[`; a value that begins with `{green}` stands in quotes"
        } else {
            "indent by two spaces, one key a line, and a space after each colon"
        };
        let reason = error.info();
        self.problems.add(
            Problem::new(Code::YamlSyntax, Extent { start, end: start }, "this is not YAML")
                .label(printable(&reason))
                .expected("YAML 1.2")
                .next(next),
        );
    }
}

/// Whether `text` is one of the yes-no words that are refused.
pub(crate) fn is_yes_no(text: &str) -> bool {
    yes_no(text).is_some()
}

/// The right spelling of the yes-no words of YAML 1.1 (<https://yaml.org/type/bool.html>).
fn yes_no(text: &str) -> Option<&'static str> {
    match text {
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some("true"),
        "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some("false"),
        _ => None,
    }
}
