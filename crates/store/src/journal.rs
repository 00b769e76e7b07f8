//! Events: written in a row, read in order, verified from the first to the last. Owns the reading of
//! columns too; the hash itself is made in `chain.rs`.

use futures_util::TryStreamExt as _;
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Row as _};
use towpath_audit::chain::Walk;
use towpath_core::ids::{Digest, LaneId, PromotionNumber};
use towpath_core::units::Timestamp;
use towpath_ports::store::{ChainBreak, ChainReport, EventRow, WrittenEvent};

use crate::database::Database;
use crate::failure::Kind;
use crate::script::{Statement, Topic, arguments, row_statements};

/// Events read at once while verifying: enough that the trip does not count, few enough that even
/// large ones fit in memory.
const VERIFY_BATCH: i64 = 500;

const COLUMNS: &str = "seq, at, lane, promotion, actor, kind, body, hash";

/// Writes events.
pub(crate) fn write(events: &[WrittenEvent]) -> Vec<Statement> {
    let sql = format!("INSERT INTO events ({COLUMNS}) VALUES {{rows}}");
    row_statements(Topic::Events, &sql, 8, events, |statement, event| {
        statement
            .with(event.seq)
            .with(event.at)
            .with(event.lane.as_deref())
            .with(event.promotion)
            .with(event.actor.as_str())
            .with(event.kind.as_str())
            .with(event.body.as_str())
            .with(event.hash.as_str())
    })
}

/// Remembers turns, so that an unknown outcome can be resolved.
pub(crate) fn write_turns(turns: &[(&str, i64, i64)]) -> Vec<Statement> {
    let sql = "INSERT INTO turns (id, number, seq) VALUES {rows}";
    row_statements(Topic::Turns, sql, 3, turns, |statement, (id, number, seq)| {
        statement.with(*id).with(*number).with(*seq)
    })
}

/// Whether the turn was written.
pub(crate) async fn has_turn(
    database: Database,
    connection: &mut AnyConnection,
    id: &str,
) -> Result<bool, sqlx::Error> {
    let sql = AssertSqlSafe(database.text("SELECT number FROM turns WHERE id = ?"));
    Ok(sqlx::query(sql).bind(id).fetch_optional(connection).await?.is_some())
}

/// Events after `after`, in order.
pub(crate) async fn read(
    database: Database,
    readers: &AnyPool,
    after: i64,
    limit: u32,
) -> Result<Vec<EventRow>, sqlx::Error> {
    let rows = select(database, after, i64::from(limit)).fetch_all(readers).await?;
    rows.iter().map(event_row).collect()
}

/// Events that an index finds by their name: those of its migration, and no others. A look at any other is
/// rare, and each event of a rollout would pay for it.
const INDEXED: [&str; 9] = [
    "order-refused",
    "condemned",
    "return-ordered",
    "traffic-returned",
    "approval-given",
    "instances-ready",
    "weight-ordered",
    "commit-ordered",
    "notice-delivered",
];

/// How a query says the name of an event, and the value that it needs for that. Of an index for some names a
/// database makes use only where it reads in the query that the name is one of them.
fn said_name(kind: &str) -> (String, Option<&str>) {
    match INDEXED.iter().find(|name| **name == kind) {
        Some(name) => (format!("kind = '{name}'"), None),
        None => ("kind = ?".to_owned(), Some(kind)),
    }
}

