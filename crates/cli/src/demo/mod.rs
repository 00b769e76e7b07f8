//! `towpath demo`: five releases of a sample service climb five environments on this machine, with
//! the real engine, proxy and processes. Owns the story; everything in it is done by the product.

mod matrix;
mod report;
mod screen;
mod stage;
mod story;
mod visitors;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::browser;
use crate::exit_code::{CliError, ExitCode};
use crate::report::style::Style;

/// How the demo is shown.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own, or what the terminal is"
)]
pub(crate) struct Shown {
    /// One JSON object at the end instead of the report.
    pub(crate) json: bool,
    /// Leave everything running.
    pub(crate) keep: bool,
    /// How the terminal is written to.
    pub(crate) style: Style,
    /// Whether progress may be redrawn in place.
    pub(crate) live: bool,
    /// Whether the pages are opened in a browser where there is one.
    pub(crate) browser: bool,
}

/// Runs the demo and tears everything down again, unless it is kept.
///
/// # Errors
/// A refusal when the stage cannot be set: no folder, no free port, no engine.
pub(crate) async fn run(shown: &Shown) -> Result<ExitCode, CliError> {
    // Listened for before anything is started that must be ended.
    let mut told_to_end = Signals::listen()?;
    let stage = stage::Stage::prepare()?;
    let mut screen = screen::Screen::new(shown);
    let story = async {
        stage.open().await?;
        let link = stage.link().await?;
        screen.pages(&link, shown.browser && browser::open(&link));
        story::tell(&stage, &mut screen).await
    };
    let told = tokio::select! {
        told = story => Some(told),
        () = told_to_end.any() => None,
    };
    screen.end();
    let Some(told) = told else {
        stage.clear().await?;
        return Ok(ExitCode::Interrupted);
    };
    let told = match told {
        Ok(told) => told,
        Err(refusal) => {
            // Why the story ended comes first.
            if stage.clear().await.is_err() {
                let folder = stage.root().display();
                let ends = format!("cd {folder} && towpath engine stop --everything");
                return Err(refusal.next(ends, "ends what the demo left behind"));
            }
            return Err(refusal);
        }
    };
    report::print(shown, &told, stage.root());
    let as_told = report::difference(&told).is_none();
    if !shown.keep {
        stage.clear().await?;
    }
    Ok(if as_told { ExitCode::Done } else { ExitCode::Failed })
}

/// What tells a program to end: Ctrl-C, `kill`, and a terminal that is closed.
struct Signals([Signal; 3]);

impl Signals {
    fn listen() -> Result<Self, CliError> {
        let listen = |kind| signal(kind).map_err(anyhow::Error::new);
        Ok(Self([
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
        ]))
    }

    async fn any(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
