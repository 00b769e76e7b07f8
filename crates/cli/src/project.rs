//! Where a project is: the folder with `towpath.yaml`, found upwards. Reads no file.

use std::path::{Path, PathBuf};

use crate::exit_code::{CliError, ExitCode};

/// A project on this machine.
#[derive(Clone, Debug)]
pub(crate) struct ProjectFolder {
    /// The folder of the matrix.
    pub(crate) root: PathBuf,
    /// The matrix.
    pub(crate) matrix_file: PathBuf,
    /// The folder of the journal.
    pub(crate) state: PathBuf,
    /// How many times faster declared durations run.
    pub(crate) rehearsal: Option<u32>,
}

impl ProjectFolder {
    /// The project that `start` is in.
    pub(crate) fn find(start: &Path, rehearsal: Option<u32>) -> Result<Self, CliError> {
        let root = start.ancestors().find(|folder| folder.join("towpath.yaml").is_file());
        let Some(root) = root else {
            return Err(CliError::new(
                ExitCode::Usage,
                "no-matrix",
                "there is no towpath.yaml here",
            )
            .because("neither this folder nor one above it has a matrix")
            .at(start.display().to_string())
            .next("towpath init", "writes a first one"));
        };
        let state = match rehearsal {
            Some(speed) => root.join(".towpath").join(format!("rehearsal-{speed}x")),
            None => root.join(".towpath"),
        };
        Ok(Self { root: root.to_owned(), matrix_file: root.join("towpath.yaml"), state, rehearsal })
    }
}