/// Those with a name, newest first, of the lanes named or of all where none is.
pub(crate) async fn read_named(
    database: Database,
    readers: &AnyPool,
    (kind, lanes): (&str, &[LaneId]),
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<EventRow>, sqlx::Error> {
    let before = before.map_or(i64::MAX, |seq| i64::try_from(seq).unwrap_or(i64::MAX));
    let places = vec!["?"; lanes.len()].join(", ");
    let of_lanes = if lanes.is_empty() { String::new() } else { format!("AND lane IN ({places})") };
    let (named, kind) = said_name(kind);
    let sql = database.text(&format!(
        "SELECT {COLUMNS} FROM events WHERE seq < ? AND {named} {of_lanes} \
         ORDER BY seq DESC LIMIT ?"
    ));
    let mut values = vec![before.into()];
    values.extend(kind.map(Into::into));
    values.extend(lanes.iter().map(|lane| lane.to_string().as_str().into()));
    values.push(i64::from(limit).into());
    let rows = sqlx::query_with(AssertSqlSafe(sql), arguments(values)).fetch_all(readers).await?;
    rows.iter().map(event_row).collect()
}

/// The same as the columns hold them.
pub(crate) async fn read_written(
    database: Database,
    readers: &AnyPool,
    after: i64,
    limit: u32,
) -> Result<Vec<WrittenEvent>, sqlx::Error> {
    let rows = select(database, after, i64::from(limit)).fetch_all(readers).await?;
    rows.iter().map(stored_event).collect()
}

/// Walks the whole chain. `connection` must be in a transaction that sees one moment, or events that
/// are being written would look like damage.
pub(crate) async fn verify(
    database: Database,
    connection: &mut AnyConnection,
    genesis: Digest,
) -> Result<ChainReport, sqlx::Error> {
    let mut walk = Walk::new(genesis);
    let mut report = ChainReport { events: 0, span: None, broken: None };
    let mut after = i64::MIN;
    while report.broken.is_none() {
        let before = report.events;
        verify_batch(database, connection, &mut after, &mut walk, &mut report).await?;
        if report.events == before {
            break;
        }
    }
    if report.broken.is_none() {
        let head = read_head(connection).await?;
        let head = head.as_ref().map(|(seq, hash)| (*seq, hash.as_str()));
        report.broken = walk.finish(head).err();
    }
    Ok(report)
}

async fn verify_batch(
    database: Database,
    connection: &mut AnyConnection,
    after: &mut i64,
    walk: &mut Walk,
    report: &mut ChainReport,
) -> Result<(), sqlx::Error> {
    let mut rows = select(database, *after, VERIFY_BATCH).fetch(connection);
    loop {
        let event = match rows.try_next().await {
            Ok(None) => return Ok(()),
            Ok(Some(row)) => stored_event(&row),
            Err(error) => Err(error),
        };
        match event {
            Ok(event) => {
                *after = event.seq;
                let at = Timestamp(event.at);
                if let Err(broken) = walk.step(&event) {
                    report.broken = Some(broken);
                    return Ok(());
                }
                report.events += 1;
                report.span = Some((report.span.map_or(at, |(first, _)| first), at));
            }
            Err(error) if Kind::of(database, &error) == Kind::Value => {
                report.broken = Some(unreadable(walk, &error));
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
}

fn unreadable(walk: &Walk, error: &sqlx::Error) -> ChainBreak {
    walk.broken(format!(
        "event {} is not as it was written: it cannot be read ({error})",
        walk.next_seq()
    ))
}

/// The head row's end of the journal; none when the row is missing or not readable.
async fn read_head(connection: &mut AnyConnection) -> Result<Option<(i64, String)>, sqlx::Error> {
    let row = sqlx::query("SELECT seq, hash FROM head WHERE id = 1").fetch_optional(connection);
    let Some(row) = row.await? else { return Ok(None) };
    Ok(row.try_get(0).ok().zip(row.try_get(1).ok()))
}

fn select(
    database: Database,
    after: i64,
    limit: i64,
) -> sqlx::query::Query<'static, sqlx::Any, sqlx::any::AnyArguments> {
    let sql =
        database.text(&format!("SELECT {COLUMNS} FROM events WHERE seq > ? ORDER BY seq LIMIT ?"));
    sqlx::query_with(AssertSqlSafe(sql), arguments(vec![after.into(), limit.into()]))
}

fn stored_event(row: &AnyRow) -> Result<WrittenEvent, sqlx::Error> {
    Ok(WrittenEvent {
        seq: row.try_get(0)?,
        at: row.try_get(1)?,
        lane: row.try_get(2)?,
        promotion: row.try_get(3)?,
        actor: row.try_get(4)?,
        kind: row.try_get(5)?,
        body: row.try_get(6)?,
        hash: row.try_get(7)?,
    })
}

fn event_row(row: &AnyRow) -> Result<EventRow, sqlx::Error> {
    let lane: Option<String> = row.try_get(2)?;
    let promotion: Option<i64> = row.try_get(3)?;
    let promotion = promotion.map(u64::try_from).transpose();
    let hash: String = row.try_get(7)?;
    Ok(EventRow {
        seq: unsigned(row, 0)?,
        at: Timestamp(row.try_get(1)?),
        lane: lane.map(parsed).transpose()?,
        promotion: promotion
            .map_err(|error| sqlx::Error::Decode(error.into()))?
            .map(PromotionNumber),
        actor: row.try_get(4)?,
        kind: row.try_get(5)?,
        body: json(row, 6)?,
        hash: Digest::new(&hash).map_err(|error| sqlx::Error::Decode(error.into()))?,
    })
}

/// A column that holds JSON.
pub(crate) fn json(row: &AnyRow, column: usize) -> Result<Value, sqlx::Error> {
    let text: &str = row.try_get(column)?;
    serde_json::from_str(text).map_err(|error| decode_error(column, error))
}

/// A column that holds a number from 0.
pub(crate) fn unsigned(row: &AnyRow, column: usize) -> Result<u64, sqlx::Error> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|error| decode_error(column, error))
}

/// A lane's text.
pub(crate) fn parsed(lane: String) -> Result<LaneId, sqlx::Error> {
    LaneId::try_from(lane).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn decode_error(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_string(), source: error.into() }
}
