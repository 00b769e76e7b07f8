//! What may be typed after `audit`. Owns names and help; does nothing.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use towpath_audit::export::Format;

#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    #[command(subcommand)]
    pub(crate) command: AuditCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    Verify(VerifyArguments),
    Export(ExportArguments),
    Checkpoint,
    Evidence(EvidenceBundleArguments),
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// an export or a bundle, wherever it is; left out: the journal of this project
    #[arg(value_name = "EXPORT")]
    pub(crate) export: Option<PathBuf>,
    /// the public key, or a file with public keys; again for more
    #[arg(long = "key", value_name = "KEY")]
    pub(crate) keys: Vec<String>,
    /// a list of signed checkpoints that was kept elsewhere; again for more
    #[arg(long = "checkpoints", value_name = "FILE")]
    pub(crate) checkpoints: Vec<PathBuf>,
    /// the event that the export begins with
    #[arg(long, value_name = "EVENT", default_value_t = 1, requires = "export",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) from: u64,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// jsonl or csv
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    pub(crate) format: ExportFormat,
    /// write this new file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// leave the events before this one out
    #[arg(long, value_name = "EVENT", default_value_t = 1,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) from: u64,
    /// also write events in which secrets stand as text; otherwise their content is withheld
    #[arg(long)]
    pub(crate) with_secrets: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvidenceBundleArguments {
    /// the number of a promotion that has ended
    #[arg(value_name = "PROMOTION")]
    pub(crate) promotion: u64,
    /// write this new file instead of evidence-PROJECT-PROMOTION.tar
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// also write what holds secrets as text; otherwise its content is withheld
    #[arg(long)]
    pub(crate) with_secrets: bool,
}

/// How an export is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ExportFormat {
    /// One JSON object on a line.
    Jsonl,
    /// Cells with commas, for spreadsheets.
    Csv,
}

impl From<ExportFormat> for Format {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Jsonl => Self::Jsonl,
            ExportFormat::Csv => Self::Csv,
        }
    }
}
