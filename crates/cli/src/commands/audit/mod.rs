//! `audit …`: proves what happened. Owns which files are read and written for it; what they prove is
//! `towpath_audit`'s to say.

mod checkpoint;
mod evidence;
mod export;
mod verify;

use std::path::Path;
use std::sync::Arc;

use towpath_ports::store::{Store, WrittenEvent};

use crate::args::AuditCommand;
use crate::commands::{Context, matrix};
use crate::exit_code::{CliError, ExitCode};
use crate::journal::Journal;
use crate::project::ProjectFolder;

/// Largest file that is read: an export of a million events of 1 KiB.
const LARGEST_FILE: u64 = 1 << 30;
/// Events that are read at once.
const BATCH: u32 = 1000;

/// Runs `audit …`.
pub(crate) async fn run(command: &AuditCommand, context: &Context) -> Result<ExitCode, CliError> {
    match command {
        AuditCommand::Verify(arguments) => verify::run(arguments, context).await,
        AuditCommand::Export(arguments) => export::run(arguments, context).await,
        AuditCommand::Evidence(arguments) => evidence::run(arguments, context).await,
        AuditCommand::Checkpoint => checkpoint::run(context).await,
    }
}

/// The project's journal as it stands on its disk, beside whatever engine writes it.
struct Written {
    store: Arc<dyn Store>,
    project: towpath_core::ids::Name,
    speed: u32,
}

impl Written {
    async fn open(project: &ProjectFolder, context: &Context) -> Result<Self, CliError> {
        project.ensure_here("a journal is read as it was written")?;
        let name = || Ok(matrix::resolved(project, context)?.project);
        let journal = Journal::open(project, name).await?;
        if !journal.is_begun() {
            let message = "this project has no journal yet";
            return Err(CliError::new(ExitCode::NotFound, "no-journal", message)
                .at(project.state.display().to_string())
                .next("towpath status", "what there is"));
        }
        let setup = journal.engine().setup();
        let (store, name) = (Arc::clone(&setup.store), setup.project.clone());
        Ok(Self { store, project: name, speed: setup.speed })
    }

    /// Events after `after`, at most so many as are read at once.
    async fn after(&self, after: u64) -> Result<Vec<WrittenEvent>, CliError> {
        self.read(after, BATCH).await
    }

    /// One event; none where there is none.
    async fn event(&self, seq: u64) -> Result<Option<WrittenEvent>, CliError> {
        let Some(before) = seq.checked_sub(1) else { return Ok(None) };
        let found = self.read(before, 1).await?.pop();
        Ok(found.filter(|event| u64::try_from(event.seq) == Ok(seq)))
    }

    async fn read(&self, after: u64, limit: u32) -> Result<Vec<WrittenEvent>, CliError> {
        let found = self.store.written(after, limit).await;
        found.map_err(|error| {
            CliError::new(ExitCode::Failed, "no-journal", "the journal cannot be read")
                .because(error.to_string())
                .next("towpath audit verify", "where it is not as it was written")
        })
    }
}

/// A file that somebody named, as text.
fn read_named(file: &Path) -> Result<String, CliError> {
    String::from_utf8(bytes_named(file)?).map_err(|_| {
        let place = file.display();
        CliError::new(ExitCode::Failed, "unreadable", format!("{place} cannot be read"))
            .because("it is no text".to_owned())
            .next("towpath audit verify --help", "what it takes")
    })
}

/// A file that somebody named.
fn bytes_named(file: &Path) -> Result<Vec<u8>, CliError> {
    let place = file.display().to_string();
    let wrong = |exit, code: &str, cause: String| {
        let error = CliError::new(exit, code, format!("{place} cannot be read"));
        error.because(cause).next("towpath audit verify --help", "what it takes")
    };
    match std::fs::metadata(file) {
        Ok(found) if found.len() > LARGEST_FILE => {
            let cause = format!("it is larger than {LARGEST_FILE} bytes");
            Err(wrong(ExitCode::Usage, "too-large", cause))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(wrong(ExitCode::NotFound, "no-file", "there is no such file".to_owned()))
        }
        Err(error) => Err(wrong(ExitCode::Failed, "unreadable", error.to_string())),
        Ok(_) => std::fs::read(file)
            .map_err(|error| wrong(ExitCode::Failed, "unreadable", error.to_string())),
    }
}
