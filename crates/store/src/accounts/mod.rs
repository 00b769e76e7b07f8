//! Accounts of a server on SQLite or PostgreSQL. Owns their rows; every change is one statement, so that one
//! that is given up half-way was written whole or not at all. Knows nothing of journals.

mod sessions;
mod users;

use async_trait::async_trait;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, AssertSqlSafe};
use towpath_core::ids::{Digest, Person, SessionId};
use towpath_core::units::{Span, Timestamp};
use towpath_ports::accounts::{
    Accounts, AttemptKey, KeptLink, KeptSession, LocalUser, REMEMBERED, UnderWay,
};
use towpath_ports::secret::Secret;
use towpath_ports::store::StoreError;

use crate::database::Database;
use crate::failure::before_commit;
use crate::open::{OpenError, Place};
use crate::script::{Value, arguments};

/// Accounts on SQLite or PostgreSQL. Calls may be made at once and from any task.
#[derive(Debug)]
pub struct SqlAccounts {
    database: Database,
    connections: AnyPool,
}

type Done<T> = Result<T, StoreError>;

impl SqlAccounts {
    /// Opens `location`, the path of a file or a `postgres://` URL, and makes or updates what is there. A
    /// PostgreSQL database may be that of a journal. Must be called within a Tokio runtime. Safe to repeat.
    ///
    /// # Errors
    /// See [`OpenError`]; nothing was changed, except that an empty file may have been made.
    pub async fn open(location: &str) -> Result<Self, OpenError> {
        let place = Place::find(location)?;
        place.prepare(None).await?;
        Ok(Self { database: place.database, connections: place.writers() })
    }

    /// Closes all connections.
    pub async fn close(self) {
        self.connections.close().await;
    }

    fn error(&self, error: &sqlx::Error) -> StoreError {
        before_commit(self.database, error)
    }

    /// The rows that a statement answers.
    async fn rows(&self, sql: &str, values: Vec<Value>) -> Done<Vec<AnyRow>> {
        let sql = AssertSqlSafe(self.database.text(sql));
        let asked = sqlx::query_with(sql, arguments(values)).fetch_all(&self.connections).await;
        asked.map_err(|error| self.error(&error))
    }

    /// The first of them, as `read` takes it.
    async fn one<T>(
        &self,
        sql: &str,
        values: Vec<Value>,
        read: impl Fn(&AnyRow) -> Result<T, sqlx::Error>,
    ) -> Done<Option<T>> {
        let rows = self.rows(sql, values).await?;
        let read = rows.first().map(read).transpose();
        read.map_err(|error| self.error(&error))
    }

    /// How many rows a statement changed.
    async fn change(&self, sql: &str, values: Vec<Value>) -> Done<u64> {
        let sql = AssertSqlSafe(self.database.text(sql));
        let done = sqlx::query_with(sql, arguments(values)).execute(&self.connections).await;
        done.map(|done| done.rows_affected()).map_err(|error| self.error(&error))
    }
}

