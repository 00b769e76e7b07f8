//! The grammar of `notify`. Owns no behaviour and no help text.

use clap::{Args, Subcommand};
use towpath_core::ids::Name;

use crate::args::values::name;

#[derive(Debug, Args)]
pub(crate) struct NotifyArguments {
    #[command(subcommand)]
    pub(crate) command: NotifyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NotifyCommand {
    Test(NotifyTestArguments),
    List(NotifyListArguments),
    Retry(NotifyRetryArguments),
    Replay(NotifyReplayArguments),
}

#[derive(Debug, Args)]
pub(crate) struct NotifyTestArguments {
    /// only this channel, by its name in `notifiers`; otherwise all that can be reached
    #[arg(value_name = "CHANNEL", value_parser = name)]
    pub(crate) channel: Option<Name>,
}

#[derive(Debug, Args)]
pub(crate) struct NotifyListArguments {
    /// those that arrived, the newest first
    #[arg(long)]
    pub(crate) arrived: bool,
}

#[derive(Debug, Args)]
pub(crate) struct NotifyReplayArguments {
    /// which notice, as `notify list --arrived` calls it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

#[derive(Debug, Args)]
pub(crate) struct NotifyRetryArguments {
    /// which notice, as `notify list` calls it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}
