//! Where a project lives: the matrix file, found upwards from the current folder, and the folder of
//! its journal beside it. Reads no matrix.

use std::path::{Path, PathBuf};

use towpath_core::ids::{Name, Person};

use crate::exit_code::{CliError, ExitCode};
use crate::server::Server;
use crate::token::Token;

/// The matrix file's usual name.
pub(crate) const MATRIX_FILE: &str = "towpath.yaml";
/// The folder of the journal, beside the matrix.
pub(crate) const STATE_FOLDER: &str = ".towpath";
/// Holds the speed of a rehearsal's journal, in the folder of the journal.
const REHEARSAL_FILE: &str = "rehearsal";
/// Holds the address of the database, where it is not the file in the folder of the journal.
const DATABASE_FILE: &str = "database";
/// The journal itself, in its folder, unless it is in another database.
const JOURNAL_FILE: &str = "journal.db";
/// Longest path of a unix socket, in bytes: `sun_path` has 108, and the last ends it (unix(7)).
const LONGEST_SOCKET: usize = 107;
/// Holds the number of the newest promotion whose instances were ended for good, in the folder of the
/// journal.
const ENDED_FILE: &str = "ended";
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
    /// As whom to act, which only a rehearsal allows; none: as whoever types.
    pub(crate) acting: Option<Person>,
    /// By which token to act; none: as whoever types.
    pub(crate) token: Option<Token>,
    /// The server that runs it; none: the engine of this machine.
    pub(crate) server: Option<Server>,
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
        Ok(Self { root, matrix_file, state, rehearsal, acting: None, token: None, server: None })
    }

    /// A project that is known to a server alone, seen from `folder`. Nothing of it is on this machine.
    pub(crate) fn elsewhere(folder: &Path) -> Self {
        let (root, state) = (folder.to_owned(), folder.join(STATE_FOLDER));
        let matrix_file = root.join(MATRIX_FILE);
        Self { root, matrix_file, state, rehearsal: None, acting: None, token: None, server: None }
    }

    /// Refuses what is done on the machine that runs the project, where that is another one.
    ///
    /// # Errors
    /// `of-server` (exit 2), with the server.
    pub(crate) fn ensure_here(&self, what: &str) -> Result<(), CliError> {
        let Some(server) = &self.server else { return Ok(()) };
        let message = format!("{what} on the machine of the server, and not from here");
        Err(CliError::new(ExitCode::Usage, "of-server", message)
            .because("the project is meant that this server runs")
            .at(server.shown())
            .next("--server none", "means the project of this folder, on this machine"))
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

    /// Where the journal is: a file in its folder, unless another database was chosen when it was
    /// opened first.
    ///
    /// # Errors
    /// `other-database` (exit 6) when the journal is elsewhere already: a second one would not know
    /// what the first one did. When the note of where it is cannot be read.
    pub(crate) fn database(&self, chosen: Option<&str>) -> Result<String, CliError> {
        let note = self.state.join(DATABASE_FILE);
        let unreadable = |error: std::io::Error| {
            CliError::new(ExitCode::Failed, "no-engine", "where the journal is cannot be read")
                .because(error.to_string())
                .at(note.display().to_string())
                .next("towpath doctor", "what is wrong")
        };
        let kept = read_if_there(&note).map_err(unreadable)?.map(|text| text.trim().to_owned());
        let file = self.state.join(JOURNAL_FILE);
        // An empty file is what is left of a journal that was never opened.
        let file_holds = std::fs::metadata(&file).is_ok_and(|data| data.len() > 0);
        let file = file.to_string_lossy().into_owned();
        let Some(chosen) = chosen.map(absolute) else { return Ok(kept.unwrap_or(file)) };
        let now = kept.or(file_holds.then_some(file));
        match now {
            // The user or the password may have changed; the database is the same.
            Some(now) if shown_database(&now) != shown_database(&chosen) => {
                Err(other_database(&note, &now, &chosen))
            }
            _ => Ok(chosen),
        }
    }

    /// Notes where the journal is; to be called once it is open, with what was chosen. Safe to
    /// repeat.
    pub(crate) fn note_database(&self, location: &str) -> std::io::Result<()> {
        // An address may hold a password: only its owner may read it.
        write_private(&self.state.join(DATABASE_FILE), location)
    }

    /// Notes that nothing runs any more of any promotion up to `newest`. Safe to repeat.
    pub(crate) fn note_ended(&self, newest: u64) -> std::io::Result<()> {
        write_private(&self.state.join(ENDED_FILE), &format!("{newest}\n"))
    }

    /// The newest promotion of which everything was ended for good; 0 when that never happened. What
    /// a later promotion started runs.
    pub(crate) fn ended(&self) -> u64 {
        let noted = std::fs::read_to_string(self.state.join(ENDED_FILE)).ok();
        noted.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    /// Whether the engine's socket has a path that the system takes.
    ///
    /// # Errors
    /// `path-too-long` (exit 2), with the path.
    pub(crate) fn ensure_reachable(&self) -> Result<(), CliError> {
        use std::os::unix::ffi::OsStrExt as _;
        let socket = self.socket();
        let length = socket.as_os_str().as_bytes().len();
        if length <= LONGEST_SOCKET {
            return Ok(());
        }
        let message = "the path of the project's folder is too long for an engine";
        Err(CliError::new(ExitCode::Usage, "path-too-long", message)
            .because(format!(
                "the path of its socket has {length} bytes; the system takes {LONGEST_SOCKET}"
            ))
            .at(socket.display().to_string())
            .next("towpath doctor", "in a folder with a shorter path"))
    }
}

/// A database as messages name it: never with a user's password. What cannot be understood is not
/// shown but for its scheme.
pub(crate) fn shown_database(location: &str) -> String {
    let Some((scheme, _)) = location.split_once("://") else { return location.to_owned() };
    let shown = towpath_adapters::artifacts::shown(location);
    if shown.contains('@') { format!("{scheme}://...") } else { shown }
}

/// A path means the same from every folder.
fn absolute(location: &str) -> String {
    if location.contains("://") || location.starts_with("sqlite:") {
        return location.to_owned();
    }
    let path = std::path::absolute(location).ok();
    path.map_or_else(|| location.to_owned(), |path| path.to_string_lossy().into_owned())
}

fn other_database(note: &Path, now: &str, chosen: &str) -> CliError {
    let message = "this project's journal is in another database";
    CliError::new(ExitCode::Conflict, "other-database", message)
        .because(format!(
            "it is in {}, and a new one in {} would not know what it says",
            shown_database(now),
            shown_database(chosen)
        ))
        .at(note.display().to_string())
        .next("towpath serve", "runs an engine on the journal that there is")
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
    state.join(JOURNAL_FILE).exists() || state.join(DATABASE_FILE).exists()
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

    fn opened_project() -> (tempfile::TempDir, ProjectFolder) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(MATRIX_FILE), "version: 1\n").unwrap();
        let project = ProjectFolder::find(folder.path(), None).unwrap();
        project.prepare().unwrap();
        (folder, project)
    }

    #[test]
    fn a_journal_never_moves_to_another_database() {
        let (_folder, project) = opened_project();
        let file = project.state.join(JOURNAL_FILE);
        assert_eq!(project.database(None).unwrap(), file.to_string_lossy());
        let chosen = "postgres://u:hush@host/journal";
        assert_eq!(project.database(Some(chosen)).unwrap(), chosen);
        assert!(!project.state.join(DATABASE_FILE).exists(), "nothing was opened yet");
        std::fs::write(&file, "a journal").unwrap();
        let error = project.database(Some(chosen)).unwrap_err();
        assert_eq!(
            (error.trouble().code.as_str(), error.trouble().exit.number()),
            ("other-database", 6)
        );
        std::fs::remove_file(&file).unwrap();
        project.note_database(chosen).unwrap();
        assert_eq!(project.database(None).unwrap(), chosen);
        assert!(project.database(Some("postgres://u:two@host/journal")).is_ok());
        let error = project.database(Some(&file.to_string_lossy())).unwrap_err();
        assert!(!format!("{:?}", error.trouble()).contains("hush"), "{:?}", error.trouble());
    }

    #[test]
    fn a_note_of_the_database_is_private_and_never_passed_over() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, project) = opened_project();
        let note = project.state.join(DATABASE_FILE);
        std::fs::write(&note, "postgres://host/journal").unwrap();
        std::fs::set_permissions(&note, std::fs::Permissions::from_mode(0o644)).unwrap();
        project.note_database("postgres://host/journal").unwrap();
        assert_eq!(note.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&note, [0xff]).unwrap();
        assert!(project.database(None).is_err());
    }

    #[test]
    fn passwords_are_never_shown() {
        for (location, shown) in [
            ("postgres://u:hush@host:1/db?password=hush", "postgres://host:1/db"),
            ("postgres://u:12/hush@host/db", "postgres://..."),
            ("postgres://u:hu/sh@host/db", "postgres://..."),
            ("/srv/journal.db", "/srv/journal.db"),
        ] {
            assert_eq!(shown_database(location), shown);
        }
    }

    #[test]
    fn a_path_that_is_too_long_for_a_socket_is_said() {
        let state = PathBuf::from("/").join("x".repeat(200));
        let (_folder, mut project) = opened_project();
        assert!(project.ensure_reachable().is_ok());
        project.state = state;
        let error = project.ensure_reachable().unwrap_err();
        assert_eq!(error.trouble().code, "path-too-long");
    }
}
