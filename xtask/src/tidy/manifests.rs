//! What every package has in common: lints, edition and licence come from the workspace, and so
//! does the version of every third-party crate. A clippy.toml of a crate replaces the one of the
//! workspace, so it must repeat it. Which crate may use which is not judged here.

use std::path::Path;

use toml::{Table, Value};

use super::finding::Finding;
use super::tree::{SourceFile, Tree};

/// Keys of `[package]` that the workspace decides.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

const ROOT_CLIPPY: &str = "clippy.toml";

/// Every package that goes its own way, and every clippy.toml that forgets a line.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = tree.manifests().flat_map(check_manifest).collect();
    findings.extend(check_clippy(tree));
    findings
}

fn check_manifest(file: &SourceFile) -> Vec<Finding> {
    // An unreadable manifest is reported by the rule of directions.
    let Ok(table) = file.text.parse::<Table>() else { return Vec::new() };
    let Some(package) = table.get("package") else { return Vec::new() };
    // A package that is a workspace of its own has nobody to inherit from.
    if table.contains_key("workspace") {
        return Vec::new();
    }
    let finding = |line: usize, problem: String, remedy: &str| {
        Finding::new("inherit", &file.path, line, problem, remedy)
    };
    let mut findings = Vec::new();
    if table.get("lints").is_none_or(|lints| !is_inherited(lints)) {
        let remedy = "add `[lints]` with `workspace = true`";
        findings.push(finding(1, "the workspace's lints do not hold here".to_owned(), remedy));
    }
    for key in INHERITED {
        if package.get(key).is_none_or(|value| !is_inherited(value)) {
            let problem = format!("`{key}` is not the workspace's");
            findings.push(finding(1, problem, &format!("write `{key}.workspace = true`")));
        }
    }
    for key in ["dependencies", "build-dependencies", "dev-dependencies"] {
        let dependencies = table.get(key).and_then(Value::as_table);
        for (name, value) in dependencies.into_iter().flatten() {
            if !is_inherited(value) {
                let found = file.lines().find(|(_, line)| line.trim_start().starts_with(name));
                let problem = format!("`{name}` has a version or place of its own");
                let remedy =
                    "declare it in the workspace's Cargo.toml and write `workspace = true`";
                findings.push(finding(found.map_or(1, |(line, _)| line), problem, remedy));
            }
        }
    }
    findings
}

fn is_inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

fn check_clippy(tree: &Tree) -> Vec<Finding> {
    let Some(root) = tree.file(Path::new(ROOT_CLIPPY)) else { return Vec::new() };
    let Ok(wanted) = root.text.parse::<Table>() else { return Vec::new() };
    let own = tree.files().iter().filter(|file| file.path.ends_with(ROOT_CLIPPY));
    let mut findings = Vec::new();
    for file in own.filter(|file| file.path != root.path) {
        let found: Table = file.text.parse().unwrap_or_default();
        for (key, value) in &wanted {
            if !repeats(found.get(key), value) {
                let problem = format!("`{key}` is not as the workspace's clippy.toml has it");
                let remedy = "repeat its line: the file of a crate replaces that of the workspace";
                findings.push(Finding::new("clippy", &file.path, 1, problem, remedy));
            }
        }
    }
    findings
}

/// A list may be longer than the workspace's; everything else is the same.
fn repeats(found: Option<&Value>, wanted: &Value) -> bool {
    match (found, wanted) {
        (Some(Value::Array(found)), Value::Array(wanted)) => {
            wanted.iter().all(|entry| found.contains(entry))
        }
        (found, wanted) => found == Some(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample::{places, tree};

    const GOOD: &str = "\
[package]
name = \"a\"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true

[lints]
workspace = true

[dependencies]
serde.workspace = true
tokio = { workspace = true, features = [\"fs\"] }
";

    fn problems(manifest: &str) -> Vec<String> {
        let findings = check(&tree(&[("a/Cargo.toml", manifest)]));
        findings.iter().map(|found| format!("{}: {}", found.line, found.problem)).collect()
    }

    #[test]
    fn a_package_that_inherits_is_fine() {
        assert_eq!(problems(GOOD), Vec::<String>::new());
    }

    #[test]
    fn a_workspace_of_its_own_inherits_nothing() {
        let apart = "[workspace]\n\n[package]\nname = \"a\"\nversion = \"0.0.0\"\n";
        assert_eq!(problems(apart), Vec::<String>::new());
        assert!(!problems(&apart.replace("[workspace]\n", "")).is_empty());
    }

    #[test]
    fn a_package_without_the_lints_is_found() {
        let manifest = GOOD.replace("[lints]\nworkspace = true\n", "");
        assert_eq!(problems(&manifest), ["1: the workspace's lints do not hold here"]);
    }

    #[test]
    fn an_edition_of_its_own_is_found() {
        let manifest = GOOD.replace("edition.workspace = true", "edition = \"2021\"");
        assert_eq!(problems(&manifest), ["1: `edition` is not the workspace's"]);
    }

    #[test]
    fn a_third_party_version_of_its_own_is_found() {
        let manifest = GOOD.replace("serde.workspace = true", "serde = \"1\"");
        assert_eq!(problems(&manifest), ["13: `serde` has a version or place of its own"]);
        let development = format!("{GOOD}\n[dev-dependencies]\nproptest = \"1\"\n");
        assert_eq!(problems(&development), ["17: `proptest` has a version or place of its own"]);
    }

    #[test]
    fn a_clippy_file_that_forgets_a_line_is_found() {
        let root = "too-many-lines-threshold = 70\ndisallowed-methods = [\"a::b\"]\n";
        let files = |own: &str| tree(&[("clippy.toml", root), ("crates/core/clippy.toml", own)]);
        let forgets = files("disallowed-methods = [\"c::d\"]\n");
        assert_eq!(
            places(&check(&forgets)),
            ["crates/core/clippy.toml:1: clippy", "crates/core/clippy.toml:1: clippy"]
        );
        let repeats =
            files("too-many-lines-threshold = 70\ndisallowed-methods = [\"c::d\", \"a::b\"]\n");
        assert!(check(&repeats).is_empty());
    }
}
