//! The adapters that come with the program: what runs releases, sends visitors and answers checks.
//! Owns the lists of kinds; decides nothing.

pub mod artifacts;
pub mod checks;
mod outgoing;
mod own_program;
mod printable;
mod processes;
pub mod routers;
pub mod targets;

use std::sync::Arc;

use serde_json::Value;
use towpath_ports::{Catalogue, Kind, Site};

pub use routers::run_proxy;
pub use targets::supervise;

/// All kinds of all families, in the order in which they are listed to people.
pub fn catalogue() -> Catalogue {
    let targets = targets::KINDS.iter().map(|kind| kind.entry);
    let routers = routers::KINDS.iter().map(|kind| kind.entry);
    let checks = checks::KINDS.iter().map(|kind| kind.entry);
    Catalogue { kinds: targets.chain(routers).chain(checks).collect() }
}

/// Makes the adapter called `name` of one family's list, such as [`targets::KINDS`], from settings
/// that [`towpath_ports::settings::check`] has checked. Starts nothing; safe to repeat.
///
/// # Errors
/// One sentence for a person: no such kind, a planned kind, or settings that it cannot work with.
pub fn build<Port: ?Sized>(
    kinds: &[Kind<Port>],
    name: &str,
    settings: &Value,
    site: &Site,
) -> Result<Arc<Port>, String> {
    let Some(kind) = kinds.iter().find(|kind| kind.entry.name == name) else {
        let known: Vec<_> = kinds.iter().map(|kind| kind.entry.name).collect();
        return Err(format!("there is no kind `{name}`; there are {}", known.join(", ")));
    };
    match kind.build {
        Some(build) => build(settings, site),
        None => {
            Err(format!("{} `{name}` is planned and does nothing yet", kind.entry.family.as_str()))
        }
    }
}
