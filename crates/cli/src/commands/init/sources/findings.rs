//! What a source says about a project, and what it does not. Owns the words "read", "assumed" and
//! "left out"; fills no gap.

use std::collections::BTreeMap;

use towpath_config::{StarterHealth, StarterSection, StarterService, StarterTarget};
use towpath_core::ids::Name;

/// Most environments that are taken from a source; design.md counts on 2 to 8.
pub(crate) const MOST_ENVIRONMENTS: usize = 16;
/// Most services that are taken from a source; design.md counts on 2 to 50.
pub(crate) const MOST_SERVICES: usize = 50;
/// Most sentences of one kind; a person reads no more.
const MOST_SENTENCES: usize = 40;

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
    /// What was said of the services there.
    pub(crate) lanes: BTreeMap<Name, FoundLane>,
}

impl FoundEnvironment {
    /// One of which nothing is known but its name.
    pub(crate) fn called(name: Name) -> Self {
        Self { name, url: None, notes: Vec::new(), sections: Vec::new(), lanes: BTreeMap::new() }
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
    /// Port on which visitors reach it.
    pub(crate) port: Option<u16>,
    /// How it is probed.
    pub(crate) health: Option<StarterHealth>,
    /// What it gets.
    pub(crate) resources: Option<StarterSection>,
}

impl FoundLane {
    /// What is known here, and below that what is known elsewhere.
    pub(crate) fn over(&self, below: Option<&Self>) -> Self {
        let Some(below) = below else { return self.clone() };
        Self {
            target: self.target.clone().or_else(|| below.target.clone()),
            port: self.port.or(below.port),
            health: self.health.clone().or_else(|| below.health.clone()),
            resources: self.resources.clone().or_else(|| below.resources.clone()),
        }
    }
}

/// What is told to the person and kept at the head of the file. Each list has one sentence for each
/// thing, 40 at the most.
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
