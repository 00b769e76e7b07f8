//! Small workspaces in a temporary directory, for the tests of the rules: each test plants one
//! break and expects to hear of it. Nothing here is part of the tool itself.

use std::fs;
use std::path::Path;

use super::finding::Finding;
use super::tree::Tree;

/// Writes the files into a new temporary directory and reads them as the tool would.
pub(crate) fn tree(files: &[(&str, &str)]) -> Tree {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), files);
    Tree::read(directory.path()).unwrap()
}

/// Writes the files below `root`, with the directories they need.
pub(crate) fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// `file:line: rule` of each finding, in the order found.
pub(crate) fn places(findings: &[Finding]) -> Vec<String> {
    let place =
        |found: &Finding| format!("{}:{}: {}", found.file.display(), found.line, found.rule);
    findings.iter().map(place).collect()
}
