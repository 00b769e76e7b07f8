//! One broken rule, as it is shown: where, which rule, what is wrong, what to do. It does not
//! know how a break is found.

use std::fmt;
use std::path::{Path, PathBuf};

/// A broken rule at one place. Ordered by file, then line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Path below the workspace root.
    pub(crate) file: PathBuf,
    /// Line in that file, from 1.
    pub(crate) line: usize,
    /// The rule's short name.
    pub(crate) rule: &'static str,
    /// What is wrong, in one sentence.
    pub(crate) problem: String,
    /// What to do about it, in one sentence.
    pub(crate) remedy: String,
}

impl Finding {
    /// A break of `rule` at `file:line`.
    pub(crate) fn new(
        rule: &'static str,
        file: &Path,
        line: usize,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            file: file.to_path_buf(),
            line,
            rule,
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, rule, problem, remedy } = self;
        write!(formatter, "{}:{line}: {rule}: {problem}\n    {remedy}", file.display())
    }
}
