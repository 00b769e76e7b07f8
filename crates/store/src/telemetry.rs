//! What was measured, interval by interval. Beside the journal: not chained, not fenced, not kept for
//! ever.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row as _};
use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::quiet::{TALLY, Tally};
use towpath_core::units::{Span, Timestamp};
use towpath_ports::store::{Histogram, IntervalRow, StoreError};

use crate::commit::{checked_text, signed};
use crate::database::Database;
use crate::journal::{parsed, unsigned};
use crate::script::{Statement, Topic, arguments, row_statements};

/// An interval as the columns hold it.
#[derive(Debug)]
pub(crate) struct StoredInterval {
    lane: String,
    deployment: i64,
    source: String,
    began_at: i64,
    width_ms: i64,
    total: i64,
    failed: i64,
    p99_us: Option<i64>,
    latency: Option<String>,
}

/// Checks the rows; of several with one key the last counts.
pub(crate) fn prepare(rows: &[IntervalRow]) -> Result<Vec<StoredInterval>, StoreError> {
    let mut by_key = BTreeMap::new();
    for row in rows {
        let interval = StoredInterval {
            lane: row.lane.to_string(),
            deployment: signed(row.deployment.0)?,
            source: checked_text("an interval's source", &row.source)?,
            began_at: row.start.0,
            width_ms: signed(row.width.0)?,
            total: signed(row.total)?,
            failed: signed(row.failed)?,
            p99_us: row.p99_us.map(signed).transpose()?,
            latency: row.latency.as_ref().map(text_of).transpose()?,
        };
        let key = (
            interval.lane.clone(),
            interval.began_at,
            interval.deployment,
            interval.source.clone(),
        );
        by_key.insert(key, interval);
    }
    Ok(by_key.into_values().collect())
}

/// Pairs of bucket and count.
fn text_of(latency: &Histogram) -> Result<String, StoreError> {
    let text = serde_json::to_string(latency);
    text.map_err(|error| StoreError::Refused(format!("latencies cannot be written: {error}")))
}

/// Writes intervals; one with the same key is replaced.
pub(crate) fn write(intervals: &[StoredInterval]) -> Vec<Statement> {
    let sql = "INSERT INTO intervals \
               (lane, deployment, source, began_at, width_ms, total, failed, p99_us, latency) \
               VALUES {rows} ON CONFLICT (lane, began_at, deployment, source) DO UPDATE SET \
               width_ms = excluded.width_ms, total = excluded.total, failed = excluded.failed, \
               p99_us = excluded.p99_us, latency = excluded.latency";
    row_statements(Topic::Intervals, sql, 9, intervals, |statement, interval| {
        statement
            .with(interval.lane.as_str())
            .with(interval.deployment)
            .with(interval.source.as_str())
            .with(interval.began_at)
            .with(interval.width_ms)
            .with(interval.total)
            .with(interval.failed)
            .with(interval.p99_us)
            .with(interval.latency.as_deref())
    })
}

/// Removes the oldest intervals that began before `before`, at most `limit`.
pub(crate) fn remove(before: Timestamp, limit: u32) -> Statement {
    Statement::new(
        Topic::Intervals,
        "DELETE FROM intervals WHERE (lane, began_at, deployment, source) IN \
         (SELECT lane, began_at, deployment, source FROM intervals \
         WHERE began_at < ? ORDER BY began_at LIMIT ?)",
    )
    .with(before.0)
    .with(i64::from(limit))
}

/// Of one lane since `since`, oldest first.
pub(crate) async fn read(
    database: Database,
    readers: &AnyPool,
    lane: &LaneId,
    since: Timestamp,
) -> Result<Vec<IntervalRow>, sqlx::Error> {
    let sql = database.text(
        "SELECT lane, deployment, source, began_at, width_ms, total, failed, p99_us, latency \
         FROM intervals WHERE lane = ? AND began_at >= ? ORDER BY began_at, deployment, source",
    );
    let values = vec![lane.to_string().as_str().into(), since.0.into()];
    let rows =
        sqlx::query_with(sqlx::AssertSqlSafe(sql), arguments(values)).fetch_all(readers).await?;
    rows.iter().map(interval).collect()
}

/// The same of one source, summed by the database: a month of it is 50,000 rows with their latencies.
pub(crate) async fn sum(
    database: Database,
    readers: &AnyPool,
    (lane, source): (&LaneId, &str),
    since: Timestamp,
) -> Result<Vec<Tally>, sqlx::Error> {
    let piece = i64::try_from(TALLY.milliseconds() * 1000).unwrap_or(i64::MAX);
    let sql = database.text(
        "SELECT piece, CAST(SUM(width_ms) AS BIGINT), CAST(SUM(total) AS BIGINT) FROM \
         (SELECT began_at / ? AS piece, MAX(width_ms) AS width_ms, SUM(total) AS total \
         FROM intervals WHERE lane = ? AND began_at >= ? AND source = ? GROUP BY began_at) AS summed \
         GROUP BY piece ORDER BY piece",
    );
    let values =
        vec![piece.into(), lane.to_string().as_str().into(), since.0.into(), source.into()];
    let rows =
        sqlx::query_with(sqlx::AssertSqlSafe(sql), arguments(values)).fetch_all(readers).await?;
    let tally = |row: &AnyRow| {
        Ok(Tally {
            start: Timestamp(row.try_get::<i64, _>(0)?.saturating_mul(piece)),
            covered: Span(unsigned(row, 1)?),
            requests: unsigned(row, 2)?,
        })
    };
    rows.iter().map(tally).collect()
}

fn interval(row: &AnyRow) -> Result<IntervalRow, sqlx::Error> {
    let p99_us: Option<i64> = row.try_get(7)?;
    let p99_us = p99_us.map(u64::try_from).transpose();
    let latency: Option<String> = row.try_get(8)?;
    let latency = latency.map(|text| serde_json::from_str(&text)).transpose();
    Ok(IntervalRow {
        lane: parsed(row.try_get(0)?)?,
        deployment: PromotionNumber(unsigned(row, 1)?),
        source: row.try_get(2)?,
        start: Timestamp(row.try_get(3)?),
        width: Span(unsigned(row, 4)?),
        total: unsigned(row, 5)?,
        failed: unsigned(row, 6)?,
        p99_us: p99_us.map_err(|error| sqlx::Error::Decode(error.into()))?,
        latency: latency.map_err(|error| sqlx::Error::Decode(error.into()))?,
    })
}
