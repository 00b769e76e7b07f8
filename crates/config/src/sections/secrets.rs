//! Where each secret is kept and how often it changes. Never a value: there is no key for one. A
//! secret that no key of the file names is for the releases, and they start without it.

use std::collections::BTreeSet;

use towpath_ports::catalogue::Family;

use super::{ANYWHERE, Section, Standing};
use crate::shape::{FLAG, Key, KeyRule, Shape, TEXT, word};
use crate::tree::{Entry, Node};

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
