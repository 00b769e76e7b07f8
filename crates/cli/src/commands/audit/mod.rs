//! `audit …`: proves what happened. Owns which files are read and written for it; what they prove is
//! `towpath_audit`'s to say.

mod checkpoint;
mod evidence;
mod export;
mod verify;
mod written;

use std::path::Path;

use self::written::Written;
use crate::args::AuditCommand;
use crate::commands::Context;
use crate::exit_code::{CliError, ExitCode};

/// Largest file that is read: an export of a million events of 1 KiB.
const LARGEST_FILE: u64 = 1 << 30;

/// Runs `audit …`.
pub(crate) async fn run(command: &AuditCommand, context: &Context) -> Result<ExitCode, CliError> {
    match command {
        AuditCommand::Verify(arguments) => verify::run(arguments, context).await,
        AuditCommand::Export(arguments) => export::run(arguments, context).await,
        AuditCommand::Evidence(arguments) => evidence::run(arguments, context).await,
        AuditCommand::Checkpoint => checkpoint::run(context).await,
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
