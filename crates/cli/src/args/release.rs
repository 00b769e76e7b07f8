//! What is typed behind `release`. Reads no file.

use clap::{Args, Subcommand};
use towpath_core::ids::{Name, Person, Version};
use towpath_core::release::ChangeType;

use super::values::{change_type, commit, person, setting, source, version};

#[derive(Debug, Args)]
pub(crate) struct ReleaseArguments {
    #[command(subcommand)]
    pub(crate) command: ReleaseCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReleaseCommand {
    Create(CreateArguments),
    List,
    Show(OneReleaseArguments),
    Diff(TwoReleasesArguments),
}

#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    /// what people will call it; 1 to 128 letters, digits, . _ + -; a snapshot has one of its own
    #[arg(value_name = "VERSION", required_unless_present = "snapshot", value_parser = version)]
    pub(crate) version: Option<Version>,
    /// what is deployed: a file, a folder, an https address or an image by digest; again for more
    #[arg(
        long = "artifact",
        value_name = "NAME=SOURCE",
        required_unless_present = "snapshot",
        value_parser = source
    )]
    pub(crate) artifacts: Vec<(Name, String)>,
    /// a setting that comes with the release; again for more
    #[arg(long = "setting", value_name = "KEY=VALUE", value_parser = setting)]
    pub(crate) settings: Vec<(String, String)>,
    /// a change of stored data; `irreversible:FILE` when the release before fails after it
    #[arg(long = "migration", value_name = "FILE")]
    pub(crate) migrations: Vec<String>,
    /// a file for whoever lets it in, such as the output of a plan; again for more
    #[arg(long = "evidence", value_name = "NAME=FILE", value_parser = source)]
    pub(crate) evidence: Vec<(Name, String)>,
    /// the commit it was built from; otherwise asked of git
    #[arg(long, value_name = "COMMIT", value_parser = commit)]
    pub(crate) commit: Option<String>,
    /// the branch it was made on; otherwise asked of git, or of the build
    #[arg(long, value_name = "BRANCH", value_parser = commit)]
    pub(crate) branch: Option<String>,
    /// who wrote it; otherwise asked of git
    #[arg(long, value_name = "PERSON", value_parser = person)]
    pub(crate) author: Option<Person>,
    /// feature, fix, hotfix, infrastructure or configuration; otherwise told by its commit, branch and files
    #[arg(long = "type", value_name = "TYPE", value_parser = change_type)]
    pub(crate) change_type: Option<ChangeType>,
    /// what is in the folder of the matrix, or in DIR, as the artefact of the service; enters
    /// development environments only
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "")]
    pub(crate) snapshot: Option<String>,
    /// say what would be kept and stop
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OneReleaseArguments {
    /// which release
    #[arg(value_name = "VERSION", value_parser = version)]
    pub(crate) version: Version,
}

#[derive(Debug, Args)]
pub(crate) struct TwoReleasesArguments {
    /// the older release
    #[arg(value_name = "OLD", value_parser = version)]
    pub(crate) old: Version,
    /// the newer release
    #[arg(value_name = "NEW", value_parser = version)]
    pub(crate) new: Version,
}
