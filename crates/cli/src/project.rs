//! Where a project lives: the matrix file, found upwards from the current folder, and the folder of
//! its journal beside it. Reads no matrix.

use std::path::{Path, PathBuf};

use crate::exit_code::{CliError, ExitCode};

/// The matrix file's usual name.
pub(crate) const MATRIX_FILE: &str = "towpath.yaml";
/// The folder of the journal, beside the matrix.
pub(crate) const STATE_FOLDER: &str = ".towpath";
/// Holds the speed of a rehearsal's journal, in the folder of the journal.
const REHEARSAL_FILE: &str = "rehearsal";
/// Holds the address of the database, where it is not the file in the folder of the journal.
const DATABASE_FILE: &str = "database";

/// Where a project lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProjectFolder {
    /// The folder of the matrix; commands run here.
    pub(crate) root: PathBuf,
    /// The matrix itself.
    pub(crate) matrix_file: PathBuf,
    /// The folder of the journal.
    pub(crate) state: PathBuf,
    /// How many times faster declared durations run; none outside a rehearsal. Fixed for ever by the
    /// first command that opens the journal.
    pub(crate) rehearsal: Option<u32>,
}

impl ProjectFolder {
    /// Finds the project that `start` is in.
    ///
    /// # Errors
    /// When there is no matrix, or when the journal was opened at another speed.
    pub(crate) fn find(start: &Path, rehearsal: Option<u32>) -> Result<Self, CliError> {
        let matrix_file = upwards(start).ok_or_else(|| no_matrix(start))?;
        let root = matrix_file.parent().unwrap_or(start).to_owned();
        let state = root.join(STATE_FOLDER);
        let rehearsal = speed_of(&state, rehearsal)?;
        Ok(Self { root, matrix_file, state, rehearsal })
    }

    /// How many times faster declared durations run; 1 outside a rehearsal.
    pub(crate) fn speed(&self) -> u32 {
        self.rehearsal.unwrap_or(1)
    }

    /// The socket of the project's engine.
    pub(crate) fn socket(&self) -> PathBuf {
        self.state.join("engine.sock")
    }

    /// Makes the folder of the journal, and notes the speed of a rehearsal in it. Safe to repeat.
    pub(crate) fn prepare(&self) -> std::io::Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.state)?;
        if let Some(speed) = self.rehearsal {
            std::fs::write(self.state.join(REHEARSAL_FILE), format!("{speed}x\n"))?;
        }
        Ok(())
    }

    /// Where the journal is: a file in its folder, unless another database was chosen.
    pub(crate) fn database(&self, chosen: Option<&str>) -> std::io::Result<String> {
        let file = self.state.join(DATABASE_FILE);
        if let Some(chosen) = chosen {
            // An address may hold a password: only its owner may read it.
            write_private(&file, chosen)?;
            return Ok(chosen.to_owned());
        }
        match std::fs::read_to_string(&file) {
            Ok(kept) => Ok(kept.trim().to_owned()),
            Err(_) => Ok(self.state.join("journal.db").to_string_lossy().into_owned()),
        }
    }
}

fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    options.create(true).write(true).truncate(true).mode(0o600);
    options.open(file)?.write_all(text.as_bytes())
}

fn upwards(start: &Path) -> Option<PathBuf> {
    start.ancestors().map(|folder| folder.join(MATRIX_FILE)).find(|file| file.is_file())
}

fn no_matrix(place: &Path) -> CliError {
    CliError::new(ExitCode::Usage, "no-matrix", "this folder has no matrix")
        .because(format!("there is no {MATRIX_FILE} in {} or above it", place.display()))
        .next("towpath init", "writes a starter")
        .next("towpath demo", "see a bad release caught, in one minute")
}

fn speed_of(state: &Path, wanted: Option<u32>) -> Result<Option<u32>, CliError> {
    let kept = std::fs::read_to_string(state.join(REHEARSAL_FILE)).ok();
    let kept: Option<u32> = kept.and_then(|text| text.trim().trim_end_matches('x').parse().ok());
    let opened = state.join("journal.db").exists() || state.join(DATABASE_FILE).exists();
    let wanted = wanted.filter(|speed| *speed > 1);
    match wanted {
        Some(speed) if opened && wanted != kept => {
            let message = format!("this journal does not run at {speed}x");
            let cause = match kept {
                None => "it is no rehearsal, and never becomes one".to_owned(),
                Some(real) => format!("it is a rehearsal at {real}x, for ever"),
            };
            Err(CliError::new(ExitCode::Conflict, "other-speed", message)
                .because(cause)
                .at(state.display().to_string())
                .next("towpath status", "what this journal knows"))
        }
        Some(_) => Ok(wanted),
        None => Ok(kept),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_found_upwards_and_a_journal_keeps_its_speed() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        assert_eq!(ProjectFolder::find(&below, None).unwrap_err().trouble().code, "no-matrix");
        std::fs::write(folder.path().join(MATRIX_FILE), "version: 1\n").unwrap();
        let found = ProjectFolder::find(&below, Some(60)).unwrap();
        assert_eq!((found.root.as_path(), found.speed()), (folder.path(), 60));
        found.prepare().unwrap();
        std::fs::write(found.state.join("journal.db"), "").unwrap();
        assert_eq!(ProjectFolder::find(&below, None).unwrap().rehearsal, Some(60));
        assert_eq!(ProjectFolder::find(&below, Some(2)).unwrap_err().trouble().code, "other-speed");
    }
}
