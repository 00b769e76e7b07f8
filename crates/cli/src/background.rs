//! Finds the project's engine, or starts one in the background. Owns how that is done once by many
//! commands at the same time.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::net::UnixStream;

use crate::exit_code::{CliError, ExitCode};
use crate::project::ProjectFolder;
use crate::token;

/// How long a new engine may take until it answers.
const START_WITHIN: Duration = Duration::from_secs(10);
/// How long a command that only looks waits for an engine that is starting or stopping.
const SOON: Duration = Duration::from_secs(2);
/// How old the last line of a log may be that is told when its engine is gone: longer than it takes to
/// notice.
const RECENT: Duration = Duration::from_mins(1);
/// Pause between two attempts to reach it.
const LOOK: Duration = Duration::from_millis(10);
/// Pause before another engine is started in place of one that ended: about what one takes to begin.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
/// How many may fail with nobody holding the lock. One may have met the last moments of an engine
/// that was stopping; two have a reason of their own.
const FAILURES: u32 = 2;
/// Size from which the log is begun anew when an engine starts.
const MOST_LOG_BYTES: u64 = 1024 * 1024;
/// What an error in its log begins with.
const FAILED: &str = "x ";

/// The socket of the project's engine; with `start`, one is started in the background when none
/// answers.
///
/// # Errors
/// Says what the engine said when it does not start, or that none runs.
pub(crate) async fn ensure_engine(
    project: &ProjectFolder,
    start: bool,
) -> Result<PathBuf, CliError> {
    if start {
        return ensure_engine_with(project, None).await;
    }
    project.ensure_reachable()?;
    if engine_answers(project).await {
        return Ok(project.socket());
    }
    Err(CliError::new(ExitCode::Failed, "no-engine", "no engine runs for this project")
        .because("nothing advances without one; visitors are served as before")
        .next("towpath engine start", "runs one in the background"))
}

/// The socket of the project's engine; where none answers, one is started in the background that shows pages
/// at `listen`, if that is given.
///
/// # Errors
/// As [`ensure_engine`].
pub(crate) async fn ensure_engine_with(
    project: &ProjectFolder,
    listen: Option<SocketAddr>,
) -> Result<PathBuf, CliError> {
    project.ensure_reachable()?;
    let socket = project.socket();
    if engine_answers(project).await {
        return Ok(socket);
    }
    let log = project.state.join("engine.log");
    start_engine(project, || spawn(project, &log, listen))
        .await
        .map_err(|sentence| not_started(&log, &sentence))?;
    Ok(socket)
}

