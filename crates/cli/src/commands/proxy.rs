//! `towpath proxy`: the data plane as a process of its own. Started by the router adapter.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use towpath_proxy::{Clock, Options, Workers};

/// Visitors' connections that one thread of the proxy holds at once.
const CONNECTIONS: usize = 16_384;
/// How long open requests may take when the proxy stops.
const DRAIN: Duration = Duration::from_secs(30);

/// Runs the proxy until it is told to stop.
pub(crate) fn run(folder: &Path, workers: Option<usize>) -> ExitCode {
    // A process that leads a group already cannot begin a session; then it has one of its own.
    let _ = rustix::process::setsid();
    let options = Options {
        state_directory: folder.to_owned(),
        workers: workers.map_or(Workers::PerCore, Workers::Count),
        max_connections: CONNECTIONS,
        drain: DRAIN,
        clock: Clock::system(),
    };
    match towpath_proxy::run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(folder = %folder.display(), %error, "the proxy cannot run");
            ExitCode::FAILURE
        }
    }
}
