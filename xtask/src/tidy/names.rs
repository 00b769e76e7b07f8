//! Names that say nothing: a module called `utils` or `manager` collects what has no home.
//! Only names of files and directories are looked at, not names in code.

use std::path::Path;

use super::finding::Finding;
use super::tree::Tree;

const EMPTY_NAMES: &[&str] =
    &["common", "helper", "helpers", "manager", "managers", "util", "utils"];

/// Every file or directory whose name is, or ends in, an empty word.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.entries().iter().filter_map(|path| judge(path)).collect()
}

fn judge(path: &Path) -> Option<Finding> {
    let stem = path.file_stem()?.to_str()?;
    let last_word = stem.rsplit(['_', '-']).next()?;
    if !EMPTY_NAMES.contains(&last_word) {
        return None;
    }
    let problem = format!("`{last_word}` names no thing");
    Some(Finding::new("empty-name", path, 1, problem, "name it after the noun it owns"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample::{places, tree};

    #[test]
    fn files_and_directories_with_an_empty_name_are_found() {
        let tree = tree(&[
            ("crates/core/src/utils.rs", ""),
            ("crates/core/src/lease_manager.rs", ""),
            ("crates/core/tests/common/mod.rs", ""),
            ("crates/core/src/common_name.rs", ""),
        ]);
        assert_eq!(
            places(&check(&tree)),
            [
                "crates/core/src/lease_manager.rs:1: empty-name",
                "crates/core/src/utils.rs:1: empty-name",
                "crates/core/tests/common:1: empty-name",
            ]
        );
    }
}
