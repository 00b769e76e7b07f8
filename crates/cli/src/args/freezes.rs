//! What may be said of `freeze` and `thaw`. Owns no behaviour.

use clap::Args;
use towpath_core::ids::Name;
use towpath_core::release::ChangeType;
use towpath_core::units::Span;

use super::Signing;
use super::values::{change_type, moment, name, reason};

#[derive(Debug, Args)]
pub(crate) struct FreezeArguments {
    /// only this environment; otherwise everything
    #[arg(value_name = "ENV", value_parser = name)]
    pub(crate) environment: Option<Name>,
    /// kept in the journal, and shown to whoever is held
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: String,
    /// for so long; otherwise until somebody thaws it
    #[arg(long = "for", value_name = "DURATION", conflicts_with = "until")]
    pub(crate) lasts: Option<Span>,
    /// until then, with a zone: 2027-01-04T09:00Z, or 2027-01-04T09:00[Europe/Berlin]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) until: Option<String>,
    /// let this type of change through; again for more
    #[arg(long, value_name = "TYPE", value_parser = change_type)]
    pub(crate) except: Vec<ChangeType>,
}

#[derive(Debug, Args)]
pub(crate) struct ThawArguments {
    /// the environment that was frozen; otherwise the freeze of everything
    #[arg(value_name = "ENV", value_parser = name)]
    pub(crate) environment: Option<Name>,
    /// kept in the journal
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) by: Signing,
}
