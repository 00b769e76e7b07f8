//! What checks rest on, by digest, and what people withdrew of it. Owns what follows from a
//! withdrawal; the bytes are the engine's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{Digest, Person};
use crate::units::Timestamp;

/// One piece that a check read, kept under its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What it is called among the pieces of one answer, such as a file's path; safe to print.
    pub name: String,
    /// Of its bytes.
    pub digest: Digest,
    /// How many they are.
    pub size: u64,
    /// What they are, such as `application/json`.
    pub media_type: String,
}

/// A person does not stand by a piece of evidence, or by somebody's statement, any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// Of the piece, or of the statement as [`crate::check::Attested::statement`] writes it.
    pub digest: Digest,
    /// What it was called.
    pub name: String,
    /// Who.
    pub by: Person,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

impl Withdrawal {
    /// As the end of a sentence about what rests on it.
    pub fn words(&self) -> String {
        format!("evidence that {} withdrew ({}): {}", self.by, self.name, self.reason)
    }
}

/// All that was withdrawn, by digest.
pub type Withdrawn = BTreeMap<Digest, Withdrawal>;

/// The first of `digests` that was withdrawn.
pub fn withdrawn_of<'a>(
    withdrawn: &'a Withdrawn,
    digests: impl IntoIterator<Item = &'a Digest>,
) -> Option<&'a Withdrawal> {
    if withdrawn.is_empty() {
        return None;
    }
    digests.into_iter().find_map(|digest| withdrawn.get(digest))
}
