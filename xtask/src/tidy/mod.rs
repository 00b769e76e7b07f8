//! `cargo xtask tidy`: reads the whole workspace, applies every rule and reports all breaks at
//! once. It reads and reports; it never repairs a file.

mod adapters;
mod coverage;
mod dependencies;
pub(crate) mod finding;
mod manifests;
mod names;
mod reach;
#[cfg(test)]
mod sample;
mod sizes;
mod third_party;
mod tokens;
mod tree;
mod words;

use std::path::Path;

use anyhow::{Result, bail};

use finding::Finding;
use tree::Tree;

/// Every rule that needs nothing but the files.
type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[Rule] = &[
    dependencies::check,
    manifests::check,
    sizes::check,
    reach::check,
    adapters::check,
    words::check,
    names::check,
    coverage::check,
];

/// Checks the workspace at `root` and prints every break.
///
/// # Errors
/// When a rule is broken, or when the workspace cannot be read. Safe to repeat.
pub(crate) fn run(root: &Path) -> Result<()> {
    let tree = Tree::read(root)?;
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    findings.extend(third_party::check(root)?);
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: {} files, nothing to say", tree.file_count());
        return Ok(());
    }
    bail!("tidy found {} broken rules", findings.len())
}
