//! Who owns the files that a release changes, as the repository's file CODEOWNERS names them, and whose
//! word that makes necessary. Reads no repository.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{Name, Person};
use crate::matrix::Matrix;
use crate::people::PersonSpec;

/// What stands in the place of a role where owners are asked.
pub const ROLE: &str = "code-owners";
/// Most changes of which a lane remembers the owners; beyond them the oldest go, and are told again.
pub const MOST_KEPT: usize = 50;
/// Owners that a sentence names; the journal has all of them.
const NAMED: usize = 4;

/// What a release changes in a lane: what lies between two commits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// The commit of what serves there. None: nothing does, or nobody knows its commit, and every file counts
    /// as changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The commit of what shall enter.
    pub commit: String,
    /// The file that names the owners; none: one of the places that GitHub looks in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// Changed files that have the same owners.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OwnedFiles {
    /// Their owners as the file names them: `@ada`, `@example/payments`, `ada@example.com`. The word of one
    /// is enough.
    pub owners: Vec<String>,
    /// One of the files.
    pub file: String,
    /// How many they are.
    pub files: u64,
}

impl fmt::Display for OwnedFiles {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "owners of {}", self.file)?;
        match self.files.saturating_sub(1) {
            0 => {}
            1 => out.write_str(" and 1 more file")?,
            more => write!(out, " and {more} more files")?,
        }
        let named = &self.owners[..self.owners.len().min(NAMED)];
        write!(out, " ({}", named.join(" or "))?;
        if self.owners.len() > NAMED {
            write!(out, " or {} others", self.owners.len() - NAMED)?;
        }
        out.write_str(")")
    }
}

/// What the repository said about a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnersTold {
    /// About which.
    pub change: Change,
    /// The changed files that have owners, together with those of the same; files without any are not here.
    pub files: Vec<OwnedFiles>,
    /// Why it could not be told; nothing is known then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// Owners that are asked instead of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AskedOwners {
    /// One of these.
    Of(OwnedFiles),
    /// Nobody knows which, for this reason.
    Unknown(String),
}

/// What is asked of owners about one plan.
#[derive(Clone, Copy, Debug)]
pub enum Owners<'a> {
    /// Nothing: the matrix does not ask it, or no file changes.
    NotAsked,
    /// One of each of these.
    Of(&'a [OwnedFiles]),
    /// Nobody knows whose word, for this reason; without knowing nothing enters.
    Unknown(&'a str),
}

impl Matrix {
    /// Whether `person` is whom CODEOWNERS calls `owner`: a person by `handle` or, without one, by name; a
    /// team by the last part of its name, or a role of that name where the matrix has no such team; an
    /// address by `email`, where one person alone has it. Capitals make no difference, as they make none on the servers that made up these
    /// names. A program owns nothing.
    pub fn is_owner(&self, person: &Person, owner: &str, environment: &Name) -> bool {
        let Some(known) = self.people.get(person).filter(|known| !known.bot) else { return false };
        let Some(name) = owner.strip_prefix('@') else {
            let has = |one: &PersonSpec| {
                one.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(owner))
            };
            return has(known) && self.people.values().filter(|one| has(one)).count() == 1;
        };
        let Some((_, team)) = name.rsplit_once('/') else {
            let handle = known.handle.as_deref().unwrap_or(person.as_str());
            return handle.eq_ignore_ascii_case(name);
        };
        let is_it = |name: &Name| name.as_str().eq_ignore_ascii_case(team);
        if known.teams.iter().any(is_it) {
            return true;
        }
        let has_role = known.roles_at(Some(environment)).into_iter().any(is_it);
        has_role && !self.people.values().any(|person| person.teams.iter().any(is_it))
    }

    /// Whether `person` is one of those who own `files`.
    pub fn owns(&self, person: &Person, files: &OwnedFiles, environment: &Name) -> bool {
        files.owners.iter().any(|owner| self.is_owner(person, owner, environment))
    }
}
