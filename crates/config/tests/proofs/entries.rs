//! Every key of a text with its place, and the text with one key changed. Knows YAML and nothing of
//! what a matrix is.

use granit_parser::{Event, Parser};

/// A part of a text: first byte, and the one after the last.
type Piece = (usize, usize);

/// One key with its value.
#[derive(Debug)]
pub(crate) struct Entry {
    /// `environments.staging.gate.validation[0].url`.
    pub(crate) path: String,
    key: Piece,
    value: Piece,
    pub(crate) holds: Holds,
    /// Where the map begins that it stands in.
    pub(crate) map: usize,
    /// The key that has that map as its value, or has the list with it.
    pub(crate) above: Option<usize>,
    /// The next key of the map.
    next: Option<usize>,
    in_flow: bool,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    Text,
    /// A number, or true or false.
    Bare,
    Nothing,
    List,
    Map,
}

/// What is done to one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// The key and its value are gone.
    Drop,
    /// A letter of the key stands twice.
    Rename,
    /// A text, a list or a map is a number; a number or a flag is a text.
    RetypeScalar,
    /// A text, a number or a flag is a map; a list or a map is a text.
    RetypeWhole,
    /// The key and its value stand there once more.
    Duplicate,
}

/// All of them.
pub(crate) const MUTATIONS: [Mutation; 5] = [
    Mutation::Drop,
    Mutation::Rename,
    Mutation::RetypeScalar,
    Mutation::RetypeWhole,
    Mutation::Duplicate,
];

/// Every key of `text`, in the order of the file.
pub(crate) fn entries(text: &str) -> Vec<Entry> {
    let events = Parser::new_from_str(text).map(|next| {
        let (event, span) = next.expect("the text is YAML");
        let start = span.start.byte_offset().unwrap_or_default();
        (event, (start, span.end.byte_offset().unwrap_or(start)))
    });
    let mut reader = Reader { text, events: Box::new(events), found: Vec::new() };
    while let Some((event, piece)) = reader.events.next() {
        if !matches!(event, Event::StreamStart | Event::DocumentStart(..)) {
            reader.value(&event, piece, "", None);
            break;
        }
    }
    reader.found
}

struct Reader<'a> {
    text: &'a str,
    events: Box<dyn Iterator<Item = (Event<'a>, Piece)> + 'a>,
    found: Vec<Entry>,
}

impl Reader<'_> {
    /// Reads the value that begins with `event`; answers where it ends and what it is.
    fn value(
        &mut self,
        event: &Event<'_>,
        piece: Piece,
        path: &str,
        above: Option<usize>,
    ) -> (Piece, Holds) {
        match event {
            Event::Scalar(text, style, ..) => (piece, scalar(text, *style)),
            Event::SequenceStart(..) => (self.list(piece, path, above), Holds::List),
            Event::MappingStart(..) => (self.map(piece, path, above), Holds::Map),
            other => panic!("{other:?} is no value"),
        }
    }

    fn list(&mut self, piece: Piece, path: &str, above: Option<usize>) -> Piece {
        let (mut end, mut index) = (piece.1, 0);
        loop {
            let (event, inner) = self.events.next().expect("a list ends");
            if matches!(event, Event::SequenceEnd) {
                return (piece.0, self.end(piece.0, end, inner.1));
            }
            end = self.value(&event, inner, &format!("{path}[{index}]"), above).0.1;
            index += 1;
        }
    }

    fn map(&mut self, piece: Piece, path: &str, above: Option<usize>) -> Piece {
        let (mut end, mut last): (usize, Option<usize>) = (piece.1, None);
        let in_flow = self.text[piece.0..].starts_with('{');
        loop {
            let (event, key) = self.events.next().expect("a map ends");
            let Event::Scalar(name, ..) = &event else {
                return (piece.0, self.end(piece.0, end, key.1));
            };
            let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            let (event, start) = self.events.next().expect("a key has a value");
            let index = self.found.len();
            let holds = Holds::Nothing;
            let (map, value) = (piece.0, start);
            let entry =
                Entry { path: path.clone(), key, value, holds, map, above, next: None, in_flow };
            self.found.push(entry);
            let (value, holds) = self.value(&event, start, &path, Some(index));
            self.found[index].value = value;
            self.found[index].holds = holds;
            if let Some(last) = last.replace(index) {
                self.found[last].next = Some(index);
            }
            end = value.1.max(key.1);
        }
    }

    /// A block ends with its last value, and not where the parser noticed.
    fn end(&self, start: usize, last: usize, event: usize) -> usize {
        if self.text[start..].starts_with(['{', '[']) { event } else { last }
    }
}

