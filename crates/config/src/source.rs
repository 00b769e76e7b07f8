//! The text of a matrix and where its lines are. Owns what is refused before anything is read:
//! size, encoding, tabs. Reads no files.

use std::collections::BTreeSet;

use unicode_width::UnicodeWidthChar;

use crate::codes::Code;
use crate::problem::{Problem, Problems};

/// Largest matrix that is read. The example with five environments has 17 kB; 1 MiB holds sixty
/// of them, and keeps a check well under a second.
pub const MAX_BYTES: usize = 1024 * 1024;

/// A piece of the text, in bytes; `end` is exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Extent {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The text with an index of its lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// Takes `bytes` if they are text of a bearable size; a byte order mark is dropped.
    pub(crate) fn new(bytes: &[u8], problems: &mut Problems) -> Self {
        if bytes.len() > MAX_BYTES {
            // Whoever reads files stops soon after the limit, so how large it is nobody knows.
            let message = format!("the file has more than {MAX_BYTES} bytes");
            problems.add(
                Problem::new(Code::TooLarge, Extent::default(), message)
                    .expected(format!("at most {MAX_BYTES} bytes"))
                    .next("check that this is the matrix, and not a data file"),
            );
            return Self::indexed(String::new());
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                let source = Self::indexed(text.trim_start_matches('\u{feff}').to_owned());
                source.refuse_tabs(problems);
                source
            }
            Err(error) => {
                let valid = error.valid_up_to();
                let readable = String::from_utf8_lossy(&bytes[..valid]).into_owned();
                let byte = bytes.get(valid).copied().unwrap_or_default();
                let place = Extent { start: readable.len(), end: readable.len() };
                let message = format!("byte {valid} of the file (0x{byte:02x}) is not UTF-8 text");
                problems.add(
                    Problem::new(Code::NotUtf8, place, message)
                        .expected("text in UTF-8")
                        .next("save the file as UTF-8 in your editor"),
                );
                Self::indexed(readable)
            }
        }
    }

    /// A text of our own, of any size.
    pub(crate) fn indexed(text: String) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        Self { text, line_starts }
    }

    fn refuse_tabs(&self, problems: &mut Problems) {
        for (index, line) in self.text.lines().enumerate() {
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            let blank = indent == line.len();
            if let Some(tab) = line[..indent].find('\t').filter(|_| !blank) {
                let start = self.line_starts[index] + tab;
                problems.add(
                    Problem::new(
                        Code::Tab,
                        Extent { start, end: start + 1 },
                        "a tab stands where the indentation needs spaces",
                    )
                    .label("this is a tab")
                    .expected("spaces; two for each level")
                    .next("set your editor to indent YAML with spaces"),
                );
            }
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte, both from 1, columns in characters.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts[line - 1];
        let before = self.text.get(start..offset).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    /// Number of the line of a byte, from 1.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.position(offset).0
    }

    /// The text of a line, from 1, without its line break.
    pub(crate) fn line(&self, line: usize) -> &str {
        let start = self.line_starts.get(line.wrapping_sub(1)).copied().unwrap_or_default();
        let end = self.line_starts.get(line).copied().unwrap_or(self.text.len());
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }

    /// Replaces the pieces at `extents` with stars, for whoever prints lines later. A star for each
    /// byte, so that places stay as they are; of a secret one can see how long it is.
    pub(crate) fn hide(&mut self, extents: &BTreeSet<Extent>) {
        if extents.is_empty() {
            return;
        }
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        for extent in extents {
            let piece = bytes.get_mut(extent.start..extent.end).unwrap_or_default();
            piece.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b'*');
        }
        let length = bytes.len();
        // The pieces are whole texts, so what remains is UTF-8; if not, nothing of it is printed.
        self.text = String::from_utf8(bytes).unwrap_or_else(|_| "*".repeat(length));
    }

    /// Characters of `extent` on its first line, at least 1.
    pub(crate) fn length(&self, extent: Extent) -> usize {
        let piece = self.text.get(extent.start..extent.end).unwrap_or_default();
        piece.lines().next().unwrap_or_default().trim_end().chars().count().max(1)
    }
}

/// Columns of a terminal that `text` takes, for carets under it.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(1)).sum()
}
