//! The grammar of `towpath matrix …`. What each does is in `commands/matrix.rs`.

use clap::{Args, Subcommand};

use crate::args::Signing;
use crate::args::values::{plan_hash, reason};

#[derive(Debug, Args)]
pub(crate) struct MatrixArguments {
    #[command(subcommand)]
    pub(crate) command: MatrixCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MatrixCommand {
    Check(CheckArguments),
    Show(ShowArguments),
    Diff(MatrixDiffArguments),
    Apply(MatrixApplyArguments),
    Approve(MatrixWordArguments),
    Reject(MatrixWordArguments),
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct MatrixApplyArguments {
    /// say who would have to agree, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// you lost your key: propose without it that it is taken out or replaced; somebody else who has one agrees
    #[arg(long, conflicts_with = "key")]
    pub(crate) without_key: bool,
    #[command(flatten)]
    pub(crate) by: Signing,
}

#[derive(Debug, Args)]
pub(crate) struct MatrixWordArguments {
    /// the change, as `waiting` shows it
    #[arg(value_name = "HASH", value_parser = plan_hash)]
    pub(crate) plan: String,
    /// why, or what was looked at
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) note: Option<String>,
    #[command(flatten)]
    pub(crate) by: Signing,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// the rule behind an error, with examples
    #[arg(long, value_name = "NAME")]
    pub(crate) explain: Option<String>,
    /// one line for each name of a problem
    #[arg(long, conflicts_with = "verbose")]
    pub(crate) brief: bool,
    /// everything, also what is declared and not enforced yet (the default)
    #[arg(long)]
    pub(crate) verbose: bool,
    /// warnings make exit 2 as errors do
    #[arg(long)]
    pub(crate) deny_warnings: bool,
    /// another file than towpath.yaml
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<std::path::PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// as YAML with every default filled in and where each value comes from
    #[arg(long, conflicts_with = "form")]
    pub(crate) resolved: bool,
    /// `table` (the default), `markdown`, or `file`: as it is
    #[arg(long = "as", value_name = "FORM")]
    pub(crate) form: Option<ShowForm>,
    /// only this table
    #[arg(long, value_name = "NAME", conflicts_with = "resolved")]
    pub(crate) table: Option<String>,
}

/// How a matrix is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ShowForm {
    /// Aligned, for a terminal.
    Table,
    /// For a wiki page.
    Markdown,
    /// The file as it is.
    File,
}

#[derive(Debug, Args)]
pub(crate) struct MatrixDiffArguments {
    /// the matrix as it was; `-` reads it from standard input
    #[arg(value_name = "OLD")]
    pub(crate) old: std::path::PathBuf,
    /// the matrix as it would be; otherwise the towpath.yaml of the project
    #[arg(value_name = "NEW")]
    pub(crate) new: Option<std::path::PathBuf>,
    /// a change that is looser, or that cannot be judged, makes exit 3
    #[arg(long)]
    pub(crate) deny_looser: bool,
}
