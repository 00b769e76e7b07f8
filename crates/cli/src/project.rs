//! Where a project lives: the matrix file, found upwards from the current folder, and the folder of
//! its journal beside it. Reads no matrix.

use std::path::{Path, PathBuf};

use towpath_core::ids::Name;

use crate::exit_code::{CliError, ExitCode};

/// The matrix file's usual name.
pub(crate) const MATRIX_FILE: &str = "towpath.yaml";
/// The folder of the journal, beside the matrix.
pub(crate) const STATE_FOLDER: &str = ".towpath";
/// Holds the speed of a rehearsal's journal, in the folder of the journal.
const REHEARSAL_FILE: &str = "rehearsal";
/// Holds the address of the database, where it is not the file in the folder of the journal.
const DATABASE_FILE: &str = "database";
/// Holds the project's name, in the folder of the journal, once there is a journal.
const NAME_FILE: &str = "project";

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

    /// Whose journal it is, as noted when it was opened first; none when there is no journal, or
    /// nothing was noted. What the matrix says now does not matter: an engine of a journal that
    /// exists runs whatever mistake is in the file.
    ///
    /// # Errors
    /// The note cannot be read, or is no name.
    pub(crate) fn journal_of(&self) -> std::io::Result<Option<Name>> {
        if !is_opened(&self.state) {
            return Ok(None);
        }
        let invalid = |error| std::io::Error::new(std::io::ErrorKind::InvalidData, error);
        let noted = read_if_there(&self.state.join(NAME_FILE))?;
        noted.map(|text| Name::new(text.trim()).map_err(invalid)).transpose()
    }

    /// Notes whose journal it is; to be called once the journal is open. Safe to repeat.
    pub(crate) fn note_journal_of(&self, name: &Name) -> std::io::Result<()> {
        if self.journal_of().ok().flatten().as_ref() == Some(name) {
            return Ok(());
        }
        write_private(&self.state.join(NAME_FILE), &format!("{name}\n"))
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

/// Replaces the file whole or not at all; only its owner may read it. The caller holds the engine's
/// lock, so nobody else writes the same.
fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let fresh = file.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    let mut writing = options.create(true).write(true).truncate(true).mode(0o600).open(&fresh)?;
    // One that was left behind keeps the mode it had.
    writing.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    writing.write_all(text.as_bytes())?;
    writing.sync_all()?;
    std::fs::rename(&fresh, file)
}

fn read_if_there(file: &Path) -> std::io::Result<Option<String>> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_opened(state: &Path) -> bool {
    state.join("journal.db").exists() || state.join(DATABASE_FILE).exists()
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
    let opened = is_opened(state);
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

    #[test]
    fn a_journal_knows_its_project_whatever_the_matrix_says_later() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(MATRIX_FILE), "project: [broken").unwrap();
        let project = ProjectFolder::find(folder.path(), None).unwrap();
        project.prepare().unwrap();
        let name = Name::new("shop").unwrap();
        project.note_journal_of(&name).unwrap();
        assert_eq!(project.journal_of().unwrap(), None, "the journal itself is not there");
        std::fs::write(project.state.join("journal.db"), "").unwrap();
        assert_eq!(project.journal_of().unwrap(), Some(name));
        std::fs::write(project.state.join(NAME_FILE), "no name!\n").unwrap();
        assert!(project.journal_of().is_err());
    }
}
