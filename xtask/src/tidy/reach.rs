//! Dead files: Rust files that no `mod` line reaches are never compiled, and nobody is told.
//! It follows files, not items; dead items are the compiler's to find.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::Table;

use super::finding::Finding;
use super::tokens::{self, Inclusion};
use super::tree::{SourceFile, Tree};

/// Every Rust file that belongs to no target of a package.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut reached = BTreeSet::new();
    for manifest in tree.manifests() {
        for root in roots(tree, manifest) {
            follow(tree, &root, true, &mut reached);
        }
    }
    tree.rust_files().filter(|file| !reached.contains(&file.path)).map(dead).collect()
}

fn dead(file: &SourceFile) -> Finding {
    let problem = "no `mod` line reaches this file, so it is never compiled";
    let remedy = "add `mod NAME;` to its parent module, or remove the file";
    Finding::new("dead-file", &file.path, 1, problem, remedy)
}

/// The files cargo starts from: the conventional ones and those the manifest names.
fn roots(tree: &Tree, manifest: &SourceFile) -> Vec<PathBuf> {
    let package = manifest.path.parent().unwrap_or(Path::new(""));
    let mut roots: Vec<PathBuf> = declared_paths(&manifest.text)
        .into_iter()
        .chain(["src/lib.rs", "src/main.rs", "build.rs"].map(PathBuf::from))
        .map(|path| package.join(path))
        .collect();
    for directory in ["src/bin", "tests", "benches", "examples"].map(|name| package.join(name)) {
        roots.extend(tree.rust_files().map(|file| file.path.clone()).filter(|path| {
            path.parent() == Some(&directory)
                || path.ends_with("main.rs")
                    && path.parent().and_then(Path::parent) == Some(&directory)
        }));
    }
    roots
}

fn declared_paths(manifest: &str) -> Vec<PathBuf> {
    let Ok(table) = manifest.parse::<Table>() else { return Vec::new() };
    let one = |target: &toml::Value| Some(PathBuf::from(target.get("path")?.as_str()?));
    let mut paths: Vec<PathBuf> = table.get("lib").and_then(one).into_iter().collect();
    for kind in ["bin", "test", "bench", "example"] {
        let targets = table.get(kind).and_then(toml::Value::as_array);
        paths.extend(targets.into_iter().flatten().filter_map(one));
    }
    let build = table.get("package").and_then(|package| package.get("build")?.as_str());
    paths.extend(build.map(PathBuf::from));
    paths
}

/// Marks `path` and everything it pulls in. `owns_directory` is true for a target's first file
/// and for `mod.rs`: their modules lie beside them, those of `name.rs` in `name/`.
fn follow(tree: &Tree, path: &Path, owns_directory: bool, reached: &mut BTreeSet<PathBuf>) {
    let Some(file) = tree.file(path) else { return };
    if !reached.insert(path.to_path_buf()) {
        return;
    }
    let Ok(stream) = file.text.parse() else { return };
    let beside = path.parent().unwrap_or(Path::new(""));
    let modules = if owns_directory { beside.to_path_buf() } else { path.with_extension("") };
    for inclusion in tokens::inclusions(stream) {
        match inclusion {
            Inclusion::Module { within, name } => {
                let directory = modules.join(within);
                follow(tree, &directory.join(format!("{name}.rs")), false, reached);
                follow(tree, &directory.join(name).join("mod.rs"), true, reached);
            }
            Inclusion::Path(target) => follow(tree, &flatten(&beside.join(target)), true, reached),
        }
    }
}

/// The same path without `..`, as the files of a tree are named.
fn flatten(path: &Path) -> PathBuf {
    let mut flat = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                flat.pop();
            }
            other => flat.push(other),
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample::{places, tree};

    #[test]
    fn a_file_that_no_mod_line_names_is_found() {
        let tree = tree(&[
            ("a/Cargo.toml", "[package]\nname = \"a\"\n"),
            ("a/src/lib.rs", "mod used;\n"),
            ("a/src/used.rs", "mod inner;\n"),
            ("a/src/used/inner.rs", ""),
            ("a/src/inner.rs", ""),
            ("a/src/forgotten/mod.rs", ""),
            ("loose.rs", ""),
        ]);
        assert_eq!(
            places(&check(&tree)),
            [
                "a/src/forgotten/mod.rs:1: dead-file",
                "a/src/inner.rs:1: dead-file",
                "loose.rs:1: dead-file"
            ]
        );
    }

    #[test]
    fn every_kind_of_target_is_a_place_to_start_from() {
        let tree = tree(&[
            ("a/Cargo.toml", "[[bin]]\nname = \"b\"\npath = \"src/deep/b.rs\"\n"),
            ("a/src/deep/b.rs", "#[path = \"../shared.rs\"] mod shared;\n"),
            ("a/src/shared.rs", ""),
            ("a/src/bin/one.rs", ""),
            ("a/src/bin/two/main.rs", "mod part;\n"),
            ("a/src/bin/two/part.rs", ""),
            ("a/tests/contract.rs", "mod stories { mod first; }\n"),
            ("a/tests/stories/first.rs", ""),
            ("a/build.rs", ""),
        ]);
        assert_eq!(places(&check(&tree)), Vec::<String>::new());
    }
}
