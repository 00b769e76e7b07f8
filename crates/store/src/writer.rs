//! The one task that writes. Owns the writing connection and puts turns that wait at the same moment
//! into one transaction; decides nothing and reads no lists.
//!
//! A group is written as one. If anything in it is refused, nothing of it is written and each of its
//! turns is tried alone, in order, so that one turn's conflict is no other's.

use sqlx::AnyConnection;
use tokio::sync::{mpsc, oneshot};
use towpath_core::ids::Epoch;
use towpath_core::units::Timestamp;
use towpath_ports::store::StoreError;

use crate::commit::{self, PreparedTurn, StoredState, Touched, group_script};
use crate::database::Database;
use crate::failure::{Kind, again, at_commit, before_commit, bounded};
use crate::head::{self, Head};
use crate::open::Place;
use crate::reserve::Reserve;
use crate::script::{self, Done, Outcome, Statement, Topic};
use crate::telemetry::StoredInterval;
use crate::{journal, states, telemetry};

/// Jobs that may wait; whoever comes later waits outside. Some groups' worth.
pub(crate) const QUEUE: usize = 256;

/// Turns in one transaction: beyond this the commit itself no longer counts (64 concurrent writers
/// are the most that the benchmarks ask for), while everybody in the group waits for all of it.
const GROUP: usize = 128;

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// Something to be written, or read behind everything that was written.
pub(crate) enum Job {
    TakeOwnership {
        now: Timestamp,
        reply: Reply<Epoch>,
    },
    Commit(CommitJob),
    HasTurn {
        id: String,
        reply: Reply<bool>,
    },
    KeepIntervals {
        intervals: Vec<StoredInterval>,
        reply: Reply<u64>,
    },
    DropIntervals {
        before: Timestamp,
        limit: u32,
        reply: Reply<u64>,
    },
    /// Statements about answers; the answer is how many rows those of that topic changed.
    Answers {
        statements: Vec<Statement>,
        reply: Reply<u64>,
    },
}

pub(crate) struct CommitJob {
    pub(crate) epoch: Epoch,
    pub(crate) turn: PreparedTurn,
    pub(crate) reply: Reply<Vec<u64>>,
}

/// Works until all senders are gone, then closes the connection.
pub(crate) async fn run(place: Place, reserve: Reserve, mut jobs: mpsc::Receiver<Job>) {
    let mut writer =
        Writer { place, reserve, connection: None, head: None, turns: 0, disk_failure: None };
    let mut held = None;
    loop {
        let job = match held.take() {
            Some(job) => job,
            None => match jobs.recv().await {
                Some(job) => job,
                None => break,
            },
        };
        match job {
            Job::Commit(first) => {
                let group;
                (group, held) = gather(first, &mut jobs).await;
                writer.commit_group(group).await;
            }
            other => writer.work(other).await,
        }
    }
    if let Some(connection) = writer.connection.take() {
        close(connection).await;
    }
}

async fn close(connection: AnyConnection) {
    if let Err(error) = sqlx::Connection::close(connection).await {
        tracing::debug!(%error, "the journal's connection did not close cleanly");
    }
}

/// The turns that wait right now and can be written together, and the first job that cannot. Stands
/// aside until a moment in which nobody new came: those whom the last commit woke are about to come
/// back, and a transaction for each would keep the others waiting longer than this does.
async fn gather(first: CommitJob, jobs: &mut mpsc::Receiver<Job>) -> (Vec<CommitJob>, Option<Job>) {
    let mut touched = Touched::default();
    touched.add(&first.turn);
    let epoch = first.epoch;
    let mut group = vec![first];
    loop {
        tokio::task::yield_now().await;
        let before = group.len();
        while group.len() < GROUP {
            match jobs.try_recv() {
                Ok(Job::Commit(next)) if next.epoch == epoch && touched.add(&next.turn) => {
                    group.push(next);
                }
                Ok(other) => return (group, Some(other)),
                Err(_) => break,
            }
        }
        if group.len() == before || group.len() == GROUP {
            return (group, None);
        }
    }
}

struct Writer {
    place: Place,
    reserve: Reserve,
    connection: Option<AnyConnection>,
    head: Option<Head>,
    /// The last turn that the database acknowledged to this writer.
    turns: i64,
    /// Set when the disk failed at a COMMIT: what is on it is unknown until the file is opened anew,
    /// so nothing more is written on top of it.
    disk_failure: Option<String>,
}

