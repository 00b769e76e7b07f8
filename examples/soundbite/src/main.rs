//! The binary: settings from the environment, one thread, an exit code. Everything else is in
//! the library.
#![expect(clippy::print_stderr, reason = "what stops a start is said on the terminal")]

use std::process::ExitCode;

use soundbite::Config;

/// Exit code for settings that cannot be used, as `EX_CONFIG` of sysexits.h.
const EXIT_SETTINGS: u8 = 78;

fn main() -> ExitCode {
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
    match runtime.block_on(soundbite::serve(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soundbite: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
