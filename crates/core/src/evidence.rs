//! What checks rest on, by digest, and what people withdrew of it. Owns what follows from a
//! withdrawal; the bytes are the engine's.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Digest, Person};
use crate::journal::Event;
use crate::project::Common;
use crate::reason::{Refusal, RefusalKind};
use crate::units::Timestamp;

/// One piece that a check read, kept under its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// Longest reason that is kept, in characters: a paragraph.
const LONGEST_REASON: usize = 1000;

impl Common {
    /// What follows from the order to withdraw a piece or a statement.
    ///
    /// # Errors
    /// The refusal; nothing is withdrawn by it.
    pub fn withdraw(&self, withdrawal: Withdrawal, now: Timestamp) -> Result<Event, Box<Refusal>> {
        let refused = |kind, code, cause: String| {
            let refusal = Refusal::new(kind, code, "nothing was withdrawn", cause);
            Err(Box::new(refusal.next("towpath evidence list", "what there is")))
        };
        if let Some(known) = self.withdrawn.get(&withdrawal.digest) {
            let cause = format!("{} withdrew it already: {}", known.by, known.reason);
            return refused(RefusalKind::AlreadySo, "withdrawn-already", cause);
        }
        if withdrawal.reason.trim().is_empty() {
            let cause = "whoever relied on it wants to know why";
            return refused(RefusalKind::Usage, "reason-needed", cause.to_owned());
        }
        if withdrawal.reason.chars().count() > LONGEST_REASON {
            let cause = format!("its reason has more than {LONGEST_REASON} characters");
            return refused(RefusalKind::Usage, "too-long", cause);
        }
        Ok(Event::EvidenceWithdrawn(Withdrawal { at: now, ..withdrawal }))
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
