//! What adapters there are. The one list of an adapter's name, settings and capabilities that
//! parsing, hints, JSON Schema, documentation and `towpath adapters` all read.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::artifacts::ArtifactStore;

/// A family of adapters; each has its own list of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Runs releases.
    Target,
    /// Sends visitors.
    Router,
    /// Answers a question of a gate.
    Check,
    /// Tells people.
    Notifier,
    /// Hands out figures that no router sees.
    Metrics,
    /// Keeps secrets.
    Secrets,
}

impl Family {
    /// All of them, in the order in which they are listed to people.
    pub const ALL: [Self; 6] =
        [Self::Target, Self::Router, Self::Check, Self::Notifier, Self::Metrics, Self::Secrets];

    /// What a list of its kinds is called.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Target => "targets",
            Self::Router => "routers",
            Self::Check => "checks",
            Self::Notifier => "notifiers",
            Self::Metrics => "metrics sources",
            Self::Secrets => "secret stores",
        }
    }

    /// As written in messages: `target`, `router`, `check`; and in the schema.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Router => "router",
            Self::Check => "check",
            Self::Notifier => "notifier",
            Self::Metrics => "metrics",
            Self::Secrets => "secrets",
        }
    }
}

/// How far a kind is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KindState {
    /// Works.
    Built,
    /// Parses and does nothing. What runs, routes or checks refuses promotions until accepted.
    Planned,
}

/// What one kind of adapter is called and what it can be told.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct KindEntry {
    /// Which list it stands in.
    pub family: Family,
    /// As written after `kind:` or `check:`.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// A flow mapping that passes its own parser, such as
    /// `{ kind: process, command: [./app] }`.
    pub example: &'static str,
    /// How far it is.
    pub state: KindState,
    /// What it can do, by the words of design.md section 4.
    pub capabilities: &'static [&'static str],
    /// Its settings beside `kind`; others are refused.
    pub fields: &'static [Field],
    /// What the types of the fields cannot say. Gets the settings with every default filled in;
    /// answers problems in the order of the fields, empty when all is well.
    #[serde(skip)]
    pub validate: fn(&Value) -> Vec<crate::settings::Problem>,
}

/// One setting of a kind.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// What it may hold.
    pub of: FieldType,
    /// Its value when left out, as it would be written; none for a required field, and the empty
    /// text for one that is simply absent.
    pub default: Option<&'static str>,
    /// One sentence.
    pub doc: &'static str,
}

/// What a setting may hold, and how it stands in the checked settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldType {
    /// A text that is not empty.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A program and its arguments: a list of at least one text.
    Argv,
    /// A list of texts; one text stands for a list of one.
    Texts,
    /// Names of roles, one of which a person must have: a list of texts, or one text. Who has which
    /// role is not known in this version, so each such setting is a demand that is not enforced.
    Roles,
    /// `true` or `false`.
    Flag,
    /// A whole number between these, both included.
    Count(u64, u64),
    /// A duration such as `5m`; milliseconds in the checked settings.
    Span,
    /// A share such as `10%`; basis points in the checked settings.
    Share,
    /// A size such as `10MiB` between these, both included; bytes here and in the checked settings.
    Size(u64, u64),
    /// An address and port such as `127.0.0.1:3000`.
    Address,
    /// A relative path that stays inside the project, or an absolute one.
    Path,
    /// An `http` or `https` address; may hold the place `{green}`.
    Url,
    /// A comparison in quotes such as `"< 5%"` or `"> 300ms"`.
    Condition,
    /// A map of texts.
    TextMap,
    /// How many of each of these words: `{ high: 0, medium: 3 }`.
    Counts(&'static [&'static str]),
    /// A name that stands elsewhere in the matrix: lower case with hyphens.
    Name,
}

/// One kind of one family, with the way to build it.
pub struct Kind<Port: ?Sized> {
    /// Everything that can be said about it.
    pub entry: KindEntry,
    /// Makes the adapter from checked settings; none for a planned kind.
    pub build: Option<Build<Port>>,
}

impl<Port: ?Sized> Kind<Port> {
    /// A kind that parses and does nothing yet.
    pub const fn planned(entry: KindEntry) -> Self {
        Self { entry, build: None }
    }
}

impl KindEntry {
    /// A kind that parses and does nothing yet: its settings are checked like those of any other,
    /// and a matrix that runs on it refuses promotions until that is accepted by name.
    pub const fn planned(
        family: Family,
        name: &'static str,
        summary: &'static str,
        example: &'static str,
        fields: &'static [Field],
    ) -> Self {
        Self {
            family,
            name,
            summary,
            example,
            state: KindState::Planned,
            capabilities: &[],
            fields,
            validate: |_| Vec::new(),
        }
    }
}

impl Field {
    /// A setting that must be given.
    pub const fn required(name: &'static str, of: FieldType, doc: &'static str) -> Self {
        Self { name, of, default: None, doc }
    }

    /// A setting that may be left out, and then nothing holds.
    pub const fn optional(name: &'static str, of: FieldType, doc: &'static str) -> Self {
        Self { name, of, default: Some(""), doc }
    }
}

/// Makes an adapter from checked settings. The error is one sentence for a person.
pub type Build<Port> = fn(&Value, &Site) -> Result<Arc<Port>, String>;

/// Where an adapter finds itself.
#[derive(Clone)]
pub struct Site {
    /// The folder of the matrix; commands run here.
    pub root: PathBuf,
    /// The folder of the journal; adapters keep what they need under a folder of their own in it.
    pub state: PathBuf,
    /// This program, for adapters that start it again as a supervisor or proxy.
    pub program: PathBuf,
    /// Kept artefacts.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// How many times faster declared durations run; 1 outside a rehearsal.
    pub speed: u32,
}

/// All kinds, by family.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// In the order in which they are listed to people.
    pub kinds: Vec<KindEntry>,
}

impl Catalogue {
    /// The kind called `name` in `family`.
    pub fn find(&self, family: Family, name: &str) -> Option<&KindEntry> {
        self.family(family).find(|entry| entry.name == name)
    }

    /// All kinds of a family.
    pub fn family(&self, family: Family) -> impl Iterator<Item = &KindEntry> {
        self.kinds.iter().filter(move |entry| entry.family == family)
    }
}
