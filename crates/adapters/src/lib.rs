//! The adapters that come with the program: what runs releases, sends visitors and answers checks.
//! Owns the lists of kinds; decides nothing.

pub mod artifacts;
#[cfg(test)]
mod attacks;
pub mod changed;
pub mod checks;
mod code_owners;
mod commit;
pub mod evidence;
#[cfg(test)]
mod git_of_tests;
pub mod history;
pub mod metrics;
pub mod notary;
pub mod notifiers;
mod outgoing;
mod own_program;
mod owned;
mod printable;
mod processes;
mod promises;
mod question;
mod reports;
pub mod routers;
mod running;
pub mod secrets;
mod subject;
pub mod targets;
mod token;

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
    let notifiers = notifiers::KINDS.iter().map(|kind| kind.entry);
    let metrics = metrics::KINDS.iter().map(|kind| kind.entry);
    let secrets = secrets::KINDS.iter().map(|kind| kind.entry);
    let others = notifiers.chain(metrics).chain(secrets);
    Catalogue { kinds: targets.chain(routers).chain(checks).chain(others).collect() }
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

/// `path` from the root on: what we start begins in another folder.
fn absolute(path: &std::path::Path) -> std::path::PathBuf {
    // It fails only for the empty path and where there is no working folder; then as it is.
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use towpath_ports::{Family, KindState, settings};

    /// Keys that all kinds of a family share and that are no settings of the kind.
    const SHARED: [&str; 3] = ["kind", "check", "name"];

    #[test]
    fn every_example_passes_its_own_parser_and_names_its_kind() {
        for entry in catalogue().kinds {
            let mut example: Value = serde_saphyr::from_str(entry.example).unwrap();
            let key = if entry.family == Family::Check { "check" } else { "kind" };
            assert_eq!(example[key], entry.name);
            for shared in SHARED {
                example.as_object_mut().unwrap().remove(shared);
            }
            let checked = settings::check(&entry, &example);
            assert!(checked.is_ok(), "{}: {checked:?}", entry.example);
        }
    }

    #[test]
    fn what_is_built_can_be_built_and_names_are_unique() {
        let entries = catalogue().kinds;
        let names: BTreeSet<_> = entries.iter().map(|entry| (entry.family, entry.name)).collect();
        assert_eq!(names.len(), entries.len());
        let targets = targets::KINDS.iter().map(|kind| (kind.entry, kind.build.is_some()));
        let routers = routers::KINDS.iter().map(|kind| (kind.entry, kind.build.is_some()));
        let checks = checks::KINDS.iter().map(|kind| (kind.entry, kind.build.is_some()));
        let metrics = metrics::KINDS.iter().map(|kind| (kind.entry, kind.build.is_some()));
        let notifiers = notifiers::KINDS.iter().map(|kind| (kind.entry, kind.build.is_some()));
        let secrets = secrets::KINDS.iter().map(|kind| (kind.entry, kind.build.is_some()));
        let others = metrics.chain(notifiers).chain(secrets);
        for (entry, can_be_built) in targets.chain(routers).chain(checks).chain(others) {
            assert_eq!(can_be_built, entry.state == KindState::Built, "{}", entry.name);
            assert!(entry.fields.iter().all(|field| field.doc.ends_with('.')), "{}", entry.name);
        }
    }
}
