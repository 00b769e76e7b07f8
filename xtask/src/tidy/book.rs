//! The pages that people read: each page of the book stands in its table of contents, and each link to
//! a file of the workspace leads to one, with the heading that it names. Asks nothing of the network.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::finding::Finding;
use super::tree::{SourceFile, Tree};

/// Where the pages of the book lie.
const PAGES: &str = "docs/src";

/// Every page that is in no table of contents, and every link that leads nowhere.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let contents = Path::new(PAGES).join("SUMMARY.md");
    let listed: BTreeSet<PathBuf> = tree
        .file(&contents)
        .map(|file| links(file).filter_map(|(_, link)| target(file, link)).collect())
        .unwrap_or_default();
    for file in tree.files().iter().filter(|file| file.ends_in("md")) {
        if file.path.starts_with(PAGES) && file.path != contents && !listed.contains(&file.path) {
            let problem = "the page is not in the table of contents";
            let remedy = "name it in docs/src/SUMMARY.md";
            findings.push(Finding::new("book", &file.path, 1, problem, remedy));
        }
        for (line, link) in links(file) {
            if let Some(problem) = broken(tree, file, link) {
                let remedy = "write the path from this file's folder, or remove the link";
                findings.push(Finding::new("book", &file.path, line, problem, remedy));
            }
        }
    }
    findings
}

/// Links in the text, with their line; what stands in blocks of code is none.
fn links(file: &SourceFile) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    file.lines().flat_map(move |(line, text)| {
        let is_fence = text.trim_start().starts_with("```");
        in_code ^= is_fence;
        let text = if in_code || is_fence { "" } else { text };
        let after = text.split("](").skip(1);
        after.filter_map(move |after| Some((line, after.split_once(')')?.0)))
    })
}

/// The file that a link leads to; none when it leads out of the workspace.
fn target(from: &SourceFile, link: &str) -> Option<PathBuf> {
    let path = link.split('#').next().unwrap_or_default();
    if path.is_empty() {
        return Some(from.path.clone());
    }
    if path.contains(':') {
        return None;
    }
    let mut target = PathBuf::new();
    let folder = from.path.parent().unwrap_or(Path::new(""));
    for part in folder.join(path).components() {
        match part {
            Component::ParentDir => {
                target.pop();
            }
            Component::Normal(name) => target.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some(target)
}

/// What is wrong with a link, if anything.
fn broken(tree: &Tree, from: &SourceFile, link: &str) -> Option<String> {
    let path = target(from, link)?;
    if tree.entries().binary_search(&path).is_err() && path != Path::new("") {
        return Some(format!("the link `{link}` leads to no file"));
    }
    let (_, heading) = link.split_once('#')?;
    let file = tree.file(&path)?;
    let found = headings(file).any(|it| it == heading);
    (!found).then(|| format!("the link `{link}` names no heading of {}", path.display()))
}

/// What the headings of a page are called in links: lower case, a hyphen for each space, and of the
/// rest only letters, digits, hyphens and underscores.
fn headings(file: &SourceFile) -> impl Iterator<Item = String> {
    let mut in_code = false;
    file.lines().filter_map(move |(_, text)| {
        in_code ^= text.trim_start().starts_with("```");
        let title = text.trim_start_matches('#').strip_prefix(' ')?;
        let is_heading = text.starts_with('#') && !in_code;
        let kept = title.trim().chars().filter_map(|character| match character {
            ' ' => Some('-'),
            _ if character.is_alphanumeric() || "-_".contains(character) => Some(character),
            _ => None,
        });
        is_heading.then(|| kept.collect::<String>().to_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample::{places, tree};

    #[test]
    fn a_page_that_is_not_listed_is_found() {
        let tree = tree(&[
            ("docs/src/SUMMARY.md", "- [A](how/a.md)\n"),
            ("docs/src/how/a.md", "# A\n"),
            ("docs/src/how/b.md", "# B\n"),
        ]);
        assert_eq!(places(&check(&tree)), ["docs/src/how/b.md:1: book"]);
    }

    #[test]
    fn a_link_to_no_file_or_no_heading_is_found() {
        let page = "# A page\n\n[here](#a-page) [there](../README.md#the-keys) [out](https://a.b)\n\
                    ```\n[code](none.md)\n```\n[gone](gone.md)\n[lost](../README.md#lost)\n";
        let tree = tree(&[
            ("examples/page.md", page),
            ("README.md", "# R\n## The `keys`\n```\n# Lost\n```\n"),
        ]);
        assert_eq!(places(&check(&tree)), ["examples/page.md:7: book", "examples/page.md:8: book"]);
    }
}