/// Why a group was not written, and whether its turns may be tried one by one.
struct Failed {
    error: StoreError,
    try_alone: bool,
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self { error, try_alone: false }
    }
}

impl Writer {
    async fn work(&mut self, job: Job) {
        match job {
            Job::Commit(job) => self.commit_group(vec![job]).await,
            Job::TakeOwnership { now, reply } => {
                let mut taken = self.take_ownership(now).await;
                // Without an owner nobody could bring traffic back.
                if matches!(taken, Err(StoreError::Full(_))) && self.reserve.spend() {
                    taken = self.take_ownership(now).await;
                }
                answer(reply, taken);
            }
            Job::Answers { statements, reply } => {
                answer(reply, self.write_beside(statements, Topic::Answers).await);
            }
            Job::HasTurn { id, reply } => answer(reply, self.has_turn(&id).await),
            Job::KeepIntervals { intervals, reply } => {
                let written = telemetry::write(&intervals);
                answer(reply, self.write_beside(written, Topic::Intervals).await);
            }
            Job::DropIntervals { before, limit, reply } => {
                let removed = vec![telemetry::remove(before, limit)];
                answer(reply, self.write_beside(removed, Topic::Intervals).await);
            }
        }
    }

    /// Writes a group. When the disk is full, what is urgent is written once more from the reserve, and
    /// the rest is refused until the reserve could be made again.
    async fn commit_group(&mut self, group: Vec<CommitJob>) {
        if self.reserve.is_spent() && group.iter().any(|job| !job.turn.urgent) {
            self.reserve.make();
        }
        let is_spent = self.reserve.is_spent();
        let (group, later) = group.into_iter().partition(|job| job.turn.urgent || !is_spent);
        self.refuse_for_space(later);
        let without_space = self.try_group(group).await;
        if without_space.is_empty() {
            return;
        }
        let (urgent, later): (Vec<_>, Vec<_>) =
            without_space.into_iter().partition(|job| job.turn.urgent);
        let has_spent = !urgent.is_empty() && self.reserve.spend();
        self.refuse_for_space(later);
        let urgent = if has_spent { self.try_group(urgent).await } else { urgent };
        self.refuse_for_space(urgent);
    }

    fn refuse_for_space(&self, group: Vec<CommitJob>) {
        if !group.is_empty() {
            self.reserve.tell(true);
        }
        for job in group {
            answer(job.reply, Err(StoreError::Full(self.reserve.sentence())));
        }
    }

    /// Answers everybody in the group but those for whose turn there is no space.
    async fn try_group(&mut self, group: Vec<CommitJob>) -> Vec<CommitJob> {
        let Some(first) = group.first() else { return group };
        let turns: Vec<&PreparedTurn> = group.iter().map(|job| &job.turn).collect();
        match self.commit(first.epoch, &turns).await {
            Ok(placed) => {
                self.reserve.tell(self.reserve.is_spent());
                for (job, numbers) in group.into_iter().zip(placed) {
                    answer(job.reply, Ok(numbers));
                }
            }
            Err(Failed { error: StoreError::Full(_), .. }) => return group,
            Err(failed) if failed.try_alone && group.len() > 1 => {
                let mut without_space = Vec::new();
                for job in group {
                    match self.commit(job.epoch, &[&job.turn]).await {
                        Ok(mut placed) => {
                            answer(job.reply, Ok(placed.pop().unwrap_or_default()));
                        }
                        Err(Failed { error: StoreError::Full(_), .. }) => without_space.push(job),
                        Err(failed) => answer(job.reply, Err(failed.error)),
                    }
                }
                return without_space;
            }
            Err(failed) => {
                for job in group {
                    answer(job.reply, Err(again(&failed.error)));
                }
            }
        }
        Vec::new()
    }

