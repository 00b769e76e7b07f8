//! What a row of the ledger points at, as it is written in the column `by`. It reads the form
//! only; whether the thing exists is asked by others.

use std::fmt;
use std::path::{Path, PathBuf};

/// The examples whose matrices a row may name: directories below `examples/`.
pub(crate) const EXAMPLES: [&str; 3] = ["soundbite", "web-service", "security-design-assistant"];

/// The words a reference begins with.
const FORMS: [&str; 6] = ["matrix:", "test:", "scenario:", "page:", "command:", "file:"];

/// Something that meets a demand, or the place where it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    /// A value in the resolved matrix of an example.
    Matrix {
        /// One of [`EXAMPLES`].
        example: String,
        /// Dotted; entries of a list by their name in lower case with hyphens, or `[0]`.
        path: String,
    },
    /// A test.
    Test {
        /// The Rust file below the root.
        file: PathBuf,
        /// The function that carries `#[test]`.
        function: String,
    },
    /// A story in virtual time: `scenarios/NAME.txt`.
    Scenario(String),
    /// A page of the documentation, or the README.
    Page(PathBuf),
    /// A command line that the reference of the command line knows: `towpath VERB …`.
    Command(String),
    /// Any other file or directory of the repository.
    File(PathBuf),
}

impl Reference {
    /// Whether it is something that runs with the tests and fails when what it shows is no longer so.
    pub(crate) fn proves(&self) -> bool {
        matches!(self, Self::Test { .. } | Self::Scenario(_))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matrix { example, path } => write!(formatter, "matrix:{example}:{path}"),
            Self::Test { file, function } => {
                write!(formatter, "test:{}::{function}", file.display())
            }
            Self::Scenario(name) => write!(formatter, "scenario:{name}"),
            Self::Page(path) => write!(formatter, "page:{}", path.display()),
            Self::Command(words) => write!(formatter, "command:{words}"),
            Self::File(path) => write!(formatter, "file:{}", path.display()),
        }
    }
}

/// Reads the column `by`; empty for an empty one.
///
/// # Errors
/// The first word that is no reference, with the reason, in one sentence.
pub(crate) fn references(by: &str) -> Result<Vec<Reference>, String> {
    let mut texts: Vec<String> = Vec::new();
    for word in by.split_whitespace() {
        let begins = FORMS.iter().any(|form| word.starts_with(form));
        match texts.last_mut() {
            // A command line is the only reference of several words.
            Some(last) if !begins && last.starts_with("command:") => {
                last.push(' ');
                last.push_str(word);
            }
            _ => texts.push(word.to_owned()),
        }
    }
    texts.iter().map(|text| reference(text)).collect()
}

fn reference(text: &str) -> Result<Reference, String> {
    let wrong = |reason: &str| Err(format!("`{text}` {reason}"));
    let Some((form, rest)) = text.split_once(':').filter(|(_, rest)| !rest.is_empty()) else {
        return wrong("is no reference");
    };
    match form {
        "matrix" => match rest.split_once(':') {
            Some((example, path)) if EXAMPLES.contains(&example) && !path.is_empty() => {
                Ok(Reference::Matrix { example: example.to_owned(), path: path.to_owned() })
            }
            _ => wrong("names no example and path"),
        },
        "test" => match rest.rsplit_once("::") {
            Some((file, function)) if !file.is_empty() && !function.is_empty() => {
                Ok(Reference::Test { file: file.into(), function: function.to_owned() })
            }
            _ => wrong("names no file and function"),
        },
        "scenario" => Ok(Reference::Scenario(rest.to_owned())),
        "page" if is_page(Path::new(rest)) => Ok(Reference::Page(rest.into())),
        "page" => wrong("is no page below docs/src and not the README"),
        "command" if rest.starts_with("towpath ") => Ok(Reference::Command(rest.to_owned())),
        "command" => wrong("is no command of towpath"),
        "file" => Ok(Reference::File(rest.into())),
        _ => wrong("is no reference"),
    }
}

fn is_page(path: &Path) -> bool {
    let is_markdown = path.extension().is_some_and(|ending| ending == "md");
    path == Path::new("README.md") || path.starts_with("docs/src") && is_markdown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_back() {
        let text = "matrix:web-service:environments.prod.health command:towpath matrix check --json \
                    test:e2e/tests/verbs/history.rs::everything_is_kept scenario:lease_lapse \
                    page:README.md page:docs/src/tutorial.md file:.ci/run";
        let read = references(text).unwrap();
        assert_eq!(read.len(), 7);
        let written: Vec<_> = read.iter().map(ToString::to_string).collect();
        assert_eq!(written.join(" "), text);
        assert_eq!(read[1], Reference::Command("towpath matrix check --json".to_owned()));
    }

    #[test]
    fn what_is_no_reference_is_said() {
        for (text, reason) in [
            ("README.md", "is no reference"),
            ("page:", "is no reference"),
            ("url:x", "is no reference"),
            ("file:a b", "is no reference"),
            ("matrix:shop:environments", "names no example and path"),
            ("matrix:soundbite", "names no example and path"),
            ("test:a.rs", "names no file and function"),
            ("test:a.rs::", "names no file and function"),
            ("page:CONTRIBUTING.md", "is no page below docs/src and not the README"),
            ("page:docs/src/a.txt", "is no page below docs/src and not the README"),
            ("command:promote", "is no command of towpath"),
        ] {
            assert!(references(text).unwrap_err().ends_with(reason), "{text}");
        }
    }
}
