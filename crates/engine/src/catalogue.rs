//! Releases as clients look for them: one, the newest few, and which of two is newer. Copies only what is asked
//! for, because a project may have a hundred thousand; changes nothing.

use std::collections::{BTreeSet, HashMap};

use towpath_core::ids::{Name, Version};
use towpath_core::release::Release;
use towpath_core::units::Timestamp;

use crate::run_loop::Engine;

/// A part of all releases, the newest first.
#[derive(Clone, Debug)]
pub struct Latest {
    /// Those that were asked for.
    pub releases: Vec<Release>,
    /// How many there are in all.
    pub count: usize,
}

impl Engine {
    /// All releases of a service, or of all, oldest first: a copy of each. Whoever shows a few asks for
    /// [`Engine::latest_releases`].
    pub fn releases(&self, service: Option<&Name>) -> Vec<Release> {
        self.shared.read(|project| {
            let all = project.common.releases.iter();
            all.filter(|release| service.is_none_or(|own| *own == release.service))
                .cloned()
                .collect()
        })
    }

    /// Some of the releases that are chosen, oldest first: `passed` says how many of them are passed over, and those
    /// behind are copied, at most `most`.
    pub fn part_of_releases(
        &self,
        is_chosen: impl Fn(&Release) -> bool,
        passed: impl FnOnce(&[&Release]) -> usize,
        most: usize,
    ) -> Vec<Release> {
        self.shared.read(|project| {
            let all = project.common.releases.iter();
            let chosen: Vec<&Release> = all.filter(|one| is_chosen(one)).collect();
            let behind = chosen.iter().skip(passed(&chosen)).take(most);
            behind.map(|one| (*one).clone()).collect()
        })
    }

    /// Whether there is any.
    pub fn has_releases(&self) -> bool {
        self.shared.read(|project| !project.common.releases.is_empty())
    }

    /// One release.
    pub fn release(&self, service: &Name, version: &Version) -> Option<Release> {
        self.shared.read(|project| project.common.release(service, version).cloned())
    }

    /// When a release was created; none of one that there is not.
    pub fn created_at(&self, service: &Name, version: &Version) -> Option<Timestamp> {
        self.shared.read(|project| Some(project.common.release(service, version)?.created_at))
    }

    /// The newest releases of a service, or of all, after as many that are passed over.
    pub fn latest_releases(
        &self,
        service: Option<&Name>,
        passed_over: usize,
        most: usize,
    ) -> Latest {
        self.shared.read(|project| {
            let all = &project.common.releases;
            let is_own = |one: &&Release| service.is_none_or(|own| *own == one.service);
            let count = all.iter().filter(is_own).count();
            let own = all.iter().rev().filter(is_own).skip(passed_over).take(most);
            Latest { releases: own.cloned().collect(), count }
        })
    }

    /// Where each of these (service, version) stands in the order of creation; none of what there is not.
    pub fn order_of<'a>(
        &self,
        asked: &BTreeSet<(&'a str, &'a str)>,
    ) -> HashMap<(&'a str, &'a str), usize> {
        let asked: Vec<_> = asked.iter().copied().collect();
        self.shared.read(|project| {
            let place: HashMap<_, _> = asked.iter().copied().zip(0..).collect();
            let all = project.common.releases.iter().enumerate();
            let known = all.filter_map(|(at, one)| {
                let own: &usize = place.get(&(one.service.as_str(), one.version.as_str()))?;
                Some((asked[*own], at))
            });
            known.collect()
        })
    }
}
