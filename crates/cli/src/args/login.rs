//! `login` and `logout`.

use clap::Args;

#[derive(Clone, Debug, Args)]
pub(crate) struct LoginArguments {
    /// address of the server, or of one project of it: https://HOST/projects/NAME
    #[arg(value_name = "URL", required_unless_present = "web")]
    pub(crate) server: Option<String>,
    /// print a link that signs you in at the pages of this machine's server, once
    #[arg(long, conflicts_with_all = ["server", "name", "token_command"])]
    pub(crate) web: bool,
    /// what you call it; otherwise the project, or the host
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// a command that prints the token, such as that of a keyring; last, with its arguments
    #[arg(long, value_name = "COMMAND", num_args = 1.., allow_hyphen_values = true)]
    pub(crate) token_command: Vec<String>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct LogoutArguments {
    /// what you called it
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}