    /// Writes `turns` in one transaction. A head row that another connection of the same owner moved
    /// on is read again, once.
    async fn commit(
        &mut self,
        epoch: Epoch,
        turns: &[&PreparedTurn],
    ) -> Result<Vec<Vec<u64>>, Failed> {
        commit::checked_epoch(epoch)?;
        for _ in 0..2 {
            let head = self.head_for(epoch).await?;
            let script = group_script(&head, turns);
            let mut statements = vec![Statement::new(Topic::Transaction, self.database().begin())];
            statements.extend(script.statements);
            let outcome = self.script(statements).await?;
            if lost_claim(&outcome.done) {
                self.roll_back().await;
                self.head = None;
                continue;
            }
            if let Some((topic, error)) = outcome.error {
                return Err(self.refused(topic, &error).await);
            }
            if !commit::all_states_written(turns, &outcome.done) {
                self.roll_back().await;
                return Err(self.conflict(turns).await);
            }
            self.send_commit().await?;
            self.turns = script.next.turn;
            self.head = Some(script.next);
            return Ok(script.placed.into_iter().map(commit::sequence_numbers).collect());
        }
        Err(StoreError::Unavailable("another program writes to this journal too".to_owned()).into())
    }

    /// What is wrong with turns of which some state is not at the version it was read at.
    async fn conflict(&mut self, turns: &[&PreparedTurn]) -> Failed {
        let found = match turns {
            [turn] => self.find_conflict(&turn.states).await,
            _ => Ok(String::new()),
        };
        match found {
            Ok(key) => Failed { error: StoreError::Conflict { key }, try_alone: true },
            Err(error) => error.into(),
        }
    }

    async fn find_conflict(&mut self, states: &[StoredState]) -> Result<String, StoreError> {
        let database = self.database();
        let connection = self.connected().await?;
        match bounded(states::find_conflict(database, connection, states)).await {
            // None: somebody else was at it in between, and whichever it was must be loaded again.
            Ok(key) => {
                Ok(key.or(states.first().map(|state| state.key.clone())).unwrap_or_default())
            }
            Err(error) => Err(self.failed(&error, before_commit(database, &error)).await),
        }
    }

    /// The head row, read again when `epoch` is not the one known: only the database can say which of
    /// the two is old.
    async fn head_for(&mut self, epoch: Epoch) -> Result<Head, StoreError> {
        self.check_disk()?;
        if let Some(head) = &self.head
            && head.admit(epoch).is_ok()
            && self.connection.is_some()
        {
            return Ok(head.clone());
        }
        let database = self.database();
        let connection = self.connected().await?;
        let head = match bounded(Head::load(connection)).await {
            Ok(head) => head,
            Err(error) => return Err(self.failed(&error, before_commit(database, &error)).await),
        };
        head.admit(epoch)?;
        if head.turn < self.turns {
            return Err(StoreError::Refused(format!(
                "the database lost turns that it had acknowledged (it has {}, there were {}), as after \
                 a failover or when a backup was put back; verify the journal, then start again",
                head.turn, self.turns
            )));
        }
        self.head = Some(head.clone());
        Ok(head)
    }

    async fn take_ownership(&mut self, now: Timestamp) -> Result<Epoch, StoreError> {
        self.begin().await?;
        self.head = None;
        let database = self.database();
        let connection = self.connected().await?;
        match bounded(head::take_ownership(database, connection, now)).await {
            Ok(epoch) => {
                self.send_commit().await?;
                Ok(epoch)
            }
            Err(error) => Err(self.failed(&error, before_commit(database, &error)).await),
        }
    }

    /// Waits for every commit that is under way, on lost connections too, before it looks.
    async fn has_turn(&mut self, id: &str) -> Result<bool, StoreError> {
        self.begin().await?;
        let database = self.database();
        let connection = self.connected().await?;
        let found = bounded(async {
            sqlx::raw_sql(database.lock_head()).execute(&mut *connection).await?;
            journal::has_turn(database, connection, id).await
        });
        let found = found.await;
        match found {
            Ok(found) => {
                self.roll_back().await;
                Ok(found)
            }
            Err(error) => Err(self.failed(&error, before_commit(database, &error)).await),
        }
    }

