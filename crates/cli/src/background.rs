//! Finds the engine of a project. Starts none.

use std::path::PathBuf;

use crate::exit_code::{CliError, ExitCode};
use crate::project::ProjectFolder;

/// The socket of the project's engine.
pub(crate) async fn ensure_engine(
    project: &ProjectFolder,
    _start: bool,
) -> Result<PathBuf, CliError> {
    let socket = project.state.join("engine.sock");
    if tokio::net::UnixStream::connect(&socket).await.is_ok() {
        return Ok(socket);
    }
    Err(CliError::new(ExitCode::Failed, "no-engine", "no engine runs for this project")
        .because(format!("nothing listens on {}", socket.display()))
        .next("towpath serve", "runs one"))
}
