//! The printed form of a checked matrix. Owns carets and columns; decides nothing.

use std::fmt::Write as _;

use towpath_core::matrix::Unenforced;

use crate::Checked;
use crate::codes::Severity;
use crate::diagnostic::Diagnostic;
use crate::source::{Source, width};
use crate::tree::is_safe;

/// Which symbols may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbols {
    /// `✓` and `✗`.
    Unicode,
    /// `+` and `x`.
    Ascii,
}

impl Symbols {
    fn passed(self) -> &'static str {
        if self == Self::Unicode { "✓" } else { "+" }
    }

    fn failed(self) -> &'static str {
        if self == Self::Unicode { "✗" } else { "x" }
    }
}

/// Characters of a source line that are shown; of a longer one, the part around the caret.
const SHOWN_LINE: usize = 160;
/// Characters shown before the caret of a line that is too long.
const SHOWN_BEFORE: usize = 40;

/// Everything that `towpath matrix check` says: the answer, every problem, what is not enforced,
/// and what to do. Ends with a line break.
pub fn report(checked: &Checked, symbols: Symbols) -> String {
    let mut text = headline(checked, symbols);
    for diagnostic in checked.errors.iter().chain(&checked.warnings) {
        let _ = write!(text, "\n{}", snippet(checked, diagnostic));
    }
    not_enforced(&mut text, &checked.not_enforced);
    if let Some(last) = checked.errors.last() {
        let fix = match checked.errors.len() {
            1 => "the error".to_owned(),
            many => format!("the {many} errors"),
        };
        let _ =
            writeln!(text, "\nnext  fix {fix}; nothing can be promoted from this file until then");
        let command = format!("towpath matrix check --explain {}", last.code.as_str());
        let _ = writeln!(text, "      {command}     the rule behind an error, with examples");
    }
    text
}

/// The same in a line for each name of a problem.
pub fn brief(checked: &Checked, symbols: Symbols) -> String {
    let mut text = headline(checked, symbols);
    let mut seen: Vec<(&Diagnostic, usize)> = Vec::new();
    for diagnostic in checked.errors.iter().chain(&checked.warnings) {
        match seen.iter_mut().find(|(first, _)| first.code == diagnostic.code) {
            Some((_, times)) => *times += 1,
            None => seen.push((diagnostic, 1)),
        }
    }
    if !seen.is_empty() {
        text.push('\n');
    }
    let longest = seen.iter().map(|(first, _)| first.code.as_str().len()).max().unwrap_or(0);
    for (first, times) in seen {
        let times = if times > 1 { format!(", {times} times") } else { String::new() };
        let (severity, code) = (word(first.severity()), first.code.as_str());
        let (message, line) = (&first.message, first.line);
        let _ = writeln!(text, "{severity}  {code:longest$}   {message} (line {line}){times}");
    }
    let refusing = checked.not_enforced.iter().filter(|item| item.refuses).count();
    if !checked.not_enforced.is_empty() {
        let paths = counted(checked.not_enforced.len(), "path");
        let refusing = match refusing {
            0 => "none refuses a promotion".to_owned(),
            1 => "1 refuses promotions".to_owned(),
            many => format!("{many} refuse promotions"),
        };
        let _ = writeln!(
            text,
            "\ndeclared, not enforced yet: {paths}, {refusing}     towpath matrix check --verbose"
        );
    }
    text
}

fn headline(checked: &Checked, symbols: Symbols) -> String {
    let warnings = counted(checked.warnings.len(), "warning");
    let file = &checked.file;
    if let Some(matrix) = &checked.matrix {
        return format!(
            "{} {file} is right: {}, {}, 0 errors, {warnings}\n",
            symbols.passed(),
            counted(matrix.environments.len(), "environment"),
            counted(matrix.services.len(), "service"),
        );
    }
    let errors = counted(checked.errors.len(), "error");
    format!("{} {file}: {errors}, {warnings}\n", symbols.failed())
}

fn counted(many: usize, what: &str) -> String {
    format!("{many} {what}{}", if many == 1 { "" } else { "s" })
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// One problem with the lines of the file that it is about.
pub fn snippet(checked: &Checked, diagnostic: &Diagnostic) -> String {
    let source = &checked.source;
    let mut marks = vec![Mark::primary(diagnostic)];
    marks.extend(diagnostic.related.iter().map(|label| Mark {
        line: label.line,
        column: label.column,
        length: label.length,
        label: &label.label,
        underline: "-",
    }));
    marks.sort_by_key(|mark| (mark.line, mark.column));
    let last = marks.last().map_or(1, |mark| mark.line);
    // Two digits at least, so that the snippets of a short file stand under each other.
    let digits = last.to_string().len().max(2);
    let gutter = " ".repeat(digits + 2);
    let Diagnostic { code, message, line, column, .. } = diagnostic;
    let (severity, code) = (word(diagnostic.severity()), code.as_str());
    let mut text = format!("{severity}[{code}]: {message}\n");
    let _ = writeln!(text, "{}--> {}:{line}:{column}", " ".repeat(digits + 1), checked.file);
    let _ = writeln!(text, "{gutter}|");
    let mut shown = 0;
    for mark in &marks {
        mark.write(&mut text, source, digits, mark.line != shown);
        shown = mark.line;
    }
    let _ = writeln!(text, "{gutter}|");
    let path = (!diagnostic.path.is_empty()).then_some(&diagnostic.path);
    for (name, value) in [
        ("path", path),
        ("expected", diagnostic.expected.as_ref()),
        ("next", diagnostic.next.as_ref()),
    ] {
        if let Some(value) = value {
            let _ = writeln!(text, "{gutter}{name:<10}{value}");
        }
    }
    text
}

/// An underlined piece of a line.
struct Mark<'a> {
    line: usize,
    column: usize,
    length: usize,
    label: &'a str,
    underline: &'static str,
}

