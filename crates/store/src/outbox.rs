//! Commands that wait for their outcome. A row leaves when the turn that its outcome caused commits.

use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row as _};
use towpath_ports::store::OutboxRow;

use crate::commit::StoredCommand;
use crate::journal::{json, parsed};
use crate::script::{Statement, Topic, row_statements};

/// Writes commands; `turn` and `place` keep their order.
pub(crate) fn write(commands: &[(i64, i64, &StoredCommand)]) -> Vec<Statement> {
    let sql = "INSERT INTO outbox (id, turn, place, lane, body) VALUES {rows}";
    row_statements(Topic::Commands, sql, 5, commands, |statement, (turn, place, command)| {
        statement
            .with(command.id.as_str())
            .with(*turn)
            .with(*place)
            .with(command.lane.as_deref())
            .with(command.body.as_str())
    })
}

/// Removes commands. One that is not there is no error: its outcome came twice.
pub(crate) fn remove(ids: &[&String]) -> Vec<Statement> {
    let sql = "DELETE FROM outbox WHERE id IN (VALUES {rows})";
    row_statements(Topic::Finished, sql, 1, ids, |statement, id| statement.with(id.as_str()))
}

/// All of them, in the order in which they were written.
pub(crate) async fn read(readers: &AnyPool) -> Result<Vec<OutboxRow>, sqlx::Error> {
    let rows = sqlx::query("SELECT id, lane, body FROM outbox ORDER BY turn, place")
        .fetch_all(readers)
        .await?;
    rows.iter().map(command).collect()
}

fn command(row: &AnyRow) -> Result<OutboxRow, sqlx::Error> {
    let lane: Option<String> = row.try_get(1)?;
    Ok(OutboxRow { id: row.try_get(0)?, lane: lane.map(parsed).transpose()?, body: json(row, 2)? })
}
