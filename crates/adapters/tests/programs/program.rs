//! Stands for the real program in the tests of adapters: knows the subcommands that
//! adapters start, and nothing else.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match &arguments[..] {
        [verb, flag, folder] if verb == "supervise" && flag == "--dir" => {
            towpath_adapters::supervise(&PathBuf::from(folder))
        }
        [verb, flag, folder] if verb == "proxy" && flag == "--dir" => {
            towpath_adapters::run_proxy(&PathBuf::from(folder), None)
        }
        _ => ExitCode::from(2),
    }
}
