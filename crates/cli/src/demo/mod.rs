//! `towpath demo`: five releases of a sample service climb five environments on this machine, with
//! the real engine, proxy and processes. Owns the story; everything in it is done by the product.

mod matrix;
mod report;
mod screen;
mod stage;
mod story;
mod visitors;

use crate::exit_code::{CliError, ExitCode};
use crate::report::style::Style;

/// How the demo is shown.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// One JSON object at the end instead of the report.
    pub(crate) json: bool,
    /// Leave everything running.
    pub(crate) keep: bool,
    /// How the terminal is written to.
    pub(crate) style: Style,
    /// Whether progress may be redrawn in place.
    pub(crate) live: bool,
}

/// Runs the demo and tears everything down again, unless it is kept.
///
/// # Errors
/// A refusal when the stage cannot be set: no folder, no free port, no engine.
pub(crate) async fn run(shown: &Shown) -> Result<ExitCode, CliError> {
    let stage = stage::Stage::set().await?;
    let mut screen = screen::Screen::new(shown);
    let told = tokio::select! {
        told = story::tell(&stage, &mut screen) => told,
        _ = tokio::signal::ctrl_c() => {
            screen.end();
            stage.clear().await;
            return Ok(ExitCode::Interrupted);
        }
    };
    screen.end();
    let told = match told {
        Ok(told) => told,
        Err(refusal) => {
            stage.clear().await;
            return Err(refusal);
        }
    };
    report::print(shown, &told, stage.root());
    let as_told = report::difference(&told).is_none();
    if !shown.keep {
        stage.clear().await;
    }
    Ok(if as_told { ExitCode::Done } else { ExitCode::Failed })
}
