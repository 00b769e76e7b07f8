//! Days and hours that a calendar beside the matrix lists. Owns whether a moment is one of them; reads
//! no calendar.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::times::Weekly;
use crate::ids::Digest;
use crate::units::Timestamp;

/// What a calendar lists, as it was when the matrix was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The file, as the matrix names it.
    pub file: String,
    /// Of its bytes; none: nobody read it, so that nobody knows what it lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Its whole days: `dates` is always given, and holds no other condition.
    pub days: Weekly,
    /// Its parts of days, by when they begin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// A time from one moment until another, which is no longer part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Part {
    /// When it begins.
    pub from: Timestamp,
    /// When it is over.
    pub until: Timestamp,
}

impl Listed {
    /// Whether one of its parts covers the moment; none where nobody read the file.
    pub(super) fn covers_part(&self, at: Timestamp) -> Option<bool> {
        self.digest.as_ref()?;
        Some(self.parts.iter().any(|part| (part.from..part.until).contains(&at)))
    }

    /// When its parts begin and end.
    pub(super) fn changes(&self) -> impl Iterator<Item = Timestamp> {
        self.parts.iter().flat_map(|part| [part.from, part.until])
    }

    /// How many days and parts of days it lists.
    pub fn count(&self) -> usize {
        self.days.dates.as_ref().map_or(0, std::collections::BTreeSet::len) + self.parts.len()
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, days, .. } = self;
        match &self.digest {
            None => write!(formatter, "{file}, which nobody read"),
            Some(_) => write!(formatter, "days of {file}, {}", days.zone),
        }
    }
}
