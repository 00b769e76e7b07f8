//! `towpath proxy`: the data plane as a process of its own. Started by the router adapter, which also
//! owns how it runs.

use std::path::PathBuf;

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

/// Runs until it is told to stop; has its own way to end, which the router reads.
pub(crate) fn run(arguments: &Arguments) -> std::process::ExitCode {
    towpath_adapters::run_proxy(&arguments.dir, arguments.workers)
}
