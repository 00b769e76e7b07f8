//! The list of all sections of a matrix. One file for each that is enforced; `declared` has those
//! that are kept and shown. Checking, JSON Schema and the resolved form read this list.
//!
//! A section that is enforced from now on moves from `declared` into a file of its own: its table
//! with types, units, defaults and an example, and a `read` that `lane` calls.

pub(crate) mod about;
pub(crate) mod declared;
pub(crate) mod gate;
pub(crate) mod health;
pub(crate) mod order;
pub(crate) mod rollback;
pub(crate) mod rollout;
pub(crate) mod router;
pub(crate) mod settings;
pub(crate) mod standby;
pub(crate) mod target;

use crate::shape::{Default, Key, Shape};

/// One section: its key, where it may stand, and what becomes of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    pub(crate) key: Key,
    pub(crate) places: &'static [Where],
    pub(crate) standing: Standing,
    /// The section as it is written, for the schema and for people; parsed by a test.
    pub(crate) example: &'static str,
}

/// Where a section may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    /// At the top of the file.
    Top,
    /// In an environment.
    Environment,
    /// In `defaults.all` and `defaults.TIER`.
    Defaults,
    /// In `environments.X.services.Y`.
    Service,
}

/// At the top alone.
pub(crate) const TOP: &[Where] = &[Where::Top];
/// In an environment alone: what makes it this environment and no other.
pub(crate) const OWN: &[Where] = &[Where::Environment];
/// In an environment, or shared by those of a tier.
pub(crate) const SHARED: &[Where] = &[Where::Environment, Where::Defaults];
/// Shared, and different for a service where it must be.
pub(crate) const LANE: &[Where] = &[Where::Environment, Where::Defaults, Where::Service];
/// At the top or shared.
pub(crate) const ANYWHERE: &[Where] = &[Where::Top, Where::Environment, Where::Defaults];

/// What becomes of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is what happens.
    Enforced,
    /// It is for people; nothing judges it.
    ForPeople,
    /// It is kept and shown, and nothing acts on it yet. With a key, that key is what would act.
    Kept(Option<&'static str>),
    /// It restricts or changes something and is not carried out yet, so it refuses promotions.
    Refuses,
}

impl Section {
    pub(crate) const fn enforced(
        key: Key,
        places: &'static [Where],
        example: &'static str,
    ) -> Self {
        Self { key, places, standing: Standing::Enforced, example }
    }

    pub(crate) fn may_stand(&self, place: Where) -> bool {
        self.places.contains(&place)
    }
}

/// Every section, in the order in which a matrix is written and shown.
pub(crate) fn all() -> impl Iterator<Item = &'static Section> {
    FILES.iter().flat_map(|file| file.iter())
}

const FILES: &[&[Section]] = &[
    about::TOP_SECTIONS,
    order::SECTIONS,
    about::SECTIONS,
    target::SECTIONS,
    router::SECTIONS,
    settings::SECTIONS,
    declared::SECTIONS,
    health::SECTIONS,
    gate::SECTIONS,
    rollout::SECTIONS,
    standby::SECTIONS,
    rollback::SECTIONS,
    STRUCTURE,
];

/// The sections that hold sections.
const STRUCTURE: &[Section] = &[
    Section::enforced(
        Key::new(
            "defaults",
            Shape::AnyMap,
            Default::Absent,
            "Sections shared by all environments (`all`) or by those of one tier. An environment's \
             own line wins; maps join key by key, lists are replaced, another `kind` replaces the \
             section whole.",
        ),
        TOP,
        "defaults:\n  development:\n    rollout: { strategy: all-at-once }\n",
    ),
    Section::enforced(
        Key::new(
            "environments",
            Shape::AnyMap,
            Default::Required,
            "Where releases run, in the order of the pipeline.",
        ),
        TOP,
        "environments:\n  dev:\n    tier: development\n    target: { kind: process, command: [./app] }\n",
    ),
];

/// The section called `name` that may stand at `place`.
pub(crate) fn find(name: &str, place: Where) -> Option<&'static Section> {
    all().find(|section| section.key.name == name && section.may_stand(place))
}

#[cfg(test)]
mod tests {
    use towpath_core::matrix::{Strategy, Tier};
    use towpath_ports::catalogue::Catalogue;

    use super::all;
    use crate::fields::from_default;
    use crate::problem::Problems;
    use crate::shape::{Key, Place, Shape};
    use crate::show::default_text;
    use crate::value;

    const TIERS: [Tier; 4] = [Tier::Development, Tier::Testing, Tier::Staging, Tier::Production];
    const STRATEGIES: [Strategy; 5] = [
        Strategy::BlueGreen,
        Strategy::Canary,
        Strategy::Linear,
        Strategy::Adaptive,
        Strategy::AllAtOnce,
    ];

    fn places() -> impl Iterator<Item = Place> {
        TIERS.into_iter().flat_map(|tier| {
            STRATEGIES.into_iter().flat_map(move |strategy| {
                [true, false].map(|routed| Place { tier, routed, strategy })
            })
        })
    }

    fn keys_of(key: Key) -> Vec<Key> {
        let inner: &[Key] = match key.shape {
            Shape::Map(keys) | Shape::Adapter(_, keys) => keys,
            Shape::List(inner) | Shape::MapOf(inner) => match *inner {
                Shape::Map(keys) | Shape::Adapter(_, keys) => keys,
                _ => &[],
            },
            _ => &[],
        };
        let mut all = vec![key];
        all.extend(inner.iter().flat_map(|key| keys_of(*key)));
        all
    }

    #[test]
    fn every_default_fits_its_own_key_in_every_place() {
        let mut seen = 0;
        for key in all().flat_map(|section| keys_of(section.key)) {
            for default in places().filter_map(|place| key.default_at(place)) {
                let node = from_default(&default_text(key.shape, default));
                let mut problems = Problems::default();
                value::verify(&node, key.shape, key.name, &Catalogue::default(), &mut problems);
                assert!(problems.is_empty(), "{}: {default}", key.name);
                assert!(!node.is_broken(), "{}: {default}", key.name);
                seen += 1;
            }
        }
        assert!(seen > 500, "the tables have defaults: {seen}");
    }

    #[test]
    fn a_key_stands_in_one_section_and_every_key_is_documented() {
        let mut names: Vec<_> = all().map(|section| section.key.name).collect();
        names.sort_unstable();
        let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(twice.is_empty(), "{twice:?}");
        for key in all().flat_map(|section| keys_of(section.key)) {
            assert!(key.doc.ends_with('.'), "{} needs a sentence", key.name);
        }
    }
}
