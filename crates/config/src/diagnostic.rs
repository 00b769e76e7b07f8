//! Problems as people and programs read them: lines and columns instead of bytes. Owns the JSON
//! form; `render` owns the printed one.

use serde::{Serialize, Serializer};

use crate::codes::{Code, Severity};
use crate::problem::Problem;
use crate::source::{Extent, Source};
use crate::tree::{Node, printable};

/// One problem of a matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// What is wrong, by its name.
    #[serde(serialize_with = "code_name")]
    pub code: Code,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// Dotted path of the value to change; empty for the file as a whole.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Characters to underline, at least 1; never past the end of the line.
    pub length: usize,
    /// What stands beside the underline; may be empty.
    pub label: String,
    /// Other places that matter, in the order of the file.
    pub related: Vec<Label>,
    /// What was expected.
    pub expected: Option<String>,
    /// The nearest known name.
    pub nearest: Option<String>,
    /// What to do.
    pub next: Option<String>,
}

/// Another place that matters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Characters to underline, at least 1.
    pub length: usize,
    /// Why it matters.
    pub label: String,
}

impl Diagnostic {
    /// Whether it refuses the matrix.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    pub(crate) fn new(problem: Problem, source: &Source, root: Option<&Node>) -> Self {
        let (line, column) = source.position(problem.extent.start);
        let mut related: Vec<Label> = problem
            .related
            .into_iter()
            .map(|(extent, label)| place(source, extent, label))
            .collect();
        related.sort_by_key(|label| (label.line, label.column));
        Self {
            code: problem.code,
            message: safe(&problem.message),
            path: root.map(|root| root.path_to(problem.extent)).unwrap_or_default(),
            line,
            column,
            length: source.length(problem.extent),
            label: safe(&problem.label),
            related,
            expected: problem.expected.map(|text| safe(&text)),
            nearest: problem.nearest,
            next: Some(
                problem.next.map_or_else(|| explain_command(problem.code), |text| safe(&text)),
            ),
        }
    }
}

fn explain_command(code: Code) -> String {
    format!("towpath matrix check --explain {}     the rule, with examples", code.as_str())
}

fn place(source: &Source, extent: Extent, label: String) -> Label {
    let (line, column) = source.position(extent.start);
    Label { line, column, length: source.length(extent), label }
}

/// A message may quote the file; nothing in it may move a terminal's cursor.
fn safe(text: &str) -> String {
    if text.chars().all(crate::tree::is_safe) {
        return text.to_owned();
    }
    text.split_inclusive(|character| !crate::tree::is_safe(character)).map(printable).collect()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn code_name<S: Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.as_str())
}
