//! `towpath sample-service`: the service that the demo promotes. A stand-in for a team's own.

use crate::exit_code::{CliError, ExitCode};

/// Serves until it is told to stop; everything else it reads from its environment.
pub(crate) async fn run() -> Result<ExitCode, CliError> {
    let wrong = |error: &dyn std::fmt::Display| {
        CliError::new(ExitCode::Failed, "no-service", "the sample service cannot run")
            .because(error.to_string())
            .next("towpath demo", "what it is for")
    };
    let config = soundbite::Config::from_environment().map_err(|error| wrong(&error))?;
    soundbite::serve(config).await.map_err(|error| wrong(&error))?;
    Ok(ExitCode::Done)
}
