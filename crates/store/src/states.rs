//! States: one row per key, replaced only against the version it was read at.

use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row as _};
use towpath_ports::store::StateRow;

use crate::commit::StoredState;
use crate::journal::json;
use crate::script::{Statement, Topic, row_statements};

/// Writes each state if the row is at the version before it (or absent, for version 1) and answers
/// the keys that were written.
pub(crate) fn write(states: &[&StoredState]) -> Vec<Statement> {
    // A WHERE must stand before ON CONFLICT, or SQLite reads ON as the ON of a join.
    let sql = "WITH incoming (key, version, body) AS (VALUES {rows}) \
               INSERT INTO states (key, version, body) \
               SELECT key, version, body FROM incoming \
               WHERE version = 1 \
               OR EXISTS (SELECT 1 FROM states AS present WHERE present.key = incoming.key) \
               ON CONFLICT (key) DO UPDATE SET version = excluded.version, body = excluded.body \
               WHERE states.version = excluded.version - 1 \
               RETURNING key";
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

fn state(row: &AnyRow) -> Result<StateRow, sqlx::Error> {
    let version: i64 = row.try_get(1)?;
    Ok(StateRow {
        key: row.try_get(0)?,
        version: u64::try_from(version).map_err(|error| sqlx::Error::Decode(error.into()))?,
        body: json(row, 2)?,
    })
}
