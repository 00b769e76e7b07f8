//! The grammar of `token`. Owns no behaviour and no help text.

use clap::{Args, Subcommand};
use towpath_core::ids::{Name, Person, TokenId};
use towpath_core::people::Verb;
use towpath_core::units::Span;

use crate::args::values::{name, person, reason, token_id, verb};

#[derive(Debug, Args)]
pub(crate) struct TokenArguments {
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    Create(TokenCreateArguments),
    List(TokenListArguments),
    Revoke(TokenRevokeArguments),
}

#[derive(Debug, Args)]
pub(crate) struct TokenCreateArguments {
    /// what you will call it
    #[arg(value_name = "NAME", value_parser = name)]
    pub(crate) name: Name,
    /// what may be done by it, as `who_may` calls it; again for more; without any: looking
    #[arg(long, value_name = "VERB", value_parser = verb)]
    pub(crate) may: Vec<Verb>,
    /// only in this environment; again for more
    #[arg(long = "in", value_name = "ENV", value_parser = name)]
    pub(crate) environments: Vec<Name>,
    /// for so long, at most 90d; otherwise for 30d, or as long as the token that asks for it
    #[arg(long = "for", value_name = "DURATION")]
    pub(crate) lasts: Option<Span>,
    /// of this program of `people`; otherwise your own
    #[arg(long, value_name = "NAME", value_parser = person)]
    pub(crate) for_program: Option<Person>,
}

#[derive(Debug, Args)]
pub(crate) struct TokenListArguments {
    /// those that ended lately as well
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TokenRevokeArguments {
    /// which token, as `token list` calls it
    #[arg(value_name = "ID", value_parser = token_id)]
    pub(crate) id: TokenId,
    /// kept in the journal
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: Option<String>,
}
