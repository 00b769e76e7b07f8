//! The store as the engine sees it. Owns the way from a call to the writer and back; contains no SQL.

use std::path::Path;

use async_trait::async_trait;
use sqlx::AnyPool;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use towpath_audit::chain;
use towpath_core::ids::{Digest, Epoch, LaneId, PromotionNumber};
use towpath_core::quiet::Tally;
use towpath_core::units::Timestamp;
use towpath_ports::answers::{Answers, AskedOnce, Claim, KeptAnswer};
use towpath_ports::store::{
    ChainReport, EventRow, IntervalRow, OutboxRow, PromotionRow, StateRow, Store, StoreError,
    StoreIdentity, Turn, WrittenEvent,
};

use crate::commit::PreparedTurn;
use crate::database::Database;
use crate::failure::before_commit;
use crate::open::{OpenError, Place};
use crate::reserve::{self, Reserve, Shortage};
use crate::writer::{self, CommitJob, Job};
use crate::{answers, journal, outbox, promotions, states, telemetry};

/// Rows that one call answers at most, whatever was asked for: a page of a list, not the list.
const ROWS_PER_CALL: u32 = 10_000;

/// A store on SQLite or PostgreSQL. Calls may be made at once and from any task; one that is given up
/// half-way has either been written whole or not at all.
#[derive(Debug)]
pub struct SqlStore {
    database: Database,
    identity: StoreIdentity,
    readers: AnyPool,
    jobs: mpsc::Sender<Job>,
    writer: JoinHandle<()>,
    shortage: Shortage,
}

impl SqlStore {
    /// Opens `location`, the path of a file or a `postgres://` URL, and makes or updates what is
    /// there. Must be called within a Tokio runtime. Safe to repeat. Beside an SQLite file 64 MiB are
    /// set aside for the day on which the disk is full, where there is room; not in a rehearsal.
    ///
    /// # Errors
    /// See [`OpenError`]; nothing was changed, except that an empty file may have been made.
    pub async fn open(location: &str, identity: &StoreIdentity) -> Result<Self, OpenError> {
        let bytes = if identity.speed == 1 { reserve::BYTES } else { 0 };
        Self::open_with_reserve(location, identity, bytes).await
    }

    /// The same with a reserve of `bytes`; 0 for none.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with_reserve(
        location: &str,
        identity: &StoreIdentity,
        bytes: u64,
    ) -> Result<Self, OpenError> {
        let place = Place::find(location)?;
        let mut reserve = match place.database {
            Database::Sqlite if bytes > 0 => Reserve::beside(Path::new(&place.shown), bytes),
            Database::Sqlite | Database::Postgres => Reserve::none(),
        };
        match place.prepare(Some(identity)).await {
            // Even to be opened, a journal needs a few pages beside it.
            Err(OpenError::Full { .. }) if reserve.spend() => place.prepare(Some(identity)).await?,
            prepared => prepared?,
        }
        reserve.make();
        reserve.warn_if_absent();
        let shortage = reserve.shortage();
        let (jobs, waiting) = mpsc::channel(writer::QUEUE);
        Ok(Self {
            shortage,
            database: place.database,
            identity: identity.clone(),
            readers: place.readers(),
            jobs,
            writer: tokio::spawn(writer::run(place, reserve, waiting)),
        })
    }

    /// Opens what is at `location` for reading alone: writes are refused with
    /// [`StoreError::Unavailable`], and nothing is made or updated. Safe beside an engine that writes.
    /// None when no journal was begun there. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// See [`OpenError`]; a schema older than this program's is [`OpenError::Unavailable`], and opening
    /// for writing brings it up to date.
    pub async fn open_reading(
        location: &str,
        identity: &StoreIdentity,
    ) -> Result<Option<Self>, OpenError> {
        let Some(place) = Place::find_existing(location)? else { return Ok(None) };
        if !place.inspect(identity).await? {
            return Ok(None);
        }
        // Nobody takes jobs: whoever sends one is told that the writer has ended.
        let (jobs, _) = mpsc::channel(1);
        Ok(Some(Self {
            shortage: Shortage::default(),
            database: place.database,
            identity: identity.clone(),
            readers: place.readers(),
            jobs,
            writer: tokio::spawn(async {}),
        }))
    }

    /// Writes what still waits and closes all connections. Without it they are closed some time after
    /// the store is dropped; nothing that was acknowledged is lost either way.
    pub async fn close(self) {
        drop(self.jobs);
        if let Err(error) = self.writer.await {
            tracing::warn!(%error, "the journal's writer ended by itself");
        }
        self.readers.close().await;
    }

    /// Removes the oldest telemetry that began before `before`, at most `limit` rows (and never more
    /// than 10,000, so that turns do not wait long), and answers how many. Call again until it
    /// answers fewer than `limit`. Safe to repeat.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Refused`]: nothing was removed.
    pub async fn drop_intervals(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let limit = limit.min(ROWS_PER_CALL);
        self.ask(|reply| Job::DropIntervals { before, limit, reply }, StoreError::Unavailable).await
    }

    /// Sends a job and waits for its answer; `lost` is what it means when the writer is gone.
    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Job,
        lost: fn(String) -> StoreError,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let gone = || "the writer has ended".to_owned();
        if self.jobs.send(job(reply)).await.is_err() {
            return Err(StoreError::Unavailable(gone()));
        }
        answer.await.unwrap_or_else(|_| Err(lost(gone())))
    }

    fn read_error(&self, what: &str, error: &sqlx::Error) -> StoreError {
        match before_commit(self.database, error) {
            StoreError::Refused(cause) => StoreError::Refused(format!("{what}: {cause}")),
            other => other,
        }
    }
}

