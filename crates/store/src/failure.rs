//! What a failure of the database means to the caller. Owns the sentences; retries nothing.

use towpath_ports::store::StoreError;

use crate::database::Database;
use crate::postgres::PATIENCE;

/// What went wrong, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Somebody else holds a lock, or the server sheds load. Nothing was written.
    Busy,
    /// The connection is gone, or the server is going.
    Lost,
    /// The disk failed.
    Disk,
    /// The disk is full. Nothing was written.
    Full,
    /// The file, directory or server takes no writes.
    ReadOnly,
    /// The file is damaged.
    Damaged,
    /// The file is not a database.
    NotADatabase,
    /// A row was refused by a constraint.
    Constraint,
    /// A value that is not what its column should hold.
    Value,
    /// Anything else: final.
    Other,
}

impl Kind {
    /// Of an error that came from `database`.
    pub(crate) fn of(database: Database, error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                error.code().map_or(Self::Other, |code| database.kind_of_code(&code))
            }
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::PoolClosed => Self::Lost,
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::RowNotFound => Self::Value,
            _ => Self::Other,
        }
    }

    /// Whether the connection can go on being used after a rollback.
    pub(crate) fn leaves_connection(self) -> bool {
        matches!(self, Self::Busy | Self::Full | Self::Constraint | Self::Value)
    }
}

/// The error for a failure before COMMIT was sent: nothing was written.
pub(crate) fn before_commit(database: Database, error: &sqlx::Error) -> StoreError {
    if matches!(error, sqlx::Error::RowNotFound) {
        return StoreError::Refused(
            "the row that says where the journal ends is missing; verify the journal".to_owned(),
        );
    }
    match Kind::of(database, error) {
        Kind::Busy => StoreError::Unavailable(format!("it is busy: {error}")),
        Kind::Lost => StoreError::Unavailable(error.to_string()),
        Kind::Full => StoreError::Full(
            "the disk with the journal is full and nothing was written; free some space, then go on \
             (no restart is needed)"
                .to_owned(),
        ),
        Kind::ReadOnly => {
            StoreError::Refused(format!("the journal takes no writes: {error}; make it writable"))
        }
        Kind::Disk => StoreError::Refused(format!("the disk with the journal fails: {error}")),
        Kind::Damaged | Kind::NotADatabase => StoreError::Refused(format!(
            "the journal's file is damaged: {error}; restore it from a backup"
        )),
        Kind::Value => {
            StoreError::Refused(format!("the journal holds a value that does not belong: {error}"))
        }
        Kind::Constraint | Kind::Other => StoreError::Refused(error.to_string()),
    }
}

/// The error for a failed COMMIT: unknown, unless the database is certain that it wrote nothing.
pub(crate) fn at_commit(database: Database, error: &sqlx::Error) -> StoreError {
    match Kind::of(database, error) {
        Kind::Busy | Kind::Full | Kind::ReadOnly | Kind::Constraint => {
            before_commit(database, error)
        }
        _ => StoreError::Unknown(error.to_string()),
    }
}

/// The same error once more, for each of several turns that failed together.
pub(crate) fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Fenced { current, own } => StoreError::Fenced { current: *current, own: *own },
        StoreError::Conflict { key } => StoreError::Conflict { key: key.clone() },
        StoreError::Unknown(text) => StoreError::Unknown(text.clone()),
        StoreError::Unavailable(text) => StoreError::Unavailable(text.clone()),
        StoreError::Full(text) => StoreError::Full(text.clone()),
        StoreError::Refused(text) => StoreError::Refused(text.clone()),
    }
}

/// Nobody waits for ever for a server behind a silent network. SQLite ends by itself (busy_timeout).
pub(crate) async fn bounded<T>(
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| {
        let silence = format!("no answer within {} s", PATIENCE.as_secs());
        Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, silence)))
    })
}
