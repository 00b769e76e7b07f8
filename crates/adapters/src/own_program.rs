//! Starts this very program again, as something that outlives whoever started it. Owns its clean
//! beginning; what it does then, and that there is only one of it, is its own affair.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};

/// What is passed on of the environment: the way to find programs and to write texts, and how much
/// to say. Nothing of ours, and no mark of an instance, may be inherited.
const PASSED_ON: [&str; 6] = ["PATH", "HOME", "LANG", "TZ", "RUST_LOG", "RUST_BACKTRACE"];

/// A program that was started.
pub(crate) struct Started {
    ended: Arc<OnceLock<ExitStatus>>,
}

impl Started {
    /// How it ended; none while it runs.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        self.ended.get().copied()
    }
}

/// Starts `program` with `arguments`; what it says on standard error goes to `log`, which begins
/// anew. It has to make its session itself.
pub(crate) fn start(program: &Path, arguments: &[&OsStr], log: &Path) -> io::Result<Started> {
    let said = File::create(log)?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().current_dir("/");
    command.envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
    let mut child = command.spawn().map_err(|error| {
        io::Error::new(error.kind(), format!("{} could not be started: {error}", program.display()))
    })?;
    // Somebody has to collect its exit status as long as its parent lives.
    let ended = Arc::new(OnceLock::new());
    let tells = Arc::clone(&ended);
    let collect = move || {
        if let Ok(status) = child.wait() {
            tells.get_or_init(|| status);
        }
    };
    let name = "collect own program".to_owned();
    std::thread::Builder::new().name(name).stack_size(64 * 1024).spawn(collect)?;
    Ok(Started { ended })
}
