//! Keeps what was answered to an order, so that the same order asked again is answered the same and not
//! carried out twice. Knows no order and decides nothing.

use async_trait::async_trait;
use towpath_core::ids::Digest;
use towpath_core::units::{Span, Timestamp};

use crate::store::StoreError;

/// How long an answer is kept (IETF draft-ietf-httpapi-idempotency-key-header-07, section 2.6, leaves it to
/// the server; a day outlives every retry of a pipeline).
pub const KEPT_FOR: Span = Span::hours(24);
/// Most answers of one journal that are kept at once: one a second for a day, and 64 MiB if each were 700 bytes.
pub const MOST_ANSWERS: u32 = 100_000;
/// Largest body that is kept, in bytes; of a larger one only the status is.
pub const LARGEST_KEPT: usize = 64 * 1024;

/// A request that must have its effect once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedOnce {
    /// Of who asks and the key that they gave it.
    pub id: Digest,
    /// Of all that it asks. The same key with another one is a mistake.
    pub request: Digest,
    /// When.
    pub at: Timestamp,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Its media type.
    pub media_type: Option<String>,
    /// Where what it made is.
    pub location: Option<String>,
    /// The body; none where it may not be kept, or is too large.
    pub body: Option<String>,
}

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nothing was; it is noted now, durably, and nobody else is told the same.
    Mine,
    /// The same was asked, and this was answered.
    Answered(KeptAnswer),
    /// The same was asked and no answer is kept: it is under way, or what became of it was lost.
    Unanswered,
    /// Another request had that key.
    Other,
    /// There are [`MOST_ANSWERS`] already.
    Full,
}

/// Keeps answers for [`KEPT_FOR`]. Every method writes all it says or nothing.
#[async_trait]
pub trait Answers: Send + Sync {
    /// Notes that a request is under way, unless one with its key is known; of several that ask at once one is
    /// told [`Claim::Mine`]. Removes some of what was kept for long enough.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Unavailable`]: nothing was noted. [`StoreError::Unknown`]: it may
    /// have been, and is [`Claim::Unanswered`] then.
    async fn claim(&self, asked: &AskedOnce) -> Result<Claim, StoreError>;

    /// Keeps the answer. Safe to repeat.
    async fn keep_answer(&self, id: &Digest, answer: &KeptAnswer) -> Result<(), StoreError>;

    /// Forgets a request that certainly had no effect, so that it can be asked again. Safe to repeat; what was
    /// answered stays.
    async fn release(&self, id: &Digest) -> Result<(), StoreError>;
}
