//! Signs where a journal ends, and keeps what it signed where a changed journal cannot change it too.
//! Promises nothing about the journal itself; whoever asks has walked it.

use async_trait::async_trait;
use towpath_core::ids::Digest;
use towpath_core::matrix::AuditRules;
use towpath_core::units::Timestamp;

/// Where a journal ended once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which journal: its project and its first event, one line.
    pub origin: String,
    /// How many events there were, from 1.
    pub events: u64,
    /// The hash of the last of them.
    pub hash: Digest,
    /// When it was signed, to the second.
    pub at: Timestamp,
}

/// Holds one project's signing key.
#[async_trait]
pub trait Notary: Send + Sync {
    /// The public key in its text form. Makes the pair where there is none; safe to repeat.
    ///
    /// # Errors
    /// One sentence: the key cannot be read, or may be read by others.
    async fn key(&self) -> Result<String, String>;

    /// Signs an in-toto statement as an envelope of DSSE, and keeps nothing. The bytes must be a statement
    /// about what the journal holds. Safe to repeat: the same bytes have the same signature.
    ///
    /// # Errors
    /// One sentence: the key cannot be read, or may be read by others.
    async fn attest(&self, statement: Vec<u8>) -> Result<String, String>;

    /// The newest checkpoint that is kept beside the journal and that this key signed; none before the
    /// first. Changes nothing.
    ///
    /// # Errors
    /// One sentence: what is kept cannot be read, or somebody else signed the newest.
    async fn last(&self) -> Result<Option<Checkpoint>, String>;

    /// All checkpoints that are kept beside the journal, whoever signed them, the oldest first, each as it is kept.
    /// Changes nothing.
    ///
    /// # Errors
    /// One sentence: what is kept cannot be read.
    async fn kept(&self) -> Result<Vec<String>, String>;

    /// What this key signed and places outside that `rules` names have, without what is also kept beside
    /// the journal up to the newest there. Places that cannot be read are left out, as is what others
    /// signed. Changes nothing.
    ///
    /// # Errors
    /// One sentence: what is kept beside the journal cannot be read.
    async fn outside(&self, rules: &AuditRules) -> Result<Vec<Checkpoint>, String>;

    /// Signs `checkpoint` and keeps it beside the journal, durably. Not for one that is kept already.
    ///
    /// # Errors
    /// One sentence; nothing was kept.
    async fn keep(&self, checkpoint: &Checkpoint) -> Result<(), String>;

    /// Brings every place outside that `rules` names up to date with what is kept beside the journal.
    /// Adds only, and only what is missing there. Safe to repeat.
    ///
    /// # Errors
    /// One sentence for each place that could not be; the others are up to date.
    async fn copy(&self, rules: &AuditRules) -> Result<(), Vec<String>>;
}
