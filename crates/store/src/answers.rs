//! Answers to orders that had a key. Owns their rows; decides nothing about what is done with them.

use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row as _};
use towpath_core::ids::Digest;
use towpath_ports::answers::{AskedOnce, Claim, KEPT_FOR, KeptAnswer, MOST_ANSWERS};

use crate::database::Database;
use crate::script::{Statement, Topic, arguments};

/// Most old rows that one claim removes: so few that it takes no longer for it, and more than it adds.
const SWEPT_AT_ONCE: u32 = 100;

/// Notes a request, unless its key is known or there are too many; removes what is old before.
pub(crate) fn claim(asked: &AskedOnce) -> Vec<Statement> {
    let old = asked.at.minus(KEPT_FOR).0;
    let sweep = format!(
        "DELETE FROM answers WHERE asked_at <= ? AND (id = ? OR id IN \
         (SELECT id FROM answers WHERE asked_at <= ? ORDER BY asked_at LIMIT {SWEPT_AT_ONCE}))"
    );
    let sweep = Statement::new(Topic::Transaction, &sweep).with(old);
    let note = format!(
        "INSERT INTO answers (id, request, asked_at) SELECT ?, ?, ? \
         WHERE (SELECT count(*) FROM answers) < {MOST_ANSWERS} ON CONFLICT (id) DO NOTHING"
    );
    vec![
        sweep.with(asked.id.as_str()).with(old),
        Statement::new(Topic::Answers, &note)
            .with(asked.id.as_str())
            .with(asked.request.as_str())
            .with(asked.at.0),
    ]
}

/// Keeps an answer.
pub(crate) fn keep(id: &Digest, answer: &KeptAnswer) -> Statement {
    let sql = "UPDATE answers SET status = ?, media_type = ?, location = ?, body = ? WHERE id = ?";
    Statement::new(Topic::Answers, sql)
        .with(i64::from(answer.status))
        .with(answer.media_type.as_deref())
        .with(answer.location.as_deref())
        .with(answer.body.as_deref())
        .with(id.as_str())
}

/// Forgets a request that was not answered.
pub(crate) fn release(id: &Digest) -> Statement {
    let sql = "DELETE FROM answers WHERE id = ? AND status IS NULL";
    Statement::new(Topic::Answers, sql).with(id.as_str())
}

/// What is known of a request that was not noted.
pub(crate) async fn known(
    database: Database,
    readers: &AnyPool,
    asked: &AskedOnce,
) -> Result<Claim, sqlx::Error> {
    let sql = database
        .text("SELECT request, status, media_type, location, body FROM answers WHERE id = ?");
    let values = arguments(vec![asked.id.as_str().into()]);
    let rows = sqlx::query_with(sqlx::AssertSqlSafe(sql), values).fetch_all(readers).await?;
    let Some(row) = rows.first() else { return Ok(Claim::Full) };
    if row.try_get::<String, _>(0)? != asked.request.as_str() {
        return Ok(Claim::Other);
    }
    Ok(answer(row)?.map_or(Claim::Unanswered, Claim::Answered))
}

fn answer(row: &AnyRow) -> Result<Option<KeptAnswer>, sqlx::Error> {
    let status: Option<i64> = row.try_get(1)?;
    let Some(status) = status else { return Ok(None) };
    let odd = |_| sqlx::Error::Decode(format!("the status {status} of an answer").into());
    Ok(Some(KeptAnswer {
        status: u16::try_from(status).map_err(odd)?,
        media_type: row.try_get(2)?,
        location: row.try_get(3)?,
        body: row.try_get(4)?,
    }))
}
