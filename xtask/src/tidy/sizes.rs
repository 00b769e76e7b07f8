//! How long files and functions may be, and that every file says what it owns. Tests count like
//! everything else; what the text says is not judged.

use super::finding::Finding;
use super::tokens;
use super::tree::{SourceFile, Tree};

/// Lines of a Rust file. House rule; the code bases that are easiest to change stay below it.
const FILE_LINES_MAX: usize = 500;

/// Lines of a function from `fn` to the closing brace. House rule; it fits one screen.
const FUNCTION_LINES_MAX: usize = 70;

/// Every file or function that is too long, and every file without an opening comment.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust_files().flat_map(check_file).collect()
}

fn check_file(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = file.text.lines().count();
    if lines > FILE_LINES_MAX {
        let problem = format!("{lines} lines, at most {FILE_LINES_MAX} are allowed");
        let remedy = "split it by noun into modules";
        findings.push(Finding::new("file-length", &file.path, lines, problem, remedy));
    }
    if !file.text.starts_with("//!") {
        let remedy =
            "open it with `//!`: what it owns, and the one thing it deliberately does not do";
        let problem = "the file does not say what it is for";
        findings.push(Finding::new("file-comment", &file.path, 1, problem, remedy));
    }
    match file.text.parse() {
        Ok(stream) => findings.extend(long_functions(file, stream)),
        Err(error) => {
            let problem = format!("cannot be read as Rust: {error}");
            let remedy = "make `cargo check` pass first";
            findings.push(Finding::new("syntax", &file.path, 1, problem, remedy));
        }
    }
    findings
}

fn long_functions(file: &SourceFile, stream: proc_macro2::TokenStream) -> Vec<Finding> {
    let mut findings = Vec::new();
    for function in tokens::functions(stream) {
        if function.lines() <= FUNCTION_LINES_MAX || function.is_excepted {
            continue;
        }
        let (name, lines) = (&function.name, function.lines());
        let problem =
            format!("`{name}` has {lines} lines, at most {FUNCTION_LINES_MAX} are allowed");
        let remedy = "split it by state or by step; a step that needs a title is a function";
        let line = function.first_line;
        findings.push(Finding::new("function-length", &file.path, line, problem, remedy));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample::{places, tree};

    fn function_of(lines: usize) -> String {
        format!("//! a\nfn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
    }

    #[test]
    fn a_function_may_have_70_lines_and_not_71() {
        assert!(check(&tree(&[("src/lib.rs", &function_of(70))])).is_empty());
        let found = check(&tree(&[("src/lib.rs", &function_of(71))]));
        assert_eq!(places(&found), ["src/lib.rs:2: function-length"]);
        assert!(found[0].problem.contains("`long` has 71 lines"), "{}", found[0]);
    }

    #[test]
    fn an_exception_with_a_reason_is_respected() {
        let text =
            function_of(90).replace("fn", "#[expect(clippy::too_many_lines, reason = \"\")] fn");
        assert!(check(&tree(&[("src/lib.rs", &text)])).is_empty());
    }

    #[test]
    fn a_file_may_have_500_lines_and_not_501() {
        let text = |lines: usize| format!("//! a\n{}", "// b\n".repeat(lines - 1));
        assert!(check(&tree(&[("src/lib.rs", &text(500))])).is_empty());
        let found = check(&tree(&[("src/lib.rs", &text(501))]));
        assert_eq!(places(&found), ["src/lib.rs:501: file-length"]);
    }

    #[test]
    fn a_file_without_an_opening_comment_is_found() {
        let found = check(&tree(&[("src/lib.rs", "fn a() {}\n")]));
        assert_eq!(places(&found), ["src/lib.rs:1: file-comment"]);
    }

    #[test]
    fn a_file_that_is_not_rust_is_reported_instead_of_skipped() {
        let found = check(&tree(&[("src/lib.rs", "//! a\nfn a( {\n")]));
        assert_eq!(places(&found), ["src/lib.rs:1: syntax"]);
    }
}
