//! The list of all sections of a matrix, one file for each: its table with types, units, defaults
//! and an example. Checking, JSON Schema, the resolved form and the reference pages read this list.
//!
//! A section that is enforced from now on changes its standing and gets a `read` that `lane` calls.

pub(crate) mod about;
pub(crate) mod acceptance;
pub(crate) mod access;
pub(crate) mod alarms;
pub(crate) mod alerting;
pub(crate) mod application;
pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod backing;
pub(crate) mod backups;
pub(crate) mod branches;
pub(crate) mod cache;
pub(crate) mod change_types;
pub(crate) mod communication;
pub(crate) mod costs;
pub(crate) mod data;
pub(crate) mod database;
pub(crate) mod error_budget;
pub(crate) mod gate;
pub(crate) mod goals;
pub(crate) mod guard;
mod harm_budget;
pub(crate) mod health;
pub(crate) mod holdback;
pub(crate) mod iam;
pub(crate) mod infrastructure;
pub(crate) mod logs;
pub(crate) mod matrix_approvals;
pub(crate) mod metrics_sources;
pub(crate) mod migrations;
pub(crate) mod monitoring;
pub(crate) mod notifiers;
pub(crate) mod notify;
pub(crate) mod order;
pub(crate) mod people;
pub(crate) mod queue;
pub(crate) mod recovery;
pub(crate) mod repository;
pub(crate) mod rescue;
mod resources;
pub(crate) mod rollback;
pub(crate) mod rollout;
pub(crate) mod router;
pub(crate) mod scaling;
pub(crate) mod schedule;
pub(crate) mod secret_store;
pub(crate) mod secrets;
pub(crate) mod settings;
pub(crate) mod slo;
pub(crate) mod standby;
pub(crate) mod storage;
pub(crate) mod target;
pub(crate) mod triggers;
pub(crate) mod who_may;
pub(crate) mod windows;

use crate::shape::{Default, Key, Shape};

/// One section: its key, where it may stand, and what becomes of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    pub(crate) key: Key,
    pub(crate) places: &'static [Where],
    pub(crate) standing: Standing,
    /// Whether a promotion goes as it does because of it. What does not is not repeated in plans.
    pub(crate) touches_promotions: bool,
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
    /// The same, but only when its value is this word; kept otherwise. For a key alone.
    RefusesWhen(&'static str),
    /// A map of secrets: handed to the releases, unless a key that ends in `_secret` names it; refuses
    /// where one cannot be read. For a section alone.
    Handed,
    /// `secret_store`: kept while its kind is planned. Once it is built, those of its keys are kept that
    /// ask for more.
    KeptUntilBuilt,
}

impl Section {
    pub(crate) const fn enforced(
        key: Key,
        places: &'static [Where],
        example: &'static str,
    ) -> Self {
        Self { key, places, standing: Standing::Enforced, touches_promotions: true, example }
    }

    pub(crate) const fn kept(key: Key, places: &'static [Where], example: &'static str) -> Self {
        Self { key, places, standing: Standing::Kept(None), touches_promotions: true, example }
    }

    /// Kept, and no promotion goes another way because of it.
    pub(crate) const fn apart(key: Key, places: &'static [Where], example: &'static str) -> Self {
        Self { touches_promotions: false, ..Self::kept(key, places, example) }
    }

    pub(crate) const fn refuses(key: Key, places: &'static [Where], example: &'static str) -> Self {
        Self { key, places, standing: Standing::Refuses, touches_promotions: true, example }
    }

    pub(crate) const fn for_people(
        key: Key,
        places: &'static [Where],
        example: &'static str,
    ) -> Self {
        Self { key, places, standing: Standing::ForPeople, touches_promotions: true, example }
    }

    pub(crate) fn may_stand(&self, place: Where) -> bool {
        self.places.contains(&place)
    }
}

/// Every section, in the order in which a matrix is written and shown.
pub(crate) fn all() -> impl Iterator<Item = &'static Section> {
    FILES.iter().flat_map(|file| file.iter())
}

