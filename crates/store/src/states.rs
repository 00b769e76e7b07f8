//! States: one row per key, replaced only against the version it was read at.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Row as _};
use towpath_ports::store::StateRow;

use crate::commit::StoredState;
use crate::database::Database;
use crate::journal::json;
use crate::script::{Statement, Topic, row_statements};

/// Writes each state if the row is at the version before it (or absent, for version 1). The rows
/// affected say whether all were; to have the keys answered would cost more than the writing.
pub(crate) fn write(states: &[&StoredState]) -> Vec<Statement> {
    // A WHERE must stand before ON CONFLICT, or SQLite reads ON as the ON of a join.
    let sql = "WITH incoming (key, version, body) AS (VALUES {rows}) \
               INSERT INTO states (key, version, body) \
               SELECT key, version, body FROM incoming \
               WHERE version = 1 \
               OR EXISTS (SELECT 1 FROM states AS present WHERE present.key = incoming.key) \
               ON CONFLICT (key) DO UPDATE SET version = excluded.version, body = excluded.body \
               WHERE states.version = excluded.version - 1";
    row_statements(Topic::States, sql, 3, states, |statement, state| {
        statement.with(state.key.as_str()).with(state.version).with(state.body.as_str())
    })
}

/// All of them, by key.
pub(crate) async fn read(readers: &AnyPool) -> Result<Vec<StateRow>, sqlx::Error> {
    let rows = sqlx::query("SELECT key, version, body FROM states ORDER BY key")
        .fetch_all(readers)
        .await?;
    rows.iter().map(state).collect()
}

/// The first of `states` that cannot be written now, because its row is at another version.
pub(crate) async fn find_conflict(
    database: Database,
    connection: &mut AnyConnection,
    states: &[StoredState],
) -> Result<Option<String>, sqlx::Error> {
    let sql = database.text("SELECT version FROM states WHERE key = ?");
    for state in states {
        let query = sqlx::query(AssertSqlSafe(sql.clone())).bind(state.key.as_str());
        let row = query.fetch_optional(&mut *connection).await?;
        let version: i64 = row.map_or(Ok(0), |row| row.try_get(0))?;
        if state.version != version.saturating_add(1) {
            return Ok(Some(state.key.clone()));
        }
    }
    Ok(None)
}

fn state(row: &AnyRow) -> Result<StateRow, sqlx::Error> {
    let version: i64 = row.try_get(1)?;
    Ok(StateRow {
        key: row.try_get(0)?,
        version: u64::try_from(version).map_err(|error| sqlx::Error::Decode(error.into()))?,
        body: json(row, 2)?,
    })
}
