//! What a release consists of and what is known to be weak in it, as its bill of materials says. Owns the shape and
//! how two are held against each other; reads no bill, and judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What one or several bills say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Materials {
    /// Versions of each component, by its name.
    pub components: BTreeMap<String, BTreeSet<String>>,
    /// Vulnerabilities by id and the component that each is in; with how severe it is, where somebody says. Those
    /// that the bill sets aside are not among them.
    pub vulnerabilities: BTreeMap<String, BTreeMap<String, Option<String>>>,
    /// Whether vulnerabilities were looked for, as far as the bill says: where they were not, none is no news.
    pub tells_vulnerabilities: bool,
}

/// How two releases differ in what they consist of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaterialsDelta {
    /// Components that came, with their versions.
    pub added: Vec<(String, BTreeSet<String>)>,
    /// Those that are gone.
    pub removed: Vec<(String, BTreeSet<String>)>,
    /// Those of other versions: before, and after.
    pub changed: Vec<(String, BTreeSet<String>, BTreeSet<String>)>,
    /// Vulnerabilities that came: id, component, severity.
    pub worse: Vec<(String, String, Option<String>)>,
    /// Those that are gone.
    pub better: Vec<(String, String, Option<String>)>,
}

impl Materials {
    /// Adds what another bill of the same release says.
    pub fn join(&mut self, other: Self) {
        for (name, versions) in other.components {
            self.components.entry(name).or_default().extend(versions);
        }
        for (id, packages) in other.vulnerabilities {
            self.vulnerabilities.entry(id).or_default().extend(packages);
        }
        self.tells_vulnerabilities |= other.tells_vulnerabilities;
    }

    /// What differs where this one follows `before`.
    pub fn since(&self, before: &Self) -> MaterialsDelta {
        let gone = |from: &Self, to: &Self| {
            let own = from.components.iter().filter(|(name, _)| !to.components.contains_key(*name));
            own.map(|(name, versions)| (name.clone(), versions.clone())).collect()
        };
        let changed = self.components.iter().filter_map(|(name, after)| {
            let old = before.components.get(name).filter(|old| *old != after)?;
            Some((name.clone(), old.clone(), after.clone()))
        });
        let weak = |from: &Self, to: &Self| {
            let all = from.vulnerabilities.iter().flat_map(|(id, packages)| {
                packages.iter().map(move |(package, severity)| (id, package, severity))
            });
            // The same weakness in another version of a component is the same to whoever reads it.
            let own = all.filter(|(id, ..)| !to.vulnerabilities.contains_key(*id));
            own.map(|(id, package, severity)| (id.clone(), package.clone(), severity.clone()))
                .collect()
        };
        MaterialsDelta {
            added: gone(self, before),
            removed: gone(before, self),
            changed: changed.collect(),
            worse: weak(self, before),
            better: weak(before, self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn materials(components: &[(&str, &str)], weak: &[(&str, &str)]) -> Materials {
        let mut all = Materials { tells_vulnerabilities: true, ..Materials::default() };
        for (name, version) in components {
            all.components.entry((*name).to_owned()).or_default().insert((*version).to_owned());
        }
        for (id, package) in weak {
            let own = all.vulnerabilities.entry((*id).to_owned()).or_default();
            own.insert((*package).to_owned(), Some("high".to_owned()));
        }
        all
    }

    #[test]
    fn two_bills_are_held_against_each_other_by_name_and_by_id() {
        let before =
            materials(&[("a", "1"), ("b", "1"), ("c", "1")], &[("CVE-1", "a 1"), ("CVE-2", "b 1")]);
        let after =
            materials(&[("a", "2"), ("b", "1"), ("d", "1")], &[("CVE-1", "a 2"), ("CVE-3", "d 1")]);
        let delta = after.since(&before);
        let names = |all: &[(String, BTreeSet<String>)]| -> Vec<String> {
            all.iter().map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(
            (names(&delta.added), names(&delta.removed)),
            (vec!["d".into()], vec!["c".into()])
        );
        assert_eq!(delta.changed.len(), 1);
        assert_eq!((delta.worse[0].0.as_str(), delta.better[0].0.as_str()), ("CVE-3", "CVE-2"));
        assert_eq!((delta.worse.len(), delta.better.len()), (1, 1), "CVE-1 is in both");
        assert_eq!(after.since(&after), MaterialsDelta::default());
    }
}