    /// Writes what is no part of the journal, and answers how many rows those of `topic` changed.
    async fn write_beside(
        &mut self,
        beside: Vec<Statement>,
        topic: Topic,
    ) -> Result<u64, StoreError> {
        self.check_disk()?;
        // Telemetry comes every minute, which is often enough to see that there is space again. It is
        // not what the reserve was given up for, nor are answers.
        self.reserve.make();
        if self.reserve.is_spent() {
            return Err(StoreError::Full(self.reserve.sentence()));
        }
        let mut statements = vec![Statement::new(Topic::Transaction, self.database().begin())];
        statements.extend(beside);
        let outcome = self.script(statements).await?;
        if let Some((topic, error)) = outcome.error {
            return Err(self.refused(topic, &error).await.error);
        }
        let changed = outcome.done.iter().filter(|done| done.topic == topic);
        let rows = changed.map(|done| done.rows_affected).sum();
        // Telemetry is written over what is there, and answers are claimed once: doing it again is safe, so
        // that an unknown outcome is no more than a failed one.
        self.send_commit().await.map_err(|error| match error {
            StoreError::Unknown(cause) => StoreError::Unavailable(cause),
            other => other,
        })?;
        Ok(rows)
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        self.check_disk()?;
        let database = self.database();
        let outcome =
            self.script(vec![Statement::new(Topic::Transaction, database.begin())]).await?;
        match outcome.error {
            None => Ok(()),
            Some((_, error)) => Err(self.failed(&error, before_commit(database, &error)).await),
        }
    }

    async fn send_commit(&mut self) -> Result<(), StoreError> {
        let database = self.database();
        let connection = self.connected().await?;
        let sent = bounded(async { sqlx::raw_sql("COMMIT").execute(connection).await });
        let Err(error) = sent.await.map(|_| ()) else { return Ok(()) };
        if database == Database::Sqlite && Kind::of(database, &error) == Kind::Disk {
            self.disk_failure = Some(error.to_string());
        }
        Err(self.failed(&error, at_commit(database, &error)).await)
    }

    async fn script(&mut self, statements: Vec<Statement>) -> Result<Outcome, StoreError> {
        let database = self.database();
        let connection = self.connected().await?;
        let sent = bounded(async { Ok(script::run(database, connection, statements).await) });
        match sent.await {
            Ok(outcome) => Ok(outcome),
            Err(error) => Err(self.failed(&error, before_commit(database, &error)).await),
        }
    }

    /// Cleans up after a statement that failed and says what that means to the turns.
    async fn refused(&mut self, topic: Topic, error: &sqlx::Error) -> Failed {
        let database = self.database();
        let constraint = Kind::of(database, error) == Kind::Constraint;
        let meaning = match (constraint, topic) {
            (true, Topic::Turns) => {
                StoreError::Refused("a turn with this id was written before".to_owned())
            }
            (true, Topic::Commands) => {
                StoreError::Refused("a command with this id already waits in the outbox".to_owned())
            }
            (true, Topic::Events) => StoreError::Refused(format!(
                "the journal does not end where its head row says; verify it ({error})"
            )),
            _ => before_commit(database, error),
        };
        Failed { error: self.failed(error, meaning).await, try_alone: constraint }
    }

    /// Rolls back, or drops a connection that is of no more use, and passes `meaning` on.
    async fn failed(&mut self, error: &sqlx::Error, meaning: StoreError) -> StoreError {
        if Kind::of(self.database(), error).leaves_connection() {
            self.roll_back().await;
        } else {
            self.drop_connection();
        }
        self.head = None;
        meaning
    }

    async fn roll_back(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        let rolled_back =
            bounded(async { sqlx::raw_sql("ROLLBACK").execute(connection).await }).await;
        // SQLite rolls back by itself after some failures and then knows of no transaction; a fresh
        // connection is the safe answer to that, too.
        if rolled_back.is_err() {
            self.drop_connection();
        }
    }

    /// The database rolls back what an abandoned connection had begun.
    fn drop_connection(&mut self) {
        self.connection = None;
        self.head = None;
    }

    async fn connected(&mut self) -> Result<&mut AnyConnection, StoreError> {
        if self.connection.is_none() {
            self.head = None;
            let database = self.database();
            let connected = bounded(self.place.connect_writer()).await;
            self.connection = Some(connected.map_err(|error| before_commit(database, &error))?);
        }
        Ok(self.connection.as_mut().expect("it was just made"))
    }

    fn check_disk(&self) -> Result<(), StoreError> {
        match &self.disk_failure {
            None => Ok(()),
            Some(cause) => Err(StoreError::Refused(format!(
                "the disk failed while the journal was written ({cause}); check the disk, then start \
                 again"
            ))),
        }
    }

    fn database(&self) -> Database {
        self.place.database
    }
}

fn lost_claim(done: &[Done]) -> bool {
    done.iter().any(|done| done.topic == Topic::Claim && done.rows_affected == 0)
}

fn answer<T>(reply: Reply<T>, result: Result<T, StoreError>) {
    // Whoever asked may have gone; what was written stays written.
    drop(reply.send(result));
}
