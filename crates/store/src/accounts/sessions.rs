//! Rows of sessions. Owns their columns; asks no database.

use sqlx::Row as _;
use sqlx::any::AnyRow;
use towpath_core::ids::{Digest, Person, SessionId};
use towpath_core::units::Timestamp;
use towpath_ports::accounts::{KeptSession, MOST_SESSIONS};

use super::odd;
use crate::script::Value;

/// All of a session, in the order of [`session`].
pub(super) const COLUMNS: &str =
    "hash, id, person, way, place, started_at, first_at, second_at, expires_at, claims";
/// Before a WHERE.
pub(super) const SELECT: &str = "SELECT hash, id, person, way, place, started_at, first_at, \
     second_at, expires_at, claims FROM web_sessions";
/// What an open one is; its value is the time.
pub(super) const OPEN: &str = "AND ended_at IS NULL AND expires_at > ?";
/// Keeps a new one.
pub(super) const BEGIN: &str = "INSERT INTO web_sessions \
     (hash, id, person, way, place, started_at, first_at, second_at, expires_at, claims) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
/// Removes what ended long ago; its values are that time twice.
pub(super) const SWEEP: &str = "DELETE FROM web_sessions WHERE expires_at < ? OR ended_at < ?";

/// Ends those of a person beyond the most; its values are the time and the person twice.
pub(super) fn end_the_oldest() -> String {
    format!(
        "UPDATE web_sessions SET ended_at = ? WHERE person = ? AND ended_at IS NULL AND id NOT IN \
         (SELECT id FROM web_sessions WHERE person = ? AND ended_at IS NULL \
         ORDER BY started_at DESC, id LIMIT {MOST_SESSIONS})"
    )
}

/// The values of a new one, in the order of [`COLUMNS`].
pub(super) fn values(session: &KeptSession) -> Vec<Value> {
    vec![
        session.hash.as_str().into(),
        session.id.as_str().into(),
        session.person.as_str().into(),
        session.way.as_str().into(),
        session.place.as_str().into(),
        session.started.0.into(),
        session.first.0.into(),
        session.second.map(|second| second.0).into(),
        session.expires_at.0.into(),
        session.claims.as_deref().into(),
    ]
}

/// One as it was read.
pub(super) fn session(row: &AnyRow) -> Result<KeptSession, sqlx::Error> {
    let text = |column: usize| row.try_get::<String, _>(column);
    let second: Option<i64> = row.try_get(7)?;
    Ok(KeptSession {
        hash: Digest::new(&text(0)?).map_err(odd)?,
        id: SessionId::new(&text(1)?).map_err(odd)?,
        person: Person::new(&text(2)?).map_err(odd)?,
        way: text(3)?,
        place: text(4)?,
        started: Timestamp(row.try_get(5)?),
        first: Timestamp(row.try_get(6)?),
        second: second.map(Timestamp),
        expires_at: Timestamp(row.try_get(8)?),
        claims: row.try_get(9)?,
    })
}
