//! Stands for the real program in the tests of the process target: knows the hidden subcommand and
//! nothing else.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match &arguments[..] {
        [verb, flag, folder] if verb == "supervise" && flag == "--dir" => {
            towpath_adapters::supervise(&PathBuf::from(folder))
        }
        _ => ExitCode::from(2),
    }
}