/// The order is that of the naming rules: where it stands in the pipeline, what it is for, where it
/// runs, what it stands on, how we know it is well, who may, what it costs, what a release must
/// show, how traffic moves and comes back, who is told.
const FILES: &[&[Section]] = &[
    about::TOP_SECTIONS,
    repository::SECTIONS,
    branches::SECTIONS,
    people::SECTIONS,
    notifiers::SECTIONS,
    metrics_sources::SECTIONS,
    audit::SECTIONS,
    goals::SECTIONS,
    order::SECTIONS,
    triggers::SECTIONS,
    about::SECTIONS,
    infrastructure::SECTIONS,
    target::SECTIONS,
    router::SECTIONS,
    settings::SECTIONS,
    application::SECTIONS,
    resources::SECTIONS,
    scaling::SECTIONS,
    schedule::SECTIONS,
    database::SECTIONS,
    storage::SECTIONS,
    queue::SECTIONS,
    cache::SECTIONS,
    logs::SECTIONS,
    data::SECTIONS,
    backups::SECTIONS,
    recovery::SECTIONS,
    health::SECTIONS,
    monitoring::SECTIONS,
    alarms::SECTIONS,
    alerting::SECTIONS,
    slo::SECTIONS,
    error_budget::SECTIONS,
    iam::SECTIONS,
    who_may::SECTIONS,
    matrix_approvals::SECTIONS,
    access::SECTIONS,
    secret_store::SECTIONS,
    secrets::SECTIONS,
    costs::SECTIONS,
    gate::SECTIONS,
    approvals::SECTIONS,
    change_types::SECTIONS,
    windows::SECTIONS,
    migrations::SECTIONS,
    acceptance::SECTIONS,
    rollout::SECTIONS,
    guard::SECTIONS,
    standby::SECTIONS,
    holdback::SECTIONS,
    rollback::SECTIONS,
    notify::SECTIONS,
    communication::SECTIONS,
    STRUCTURE,
];

/// The sections that hold sections.
const STRUCTURE: &[Section] = &[
    Section::enforced(
        Key::new(
            "defaults",
            Shape::Sections,
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
            Shape::Sections,
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
    use crate::value::{self, Against};

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
                [true, false].map(|routed| Place {
                    tier,
                    routed,
                    rescues: routed,
                    strategy,
                    ..crate::shape::NOWHERE
                })
            })
        })
    }

    fn keys_of(key: Key) -> Vec<Key> {
        let inner: &[Key] = match key.shape {
            Shape::Map(keys) | Shape::WordOrMap(_, keys) | Shape::Adapter(_, keys) => keys,
            Shape::List(inner) | Shape::MapOf(_, inner) => match *inner {
                Shape::Map(keys) | Shape::Adapter(_, keys) => keys,
                _ => &[],
            },
            Shape::Kinds(kinds, common) => {
                let own = kinds.iter().flat_map(|kind| kind.keys).chain(common);
                return std::iter::once(key).chain(own.copied()).collect();
            }
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
                let catalogue = Catalogue::default();
                let against = Against { catalogue: &catalogue, part: false };
                value::verify(&node, key.shape, key.name, against, &mut problems);
                assert!(problems.is_empty(), "{}: {default}", key.name);
                assert!(!node.is_broken(), "{}: {default}", key.name);
                seen += 1;
            }
        }
        assert!(seen > 500, "the tables have defaults: {seen}");
    }

    /// Whoever lists what is not enforced looks through maps alone.
    #[test]
    fn no_key_of_a_list_or_of_a_map_with_kinds_has_a_standing_of_its_own() {
        fn within(shape: Shape, reached: bool) {
            let (keys, reached): (Vec<Key>, _) = match shape {
                Shape::Map(keys) => (keys.to_vec(), reached),
                Shape::MapOf(_, inner) => return within(*inner, reached),
                Shape::List(inner) => return within(*inner, false),
                Shape::Adapter(_, keys) => (keys.to_vec(), false),
                Shape::Kinds(kinds, common) => {
                    let own = kinds.iter().flat_map(|kind| kind.keys).chain(common);
                    (own.copied().collect(), false)
                }
                _ => return,
            };
            for key in keys {
                assert!(reached || key.standing.is_none(), "{}", key.name);
                within(key.shape, reached);
            }
        }
        all().for_each(|section| within(section.key.shape, true));
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
