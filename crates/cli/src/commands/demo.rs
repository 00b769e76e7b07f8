//! `towpath demo`: the whole story with a sample service. Owns its options; the story is in
//! [`crate::demo`].

use crate::commands::Context;
use crate::demo;
use crate::exit_code::{CliError, ExitCode};

/// What may be typed after `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// leave everything running to play with
    #[arg(long)]
    keep: bool,
    /// end when the story is told (it does so anyway, unless --keep is given)
    #[arg(long, conflicts_with = "keep")]
    exit: bool,
    /// open no browser; the address of the pages is printed anyway
    #[arg(long)]
    no_browser: bool,
}

/// Tells the story.
pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<ExitCode, CliError> {
    let shown = demo::Shown {
        json: context.global.json,
        keep: arguments.keep,
        style: context.out.clone(),
        live: context.draws,
        browser: context.draws && !context.global.json && !arguments.no_browser,
    };
    demo::run(&shown).await
}
