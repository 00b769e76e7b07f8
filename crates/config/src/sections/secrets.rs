//! Where each secret is kept and how often it changes. Never a value: there is no key for one. A
//! secret that no key of the file names is for the releases, as a variable of that name.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use towpath_core::matrix::AdapterSpec;
use towpath_core::notices::SecretPlace;
use towpath_ports::catalogue::{Family, KindState};

use super::{ANYWHERE, Section, Standing};
use crate::adapters;
use crate::lane::Reading;
use crate::shape::{FLAG, Key, KeyRule, Shape, TEXT, word};
use crate::tree::{Entry, Node, Scalar, printable};

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
    standing: Standing::Handed,
    ..Section::kept(
        Key::optional(
            "secrets",
            Shape::MapOf(KeyRule::Variable, &Shape::Adapter(Family::Secrets, KEYS)),
            "Where each secret is kept; never its value. Releases get them as variables, those of their \
             environment and those at the top; never one that another key names, such as a \
             channel's `url_secret`.",
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

/// What of `secrets` nothing acts on, whatever their store.
const UNDONE: [&str; 3] = ["rotate_every", "renew_before", "hsm"];

/// The secrets that the releases of an environment are handed, and where each is read: those of the
/// environment, and those at the top that it does not have itself. Lists what cannot be read, and what
/// nothing acts on. `joined` are its sections, whose paths begin with `prefix`.
pub(crate) fn for_lanes(
    joined: &Node,
    prefix: &str,
    reading: &mut Reading<'_>,
) -> BTreeMap<String, AdapterSpec> {
    let mut handed = BTreeMap::new();
    let (own, named) = (joined.get("secrets"), reading.named.clone());
    if let Some(own) = own {
        let found = of_section(own, joined, (&format!("{prefix}.secrets"), &named), reading);
        handed.extend(found);
    }
    if let Some(shared) = reading.root.get("secrets") {
        let named = std::mem::take(&mut reading.named_anywhere);
        for (name, place) in of_section(shared, joined, ("secrets", &named), reading) {
            if own.is_none_or(|own| own.get(&name).is_none()) {
                handed.insert(name, place);
            }
        }
        reading.named_anywhere = named;
    }
    handed
}

/// Those of one section at `path` that none of `named` is, and that can be read.
fn of_section(
    section: &Node,
    joined: &Node,
    (path, named): (&str, &BTreeSet<String>),
    reading: &mut Reading<'_>,
) -> Vec<(String, AdapterSpec)> {
    let (mut handed, mut refusals, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for entry in section.entries().iter().filter(|entry| !entry.key.starts_with("x-")) {
        let is_named = named.contains(&*entry.key);
        match kept_at(entry, joined, is_named, reading) {
            Ok(place) => {
                for key in UNDONE.into_iter().filter(|key| asks_for(&entry.value, key)) {
                    let path = format!("{path}.{}.{key}", entry.key);
                    reading.not_enforced(path, format!("`{key}` is planned"), false);
                }
                if !is_named {
                    handed.push((entry.key.to_string(), place));
                }
            }
            Err(reason) if is_named => others.push(reason),
            Err(reason) => refusals.push(reason),
        }
    }
    let refuses = !refusals.is_empty();
    let mut reasons = refusals.into_iter().chain(others);
    if let Some(first) = reasons.next() {
        let reason = match reasons.count() {
            0 => first,
            more => format!("{first}, and {more} more cannot be read"),
        };
        reading.not_enforced(path.to_owned(), reason, refuses);
    }
    handed
}

fn asks_for(secret: &Node, key: &str) -> bool {
    secret.get(key).is_some_and(|value| value.scalar() != Some(Scalar::Flag(false)))
}

/// Where a secret is read: in its own store, or in that of its environment; else why it cannot be. One
/// that a key at the top names has a store of its own.
fn kept_at(
    entry: &Entry,
    joined: &Node,
    is_named: bool,
    reading: &mut Reading<'_>,
) -> Result<AdapterSpec, String> {
    let name = printable(&entry.key);
    let own = entry.value.get("kind").is_some();
    let store = if own || is_named { None } else { joined.entry("secret_store") };
    let adapter = match store {
        None if !own => return Err(format!("nothing says where `{name}` is kept")),
        None => adapters::read(&entry.value, entry.key_extent, Family::Secrets, KEYS, reading),
        Some(store) => {
            let keys = super::secret_store::KEYS;
            adapters::read(&store.value, store.key_extent, Family::Secrets, keys, reading)
        }
    };
    let adapter = adapter.ok_or_else(|| format!("`{name}` cannot be read"))?;
    if adapter.state == KindState::Planned {
        return Err(format!("`{name}` is kept in `{}`, which is planned", adapter.kind));
    }
    let mut settings = adapter.settings.ok_or_else(|| format!("`{name}` cannot be read"))?;
    if !own && settings.get("variable").is_some() {
        return Err(format!("`secret_store` has one variable for `{name}` and for all others"));
    }
    if !own && let Some(Value::String(path)) = settings.get_mut("path") {
        // Never the path itself: were it a file, each secret would be the whole of it.
        *path = format!("{}/{}", path.trim_end_matches('/'), entry.key);
    }
    Ok(AdapterSpec { kind: adapter.kind.to_owned(), settings })
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
