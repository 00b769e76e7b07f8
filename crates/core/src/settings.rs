//! The settings that a release runs under: its own, and over them those that the matrix declares for its
//! lane. Owns what of them changes; holds no secret, since a matrix names those and has none.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::Digest;
use crate::release::Release;

/// Environment variables by name.
pub type Settings = BTreeMap<String, String>;

/// One setting that is different from before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingChange {
    /// Its name.
    pub name: String,
    /// What it was; none: it was not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it becomes; none: it is not set any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The name of what a matrix declares for a lane: the same settings have the same.
pub fn digest(declared: &Settings) -> Digest {
    Digest::of_json(declared)
}

/// What the release runs under where the matrix declares this: the lane's own value wins.
pub fn in_force(release: &Release, declared: &Settings) -> Settings {
    let mut all = release.settings.clone();
    all.extend(declared.iter().map(|(name, value)| (name.clone(), value.clone())));
    all
}

/// What is different between two sets of settings, by name.
pub fn changes(before: &Settings, after: &Settings) -> Vec<SettingChange> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    changed
        .map(|name| SettingChange {
            name: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_came_went_or_moved_is_named_with_both_values() {
        let before = settings(&[("GONE", "1"), ("MOVED", "1"), ("SAME", "1")]);
        let after = settings(&[("CAME", "2"), ("MOVED", "2"), ("SAME", "1")]);
        let found = changes(&before, &after);
        let said: Vec<_> = found
            .iter()
            .map(|one| (one.name.as_str(), one.before.as_deref(), one.after.as_deref()))
            .collect();
        assert_eq!(
            said,
            [("CAME", None, Some("2")), ("GONE", Some("1"), None), ("MOVED", Some("1"), Some("2"))]
        );
        assert!(changes(&before, &before).is_empty());
    }
}
