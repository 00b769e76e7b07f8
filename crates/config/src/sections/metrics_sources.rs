//! Where figures come from that the router does not see. The names are the sources of alarms and of
//! `guard.counts`. What a kind can be told belongs to the kind.

use std::collections::BTreeMap;

use towpath_core::ids::Name;
use towpath_core::matrix::AdapterSpec;
use towpath_ports::catalogue::{Family, KindState};

use super::{Section, TOP};
use crate::adapters;
use crate::lane::{Reading, secret_of};
use crate::shape::{Default, Key, KeyRule, Shape, TEXT};
use crate::tree::Node;

/// Keys beside the kind's own.
pub(crate) const KEYS: &[Key] =
    &[Key::new("kind", TEXT, Default::Required, "Which adapter it is.")];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::optional(
        "metrics_sources",
        Shape::MapOf(KeyRule::Name, &Shape::Adapter(Family::Metrics, KEYS)),
        "Where figures come from.",
    ),
    TOP,
    "metrics_sources:\n  prometheus: { kind: prometheus, url: \"http://prometheus:9090\" }\n",
)];

/// One declared source: the adapter that is asked, or in a few words why nobody can be.
pub(crate) type Source = Result<AdapterSpec, String>;

/// All of them by name, without those whose settings were refused. One that cannot be asked is kept;
/// what relies on it is listed where it stands.
pub(crate) fn read(reading: &mut Reading<'_>) -> BTreeMap<Name, Source> {
    let declared = reading.root.get("metrics_sources").map(Node::entries).unwrap_or_default();
    let mut sources = BTreeMap::new();
    for entry in declared.iter().filter(|it| !it.key.starts_with("x-")) {
        let place = entry.key_extent;
        let adapter = adapters::read(&entry.value, place, Family::Metrics, KEYS, reading);
        let (Some(adapter), Ok(name)) = (adapter, Name::new(&entry.key)) else { continue };
        let missing = match secret_of(&adapter) {
            _ if adapter.state == KindState::Planned => {
                Some(format!("metrics source `{}` is planned", adapter.kind))
            }
            Some(field) => Some(format!(
                "metrics source `{name}` needs `{field}`, and nothing hands it over yet"
            )),
            None => None,
        };
        let Some(settings) = adapter.settings else { continue };
        if let Some(reason) = &missing {
            reading.not_enforced(format!("metrics_sources.{name}"), reason.clone(), false);
        }
        let spec = AdapterSpec { kind: adapter.kind.to_owned(), settings };
        sources.insert(name, missing.map_or(Ok(spec), Err));
    }
    sources
}