impl<'a> Mark<'a> {
    fn primary(diagnostic: &'a Diagnostic) -> Self {
        Self {
            line: diagnostic.line,
            column: diagnostic.column,
            length: diagnostic.length,
            label: &diagnostic.label,
            underline: "^",
        }
    }

    fn write(&self, text: &mut String, source: &Source, digits: usize, with_line: bool) {
        let line: String = source.line(self.line).chars().map(shown).collect();
        let before: usize = self.column - 1;
        let skipped =
            if line.chars().count() > SHOWN_LINE { before.saturating_sub(SHOWN_BEFORE) } else { 0 };
        let visible: String = line.chars().skip(skipped).take(SHOWN_LINE).collect();
        if with_line {
            let _ = writeln!(text, " {:>digits$} | {}", self.line, visible.trim_end());
        }
        let lead: String = visible.chars().take(before - skipped).collect();
        let rest = SHOWN_LINE.saturating_sub(before - skipped).max(1);
        let marked: String =
            visible.chars().skip(before - skipped).take(self.length.min(rest)).collect();
        let carets = self.underline.repeat(width(&marked).max(1));
        let gap = " ".repeat(width(&lead));
        let row = format!("{}| {gap}{carets} {}", " ".repeat(digits + 2), self.label);
        let _ = writeln!(text, "{}", row.trim_end());
    }
}

/// What stands for a character that would move the cursor of a terminal.
fn shown(character: char) -> char {
    match character {
        '\t' => ' ',
        character if is_safe(character) => character,
        _ => '?',
    }
}

fn not_enforced(text: &mut String, items: &[Unenforced]) {
    if items.is_empty() {
        return;
    }
    let _ = writeln!(text, "\ndeclared, not enforced yet ({})", items.len());
    let (runners, refusing): (Vec<_>, Vec<_>) =
        items.iter().filter(|item| item.refuses).partition(|item| item.is_runner());
    let accepted_ones: Vec<_> = items.iter().filter(|item| item.is_accepted()).collect();
    let kept: Vec<_> = items.iter().filter(|item| item.is_kept()).collect();
    for (title, list, reasons) in [
        ("refuses promotions until it is built, and cannot be accepted", runners, true),
        ("refuses promotions until it is enforced or accepted by name", refusing, true),
        ("is accepted by name, and does not act", accepted_ones, true),
        ("is kept and shown, and nothing acts on it", kept, false),
    ] {
        if list.is_empty() {
            continue;
        }
        let _ = writeln!(text, "    {title}");
        let rows = gathered(&list, reasons);
        let longest = rows.iter().map(|(path, _)| path.chars().count()).max().unwrap_or(0);
        for (path, said) in rows {
            let row = format!("      {path:longest$}   {said}");
            let _ = writeln!(text, "{}", row.trim_end());
        }
    }
}

/// Environments from which on the same path in several of them is one line.
const MANY: usize = 3;

/// A line for each path, or one for the same path in many environments.
fn gathered(list: &[&Unenforced], reasons: bool) -> Vec<(String, String)> {
    let inside = |path: &'_ str| {
        let (environment, rest) = path.strip_prefix("environments.")?.split_once('.')?;
        Some((environment.to_owned(), rest.to_owned()))
    };
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut told: Vec<String> = Vec::new();
    for item in list {
        let said = if reasons { item.reason.clone() } else { String::new() };
        let Some((_, rest)) = inside(&item.path) else {
            rows.push((item.path.clone(), said));
            continue;
        };
        let alike = list.iter().filter(|other| other.reason == item.reason);
        let with: Vec<String> = alike
            .filter_map(|other| inside(&other.path).filter(|(_, theirs)| *theirs == rest))
            .map(|(environment, _)| environment)
            .collect();
        if with.len() < MANY {
            rows.push((item.path.clone(), said));
        } else if !told.contains(&rest) {
            let between = if said.is_empty() { "" } else { "; " };
            rows.push((
                format!("environments.*.{rest}"),
                format!("{said}{between}{}", with.join(", ")),
            ));
            told.push(rest);
        }
    }
    rows
}
