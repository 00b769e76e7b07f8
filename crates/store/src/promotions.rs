//! Promotions as lists show them: a projection, written with the turn that changed them.

use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row as _};
use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::units::Timestamp;
use towpath_ports::store::PromotionRow;

use crate::commit::StoredPromotion;
use crate::database::Database;
use crate::journal::{json, parsed, unsigned};
use crate::script::{Statement, Topic, arguments, row_statements};

/// Writes promotions; one with the same number is replaced.
pub(crate) fn write(promotions: &[&StoredPromotion]) -> Vec<Statement> {
    let sql = "INSERT INTO promotions \
               (number, lane, state, ended, requested_at, ended_at, body) VALUES {rows} \
               ON CONFLICT (number) DO UPDATE SET lane = excluded.lane, state = excluded.state, \
               ended = excluded.ended, requested_at = excluded.requested_at, \
               ended_at = excluded.ended_at, body = excluded.body";
    row_statements(Topic::Promotions, sql, 7, promotions, |statement, promotion| {
        statement
            .with(promotion.number)
            .with(promotion.lane.as_str())
            .with(promotion.state.as_str())
            .with(i64::from(promotion.ended))
            .with(promotion.requested_at)
            .with(promotion.ended_at)
            .with(promotion.body.as_str())
    })
}

/// Newest first, below `before`, of one lane or of all.
pub(crate) async fn read(
    database: Database,
    readers: &AnyPool,
    lane: Option<&LaneId>,
    before: Option<PromotionNumber>,
    limit: u32,
) -> Result<Vec<PromotionRow>, sqlx::Error> {
    let before = before.map_or(i64::MAX, |number| i64::try_from(number.0).unwrap_or(i64::MAX));
    let filter = if lane.is_some() { "lane = ? AND" } else { "" };
    let sql = database.text(&format!(
        "SELECT number, lane, state, ended, requested_at, ended_at, body FROM promotions \
         WHERE {filter} number < ? ORDER BY number DESC LIMIT ?"
    ));
    let mut values: Vec<_> =
        lane.map(|lane| lane.to_string().as_str().into()).into_iter().collect();
    values.extend([before.into(), i64::from(limit).into()]);
    let rows =
        sqlx::query_with(sqlx::AssertSqlSafe(sql), arguments(values)).fetch_all(readers).await?;
    rows.iter().map(promotion).collect()
}

fn promotion(row: &AnyRow) -> Result<PromotionRow, sqlx::Error> {
    let ended: i64 = row.try_get(3)?;
    let ended_at: Option<i64> = row.try_get(5)?;
    Ok(PromotionRow {
        number: PromotionNumber(unsigned(row, 0)?),
        lane: parsed(row.try_get(1)?)?,
        state: row.try_get(2)?,
        ended: ended != 0,
        requested_at: Timestamp(row.try_get(4)?),
        ended_at: ended_at.map(Timestamp),
        body: json(row, 6)?,
    })
}
