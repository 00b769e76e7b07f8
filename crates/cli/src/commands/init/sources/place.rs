//! Where the files of a source are looked for. Owns the choice between several; reads none.

use std::fs;
use std::path::{Path, PathBuf};

use super::foreign::shown;
use super::names::listed;
use crate::exit_code::{CliError, ExitCode};
use crate::report::style::counted;

/// Most entries of a folder that are looked at.
const MOST_ENTRIES: usize = 10_000;
/// Most files that are offered.
const MOST_FILES: usize = 100;

/// Which files a source is in.
pub(crate) struct Wanted {
    /// What one of them is called in a sentence.
    pub(crate) what: &'static str,
    /// Their names, as a person would list them.
    pub(crate) looks_for: &'static str,
    /// The command that takes a path behind it.
    pub(crate) command: &'static str,
    /// Whether a file of this name is one.
    pub(crate) fits: fn(&str) -> bool,
}

/// The files of one folder that fit.
pub(crate) struct Candidates {
    /// In the order of their names; at least one.
    pub(crate) files: Vec<PathBuf>,
}

impl Candidates {
    /// All that fit in the first of `folders` that has any.
    ///
    /// # Errors
    /// `source-not-found` (exit 5), which says where it was looked.
    pub(crate) fn find(folders: &[PathBuf], wanted: &Wanted) -> Result<Self, CliError> {
        for folder in folders {
            let files = fitting(folder, wanted);
            if !files.is_empty() {
                return Ok(Self { files });
            }
        }
        let places = folders.iter().map(|folder| match shown(folder).as_str() {
            "" | "." => "this folder".to_owned(),
            other => other.to_owned(),
        });
        let message = format!("nothing was written: there is no {}", wanted.what);
        Err(CliError::new(ExitCode::NotFound, "source-not-found", message)
            .because(format!("looked in {} for {}", listed(places), wanted.looks_for))
            .next(format!("{} PATH", wanted.command), "where it is")
            .next("towpath init", "asks instead of reading"))
    }

    /// All that fit beside `file`, itself included.
    pub(crate) fn beside(file: &Path, wanted: &Wanted) -> Vec<PathBuf> {
        fitting(file.parent().unwrap_or(Path::new("")), wanted)
    }

    /// The refusal that asks for one of several.
    pub(crate) fn ambiguous(&self, wanted: &Wanted) -> CliError {
        let message =
            format!("nothing was written: there are {}", counted(self.files.len(), wanted.what));
        let names: Vec<String> = self.files.iter().map(|file| shown(file)).collect();
        let error = CliError::new(ExitCode::Usage, "source-ambiguous", message).because(format!(
            "any of these may be the {} that is meant: {}",
            wanted.what,
            listed(&names)
        ));
        // As many as a person compares.
        names.iter().take(5).fold(error, |error, name| {
            error.next(format!("{} {}", wanted.command, typed(name)), "")
        })
    }
}

/// A path as it is typed in a shell.
fn typed(path: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "/._-+".contains(it);
    if path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

fn fitting(folder: &Path, wanted: &Wanted) -> Vec<PathBuf> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = fs::read_dir(here).into_iter().flatten().take(MOST_ENTRIES).flatten();
    let names = entries.filter(|entry| entry.path().is_file()).map(|entry| entry.file_name());
    let mut files: Vec<PathBuf> = names
        .filter(|name| name.to_str().is_some_and(wanted.fits))
        .map(|name| folder.join(name))
        .collect();
    files.sort();
    files.truncate(MOST_FILES);
    files
}
