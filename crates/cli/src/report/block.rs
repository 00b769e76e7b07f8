//! Labelled blocks, lists of commands and tables. Owns columns and folding; no sentence.

use towpath_core::reason::Next;

use crate::report::style::{Style, padded, width};

/// Blanks between a command and what it does (cli.md section 0, rule 3).
const BETWEEN: usize = 5;

/// A label and its lines, in a column of their own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    rows: Vec<(String, Vec<String>)>,
}

impl Block {
    /// Adds a sentence, which may be folded.
    pub(crate) fn row(&mut self, label: &str, text: impl Into<String>) {
        self.rows.push((label.to_owned(), vec![text.into()]));
    }

    /// Adds a sentence if there is one.
    pub(crate) fn optional(&mut self, label: &str, text: Option<impl Into<String>>) {
        if let Some(text) = text {
            self.row(label, text);
        }
    }

    /// Adds several lines under one label; none adds nothing.
    pub(crate) fn lines(&mut self, label: &str, lines: Vec<String>) {
        if !lines.is_empty() {
            self.rows.push((label.to_owned(), lines));
        }
    }

    /// Adds commands with what they do.
    pub(crate) fn next(&mut self, next: &[Next]) {
        self.lines("next", commands(next));
    }

    /// The block, each line indented by `indent` blanks and ending in a line break.
    pub(crate) fn written(&self, indent: usize, style: &Style) -> String {
        let labels = self.rows.iter().map(|(label, _)| width(label)).max().unwrap_or(0);
        let column = indent + labels + 2;
        let mut text = String::new();
        for (label, lines) in &self.rows {
            let mut first = true;
            for line in lines {
                let keep = label == "next";
                let parts =
                    if keep { vec![line.clone()] } else { folded(line, column, style.width) };
                for part in parts {
                    let label = if first { label.as_str() } else { "" };
                    let line = format!("{}{}  {part}", " ".repeat(indent), padded(label, labels));
                    text.push_str(line.trim_end());
                    text.push('\n');
                    first = false;
                }
            }
        }
        text
    }
}

/// Commands and what they do, in two columns.
pub(crate) fn commands(next: &[Next]) -> Vec<String> {
    let column = next.iter().map(|one| width(&one.command)).max().unwrap_or(0) + BETWEEN;
    let line = |one: &Next| {
        if one.what.is_empty() {
            one.command.clone()
        } else {
            format!("{}{}", padded(&one.command, column), one.what)
        }
    };
    next.iter().map(line).collect()
}

/// What a message ends with: `next  COMMAND     what it does`; empty without commands.
pub(crate) fn next(next: &[Next]) -> String {
    let mut text = String::new();
    for (index, line) in commands(next).iter().enumerate() {
        let label = if index == 0 { "next  " } else { "      " };
        text.push_str(label);
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// A table: columns as wide as their widest cell, three blanks apart, nothing after the last cell.
pub(crate) fn table(indent: usize, rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| padded(cell, *width));
        let line = cells.collect::<Vec<_>>().join("   ");
        text.push_str(&" ".repeat(indent));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `text` in parts that fit between `column` and `limit`, broken at blanks.
pub(crate) fn folded(text: &str, column: usize, limit: Option<usize>) -> Vec<String> {
    // Narrower than this, folding makes a sentence harder to read than a long line.
    const NARROWEST: usize = 30;
    let Some(limit) = limit.map(|limit| limit.saturating_sub(column).max(NARROWEST)) else {
        return vec![text.to_owned()];
    };
    let mut parts = vec![String::new()];
    for word in text.split(' ') {
        let last = parts.last_mut().expect("there is always a part");
        if last.is_empty() {
            last.push_str(word);
        } else if width(last) + 1 + width(word) <= limit {
            last.push(' ');
            last.push_str(word);
        } else {
            parts.push(word.to_owned());
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn a_long_sentence_is_folded_under_its_label_and_commands_never_are() {
        let mut style = samples::terminal("2027-01-12T15:31:08Z");
        style.width = Some(50);
        let mut block = Block::default();
        block.row("cause", "quarantined in production since 14:27:36 because it failed");
        block.next(&[Next::new("towpath promote staging production --release 1.5.1", "the fix")]);
        let text = block.written(4, &style);
        assert_eq!(
            text,
            "    cause  quarantined in production since\n           14:27:36 because it failed\n    \
             next   towpath promote staging production --release 1.5.1     the fix\n"
        );
    }

    #[test]
    fn off_a_terminal_nothing_is_folded() {
        let long = "word ".repeat(100);
        assert_eq!(folded(&long, 10, None).len(), 1);
    }
}
