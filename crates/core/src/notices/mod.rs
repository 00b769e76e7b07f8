//! What people are told, and the rules of the matrix that say who. Which notices follow from a turn is
//! decided in `deciding`, how they are put in `wording`; sends nothing, and knows no channel's form.

mod beside;
mod deciding;
mod frozen;
mod governed;
mod wording;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::ids::{LaneId, Name, Person, PromotionNumber, Version};
use crate::matrix::{AdapterSpec, Tier};
use crate::reason::Next;
use crate::units::Timestamp;

pub use beside::of_project;
pub use deciding::{Told, notices};
pub use wording::{Way, trial, way_in};

/// The channel under which the program keeps the summary of each promotion into production as a file.
/// No name of the matrix has a colon.
pub const SUMMARIES: &str = "file:summaries";

/// Something that people are told of, as the section `notify` calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// A promotion has started.
    Started,
    /// A promotion waits for a person.
    Waiting,
    /// Everybody who must has agreed to a plan.
    Approved,
    /// A gate or a person said no.
    Rejected,
    /// A promotion has succeeded.
    Succeeded,
    /// A promotion has failed.
    Failed,
    /// A release was taken back.
    RolledBack,
    /// A promotion was paused.
    Paused,
    /// A step holds for evidence.
    Held,
    /// A newer release took the place of one that waited.
    Superseded,
    /// A promotion was aborted.
    Aborted,
    /// A hotfix is on its way.
    Hotfix,
    /// The program cannot go on without a person.
    PersonCalled,
    /// Somebody owes a reason, a review or a backport.
    Owed,
    /// All of an error budget is spent, or some of it is left again.
    ErrorBudget,
    /// Somebody breaks the glass.
    BreakGlass,
    /// A freeze began or was ended.
    Freeze,
    /// A promotion was accepted and has not started.
    Before,
    /// Somebody tries the channel.
    Test,
    /// Somebody wants to sign in, and is sent the way.
    SignIn,
}

impl Occasion {
    /// All that a rule of `notify` may name and that is told by now.
    pub const RULED: [Self; 17] = [
        Self::Started,
        Self::Waiting,
        Self::Approved,
        Self::Rejected,
        Self::Succeeded,
        Self::Failed,
        Self::RolledBack,
        Self::Paused,
        Self::Held,
        Self::Superseded,
        Self::Aborted,
        Self::Hotfix,
        Self::PersonCalled,
        Self::Owed,
        Self::ErrorBudget,
        Self::BreakGlass,
        Self::Freeze,
    ];

    /// Its key in `notify`, and its word in JSON.
    pub fn key(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RolledBack => "rolled_back",
            Self::Paused => "paused",
            Self::Held => "held",
            Self::Superseded => "superseded",
            Self::Aborted => "aborted",
            Self::Hotfix => "hotfix",
            Self::PersonCalled => "person_called",
            Self::Owed => "owed",
            Self::ErrorBudget => "error_budget",
            Self::BreakGlass => "break_glass",
            Self::Freeze => "freeze",
            Self::Before => "before",
            Self::Test => "test",
            Self::SignIn => "sign_in",
        }
    }

    /// Whether it is told when a promotion has ended, so that its summary belongs to it.
    pub fn is_end(self) -> bool {
        matches!(
            self,
            Self::Rejected
                | Self::Succeeded
                | Self::Failed
                | Self::RolledBack
                | Self::Superseded
                | Self::Aborted
        )
    }
}

/// Who hears of what in an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyRules {
    /// Channels by occasion.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub on: BTreeMap<Occasion, Vec<Name>>,
    /// Channels that get the summary of each promotion that took effect and has ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub summary: Vec<Name>,
    /// Channels that are told of each promotion when it is accepted, before it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Name>,
    /// Whether whoever hears of a rollback is reminded that customers are to be told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub customers_on_rollback: bool,
}

impl NotifyRules {
    /// Whether nobody hears of anything.
    pub fn is_empty(&self) -> bool {
        self.on.is_empty() && self.summary.is_empty() && self.before.is_empty()
    }
}

/// A channel of the matrix: how it is reached, and where its secrets are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// The adapter, with its settings.
    pub adapter: AdapterSpec,
    /// The secrets that its settings name, by the setting.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretPlace>,
    /// Why nothing can be sent there, in a few words; none where it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

/// Where a secret is kept; never its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecretPlace {
    /// What the matrix calls it.
    pub name: String,
    /// The store.
    pub store: AdapterSpec,
}

/// Something that one channel is told. All texts of people and programs in it are one line each and
/// hold no control characters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Stays the same however often it is sent, and is unique in the project for ever.
    pub id: String,
    /// The channel, by its name in `notifiers`, or [`SUMMARIES`].
    pub channel: String,
    /// What happened.
    pub occasion: Occasion,
    /// When that was.
    pub at: Timestamp,
    /// Whose.
    pub project: Name,
    /// How many times faster declared durations run; none outside a rehearsal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<u32>,
    /// Where; none for a test.
    pub lane: Option<LaneId>,
    /// How much is at stake there.
    pub tier: Option<Tier>,
    /// About which promotion.
    pub promotion: Option<PromotionNumber>,
    /// About which release.
    pub release: Option<Version>,
    /// What serves there since then, where it tells that something else does than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serves: Option<Version>,
    /// What served there before that; none where nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<Version>,
    /// One line.
    pub subject: String,
    /// Labels and what belongs to them, one line each.
    pub rows: Vec<(String, String)>,
    /// What helps.
    pub next: Vec<Next>,
    /// The summary of the promotion, where it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

impl Notice {
    /// The body as plain text, at most some KiB: rows, summary, commands that help.
    pub fn text(&self) -> String {
        let width = self.rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for (label, value) in &self.rows {
            let _ = writeln!(text, "{label:width$}  {value}");
        }
        if let Some(summary) = &self.summary {
            text.push('\n');
            text.push_str(summary);
        }
        if !self.next.is_empty() {
            text.push('\n');
        }
        for next in &self.next {
            let what =
                if next.what.is_empty() { String::new() } else { format!("   {}", next.what) };
            let _ = writeln!(text, "{}{what}", next.command);
        }
        text
    }
}

/// A notice that arrived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivered {
    /// Which.
    pub id: String,
    /// Where.
    pub channel: String,
    /// What it tells.
    pub occasion: Occasion,
    /// About which promotion.
    pub promotion: Option<PromotionNumber>,
    /// How often it was sent by the engine that saw it arrive, at least 1.
    pub attempts: u32,
    /// All of it, to be sent once more; none where an older version delivered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Box<Notice>>,
    /// Names of the secrets that were read for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
}

/// The wish to send a notice again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resent {
    /// Which.
    pub id: String,
    /// Who.
    pub by: Person,
    /// Whether it had arrived, and is sent once more; else it was given up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub arrived: bool,
    /// About which promotion, of one that had arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<PromotionNumber>,
}

/// A notice that did not arrive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GivenUp {
    /// All of it.
    pub notice: Notice,
    /// How often it was sent by the engine that gave it up.
    pub attempts: u32,
    /// Why it did not arrive the last time.
    pub sentence: String,
    /// Names of the secrets that were read for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
}
