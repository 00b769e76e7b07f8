//! Rows of local users, links, attempts and sign-ins under way. Owns their columns; asks no database.

use sqlx::Row as _;
use sqlx::any::AnyRow;
use towpath_core::ids::{Digest, Person};
use towpath_core::units::{Span, Timestamp};
use towpath_ports::accounts::{
    KeptLink, LocalUser, MOST_LINKS, MOST_UNDER_WAY, Purpose, SecondSecret, UnderWay,
};
use towpath_ports::secret::Secret;

use super::odd;
use crate::journal::unsigned;

/// One local user.
pub(super) const USER: &str =
    "SELECT person, password, second_secret, second_since FROM local_users WHERE person = ?";
/// Makes one, or gives one another password.
pub(super) const SET_PASSWORD: &str = "INSERT INTO local_users (person, password, changed_at) \
     VALUES (?, ?, ?) ON CONFLICT (person) DO UPDATE SET password = excluded.password, \
     changed_at = excluded.changed_at";
/// Another second factor, of which nothing was shown yet.
pub(super) const OFFER_SECOND: &str = "UPDATE local_users SET second_secret = ?, \
     second_since = NULL, second_step = NULL WHERE person = ?";
/// Takes a code's interval once, and none before it.
pub(super) const TAKE_STEP: &str = "UPDATE local_users SET second_step = ?, \
     second_since = COALESCE(second_since, ?) WHERE person = ? AND second_secret IS NOT NULL \
     AND (second_step IS NULL OR second_step < ?)";
/// Columns of a link, in the order of [`link`].
pub(super) const LINK: &str = "hash, purpose, person, made_by, expires_at";
/// What a link is that can be used; its value is the time.
pub(super) const LINK_OPEN: &str = "AND used_at IS NULL AND expires_at > ?";
/// Counts one more; begins anew where the window is over.
pub(super) const COUNT_ATTEMPT: &str = "INSERT INTO sign_in_attempts (key, since, times) \
     VALUES (?, ?, 1) ON CONFLICT (key) DO UPDATE SET \
     times = CASE WHEN sign_in_attempts.since <= ? THEN 1 ELSE sign_in_attempts.times + 1 END, \
     since = CASE WHEN sign_in_attempts.since <= ? THEN excluded.since ELSE sign_in_attempts.since END \
     RETURNING times";
/// How many attempts were counted; its values are the key and when a window began that is over.
pub(super) const ATTEMPTS: &str = "SELECT times FROM sign_in_attempts WHERE key = ? AND since > ?";
/// Takes a sign-in that was under way, once.
pub(super) const TAKE_UNDER_WAY: &str =
    "DELETE FROM sign_ins_under_way WHERE hash = ? RETURNING hash, body, expires_at";

/// Keeps a link where there is room.
pub(super) fn keep_link() -> String {
    format!(
        "INSERT INTO one_time_links (hash, purpose, person, made_by, expires_at) \
         SELECT CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT) \
         WHERE (SELECT COUNT(*) FROM one_time_links WHERE COALESCE(person, '') = ? {LINK_OPEN}) \
         < {MOST_LINKS}"
    )
}

/// Keeps a sign-in that goes on elsewhere, where there is room among those of its kind: strangers who begin many
/// hold up no build, which leaves the note `workload`.
pub(super) fn keep_under_way() -> String {
    format!(
        "INSERT INTO sign_ins_under_way (hash, body, expires_at) \
         SELECT CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT) \
         WHERE (SELECT COUNT(*) FROM sign_ins_under_way WHERE expires_at > ? \
         AND (body = 'workload') = (CAST(? AS TEXT) = 'workload')) < {MOST_UNDER_WAY} \
         ON CONFLICT DO NOTHING"
    )
}

/// The time that lies `span` before `now`.
pub(super) fn before(span: Span, now: Timestamp) -> i64 {
    let microseconds = span.milliseconds().saturating_mul(1000);
    now.0.saturating_sub(i64::try_from(microseconds).unwrap_or(i64::MAX))
}

fn secret(text: String) -> Result<Secret, sqlx::Error> {
    Secret::new(text).ok_or_else(|| odd("an empty secret"))
}

/// One local user as it was read.
pub(super) fn user(row: &AnyRow) -> Result<LocalUser, sqlx::Error> {
    let second: Option<String> = row.try_get(2)?;
    let since: Option<i64> = row.try_get(3)?;
    let second = second.map(secret).transpose()?;
    Ok(LocalUser {
        person: Person::new(&row.try_get::<String, _>(0)?).map_err(odd)?,
        password: secret(row.try_get(1)?)?,
        second: second.map(|secret| SecondSecret { secret, since: since.map(Timestamp) }),
    })
}

/// One link as it was read.
pub(super) fn link(row: &AnyRow) -> Result<KeptLink, sqlx::Error> {
    let word: String = row.try_get(1)?;
    let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.word() == word);
    let person: Option<String> = row.try_get(2)?;
    Ok(KeptLink {
        hash: Digest::new(&row.try_get::<String, _>(0)?).map_err(odd)?,
        purpose: purpose.ok_or_else(|| odd(format!("a link for `{word}`")))?,
        person: person.map(|name| Person::new(&name)).transpose().map_err(odd)?,
        made_by: row.try_get(3)?,
        expires_at: Timestamp(row.try_get(4)?),
    })
}

/// How often, as it was read.
pub(super) fn times(row: &AnyRow) -> Result<u64, sqlx::Error> {
    unsigned(row, 0)
}

/// One sign-in as it was read.
pub(super) fn under_way(row: &AnyRow) -> Result<UnderWay, sqlx::Error> {
    Ok(UnderWay {
        hash: Digest::new(&row.try_get::<String, _>(0)?).map_err(odd)?,
        body: row.try_get(1)?,
        expires_at: Timestamp(row.try_get(2)?),
    })
}
