//! `completions`: a script for a shell. Needs no project and no engine.

use clap::CommandFactory as _;

use crate::args::{Arguments, CompletionsArguments};
use crate::commands::Context;
use crate::exit_code::ExitCode;

/// Runs `completions`.
pub(crate) fn run(arguments: &CompletionsArguments, context: &Context) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "towpath", &mut script);
    context.answer(&String::from_utf8_lossy(&script));
    ExitCode::Done
}
