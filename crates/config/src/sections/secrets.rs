//! Where each secret is kept and how often it changes. Never a value: there is no key for one. A
//! secret that no key of the file names is for the releases, and they start without it.

use std::collections::BTreeSet;

use towpath_core::matrix::AdapterSpec;
use towpath_core::notices::SecretPlace;
use towpath_ports::catalogue::{Family, KindState};

use super::{ANYWHERE, Section, Standing};
use crate::adapters;
use crate::lane::Reading;
use crate::shape::{FLAG, Key, KeyRule, Shape, TEXT, word};
use crate::tree::{Entry, Node, printable};

/// Keys beside the kind's own.
pub(crate) const KEYS: &[Key] = &[
    Key::optional(
        "kind",
        TEXT,
        "Where this one is kept. Left out: in the environment's `secret_store`, under its own name.",
    ),
    Key::optional(
        "type",
        word(&["password", "api-key", "signing-key", "certificate", "token", "other"]),
        "What it is.",
    ),
    Key::optional("rotate_every", Shape::SomeTime, "Time after which it is replaced."),
    Key::optional(
        "renew_before",
        Shape::SomeTime,
        "Time before its end at which a certificate is renewed.",
    ),
    Key::optional("hsm", FLAG, "Whether a hardware module holds the key it is encrypted with."),
    Key::optional("logged", FLAG, "Whether every access to it is logged."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section {
    standing: Standing::RefusesUnlessNamed,
    ..Section::kept(
        Key::optional(
            "secrets",
            Shape::MapOf(KeyRule::Variable, &Shape::Adapter(Family::Secrets, KEYS)),
            "Where each secret is kept; never its value. Those that another key names, such as a \
             channel's `url_secret`, are not for the releases, and refuse nothing.",
        ),
        ANYWHERE,
        "secrets:\n  TLS_KEY: { kind: file, path: /etc/towpath/api.key, rotate_every: 90d }\n",
    )
}];

/// The secrets that keys within `node` name.
pub(crate) fn named(node: &Node) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    names_within("", node, &mut names);
    names
}

/// The secrets of `section` that none of `named` is: those that the releases need.
pub(crate) fn for_releases<'a>(
    section: &'a Node,
    named: &BTreeSet<String>,
) -> impl Iterator<Item = &'a Entry> {
    let declared = section.entries().iter().filter(|entry| !entry.key.starts_with("x-"));
    declared.filter(|entry| !named.contains(&*entry.key))
}

/// Where the secret called `name` is kept that something at the top of the file needs; else in a few
/// words why it cannot be read.
pub(crate) fn place(name: &str, reading: &mut Reading<'_>) -> Result<SecretPlace, String> {
    let shown = printable(name);
    let entry = reading.root.get("secrets").and_then(|it| it.entry(name));
    let Some(entry) = entry else {
        return Err(format!("nothing says where the secret `{shown}` is kept"));
    };
    if entry.value.get("kind").is_none() {
        return Err(format!(
            "the secret `{shown}` names no `kind` of store at the top of the file"
        ));
    }
    let adapter = adapters::read(&entry.value, entry.key_extent, Family::Secrets, KEYS, reading);
    let unread = || format!("the secret `{shown}` cannot be read");
    let adapter = adapter.ok_or_else(unread)?;
    if adapter.state == KindState::Planned {
        return Err(format!(
            "the secret `{shown}` is kept in `{}`, which is planned",
            adapter.kind
        ));
    }
    let settings = adapter.settings.ok_or_else(unread)?;
    let store = AdapterSpec { kind: adapter.kind.to_owned(), settings };
    Ok(SecretPlace { name: name.to_owned(), store })
}

/// Whether nothing is said of these secrets but where they are kept, in stores that are built: then
/// whoever names one reads it there, and nothing of the section is left to do.
pub(crate) fn are_only_kept(section: &Node, reading: &Reading<'_>) -> bool {
    section.entries().iter().filter(|entry| !entry.key.starts_with("x-")).all(|entry| {
        let kind = entry.value.get("kind").and_then(Node::text);
        let store = kind.and_then(|kind| reading.catalogue.find(Family::Secrets, kind));
        let more = KEYS.iter().filter(|key| !["kind", "type"].contains(&key.name));
        store.is_some_and(|store| store.state == KindState::Built)
            && more.filter(|key| entry.value.get(key.name).is_some()).count() == 0
    })
}

/// Maps whose keys people choose, so that one in them that ends like ours names no secret.
const CHOSEN: [&str; 5] = ["settings", "env", "headers", "tags", "parameters"];
/// Maps whose keys people choose as well, and that hold keys of ours: an environment may be called `env`.
const NAMED: [&str; 5] = ["environments", "services", "defaults", "notifiers", "secrets"];

fn names_within(key: &str, node: &Node, names: &mut BTreeSet<String>) {
    let is_chosen =
        |inner: &str| inner.starts_with("x-") || (CHOSEN.contains(&inner) && !NAMED.contains(&key));
    for entry in node.entries().iter().filter(|entry| !is_chosen(&entry.key)) {
        match entry.value.text() {
            Some(name) if entry.key.ends_with("_secret") => {
                names.insert(name.to_owned());
            }
            _ => names_within(&entry.key, &entry.value, names),
        }
    }
    node.items().iter().for_each(|item| names_within("", item, names));
}