/// Whether an engine answers for the project, now or in a moment: one that is starting or stopping
/// holds the lock before and after it answers. Starts none.
pub(crate) async fn engine_answers_soon(project: &ProjectFolder) -> bool {
    let deadline = Instant::now() + SOON;
    loop {
        if engine_answers(project).await {
            return true;
        }
        if !is_locked(project) || Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Starts engines until one answers; else says in one sentence why none did.
async fn start_engine(
    project: &ProjectFolder,
    mut spawn: impl FnMut() -> std::io::Result<Child>,
) -> Result<(), String> {
    let deadline = Instant::now() + START_WITHIN;
    let mut child = spawn().map_err(|error| error.to_string())?;
    let mut failures = 0;
    while Instant::now() < deadline {
        if engine_answers(project).await {
            return Ok(());
        }
        let ended = child.try_wait().ok().flatten();
        // While somebody holds the lock, it is an engine that is starting or stopping: keep looking.
        if let Some(status) = ended.filter(|_| !is_locked(project)) {
            // One that was shut out had nothing wrong with it.
            let shut_out = status.code() == Some(i32::from(ExitCode::Conflict.number()));
            if !status.success() && !shut_out {
                failures += 1;
            }
            if failures >= FAILURES {
                return Err("it ended at once".to_owned());
            }
            tokio::time::sleep(AGAIN_AFTER).await;
            child = spawn().map_err(|error| error.to_string())?;
        }
        tokio::time::sleep(LOOK).await;
    }
    Err("it did not answer in time".to_owned())
}

/// Whether an engine answers for the project.
pub(crate) async fn engine_answers(project: &ProjectFolder) -> bool {
    UnixStream::connect(project.socket()).await.is_ok()
}

fn spawn(
    project: &ProjectFolder,
    log: &std::path::Path,
    listen: Option<SocketAddr>,
) -> std::io::Result<Child> {
    project.prepare()?;
    if std::fs::metadata(log).is_ok_and(|kept| kept.len() > MOST_LOG_BYTES) {
        // The one before is replaced: two files at most.
        std::fs::rename(log, log.with_extension("log.old"))?;
    }
    let output = File::options().create(true).append(true).open(log)?;
    Command::new(std::env::current_exe()?)
        .args(["serve", "--background"])
        .args(listen.map(|address| format!("--listen={address}")))
        .current_dir(&project.root)
        // An engine is nobody's: what it starts must not find whose token started it.
        .env_remove(token::VARIABLE)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output)
        .spawn()
}

/// What is said when the engine that was watched is gone: nobody holds its lock any more.
pub(crate) fn gone(project: &ProjectFolder) -> Option<CliError> {
    if is_locked(project) {
        return None;
    }
    let log = project.state.join("engine.log");
    let error = CliError::new(ExitCode::Failed, "no-engine", "the engine has ended")
        .because(match last_words(&log) {
            Some(words) => format!("nothing advances; its last words: {words}"),
            None => "somebody stopped or killed it, and nothing advances".to_owned(),
        })
        .at(log.display().to_string());
    Some(error.next("towpath engine start", "lets things go on from where they are"))
}

/// The last error in the log, unless it is of an engine that ended long before.
fn last_words(log: &std::path::Path) -> Option<String> {
    let written = std::fs::metadata(log).ok()?.modified().ok()?;
    if written.elapsed().is_ok_and(|age| age > RECENT) {
        return None;
    }
    let text = std::fs::read_to_string(log).ok()?;
    let line = text.lines().rfind(|line| line.contains(" ERROR "))?;
    Some(line.trim().to_owned())
}

/// Whether an engine holds the lock: it is there until its process has gone.
pub(crate) fn is_locked(project: &ProjectFolder) -> bool {
    let file = File::options().write(true).open(project.state.join("engine.lock"));
    file.is_ok_and(|file| file.try_lock().is_err())
}

fn not_started(log: &std::path::Path, sentence: &str) -> CliError {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let cause = match said_at_last(&text) {
        Some(said) => format!("{sentence}: {said}"),
        None => sentence.to_owned(),
    };
    CliError::new(ExitCode::Failed, "no-engine", "the engine did not start")
        .because(cause)
        .at(log.display().to_string())
        .next("towpath doctor", "what is wrong")
        .next("towpath serve", "starts it here, where you see what it says")
}

/// The last error in a log as one sentence: what it said, why and where. Where it said none, its last line.
fn said_at_last(log: &str) -> Option<String> {
    let lines: Vec<&str> = log.lines().collect();
    let Some(start) = lines.iter().rposition(|line| line.starts_with(FAILED)) else {
        let last = lines.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty());
        return last.map(str::to_owned);
    };
    let row = |label: &str| {
        let rows = lines[start + 1..].iter().map_while(|line| line.strip_prefix("    "));
        let mut found = rows.filter_map(|row| row.strip_prefix(label));
        found.find_map(|row| row.strip_prefix(' ')).map(str::trim)
    };
    let cause = row("cause").map(|cause| format!(": {cause}")).unwrap_or_default();
    let place = row("place").map(|place| format!(" ({place})")).unwrap_or_default();
    Some(format!("{}{cause}{place}", lines[start][FAILED.len()..].trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> (tempfile::TempDir, ProjectFolder) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(crate::project::MATRIX_FILE), "version: 1\n").unwrap();
        let project = ProjectFolder::find(folder.path(), None).unwrap();
        project.prepare().unwrap();
        (folder, project)
    }

    fn ends_with(code: u8) -> std::io::Result<Child> {
        Command::new("sh").args(["-c", &format!("exit {code}")]).spawn()
    }

    #[tokio::test]
    async fn one_that_met_a_stopping_engine_is_started_again() {
        for code in [0, 1, 6] {
            let (_folder, project) = project();
            let mut started = 0;
            let mut listening = None;
            let done = start_engine(&project, || {
                started += 1;
                if started == 2 {
                    listening = Some(tokio::net::UnixListener::bind(project.socket())?);
                }
                ends_with(code)
            });
            assert_eq!(done.await, Ok(()));
            assert_eq!(started, 2, "after {code}");
        }
    }

    #[test]
    fn of_a_log_the_last_error_is_told_in_one_sentence() {
        let log = "towpath.yaml: 1 error\n\nx older\n    cause  old\n\n\
            x nothing was ordered\n    cause  the matrix has 1 error\n    place  towpath.yaml:15:41\n    \
            next   towpath matrix check     every error\n";
        assert_eq!(
            said_at_last(log).unwrap(),
            "nothing was ordered: the matrix has 1 error (towpath.yaml:15:41)"
        );
        assert_eq!(said_at_last("x no disk\n").unwrap(), "no disk");
        assert_eq!(said_at_last("one\ntwo\n\n").unwrap(), "two");
        assert_eq!(said_at_last(""), None);
    }

    #[tokio::test]
    async fn two_that_fail_with_a_free_lock_are_enough() {
        let (_folder, project) = project();
        let mut started = 0;
        let done = start_engine(&project, || {
            started += 1;
            ends_with(1)
        });
        assert_eq!(done.await, Err("it ended at once".to_owned()));
        assert_eq!(started, 2);
    }
}