#[async_trait]
impl Answers for SqlStore {
    async fn claim(&self, asked: &AskedOnce) -> Result<Claim, StoreError> {
        let statements = answers::claim(asked);
        let job = |reply| Job::Answers { statements, reply };
        if self.ask(job, StoreError::Unavailable).await? > 0 {
            return Ok(Claim::Mine);
        }
        let known = answers::known(self.database, &self.readers, asked).await;
        known.map_err(|error| self.read_error("answers", &error))
    }

    async fn keep_answer(&self, id: &Digest, answer: &KeptAnswer) -> Result<(), StoreError> {
        let statements = vec![answers::keep(id, answer)];
        self.ask(|reply| Job::Answers { statements, reply }, StoreError::Unavailable)
            .await
            .map(drop)
    }

    async fn release(&self, id: &Digest) -> Result<(), StoreError> {
        let statements = vec![answers::release(id)];
        self.ask(|reply| Job::Answers { statements, reply }, StoreError::Unavailable)
            .await
            .map(drop)
    }
}

#[async_trait]
impl Store for SqlStore {
    fn kind(&self) -> &'static str {
        match self.database {
            Database::Sqlite => "SQLite",
            Database::Postgres => "PostgreSQL",
        }
    }

    async fn take_ownership(&self, now: Timestamp) -> Result<Epoch, StoreError> {
        // Taking it again costs an epoch and nothing else, so that an unknown outcome is a failed one.
        let taken = self.ask(|reply| Job::TakeOwnership { now, reply }, StoreError::Unavailable);
        taken.await.map_err(|error| match error {
            StoreError::Unknown(cause) => StoreError::Unavailable(cause),
            other => other,
        })
    }

    async fn commit(&self, epoch: Epoch, turn: &Turn) -> Result<Vec<u64>, StoreError> {
        let turn = PreparedTurn::new(turn)?;
        let job = |reply| Job::Commit(CommitJob { epoch, turn, reply });
        self.ask(job, StoreError::Unknown).await
    }

    async fn has_turn(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.ask(|reply| Job::HasTurn { id, reply }, StoreError::Unavailable).await
    }

    async fn states(&self) -> Result<Vec<StateRow>, StoreError> {
        states::read(&self.readers).await.map_err(|error| self.read_error("states", &error))
    }

    async fn pending_commands(&self) -> Result<Vec<OutboxRow>, StoreError> {
        outbox::read(&self.readers).await.map_err(|error| self.read_error("outbox", &error))
    }

    async fn events(&self, after: u64, limit: u32) -> Result<Vec<EventRow>, StoreError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let limit = limit.min(ROWS_PER_CALL);
        journal::read(self.database, &self.readers, after, limit)
            .await
            .map_err(|error| self.read_error("events", &error))
    }

    async fn written(&self, after: u64, limit: u32) -> Result<Vec<WrittenEvent>, StoreError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let limit = limit.min(ROWS_PER_CALL);
        journal::read_written(self.database, &self.readers, after, limit)
            .await
            .map_err(|error| self.read_error("events", &error))
    }

    async fn events_named(
        &self,
        kind: &str,
        lanes: &[LaneId],
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<EventRow>, StoreError> {
        let limit = limit.min(ROWS_PER_CALL);
        journal::read_named(self.database, &self.readers, (kind, lanes), before, limit)
            .await
            .map_err(|error| self.read_error("events", &error))
    }

    async fn promotions(
        &self,
        lane: Option<&LaneId>,
        before: Option<PromotionNumber>,
        limit: u32,
    ) -> Result<Vec<PromotionRow>, StoreError> {
        let limit = limit.min(ROWS_PER_CALL);
        promotions::read(self.database, &self.readers, lane, before, limit)
            .await
            .map_err(|error| self.read_error("promotions", &error))
    }

    async fn keep_intervals(&self, rows: &[IntervalRow]) -> Result<(), StoreError> {
        let intervals = telemetry::prepare(rows)?;
        if intervals.is_empty() {
            return Ok(());
        }
        let job = |reply| Job::KeepIntervals { intervals, reply };
        self.ask(job, StoreError::Unavailable).await.map(|_| ())
    }

    async fn intervals(
        &self,
        lane: &LaneId,
        since: Timestamp,
    ) -> Result<Vec<IntervalRow>, StoreError> {
        telemetry::read(self.database, &self.readers, lane, since)
            .await
            .map_err(|error| self.read_error("telemetry", &error))
    }

    async fn tallies(
        &self,
        lane: &LaneId,
        source: &str,
        since: Timestamp,
    ) -> Result<Vec<Tally>, StoreError> {
        telemetry::sum(self.database, &self.readers, (lane, source), since)
            .await
            .map_err(|error| self.read_error("telemetry", &error))
    }

    async fn drop_intervals(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        Self::drop_intervals(self, before, limit).await
    }

    async fn verify(&self) -> Result<ChainReport, StoreError> {
        let failed = |error: sqlx::Error| self.read_error("journal", &error);
        let genesis = chain::genesis(&self.identity.project, self.identity.speed);
        let begin = self.database.begin_reading();
        let mut moment = self.readers.begin_with(begin).await.map_err(failed)?;
        let report = journal::verify(self.database, &mut moment, genesis).await.map_err(failed)?;
        moment.rollback().await.map_err(failed)?;
        Ok(report)
    }

    fn shortage(&self) -> Option<String> {
        self.shortage.lock().expect("no holder of this lock panics").clone()
    }
}
