//! `towpath supervise`: keeps one instance of a release running. Started by the process target.

use std::path::PathBuf;

/// What may be typed after `supervise`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// folder of the instance
    #[arg(long, value_name = "FOLDER")]
    dir: PathBuf,
}

/// Runs until the instance is to stop; has its own way to end, which the target reads.
pub(crate) fn run(arguments: &Arguments) -> std::process::ExitCode {
    towpath_adapters::supervise(&arguments.dir)
}
