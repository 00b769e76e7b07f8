//! The service as a program: settings from the environment, one thread, an exit code. Owns no
//! behaviour of the service.
#![expect(clippy::print_stderr, reason = "what stops a start is said on the terminal")]

use std::process::ExitCode;

use crate::Config;

/// Exit code for settings that cannot be used, as `EX_CONFIG` of sysexits.h.
const EXIT_SETTINGS: u8 = 78;

/// Runs the service with settings from the environment until it is told to stop, on one thread.
pub fn run() -> ExitCode {
    let config = match Config::from_environment() {
        Ok(config) => config,
        Err(problems) => {
            for problem in problems {
                eprintln!("soundbite: {problem}");
            }
            return ExitCode::from(EXIT_SETTINGS);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("soundbite: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(crate::serve(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soundbite: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