/// A value that a row should not hold.
fn odd(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

#[async_trait]
impl Accounts for SqlAccounts {
    async fn has_users(&self) -> Done<bool> {
        Ok(!self.rows("SELECT person FROM local_users LIMIT 1", Vec::new()).await?.is_empty())
    }

    async fn user(&self, person: &Person) -> Done<Option<LocalUser>> {
        self.one(users::USER, vec![person.as_str().into()], users::user).await
    }

    async fn set_password(&self, person: &Person, hash: &Secret, now: Timestamp) -> Done<()> {
        let values = vec![person.as_str().into(), hash.reveal().into(), now.0.into()];
        self.change(users::SET_PASSWORD, values).await.map(drop)
    }

    async fn offer_second(&self, person: &Person, secret: &Secret) -> Done<bool> {
        let values = vec![secret.reveal().into(), person.as_str().into()];
        Ok(self.change(users::OFFER_SECOND, values).await? == 1)
    }

    async fn take_step(&self, person: &Person, step: i64, now: Timestamp) -> Done<bool> {
        let values = vec![step.into(), now.0.into(), person.as_str().into(), step.into()];
        Ok(self.change(users::TAKE_STEP, values).await? == 1)
    }

    async fn begin_session(&self, session: &KeptSession) -> Done<()> {
        self.change(sessions::BEGIN, sessions::values(session)).await?;
        let person = session.person.as_str();
        let values = vec![session.started.0.into(), person.into(), person.into()];
        self.change(&sessions::end_the_oldest(), values).await.map(drop)
    }

    async fn session(&self, hash: &Digest, now: Timestamp) -> Done<Option<KeptSession>> {
        let sql = format!("{} WHERE hash = ? {}", sessions::SELECT, sessions::OPEN);
        self.one(&sql, vec![hash.as_str().into(), now.0.into()], sessions::session).await
    }

    async fn strengthen_session(&self, hash: &Digest, next: &Digest, now: Timestamp) -> Done<bool> {
        let sql = format!(
            "UPDATE web_sessions SET hash = ?, second_at = ? WHERE hash = ? {}",
            sessions::OPEN
        );
        let values = vec![next.as_str().into(), now.0.into(), hash.as_str().into(), now.0.into()];
        Ok(self.change(&sql, values).await? == 1)
    }

    async fn end_session(&self, id: &SessionId, now: Timestamp) -> Done<Option<KeptSession>> {
        let sql = format!(
            "UPDATE web_sessions SET ended_at = ? WHERE id = ? {} RETURNING {}",
            sessions::OPEN,
            sessions::COLUMNS
        );
        let values = vec![now.0.into(), id.as_str().into(), now.0.into()];
        self.one(&sql, values, sessions::session).await
    }

    async fn sessions_of(&self, person: &Person, now: Timestamp) -> Done<Vec<KeptSession>> {
        let sql = format!(
            "{} WHERE person = ? {} ORDER BY started_at DESC, id",
            sessions::SELECT,
            sessions::OPEN
        );
        let rows = self.rows(&sql, vec![person.as_str().into(), now.0.into()]).await?;
        let read = rows.iter().map(sessions::session).collect::<Result<_, _>>();
        read.map_err(|error| self.error(&error))
    }

    async fn keep_link(&self, link: &KeptLink, now: Timestamp) -> Done<bool> {
        let person = link.person.as_ref().map(Person::as_str);
        let values = vec![
            link.hash.as_str().into(),
            link.purpose.word().into(),
            person.into(),
            link.made_by.as_str().into(),
            link.expires_at.0.into(),
            person.unwrap_or_default().into(),
            now.0.into(),
        ];
        Ok(self.change(&users::keep_link(), values).await? == 1)
    }

    async fn link(&self, hash: &Digest, now: Timestamp) -> Done<Option<KeptLink>> {
        let sql = format!(
            "SELECT {} FROM one_time_links WHERE hash = ? {}",
            users::LINK,
            users::LINK_OPEN
        );
        self.one(&sql, vec![hash.as_str().into(), now.0.into()], users::link).await
    }

    async fn use_link(&self, hash: &Digest, now: Timestamp) -> Done<Option<KeptLink>> {
        let sql = format!(
            "UPDATE one_time_links SET used_at = ? WHERE hash = ? {} RETURNING {}",
            users::LINK_OPEN,
            users::LINK
        );
        let values = vec![now.0.into(), hash.as_str().into(), now.0.into()];
        self.one(&sql, values, users::link).await
    }

    async fn count_attempt(&self, key: &AttemptKey, within: Span, now: Timestamp) -> Done<u64> {
        let over = users::before(within, now);
        let values = vec![key.as_str().into(), now.0.into(), over.into(), over.into()];
        let counted = self.one(users::COUNT_ATTEMPT, values, users::times).await?;
        counted.ok_or_else(|| StoreError::Refused("an attempt was not counted".to_owned()))
    }

    async fn attempts(&self, key: &AttemptKey, within: Span, now: Timestamp) -> Done<u64> {
        let values = vec![key.as_str().into(), users::before(within, now).into()];
        Ok(self.one(users::ATTEMPTS, values, users::times).await?.unwrap_or(0))
    }

    async fn forget_attempts(&self, key: &AttemptKey) -> Done<()> {
        let sql = "DELETE FROM sign_in_attempts WHERE key = ?";
        self.change(sql, vec![key.as_str().into()]).await.map(drop)
    }

    async fn keep_under_way(&self, under_way: &UnderWay, now: Timestamp) -> Done<bool> {
        let UnderWay { hash, body, expires_at } = under_way;
        let values = vec![
            hash.as_str().into(),
            body.as_str().into(),
            expires_at.0.into(),
            now.0.into(),
            body.as_str().into(),
        ];
        Ok(self.change(&users::keep_under_way(), values).await? == 1)
    }

    async fn take_under_way(&self, hash: &Digest, now: Timestamp) -> Done<Option<UnderWay>> {
        let values = vec![hash.as_str().into()];
        let found = self.one(users::TAKE_UNDER_WAY, values, users::under_way).await?;
        Ok(found.filter(|found| now < found.expires_at))
    }

    async fn sweep(&self, within: Span, now: Timestamp) -> Done<u64> {
        let long_ago = users::before(REMEMBERED, now);
        let attempts = users::before(within, now);
        let mut gone = 0;
        for (sql, times) in [
            (sessions::SWEEP, vec![long_ago, long_ago]),
            ("DELETE FROM one_time_links WHERE expires_at < ?", vec![long_ago]),
            ("DELETE FROM sign_ins_under_way WHERE expires_at < ?", vec![now.0]),
            ("DELETE FROM sign_in_attempts WHERE since <= ?", vec![attempts]),
        ] {
            gone += self.change(sql, times.into_iter().map(Value::from).collect()).await?;
        }
        Ok(gone)
    }
}
