//! The coverage ledger: its rows are right by themselves, and the files, pages, tests, scenarios and
//! commands they name exist. What only the program can tell is left to `cargo xtask coverage
//! --check`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::finding::Finding;
use super::tokens;
use super::tree::Tree;
use crate::coverage::ledger::{self, finding};
use crate::coverage::reference::Reference;

/// The page of the command line, which the program writes: a heading for each command.
const COMMAND_LINE: &str = "docs/src/reference/cli.md";

/// Every row that is wrong by itself or names something that is not there.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(file) = tree.file(Path::new(ledger::PATH)) else {
        return vec![finding(
            1,
            "there is no ledger",
            "docs/src/reference/coverage.md says what it is",
        )];
    };
    let ledger = ledger::read(&file.text);
    let mut named = Named { tree, tests: BTreeMap::new() };
    let mut findings = ledger.findings;
    for entry in &ledger.entries {
        for reference in &entry.by {
            if let Some((problem, remedy)) = named.judge(reference) {
                let problem = format!("{}: `{reference}`: {problem}", entry.id);
                findings.push(finding(entry.line, problem, remedy));
            }
        }
    }
    findings
}

/// What rows may name.
struct Named<'a> {
    tree: &'a Tree,
    /// The tests of each Rust file that was asked for.
    tests: BTreeMap<PathBuf, BTreeSet<String>>,
}

/// What is wrong, and what to do about it.
type Complaint = (String, &'static str);

impl Named<'_> {
    fn judge(&mut self, reference: &Reference) -> Option<Complaint> {
        match reference {
            Reference::Matrix { example, .. } => {
                self.file(&Path::new("examples").join(example).join("towpath.yaml"))
            }
            Reference::Test { file, function } => {
                self.file(file).or_else(|| self.test(file, function))
            }
            Reference::Scenario(name) => self.file(Path::new(&format!("scenarios/{name}.txt"))),
            Reference::Page(path) | Reference::File(path) => self.file(path),
            Reference::Command(words) => self.command(words),
        }
    }

    fn file(&self, path: &Path) -> Option<Complaint> {
        let exists =
            self.tree.entries().binary_search_by(|known| known.as_path().cmp(path)).is_ok();
        let missing = || (format!("there is no {}", path.display()), "name it as it is called now");
        (!exists).then(missing)
    }

    fn test(&mut self, file: &Path, function: &str) -> Option<Complaint> {
        let tree = self.tree;
        let tests = self.tests.entry(file.to_path_buf()).or_insert_with(|| tests(tree, file));
        let missing = || {
            let problem = format!("{} has no test of this name", file.display());
            (problem, "name a function that carries `#[test]`")
        };
        (!tests.contains(function)).then(missing)
    }

    /// The longest heading that begins the command line must say every word behind it.
    fn command(&self, words: &str) -> Option<Complaint> {
        let page = self.tree.file(Path::new(COMMAND_LINE)).map_or("", |file| file.text.as_str());
        let words: Vec<&str> = words.split(' ').collect();
        let about = (2..=words.len()).rev().find_map(|length| {
            let heading = format!("\n## {}\n", words[..length].join(" "));
            let (_, rest) = page.split_once(&heading)?;
            Some((length, rest.split("\n## ").next().unwrap_or_default()))
        });
        let Some((length, about)) = about else {
            let problem = format!("{COMMAND_LINE} has no such command");
            return Some((problem, "name it as its heading does"));
        };
        let said: BTreeSet<&str> = about
            .split(|letter: char| letter.is_whitespace() || "[](),".contains(letter))
            .collect();
        let unknown = words[length..].iter().find(|word| !said.contains(*word))?;
        let problem =
            format!("the page of `{}` does not say `{unknown}`", words[..length].join(" "));
        Some((problem, "name it as that page does"))
    }
}

fn tests(tree: &Tree, file: &Path) -> BTreeSet<String> {
    let stream = tree.file(file).and_then(|file| file.text.parse().ok());
    let functions = stream.map(tokens::functions).unwrap_or_default();
    functions.into_iter().filter(|it| it.is_test).map(|it| it.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample;

    const COMMANDS: &str = "# Command line\n\n## towpath matrix\n\n```text\nCheck and show\n```\n\n\
                            ## towpath matrix check\n\n```text\nUsage  towpath matrix check [FILE]\n  \
                            --json  an object\n```\n\n## towpath help\n\n```text\nhelp --all\n```\n";

    /// What is wrong with a row that names this, beside the rows that are missing. What it names must
    /// be there whatever its state.
    fn problems(by: &str) -> Vec<String> {
        let rows =
            format!("id,kind,requirement,state,by,note\n000-004,config,A,planned,{by},why\n");
        let tree = sample::tree(&[
            (ledger::PATH, rows.as_str()),
            (COMMAND_LINE, COMMANDS),
            ("README.md", "# a\n"),
            ("examples/soundbite/towpath.yaml", "version: 1\n"),
            ("examples/soundbite/keys/ada.pub", ""),
            ("scenarios/lapse.txt", ""),
            ("e2e/tests/a.rs", "#[test]\nfn it_works() {}\nfn it_does_not() {}\n"),
        ]);
        let own = check(&tree).into_iter().filter(|found| !found.problem.contains("no row"));
        own.map(|found| found.problem).collect()
    }

    #[test]
    fn what_is_there_may_be_named() {
        for by in [
            "matrix:soundbite:environments.a.title",
            "test:e2e/tests/a.rs::it_works",
            "scenario:lapse",
            "page:README.md",
            "command:towpath matrix",
            "command:towpath matrix check FILE --json",
            "file:examples/soundbite/keys/ada.pub file:examples/soundbite",
        ] {
            assert_eq!(problems(by), Vec::<String>::new(), "{by}");
        }
    }

    #[test]
    fn what_is_not_there_is_found() {
        for (by, reason) in [
            ("matrix:web-service:project", "there is no examples/web-service/towpath.yaml"),
            ("test:e2e/tests/b.rs::it_works", "there is no e2e/tests/b.rs"),
            ("test:e2e/tests/a.rs::it_does_not", "e2e/tests/a.rs has no test of this name"),
            ("test:README.md::it_works", "README.md has no test of this name"),
            ("scenario:lapsed", "there is no scenarios/lapsed.txt"),
            ("page:docs/src/tutorial.md", "there is no docs/src/tutorial.md"),
            ("command:towpath fly", "docs/src/reference/cli.md has no such command"),
            (
                "command:towpath matrix check --all",
                "the page of `towpath matrix check` does not say `--all`",
            ),
            ("file:examples/soundbite/keys/bob.pub", "there is no examples/soundbite/keys/bob.pub"),
        ] {
            assert_eq!(problems(by), [format!("000-004: `{by}`: {reason}")]);
        }
    }

    #[test]
    fn a_missing_ledger_and_a_wrong_row_are_found() {
        let found = check(&sample::tree(&[("README.md", "")]));
        assert_eq!(sample::places(&found), ["docs/coverage.csv:1: ledger"]);
        assert_eq!(problems("README.md"), ["`README.md` is no reference"]);
    }
}
