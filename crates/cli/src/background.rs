//! Finds the project's engine, or starts one in the background. Owns how that is done once by many
//! commands at the same time.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio::net::UnixStream;

use crate::exit_code::{CliError, ExitCode};
use crate::project::ProjectFolder;

/// How long a new engine may take until it answers.
const START_WITHIN: Duration = Duration::from_secs(10);
/// Pause between two attempts to reach it.
const LOOK: Duration = Duration::from_millis(10);
/// Size from which the log is begun anew when an engine starts.
const MOST_LOG_BYTES: u64 = 1024 * 1024;
/// How much of its log is told when it does not start, in lines.
const TOLD_LINES: usize = 12;

/// The socket of the project's engine; with `start`, one is started in the background when none
/// answers.
///
/// # Errors
/// Says what the engine said when it does not start, or that none runs.
pub(crate) async fn ensure_engine(
    project: &ProjectFolder,
    start: bool,
) -> Result<PathBuf, CliError> {
    let socket = project.socket();
    if UnixStream::connect(&socket).await.is_ok() {
        return Ok(socket);
    }
    if !start {
        return Err(CliError::new(
            ExitCode::Failed,
            "no-engine",
            "no engine runs for this project",
        )
        .because("nothing advances without one; visitors are served as before")
        .next("towpath serve", "runs one here"));
    }
    let log = project.state.join("engine.log");
    let mut child = spawn(project, &log).map_err(|error| not_started(&log, &error.to_string()))?;
    let deadline = Instant::now() + START_WITHIN;
    while Instant::now() < deadline {
        if UnixStream::connect(&socket).await.is_ok() {
            return Ok(socket);
        }
        // One that ended may have found another engine that is just starting: keep looking.
        let ended = child.try_wait().ok().flatten();
        if ended.is_some_and(|status| !status.success()) && !is_locked(project) {
            return Err(not_started(&log, "it ended at once"));
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(not_started(&log, "it did not answer in time"))
}

/// Whether an engine answers for the project.
pub(crate) async fn engine_answers(project: &ProjectFolder) -> bool {
    UnixStream::connect(project.socket()).await.is_ok()
}

fn spawn(project: &ProjectFolder, log: &std::path::Path) -> std::io::Result<std::process::Child> {
    project.prepare()?;
    if std::fs::metadata(log).is_ok_and(|kept| kept.len() > MOST_LOG_BYTES) {
        // The one before is replaced: two files at most.
        std::fs::rename(log, log.with_extension("log.old"))?;
    }
    let output = File::options().create(true).append(true).open(log)?;
    Command::new(std::env::current_exe()?)
        .args(["serve", "--background"])
        .current_dir(&project.root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output)
        .spawn()
}

fn is_locked(project: &ProjectFolder) -> bool {
    let file = File::options().write(true).open(project.state.join("engine.lock"));
    file.is_ok_and(|file| file.try_lock().is_err())
}

fn not_started(log: &std::path::Path, sentence: &str) -> CliError {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let said = lines[lines.len().saturating_sub(TOLD_LINES)..].join("\n");
    let cause = if said.is_empty() { sentence.to_owned() } else { format!("{sentence}: {said}") };
    CliError::new(ExitCode::Failed, "no-engine", "the engine did not start")
        .because(cause)
        .at(log.display().to_string())
        .next("towpath doctor", "what is wrong")
        .next("towpath serve", "starts it here, where you see what it says")
}
