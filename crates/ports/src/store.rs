//! Keeps the journal, the state and the outbox, all changed by one transaction.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use towpath_core::ids::{Digest, Epoch, LaneId, Name, PromotionNumber};
use towpath_core::quiet::{TALLY, Tally};
use towpath_core::units::{Span, Timestamp};

use crate::answers::Answers;

pub use towpath_guard::Histogram;

/// How long telemetry is kept: a month of comparisons and some days to look back at it. No window over
/// counts can be longer.
pub const INTERVALS_KEPT: Span = Span::hours(35 * 24);

/// Keeps one project's journal, state and outbox. One engine owns it at a time.
#[async_trait]
pub trait Store: Answers + Send + Sync {
    /// Takes ownership: the epoch grows by one, durably, and from then on `commit` refuses all
    /// smaller ones. Call once per engine, before anything else. Not safe to repeat by accident:
    /// each call shuts the caller's own older epoch out.
    async fn take_ownership(&self, now: Timestamp) -> Result<Epoch, StoreError>;

    /// Writes one turn, all of it or nothing, and answers the sequence numbers of its events.
    /// Durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::Fenced`]: another engine took over; stop all effects. [`StoreError::Full`]: see
    /// [`Turn::urgent`]. [`StoreError::Conflict`]:
    /// a state was not at the version it was read at; load again. [`StoreError::Unknown`]: whether
    /// it was written is unknown; look for `turn.id` with [`Store::has_turn`] before anything else.
    async fn commit(&self, epoch: Epoch, turn: &Turn) -> Result<Vec<u64>, StoreError>;

    /// Whether the turn with this id was written.
    async fn has_turn(&self, id: &str) -> Result<bool, StoreError>;

    /// All states, by key.
    async fn states(&self) -> Result<Vec<StateRow>, StoreError>;

    /// Commands that have no outcome yet, in the order in which they were written.
    async fn pending_commands(&self) -> Result<Vec<OutboxRow>, StoreError>;

    /// Events after `after`, in order, at most `limit`.
    async fn events(&self, after: u64, limit: u32) -> Result<Vec<EventRow>, StoreError>;

    /// The same exactly as they stand there, unchecked, for whoever proves them: bodies are the very
    /// text that was hashed. What cannot be read at all is [`StoreError::Refused`].
    async fn written(&self, after: u64, limit: u32) -> Result<Vec<WrittenEvent>, StoreError>;

    /// Events with this name, newest first, at most `limit`, of the lanes named or of all where none
    /// is; `before` continues a list.
    async fn events_named(
        &self,
        kind: &str,
        lanes: &[LaneId],
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<EventRow>, StoreError>;

    /// Promotions, newest first, at most `limit`, all or of one lane; `before` continues a list.
    async fn promotions(
        &self,
        lane: Option<&LaneId>,
        before: Option<PromotionNumber>,
        limit: u32,
    ) -> Result<Vec<PromotionRow>, StoreError>;

    /// Adds telemetry. A row with the same key is replaced. Not part of the journal.
    async fn keep_intervals(&self, rows: &[IntervalRow]) -> Result<(), StoreError>;

    /// Telemetry of a lane since `since`, oldest first.
    async fn intervals(
        &self,
        lane: &LaneId,
        since: Timestamp,
    ) -> Result<Vec<IntervalRow>, StoreError>;

    /// The same of one source, summed over all deployments in pieces of [`TALLY`], oldest first. What covers
    /// a piece is counted once, however many deployments it is about.
    async fn tallies(
        &self,
        lane: &LaneId,
        source: &str,
        since: Timestamp,
    ) -> Result<Vec<Tally>, StoreError> {
        let rows = self.intervals(lane, since).await?;
        Ok(tallied(rows.iter().filter(|row| row.source == source)))
    }

    /// Removes telemetry that began before `before`, at most `limit` rows, and answers how many went.
    /// Safe to repeat; call again while it answers `limit`.
    async fn drop_intervals(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// Recomputes the whole chain and compares.
    async fn verify(&self) -> Result<ChainReport, StoreError>;

    /// What keeps it, for people: `SQLite`.
    fn kind(&self) -> &'static str {
        "memory"
    }

    /// What is wrong with the disk, one sentence, while turns that are not urgent are refused for want
    /// of space; none otherwise. Never waits.
    fn shortage(&self) -> Option<String> {
        None
    }
}

/// One turn of the machine: what was decided and what shall be done about it.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    /// Unique; lets an unknown outcome be resolved by reading.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// What happened, in order.
    pub events: Vec<NewEvent>,
    /// States after it, each against the version that it was read at.
    pub states: Vec<StateRow>,
    /// What shall be done.
    pub commands: Vec<OutboxRow>,
    /// Commands whose outcome caused this turn; they leave the outbox.
    pub finished: Vec<String>,
    /// Promotions that began or changed.
    pub promotions: Vec<PromotionRow>,
    /// Whether it may use the last space there is: it brings traffic back, ends something, or says
    /// what became of a command. What begins something new is not urgent.
    pub urgent: bool,
}

/// An event that is to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// Which lane it belongs to; none for the project itself.
    pub lane: Option<LaneId>,
    /// Which promotion it belongs to.
    pub promotion: Option<PromotionNumber>,
    /// Who caused it.
    pub actor: String,
    /// Its name, such as `promotion-started`.
    pub kind: String,
    /// All of it.
    pub body: Value,
}

