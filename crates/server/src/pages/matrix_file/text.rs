//! The matrix as text: every value with where it comes from, and the file with its lines. Each key and each line has an
//! address of its own. Reads nothing.

use maud::{Markup, html};
use serde_json::Value;
use towpath_config::{Origin, ResolvedLine, hide_secrets};
use towpath_core::governing::differences;
use towpath_core::matrix::Matrix;

use super::says;
use super::written::{Read, Written};
use crate::pages::marks::{icon, sentence};

/// So many values stand on one page: fifty services have thousands.
const LISTED: usize = 160;

/// A part of a long list, and the addresses of the others.
pub(super) struct Part<'a> {
    /// How many come before it.
    pub(super) from: usize,
    /// The address of the part that begins there.
    pub(super) to: &'a dyn Fn(usize) -> String,
}

impl Part<'_> {
    fn of<'b, T>(&self, all: &'b [T]) -> &'b [T] {
        let from = self.from.min(all.len());
        &all[from..from.saturating_add(LISTED).min(all.len())]
    }

    fn pager(&self, count: usize) -> Markup {
        let until = self.from.saturating_add(LISTED);
        html! {
            @if count > LISTED {
                p.pager {
                    @if self.from > 0 { a href=((self.to)(self.from.saturating_sub(LISTED))) rel="prev" { "Those before" } }
                    span.q { (self.from.min(count) + 1) " to " (until.min(count)) " of " (count) }
                    @if until < count { a href=((self.to)(until)) rel="next" { "Those behind" } }
                }
            }
        }
    }
}

/// Every value that holds. Where it comes from is known of a file alone that says the same.
pub(super) fn resolved(
    matrix: &Matrix,
    file: &Written,
    words: &[String],
    part: &Part<'_>,
) -> Markup {
    match file {
        Written::Read(read) if read.is_in_force => lines(&read.lines, words, part),
        _ => values(matrix, words, part),
    }
}

/// Where the sections begin, and the environments in theirs, by the number of lines before.
fn heads(all: &[&ResolvedLine]) -> Vec<(usize, String)> {
    let mut section = "";
    let mut found = Vec::new();
    for (at, line) in all.iter().enumerate() {
        let name = line.text.split(':').next().unwrap_or_default();
        match line.indent {
            0 => {
                section = name;
                found.push((at, name.to_owned()));
            }
            2 if section == "environments" => found.push((at, name.to_owned())),
            _ => {}
        }
    }
    found
}

fn lines(all: &[ResolvedLine], words: &[String], part: &Part<'_>) -> Markup {
    let found: Vec<&ResolvedLine> = all.iter().filter(|line| is_found(line, words)).collect();
    let is_whole = words.is_empty();
    html! {
        @if found.is_empty() { p.q { "No value has these words." } }
        @if is_whole && found.len() > LISTED {
            nav.named.sm aria-label="Sections" { @for (at, name) in heads(&found) { a href=((part.to)(at)) { (name) } } }
        }
        div.values role="list" {
            @for line in part.of(&found) {
                @match &line.value {
                    Some((path, origin)) => div id=(path) role="listitem" {
                        a.key href={ "#" (path) } {
                            @if is_whole { (indent(line.indent)) (line.text) } @else { (path) span.v { (value_of(&line.text)) } }
                        }
                        span.from { (source(origin)) }
                    },
                    None => div role="listitem" { span.key { (indent(line.indent)) (line.text) } },
                }
            }
        }
        (part.pager(found.len()))
    }
}

fn is_found(line: &ResolvedLine, words: &[String]) -> bool {
    match &line.value {
        Some((path, origin)) => says(&format!("{path} {} {origin}", line.text), words),
        // What only opens a map is read where everything is.
        None => words.is_empty(),
    }
}

/// What stands behind the key of a line.
fn value_of(text: &str) -> &str {
    text.split_once(':').map_or(text, |(_, value)| value)
}

/// Spaces that a browser keeps.
fn indent(columns: usize) -> String {
    "\u{a0}".repeat(columns)
}

/// Where a value comes from, and the way there.
fn source(origin: &Origin) -> Markup {
    let to = |line: &usize| format!("?show=file#L{line}");
    html! {
        @match origin {
            Origin::Line(line) => a href=(to(line)) { "line " (line) },
            Origin::Shared(section, line) => { "inherited: " a href=(to(line)) { (section) ", line " (line) } },
            Origin::BuiltIn => span.qq { "built-in default" },
        }
    }
}

/// The same of a matrix whose file is not here: by path, as programs see it.
fn values(matrix: &Matrix, words: &[String], part: &Part<'_>) -> Markup {
    let mut found = Vec::new();
    for place in differences(None, matrix, hide_secrets) {
        flat(&place.path, &place.now.unwrap_or_default(), &mut found);
    }
    found.retain(|(path, value)| says(&format!("{path} {value}"), words));
    html! {
        p.sm.q { "Where each value comes from is known of a file here that says the same. These are the values that hold, as programs see them: spans in milliseconds, shares of one." }
        div.values role="list" {
            @for (path, value) in part.of(&found) {
                div id=(path) role="listitem" { a.key href={ "#" (path) } { (path) ": " span.v { (value) } } }
            }
        }
        (part.pager(found.len()))
    }
}

fn flat(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, inner) in entries {
                let inner_path = if path.is_empty() || path == "everything" {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                flat(&inner_path, inner, found);
            }
        }
        Value::String(text) => found.push((path.to_owned(), text.clone())),
        other => found.push((path.to_owned(), other.to_string())),
    }
}

/// The file, line by line.
pub(super) fn raw(file: &Written, words: &[String]) -> Markup {
    match file {
        Written::Read(read) => numbered(read, words),
        Written::Wrong { report, .. } => {
            html! { p.q { "It has errors, and is shown once they are mended." } code.cmd { (report) } }
        }
        Written::Unread(why) => html! { p.q { (sentence(why)) } },
        Written::Unknown => {
            html! { p.q { "It lies where it was applied from." } code.cmd { "towpath matrix show --form file" } }
        }
    }
}

fn numbered(read: &Read, words: &[String]) -> Markup {
    let all = read.text.lines().enumerate().map(|(at, line)| (at + 1, line));
    let found: Vec<(usize, &str)> = all.filter(|(_, line)| says(line, words)).collect();
    html! {
        @if found.is_empty() { p.q { "No line has these words." } }
        div.values.raw role="list" {
            @for (number, line) in found {
                div id={ "L" (number) } role="listitem" {
                    a.no href={ "#L" (number) } aria-label={ "Line " (number) } { (number) }
                    code { (line) }
                    @for (_, said) in read.warnings.iter().filter(|(at, _)| *at == number) {
                        span.st.wait.wrap { (icon("warn")) (sentence(said)) }
                    }
                }
            }
        }
    }
}
