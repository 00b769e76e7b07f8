//! The grammar of `evidence`. Owns no behaviour and no help text.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use towpath_core::ids::Version;

use crate::args::values::{reason, version};

#[derive(Debug, Args)]
pub(crate) struct EvidenceArguments {
    #[command(subcommand)]
    pub(crate) command: EvidenceCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvidenceCommand {
    List(EvidenceListArguments),
    Show(EvidenceShowArguments),
    Withdraw(EvidenceWithdrawArguments),
}

#[derive(Debug, Args)]
pub(crate) struct EvidenceListArguments {
    /// only of this environment, or of the promotion with this number
    #[arg(value_name = "ENV|NUMBER")]
    pub(crate) of: Option<String>,
    /// only about this release
    #[arg(long, value_name = "VERSION", value_parser = version, allow_hyphen_values = true)]
    pub(crate) release: Option<Version>,
}

#[derive(Debug, Args)]
pub(crate) struct EvidenceShowArguments {
    /// the digest, or its first digits
    #[arg(value_name = "DIGEST")]
    pub(crate) digest: String,
    /// write the bytes to this new file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct EvidenceWithdrawArguments {
    /// the digest, or its first digits
    #[arg(value_name = "DIGEST")]
    pub(crate) digest: String,
    /// kept in the journal, and shown wherever something rested on it
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: String,
}
