//! All releases of a project in the order of creation, and each by its name without a search through the others.
//! Owns that order; decides nothing about a release.

use std::collections::BTreeMap;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::{Name, Version};
use crate::release::Release;

/// All of them. Reads as a slice, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Releases {
    all: Vec<Release>,
    /// Where each stands: every view of a lane asks for the release that serves there.
    places: BTreeMap<Name, BTreeMap<Version, usize>>,
}

impl Releases {
    /// The release of `service` called `version`; of two the older.
    pub fn named(&self, service: &Name, version: &Version) -> Option<&Release> {
        self.all.get(*self.places.get(service)?.get(version)?)
    }

    /// Adds the newest.
    pub fn push(&mut self, release: Release) {
        let own = self.places.entry(release.service.clone()).or_default();
        own.entry(release.version.clone()).or_insert(self.all.len());
        self.all.push(release);
    }

    /// Takes out the oldest, at most so many.
    pub fn take_oldest(&mut self, most: usize) -> Vec<Release> {
        let count = self.all.len().min(most);
        let taken = self.all.drain(..count).collect();
        *self = std::mem::take(&mut self.all).into_iter().collect();
        taken
    }
}

impl Deref for Releases {
    type Target = [Release];

    fn deref(&self) -> &[Release] {
        &self.all
    }
}

impl PartialEq for Releases {
    /// Where each stands follows from their order.
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl FromIterator<Release> for Releases {
    fn from_iter<I: IntoIterator<Item = Release>>(all: I) -> Self {
        let mut releases = Self::default();
        all.into_iter().for_each(|release| releases.push(release));
        releases
    }
}

impl IntoIterator for Releases {
    type Item = Release;
    type IntoIter = std::vec::IntoIter<Release>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.into_iter()
    }
}

impl<'a> IntoIterator for &'a Releases {
    type Item = &'a Release;
    type IntoIter = std::slice::Iter<'a, Release>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.iter()
    }
}

impl Serialize for Releases {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.all.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Releases {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Release>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Digest;
    use crate::release::ChangeType;
    use crate::units::Timestamp;

    fn release(service: &str, version: &str, at: i64) -> Release {
        Release {
            service: Name::new(service).unwrap(),
            version: Version::new(version).unwrap(),
            digest: Digest::of(format!("{service} {version} {at}").as_bytes()),
            artifacts: [].into(),
            settings: [].into(),
            migrations: Vec::new(),
            commit: None,
            branch: None,
            author: None,
            change_type: ChangeType::Feature,
            type_by: None,
            evidence: [].into(),
            snapshot: false,
            created_by: None,
            behind: Vec::new(),
            created_at: Timestamp(at),
        }
    }

    fn some() -> Releases {
        let all = [("api", "1.0.0"), ("web", "1.0.0"), ("api", "1.1.0"), ("api", "1.0.0")];
        all.iter().zip(0..).map(|((service, version), at)| release(service, version, at)).collect()
    }

    fn found(releases: &Releases, service: &str, version: &str) -> Option<i64> {
        let (service, version) = (Name::new(service).unwrap(), Version::new(version).unwrap());
        releases.named(&service, &version).map(|one| one.created_at.0)
    }

    #[test]
    fn each_is_found_by_its_name_as_a_search_would_find_it_also_when_the_oldest_are_gone() {
        let mut releases = some();
        for kept in (0..4).rev() {
            for (service, version) in
                [("api", "1.0.0"), ("web", "1.0.0"), ("api", "1.1.0"), ("web", "2.0.0")]
            {
                let searched = releases
                    .iter()
                    .find(|one| one.service.as_str() == service && one.version.as_str() == version);
                let searched = searched.map(|one| one.created_at.0);
                assert_eq!(found(&releases, service, version), searched, "{service} {version}");
            }
            assert_eq!(releases.take_oldest(1).len(), 1);
            assert_eq!(releases.len(), kept);
        }
    }

    #[test]
    fn they_are_written_and_read_as_a_list() {
        let releases = some();
        let text = serde_json::to_string(&releases).unwrap();
        assert_eq!(text, serde_json::to_string(&releases.to_vec()).unwrap());
        assert_eq!(serde_json::from_str::<Releases>(&text).unwrap(), releases);
    }
}
