//! Problems as people and programs read them: lines and columns instead of bytes. Owns the JSON
//! form; `render` owns the printed one.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::Checked;
use crate::codes::{Code, Severity};
use crate::place::line_of;
use crate::problem::Problem;
use crate::source::{Extent, Source};
use crate::tree::{Node, escaped};

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

/// A checked matrix as one JSON object: `errors`, `warnings`, `not_enforced` (paths alone), and
/// `unenforced` (the same with line, reason and whether it refuses promotions).
pub fn report_json(checked: &Checked) -> Value {
    let paths: Vec<&str> = checked.not_enforced.iter().map(|item| item.path.as_str()).collect();
    let unenforced = checked.not_enforced.iter().map(|item| {
        json!({
            "path": item.path,
            "line": line_of(checked, &item.path),
            "reason": item.reason,
            "refuses": item.refuses,
        })
    });
    json!({
        "errors": checked.errors,
        "warnings": checked.warnings,
        "not_enforced": paths,
        "unenforced": unenforced.collect::<Vec<_>>(),
    })
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
        let path = root.map(|root| match &problem.missing {
            Some((map, key)) if *map == root.extent => key.clone(),
            Some((map, key)) => format!("{}.{key}", root.path_to(*map)),
            None => root.path_to(problem.extent),
        });
        let path = path.unwrap_or_default();
        let mut related: Vec<Label> = problem
            .related
            .into_iter()
            .map(|(extent, label)| place(source, extent, &label))
            .collect();
        related.sort_by_key(|label| (label.line, label.column));
        Self {
            code: problem.code,
            message: escaped(&problem.message),
            path,
            line,
            column,
            length: source.length(problem.extent),
            label: escaped(&problem.label),
            related,
            expected: problem.expected.map(|text| escaped(&text)),
            nearest: problem.nearest,
            next: Some(
                problem.next.map_or_else(|| explain_command(problem.code), |text| escaped(&text)),
            ),
        }
    }
}

fn explain_command(code: Code) -> String {
    format!("towpath matrix check --explain {}     the rule, with examples", code.as_str())
}

fn place(source: &Source, extent: Extent, label: &str) -> Label {
    let (line, column) = source.position(extent.start);
    Label { line, column, length: source.length(extent), label: escaped(label) }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn code_name<S: Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.as_str())
}
