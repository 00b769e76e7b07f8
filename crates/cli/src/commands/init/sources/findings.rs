//! What a source says about a project, and what it does not. Owns the words "read", "assumed" and
//! "not carried over"; fills no gap.

use std::collections::BTreeMap;

use towpath_config::{
    StarterAlarm, StarterHealth, StarterMigration, StarterRollout, StarterSecret, StarterSection,
    StarterService, StarterTarget, StarterValue,
};
use towpath_core::ids::Name;

/// Most environments that are taken from a source; design.md counts on 2 to 8.
pub(crate) const MOST_ENVIRONMENTS: usize = 16;
/// Most services that are taken from a source; design.md counts on 2 to 50.
pub(crate) const MOST_SERVICES: usize = 50;
/// Most sentences of one kind: more than a file has that a person wrote.
const MOST_SENTENCES: usize = 200;

/// Everything that a source says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    /// Whose matrix it is.
    pub(crate) project: Option<Name>,
    /// What is released, in the order of the source; empty when it says nothing about that.
    pub(crate) services: Vec<StarterService>,
    /// Where, in the order of the source; empty when it says nothing about that.
    pub(crate) environments: Vec<FoundEnvironment>,
    /// Whether a person has given the environments their order.
    pub(crate) is_ordered: bool,
    /// The path that a person wants to be asked.
    pub(crate) health_path: Option<String>,
    /// What holds for a service wherever its environment says nothing else.
    pub(crate) everywhere: BTreeMap<Name, FoundLane>,
    /// What the first environment stands on, in a source that knows one alone.
    pub(crate) first: Vec<StarterSection>,
    /// What somebody is told of there.
    pub(crate) first_alarms: Vec<StarterAlarm>,
    /// How all that is told.
    pub(crate) said: Said,
}

/// One environment.
#[derive(Clone, Debug)]
pub(crate) struct FoundEnvironment {
    /// What it is called.
    pub(crate) name: Name,
    /// Where people reach it.
    pub(crate) url: Option<String>,
    /// Sentences about it alone.
    pub(crate) notes: Vec<String>,
    /// What it stands on.
    pub(crate) sections: Vec<StarterSection>,
    /// What somebody is told of.
    pub(crate) alarms: Vec<StarterAlarm>,
    /// What was said of the services there.
    pub(crate) lanes: BTreeMap<Name, FoundLane>,
}

impl FoundEnvironment {
    /// One of which nothing is known but its name.
    pub(crate) fn called(name: Name) -> Self {
        Self {
            name,
            url: None,
            notes: Vec::new(),
            sections: Vec::new(),
            alarms: Vec::new(),
            lanes: BTreeMap::new(),
        }
    }

    /// Adds a section unless there is one of its name; answers whether it was added.
    pub(crate) fn stands_on(&mut self, section: &StarterSection) -> bool {
        let is_new = !self.sections.iter().any(|it| it.name == section.name);
        if is_new {
            self.sections.push(section.clone());
        }
        is_new
    }
}

/// One service in one environment, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct FoundLane {
    /// What runs it.
    pub(crate) target: Option<StarterTarget>,
    /// Further keys of the target; those that its kind does not have are left out.
    pub(crate) details: BTreeMap<&'static str, StarterValue>,
    /// Port on which visitors reach it.
    pub(crate) port: Option<u16>,
    /// How it is probed.
    pub(crate) health: Option<StarterHealth>,
    /// Whether the source says that nothing asks how it is.
    pub(crate) is_unprobed: bool,
    /// What it gets.
    pub(crate) resources: Option<StarterSection>,
    /// Its environment variables; none of them a secret.
    pub(crate) settings: BTreeMap<String, String>,
    /// Where its secrets are kept, by the variable that holds each.
    pub(crate) secrets: BTreeMap<String, StarterSecret>,
    /// What changes its stored data before it starts.
    pub(crate) migration: Option<StarterMigration>,
    /// The alias whose weights move its traffic.
    pub(crate) alias: Option<String>,
    /// The steps that another tool takes.
    pub(crate) rollout: Option<StarterRollout>,
}

impl FoundLane {
    /// What is known here, and below that what is known elsewhere.
    pub(crate) fn over(&self, below: Option<&Self>) -> Self {
        let Some(below) = below else { return self.clone() };
        let own = self.clone();
        let unprobed = self.health.is_none() && (self.is_unprobed || below.is_unprobed);
        Self {
            target: own.target.or_else(|| below.target.clone()),
            details: joined(own.details, &below.details),
            port: own.port.or(below.port),
            health: own.health.or_else(|| below.health.clone()).filter(|_| !unprobed),
            is_unprobed: unprobed,
            resources: own.resources.or_else(|| below.resources.clone()),
            settings: joined(own.settings, &below.settings),
            secrets: joined(own.secrets, &below.secrets),
            migration: own.migration.or_else(|| below.migration.clone()),
            alias: own.alias.or_else(|| below.alias.clone()),
            rollout: own.rollout.or_else(|| below.rollout.clone()),
        }
    }
}

/// Both, where `own` wins.
fn joined<K: Ord + Clone, V: Clone>(own: BTreeMap<K, V>, below: &BTreeMap<K, V>) -> BTreeMap<K, V> {
    let mut all = below.clone();
    all.extend(own);
    all
}

/// What is told to the person and kept at the head of the file. Each list has one sentence for each
/// thing, 200 at the most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// What stands in the source, and where.
    pub(crate) read: Vec<String>,
    /// What it does not say and had to be something.
    pub(crate) assumed: Vec<String>,
    /// What stands in it and has no place in the starter.
    pub(crate) left_out: Vec<String>,
}

impl Said {
    /// Something that was read.
    pub(crate) fn read(&mut self, sentence: impl Into<String>) {
        add(&mut self.read, sentence.into());
    }

    /// Something that was assumed.
    pub(crate) fn assumed(&mut self, sentence: impl Into<String>) {
        add(&mut self.assumed, sentence.into());
    }

    /// Something that has no place.
    pub(crate) fn left_out(&mut self, sentence: impl Into<String>) {
        add(&mut self.left_out, sentence.into());
    }
}

impl Said {
    /// Adds what was said elsewhere.
    pub(crate) fn join(&mut self, other: Self) {
        for (list, more) in [
            (&mut self.read, other.read),
            (&mut self.assumed, other.assumed),
            (&mut self.left_out, other.left_out),
        ] {
            for sentence in more {
                add(list, sentence);
            }
        }
    }
}

impl Said {
    /// What the other does not say.
    pub(crate) fn beside(&self, other: &Self) -> Self {
        let new = |own: &[String], known: &[String]| -> Vec<String> {
            own.iter().filter(|it| !known.contains(it)).cloned().collect()
        };
        Self {
            read: new(&self.read, &other.read),
            assumed: new(&self.assumed, &other.assumed),
            left_out: new(&self.left_out, &other.left_out),
        }
    }
}

fn add(list: &mut Vec<String>, sentence: String) {
    if list.contains(&sentence) {
        return;
    }
    match list.len() {
        MOST_SENTENCES => {}
        length if length + 1 == MOST_SENTENCES => list.push("and more".to_owned()),
        _ => list.push(sentence),
    }
}
