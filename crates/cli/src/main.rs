//! The program `towpath`: reads what was typed, runs one command, and ends with its exit code.
//! Decides nothing; whatever moves a release is the engine's.

mod args;
mod background;
mod blank;
mod browser;
mod client;
mod commands;
mod demo;
mod exit_code;
mod journal;
mod new_file;
mod person;
mod project;
mod report;
mod server;
mod teardown;
mod token;
mod wiring;

use std::ffi::OsString;
use std::process;

use clap::Parser as _;

use crate::args::{Arguments, Command};
use crate::commands::Context;
use crate::exit_code::{CliError, ExitCode};
use crate::report::usage;

/// The system's allocator costs the proxy a sixteenth of its requests per second (measured side by
/// side), for which 2 MiB of memory are a fair price.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> process::ExitCode {
    let typed: Vec<OsString> = std::env::args_os().collect();
    let exit = match Arguments::try_parse_from(&typed) {
        Ok(Arguments { command: Some(Command::SampleService), .. }) => return soundbite::run(),
        // These have their own way to end, which the adapter that started them reads.
        Ok(Arguments { command: Some(Command::Proxy(arguments)), .. }) => {
            abort_on_panics();
            return commands::proxy::run(&arguments);
        }
        Ok(Arguments { command: Some(Command::Supervise(arguments)), .. }) => {
            abort_on_panics();
            return commands::supervise::run(&arguments);
        }
        Ok(arguments) => run(arguments),
        Err(error) => refuse(&error, &typed),
    };
    process::ExitCode::from(exit.number())
}

/// A worker that is gone without a word would be worse than a process that is started again.
fn abort_on_panics() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        told(panic);
        process::abort();
    }));
}

fn run(arguments: Arguments) -> ExitCode {
    let context = Context::new(arguments.global);
    let ended = match arguments.command {
        None => {
            context.answer(&report::help::overview());
            Ok(ExitCode::Done)
        }
        Some(command) => match runtime(&command) {
            Ok(runtime) => runtime.block_on(commands::run(command, &context)),
            Err(error) => {
                Err(CliError::from(anyhow::Error::new(error).context("nothing was started")))
            }
        },
    };
    ended.unwrap_or_else(|error| context.refuse(&error))
}

/// What serves visitors or runs an engine gets a thread per core; a client one thread alone.
fn runtime(command: &Command) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = match command {
        Command::Serve(_) | Command::Demo(_) | Command::SampleService => {
            tokio::runtime::Builder::new_multi_thread()
        }
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    builder.enable_all().build()
}

/// Help and version are answers; everything else was typed wrong.
fn refuse(error: &clap::Error, typed: &[OsString]) -> ExitCode {
    let words: Vec<String> =
        typed.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let context = Context::new(usage::global_of(&words));
    match usage::read(error, &words) {
        usage::Read::Answer(text) => {
            context.answer(&text);
            ExitCode::Done
        }
        usage::Read::Wrong(error) => context.refuse(&error),
    }
}
