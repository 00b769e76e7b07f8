//! How people are told. The names are the channels of `alerting`, `notify` and `communication`. What a
//! kind can be told belongs to the kind.

use std::collections::BTreeMap;

use towpath_core::ids::Name;
use towpath_core::matrix::AdapterSpec;
use towpath_core::notices::{Channel, SecretPlace};
use towpath_ports::catalogue::{Family, KindState};

use super::{Section, TOP, secrets};
use crate::adapters::{self, Adapter};
use crate::lane::Reading;
use crate::shape::{Default, Key, KeyRule, Shape, TEXT};
use crate::tree::Node;

/// Keys beside the kind's own.
pub(crate) const KEYS: &[Key] =
    &[Key::new("kind", TEXT, Default::Required, "Which adapter it is.")];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::optional(
        "notifiers",
        Shape::MapOf(KeyRule::Name, &Shape::Adapter(Family::Notifier, KEYS)),
        "How we are told.",
    ),
    TOP,
    "notifiers:\n  slack: { kind: webhook, template: slack, url_secret: SLACK_URL }\n",
)];

/// All of them by name, without those whose settings were refused. One that nothing can be sent to is
/// kept and listed, and those who rely on it hear nothing.
pub(crate) fn read(reading: &mut Reading<'_>) -> BTreeMap<Name, Channel> {
    let declared = reading.root.get("notifiers").map(Node::entries).unwrap_or_default();
    let mut channels = BTreeMap::new();
    for entry in declared.iter().filter(|it| !it.key.starts_with("x-")) {
        let place = entry.key_extent;
        let adapter = adapters::read(&entry.value, place, Family::Notifier, KEYS, reading);
        let (Some(adapter), Ok(name)) = (adapter, Name::new(&entry.key)) else { continue };
        let (places, missing) = match adapter.state {
            KindState::Planned => {
                (BTreeMap::new(), Some(format!("notifier `{}` is planned", adapter.kind)))
            }
            KindState::Built => match places(&adapter, reading) {
                Ok(places) => (places, None),
                Err(why) => (BTreeMap::new(), Some(why)),
            },
        };
        let Some(settings) = adapter.settings else { continue };
        if let Some(reason) = &missing {
            reading.not_enforced(format!("notifiers.{name}"), reason.clone(), false);
        }
        let adapter = AdapterSpec { kind: adapter.kind.to_owned(), settings };
        channels.insert(name, Channel { adapter, secrets: places, missing });
    }
    channels
}

/// Where the secrets are kept that the settings of a channel name; else in a few words why one of them
/// cannot be read.
fn places(
    adapter: &Adapter,
    reading: &mut Reading<'_>,
) -> Result<BTreeMap<String, SecretPlace>, String> {
    let Some(settings) = &adapter.settings else { return Ok(BTreeMap::new()) };
    let fields = adapter.fields.iter().map(|field| field.name);
    let mut places = BTreeMap::new();
    for field in fields.filter(|field| field.ends_with("_secret")) {
        let Some(name) = settings.get(field).and_then(|name| name.as_str()) else { continue };
        places.insert(field.to_owned(), secrets::place(name, reading)?);
    }
    Ok(places)
}
