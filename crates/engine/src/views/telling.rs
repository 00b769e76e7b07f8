//! What is shown of channels and notices. Shows, decides nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Channels, what is on its way, and what never arrived.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NoticesView {
    /// [`crate::views::FORMAT`].
    pub format: u32,
    /// The notifiers of the matrix in force, by name.
    pub channels: Vec<ChannelView>,
    /// Notices that are on their way, oldest first.
    pub pending: Vec<PendingNoticeView>,
    /// Notices that never arrived and that nobody had sent again, oldest first.
    pub dead: Vec<DeadNoticeView>,
}

/// One channel.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ChannelView {
    /// What the matrix calls it.
    pub name: String,
    /// Which adapter it is.
    pub kind: String,
    /// Why nothing can be sent there; null where it can.
    pub missing: Option<String>,
    /// Names of the secrets that are read for each notice.
    pub secrets: Vec<String>,
}

/// A notice that is on its way.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PendingNoticeView {
    /// Which.
    pub id: String,
    /// Where.
    pub channel: String,
    /// What it tells, by its key in `notify`.
    pub occasion: String,
    /// About which promotion.
    pub promotion: Option<u64>,
    /// One line.
    pub subject: String,
    /// Since when it is tried.
    pub since: String,
    /// How often the engine that runs tried in vain.
    pub attempts: u32,
    /// Why it did not arrive the last time.
    pub sentence: Option<String>,
    /// When it is tried again.
    pub next_at: Option<String>,
}

/// A notice that never arrived.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeadNoticeView {
    /// Which.
    pub id: String,
    /// Where.
    pub channel: String,
    /// What it tells, by its key in `notify`.
    pub occasion: String,
    /// About which promotion.
    pub promotion: Option<u64>,
    /// One line.
    pub subject: String,
    /// When it was given up.
    pub since: String,
    /// How often it was tried by the engine that gave it up.
    pub attempts: u32,
    /// Why it did not arrive the last time.
    pub sentence: String,
}

/// A notice that arrived.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeliveredNoticeView {
    /// The event of the journal that says so.
    pub event: u64,
    /// Which.
    pub id: String,
    /// Where.
    pub channel: String,
    /// What it tells, by its key in `notify`.
    pub occasion: String,
    /// About which promotion.
    pub promotion: Option<u64>,
    /// One line; null where an older version delivered it, which kept nothing that could be sent once more.
    pub subject: Option<String>,
    /// When it arrived.
    pub at: String,
    /// How often it was tried by the engine that saw it arrive.
    pub attempts: u32,
}

/// What became of a test.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TestView {
    /// [`crate::views::FORMAT`].
    pub format: u32,
    /// Which channel.
    pub channel: String,
    /// Which adapter it is.
    pub kind: String,
    /// The id that the message has.
    pub id: String,
    /// Whether the channel took it.
    pub arrived: bool,
    /// What the channel said, or why it did not take it.
    pub sentence: String,
}
