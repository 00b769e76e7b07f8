//! Adapter registration: an adapter is one file and one entry in its family's `KINDS`. A file
//! that is left out of the list would be compiled and never offered. What an adapter does is
//! left to the contract tests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

use super::finding::Finding;
use super::tree::Tree;

/// Crates whose `src/` holds one directory per family of adapters.
const ADAPTER_CRATES: &[&str] = &["crates/adapters", "crates/aws"];

/// Directories of a crate's `src/` whose entries are adapters.
const FAMILIES: &[&str] = &["checks", "metrics", "notifiers", "routers", "secrets", "targets"];

const REMEDY: &str = "add the adapter's entry to the `KINDS` list of its family's mod.rs";

/// Every adapter that its family's list does not name.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    families(tree).iter().flat_map(|family| check_family(tree, family)).collect()
}

/// The families that have a directory.
fn families(tree: &Tree) -> BTreeSet<PathBuf> {
    let sources: Vec<PathBuf> =
        ADAPTER_CRATES.iter().map(|name| Path::new(name).join("src")).collect();
    let family_of = |path: &Path| {
        let source = sources.iter().find(|source| path.starts_with(source))?;
        let mut below = path.strip_prefix(source).ok()?.components();
        let family = below.next()?.as_os_str();
        let is_family = FAMILIES.iter().any(|known| family == *known) && below.next().is_some();
        is_family.then(|| source.join(family))
    };
    tree.rust_files().filter_map(|file| family_of(&file.path)).collect()
}

fn check_family(tree: &Tree, family: &Path) -> Vec<Finding> {
    let list_file = family.join("mod.rs");
    let named = tree.file(&list_file).and_then(|file| kinds(file.text.parse().ok()?));
    let Some(named) = named else {
        let problem = "the family has no `KINDS` list";
        return vec![Finding::new("registration", &list_file, 1, problem, REMEDY)];
    };
    members(tree, family)
        .into_iter()
        .filter(|(name, _)| !named.contains(name))
        .map(|(name, file)| {
            let problem = format!("`{name}` is not in `KINDS` of {}", list_file.display());
            Finding::new("registration", &file, 1, problem, REMEDY)
        })
        .collect()
}

/// Name and first file of each adapter: `name.rs`, `name/mod.rs`, or `name.rs` beside `name/`.
fn members(tree: &Tree, family: &Path) -> Vec<(String, PathBuf)> {
    let mut members: Vec<(String, PathBuf)> = Vec::new();
    for file in tree.rust_files() {
        let Ok(below) = file.path.strip_prefix(family) else { continue };
        let Some(first) = below.components().next() else { continue };
        let name = Path::new(first.as_os_str()).with_extension("").display().to_string();
        if name != "mod" && members.iter().all(|(known, _)| *known != name) {
            members.push((name, file.path.clone()));
        }
    }
    members
}

/// The words between `KINDS ... =` and the `;` behind it; `None` without such an item.
fn kinds(stream: TokenStream) -> Option<BTreeSet<String>> {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let start = tokens
        .iter()
        .position(|token| matches!(token, TokenTree::Ident(word) if word == "KINDS"))?;
    let mark = |wanted: char| move |token: &TokenTree| matches!(token, TokenTree::Punct(found) if found.as_char() == wanted);
    let value = start + tokens[start..].iter().position(mark('='))?;
    let end = value + tokens[value..].iter().position(mark(';'))?;
    let mut words = BTreeSet::new();
    collect_words(tokens[value..end].iter().cloned().collect(), &mut words);
    Some(words)
}

fn collect_words(stream: TokenStream, words: &mut BTreeSet<String>) {
    for token in stream {
        match token {
            TokenTree::Ident(word) => {
                words.insert(word.to_string());
            }
            TokenTree::Group(group) => collect_words(group.stream(), words),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample::{places, tree};

    const LIST: &str = "mod http;\nmod tcp;\npub const KINDS: &[&dyn Kind] = &[&http::KIND];\n";

    #[test]
    fn an_adapter_that_is_left_out_of_the_list_is_found() {
        let tree = tree(&[
            ("crates/adapters/src/lib.rs", ""),
            ("crates/adapters/src/checks/mod.rs", LIST),
            ("crates/adapters/src/checks/http.rs", ""),
            ("crates/adapters/src/checks/http/body.rs", ""),
            ("crates/adapters/src/checks/tcp.rs", ""),
        ]);
        let found = check(&tree);
        assert_eq!(places(&found), ["crates/adapters/src/checks/tcp.rs:1: registration"]);
        assert!(found[0].problem.contains("`tcp` is not in `KINDS`"), "{}", found[0]);
    }

    #[test]
    fn a_family_without_a_list_is_found() {
        let tree = tree(&[("crates/adapters/src/routers/mod.rs", "mod towpath;\n")]);
        assert_eq!(places(&check(&tree)), ["crates/adapters/src/routers/mod.rs:1: registration"]);
    }

    #[test]
    fn directories_that_hold_no_adapters_are_fine() {
        let tree = tree(&[
            ("crates/core/src/promotion/mod.rs", ""),
            ("crates/adapters/src/processes/groups.rs", ""),
        ]);
        assert!(check(&tree).is_empty());
    }
}