fn scalar(text: &str, style: granit_parser::ScalarStyle) -> Holds {
    let plain = matches!(style, granit_parser::ScalarStyle::Plain);
    match text {
        "" if plain => Holds::Nothing,
        "true" | "false" if plain => Holds::Bare,
        text if plain && text.parse::<f64>().is_ok() => Holds::Bare,
        _ => Holds::Text,
    }
}

impl Entry {
    /// The name of the key.
    pub(crate) fn name<'a>(&self, text: &'a str) -> &'a str {
        &text[self.key.0..self.key.1]
    }

    /// Lines from the key to the end of its value, from 1.
    pub(crate) fn lines(&self, text: &str) -> std::ops::RangeInclusive<usize> {
        self.line(text)..=line_of(text, self.value.1.max(self.key.1))
    }

    /// Line of the key, from 1.
    pub(crate) fn line(&self, text: &str) -> usize {
        line_of(text, self.key.0)
    }
}

/// Line of a byte, from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// `text` with the entry at `index` changed, and the line on which the change is.
pub(crate) fn mutated(
    text: &str,
    all: &[Entry],
    index: usize,
    mutation: Mutation,
) -> (String, usize) {
    let entry = &all[index];
    let line = entry.line(text);
    match mutation {
        Mutation::Drop => (dropped(text, all, index), line),
        Mutation::Rename => {
            let name = entry.name(text);
            let at = entry.key.0 + name.char_indices().nth(1).map_or(name.len(), |(at, _)| at);
            let doubled = text[at..entry.key.1].chars().next().unwrap_or('x');
            let name = format!("{doubled}{}", &text[at..entry.key.1]);
            (spliced(text, (at, entry.key.1), &name), line)
        }
        Mutation::RetypeScalar => {
            let new = if entry.holds == Holds::Bare { "some text" } else { "12345" };
            (revalued(text, entry, new), line)
        }
        Mutation::RetypeWhole => {
            let whole = matches!(entry.holds, Holds::List | Holds::Map);
            let new = if whole { "some text" } else { "{ wrong: some text }" };
            (revalued(text, entry, new), line)
        }
        Mutation::Duplicate => {
            let piece = &text[entry.key.0..entry.value.1.max(entry.key.1 + 1)];
            if entry.in_flow {
                let again = format!("{piece}, {piece}");
                let whole = (entry.key.0, entry.key.0 + piece.len());
                return (spliced(text, whole, &again), line);
            }
            let indent = entry.key.0 - text[..entry.key.0].rfind('\n').map_or(0, |at| at + 1);
            let end = end_of_line(text, entry.key.0 + piece.len());
            let again = format!("{}{piece}\n", " ".repeat(indent));
            (spliced(text, (end, end), &again), line_of(text, end))
        }
    }
}

/// A block entry goes with its lines; the next key takes its place behind a dash.
fn dropped(text: &str, all: &[Entry], index: usize) -> String {
    let entry = &all[index];
    let end = entry.value.1.max(entry.key.1 + 1);
    if entry.in_flow {
        if let Some(next) = entry.next {
            return spliced(text, (entry.key.0, all[next].key.0), "");
        }
        let before = text[..entry.key.0].trim_end();
        let start = if before.ends_with(',') { before.len() - 1 } else { entry.key.0 };
        return spliced(text, (start, end), "");
    }
    let start = text[..entry.key.0].rfind('\n').map_or(0, |at| at + 1);
    if text[start..entry.key.0].trim().is_empty() {
        return spliced(text, (start, end_of_line(text, end)), "");
    }
    let until = entry.next.map_or(end, |next| all[next].key.0);
    spliced(text, (entry.key.0, until), "")
}

/// The entry with another value, on the line of its key.
fn revalued(text: &str, entry: &Entry, new: &str) -> String {
    let after = entry.key.1 + usize::from(text[entry.key.1..].starts_with(['"', '\'']));
    spliced(text, (after, entry.value.1.max(after + 1)), &format!(": {new}"))
}

fn end_of_line(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |length| at + length + 1)
}

fn spliced(text: &str, piece: Piece, new: &str) -> String {
    format!("{}{new}{}", &text[..piece.0], &text[piece.1..])
}
