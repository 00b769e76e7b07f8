//! What a check answers. Owns the rule that only a pass is a pass.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::ids::{Digest, LaneId, Person};
use crate::project::Common;
use crate::reason::{Refusal, RefusalKind};
use crate::release::ReleaseRef;
use crate::speaking::{Says, Signed, Spoken};
use crate::units::Timestamp;

/// One answer of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckAnswer {
    /// Yes, no, not yet, or cannot tell.
    pub result: CheckResult,
    /// One sentence a person reads.
    pub sentence: String,
    /// What the check printed or received, capped by whoever asked; for `logs`.
    pub output: Option<String>,
    /// What it rests on; the bytes are kept under these digests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// Yes, no, not yet, or cannot tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckResult {
    /// The condition holds.
    Pass,
    /// The condition does not hold.
    Fail,
    /// Not yet; worth asking again then, or when something that it waits for happens.
    Pending {
        /// When to ask again.
        ask_again_at: Timestamp,
    },
    /// Cannot tell: the source is down, empty or stale. Never a pass.
    Inconclusive,
}

impl CheckAnswer {
    /// A yes.
    pub fn pass(sentence: impl Into<String>) -> Self {
        Self::of(CheckResult::Pass, sentence)
    }

    /// A no.
    pub fn fail(sentence: impl Into<String>) -> Self {
        Self::of(CheckResult::Fail, sentence)
    }

    /// A not yet.
    pub fn pending(ask_again_at: Timestamp, sentence: impl Into<String>) -> Self {
        Self::of(CheckResult::Pending { ask_again_at }, sentence)
    }

    /// A cannot tell.
    pub fn inconclusive(sentence: impl Into<String>) -> Self {
        Self::of(CheckResult::Inconclusive, sentence)
    }

    fn of(result: CheckResult, sentence: impl Into<String>) -> Self {
        Self { result, sentence: sentence.into(), output: None, evidence: Vec::new() }
    }

    /// The same answer with what was printed or received.
    #[must_use]
    pub fn with_output(mut self, output: impl Into<String>) -> Self {
        self.output = Some(output.into());
        self
    }
}

/// A person's statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attested {
    /// The lane that the release wants to enter.
    pub lane: LaneId,
    /// About which release.
    pub release: ReleaseRef,
    /// The check's title.
    pub title: String,
    /// Who.
    pub by: Person,
    /// When.
    pub at: Timestamp,
    /// What they added.
    pub note: Option<String>,
    /// Where the evidence is.
    pub link: Option<String>,
    /// The words as they were signed, of whoever has a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
}

impl Attested {
    /// Whether it may be taken for the word of whoever it names: signed where they have a key, and said
    /// here for the first time.
    ///
    /// # Errors
    /// The refusal; see [`Spoken::heard`].
    pub fn heard(&self, common: &Common, now: Timestamp) -> Result<(), Box<Refusal>> {
        let spoken = Spoken {
            service: Some(&self.lane.service),
            environment: Some(&self.lane.environment),
            release: Some(&self.release.digest),
            title: Some(&self.title),
            note: self.note.as_deref(),
            link: self.link.as_deref(),
            ..Spoken::new(&self.by, Says::Attest)
        };
        spoken.heard(common.matrix.as_ref(), self.signed.as_ref(), now)?;
        let words = self.signed.as_ref().map(|signed| &signed.statement);
        let said = common.attestations.iter().filter_map(|known| known.signed.as_ref());
        if words.is_some_and(|words| said.into_iter().any(|known| known.statement == *words)) {
            // Evidence that was withdrawn does not come back by showing the same words again.
            let cause = "these very words were said before";
            let message = format!("the word of {} was not taken", self.by);
            let refusal = Refusal::new(RefusalKind::Conflict, "said-before", message, cause);
            return Err(Box::new(refusal.next("towpath evidence list", "what was said")));
        }
        Ok(())
    }

    /// The statement as it is kept as evidence. One statement is written in one way.
    pub fn statement(&self) -> String {
        serde_json::to_string(self).expect("a statement is plain data with text keys")
    }

    /// What it is named by where somebody withdraws it.
    pub fn digest(&self) -> Digest {
        Digest::of(self.statement().as_bytes())
    }
}