/// An event as it stands in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventRow {
    /// Position, from 1, without gaps.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub lane: Option<LaneId>,
    /// Which promotion's.
    pub promotion: Option<PromotionNumber>,
    /// Who caused it.
    pub actor: String,
    /// Its name.
    pub kind: String,
    /// All of it.
    pub body: Value,
    /// Hash over the hash before it and all of the above.
    pub hash: Digest,
}

/// An event exactly as the columns hold it, unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenEvent {
    /// Position.
    pub seq: i64,
    /// When, in microseconds since 1970.
    pub at: i64,
    /// Whose, as text.
    pub lane: Option<String>,
    /// Which promotion's.
    pub promotion: Option<i64>,
    /// Who caused it.
    pub actor: String,
    /// Its name.
    pub kind: String,
    /// All of it, the JSON text that was hashed.
    pub body: String,
    /// Hash over the hash before it and all of the above, as text.
    pub hash: String,
}

/// A saved state.
#[derive(Clone, Debug, PartialEq)]
pub struct StateRow {
    /// Unique; the engine's own names, such as a lane's.
    pub key: String,
    /// In a turn: the version after it, one more than it was read at. Else: the version.
    pub version: u64,
    /// All of it.
    pub body: Value,
}

/// A command that waits for its outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxRow {
    /// Its idempotency key.
    pub id: String,
    /// Whose.
    pub lane: Option<LaneId>,
    /// All of it.
    pub body: Value,
}

/// A promotion as lists show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromotionRow {
    /// Its number.
    pub number: PromotionNumber,
    /// Where.
    pub lane: LaneId,
    /// The word of its state or outcome.
    pub state: String,
    /// Whether it ended.
    pub ended: bool,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// All that lists and pages show of it.
    pub body: Value,
}

/// What was measured in one interval.
#[derive(Clone, Debug, PartialEq)]
pub struct IntervalRow {
    /// Whose lane.
    pub lane: LaneId,
    /// Whose deployment.
    pub deployment: PromotionNumber,
    /// `visitors` or `probes`; the engine keeps other counts under names of its own.
    pub source: String,
    /// When it began.
    pub start: Timestamp,
    /// How long it was.
    pub width: Span,
    /// Requests or probes that are evidence.
    pub total: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// p99 in microseconds.
    pub p99_us: Option<u64>,
    /// How long the answers took; none for what has no answers, and for what older versions kept.
    pub latency: Option<Histogram>,
}

impl IntervalRow {
    /// The source of what visitors met; see [`IntervalRow::source`].
    pub const VISITORS: &'static str = "visitors";
    /// What sources begin with that count what visitors saw fail; the pattern of what was asked for follows.
    pub const FAILED: &'static str = "failed ";
}

/// What [`Store::tallies`] means, for stores that keep rows in memory.
fn tallied<'a>(rows: impl Iterator<Item = &'a IntervalRow>) -> Vec<Tally> {
    let piece = i64::try_from(TALLY.milliseconds() * 1000).unwrap_or(i64::MAX);
    let mut pieces: BTreeMap<i64, (u64, BTreeMap<Timestamp, Span>)> = BTreeMap::new();
    for row in rows {
        let (requests, widths) = pieces.entry(row.start.0.div_euclid(piece)).or_default();
        *requests = requests.saturating_add(row.total);
        let width = widths.entry(row.start).or_default();
        *width = row.width.max(*width);
    }
    let tallies = pieces.into_iter().map(|(number, (requests, widths))| Tally {
        start: Timestamp(number * piece),
        covered: Span(widths.values().map(|width| width.milliseconds()).sum()),
        requests,
    });
    tallies.collect()
}

/// What a look at the whole chain found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainReport {
    /// Events read.
    pub events: u64,
    /// When the first and the last were written.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The first event that is not as it was written, and how that shows; none when all is whole.
    pub broken: Option<ChainBreak>,
}

/// Where a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainBreak {
    /// The event at which it shows.
    pub seq: u64,
    /// One sentence.
    pub sentence: String,
}

/// Which project a store belongs to; asked when it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreIdentity {
    /// The project's name.
    pub project: Name,
    /// How many times faster declared durations run; 1 outside a rehearsal. Fixed for ever.
    pub speed: u32,
}

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another engine owns the journal.
    #[error("another engine took over the journal (epoch {current}, this one had {own})")]
    Fenced {
        /// The epoch in force.
        current: Epoch,
        /// The caller's.
        own: Epoch,
    },
    /// A state was not at the version it was read at.
    #[error("`{key}` was changed by somebody else")]
    Conflict {
        /// Which state.
        key: String,
    },
    /// Whether the turn was written is unknown.
    #[error("the database did not say whether it wrote the turn: {0}")]
    Unknown(String),
    /// Nothing was written, and trying again may help: busy, restarting, no connection.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// Nothing was written: there is no space, or only as much as urgent turns may use. Trying again
    /// helps once somebody has made some, which the sentence asks for.
    #[error("{0}")]
    Full(String),
    /// Nothing was written, and trying again does not help: read-only, damaged, newer schema.
    #[error("{0}")]
    Refused(String),
}
