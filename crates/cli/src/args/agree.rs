//! Options of the commands by which people give their word.

use std::path::PathBuf;

use clap::Args;
use towpath_core::debts::DebtKind;
use towpath_core::ids::{Name, Version};

use super::values::{name, owed, reason, version};

/// By which key somebody signs what they say.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Signing {
    /// sign it with this key of ssh, where the matrix names yours; otherwise TOWPATH_KEY, or ssh's own
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArguments {
    /// the promotion's number, or its environment, or the hash of a plan
    #[arg(value_name = "WHAT")]
    pub(crate) what: String,
    /// kept in the journal
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) note: Option<String>,
    /// where the evidence is
    #[arg(long, value_name = "URL")]
    pub(crate) link: Option<String>,
    /// with the hash of a plan that nobody has ordered: of this release; otherwise the newest
    #[arg(long, value_name = "VERSION", value_parser = version, allow_hyphen_values = true)]
    pub(crate) release: Option<Version>,
    #[command(flatten)]
    pub(crate) by: Signing,
}

#[derive(Debug, Args)]
pub(crate) struct RejectArguments {
    /// the promotion's number, or its environment, or the hash of its plan
    #[arg(value_name = "WHAT")]
    pub(crate) what: String,
    /// why; kept in the journal
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: String,
    /// where the evidence is
    #[arg(long, value_name = "URL")]
    pub(crate) link: Option<String>,
    #[command(flatten)]
    pub(crate) by: Signing,
}

#[derive(Debug, Args)]
pub(crate) struct AttestArguments {
    /// the environment that the release wants to enter
    #[arg(value_name = "ENV", value_parser = name)]
    pub(crate) environment: Name,
    /// the check's name, as the matrix has it
    #[arg(value_name = "CHECK")]
    pub(crate) title: String,
    /// about this release; otherwise the newest verified before ENV
    #[arg(long, value_name = "VERSION", value_parser = version, allow_hyphen_values = true)]
    pub(crate) release: Option<Version>,
    /// what you add; kept in the journal
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) note: Option<String>,
    /// where the evidence is
    #[arg(long, value_name = "URL")]
    pub(crate) link: Option<String>,
    #[command(flatten)]
    pub(crate) by: Signing,
}

#[derive(Debug, Args)]
pub(crate) struct SettleArguments {
    /// the promotion that owes it
    #[arg(value_name = "NUMBER")]
    pub(crate) number: u64,
    /// review or backport
    #[arg(value_name = "WHAT", value_parser = owed)]
    pub(crate) what: DebtKind,
    /// what was looked at, or where it is
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) note: String,
    /// where the evidence is
    #[arg(long, value_name = "URL")]
    pub(crate) link: Option<String>,
    #[command(flatten)]
    pub(crate) by: Signing,
}
