//! `towpath proxy`: the data plane as a process of its own. Started by the router adapter.

use std::path::PathBuf;
use std::time::Duration;

use towpath_proxy::{Clock, Options, Workers};

use crate::commands::Context;
use crate::exit_code::{CliError, ExitCode};

/// Visitors' connections that one thread of the proxy holds at once.
const CONNECTIONS: usize = 16_384;
/// How long open requests may take when the proxy stops.
const DRAIN: Duration = Duration::from_secs(30);

/// What may be typed after `proxy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// folder of its table, its evidence and its control socket
    #[arg(long, value_name = "FOLDER")]
    dir: PathBuf,
    /// threads that forward requests; otherwise one per processor
    #[arg(long, value_name = "COUNT")]
    workers: Option<usize>,
}

/// Runs the proxy until it is told to stop.
pub(crate) fn run(arguments: Arguments, _context: &Context) -> Result<ExitCode, CliError> {
    // A process that leads a group already cannot begin a session; then it has one of its own.
    let _ = rustix::process::setsid();
    let place = arguments.dir.display().to_string();
    let options = Options {
        state_directory: arguments.dir,
        workers: arguments.workers.map_or(Workers::PerCore, Workers::Count),
        max_connections: CONNECTIONS,
        drain: DRAIN,
        clock: Clock::system(),
    };
    towpath_proxy::run(options).map(|()| ExitCode::Done).map_err(|error| {
        CliError::new(ExitCode::Failed, "no-proxy", "the proxy cannot run")
            .because(error.to_string())
            .at(place)
            .next("towpath doctor", "what is wrong")
    })
}
