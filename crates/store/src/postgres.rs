//! What only PostgreSQL needs: its session, the lock around migrations and its error codes. Runs no
//! SQL of a topic.

use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, Row as _};

use crate::failure::Kind;
use crate::open::OpenError;

/// How long one transaction may take, answers of a silent network included. Longer than the server's
/// own limits below, so that the server gets to say what happened.
pub(crate) const PATIENCE: Duration = Duration::from_secs(45);

/// Five seconds of patience with other writers, as on SQLite; half a minute for a statement; and a
/// server that frees the head row when this side is gone.
pub(crate) const WRITER_SESSION: &str = "SET application_name = 'towpath'; \
     SET client_min_messages = warning; \
     SET lock_timeout = '5s'; \
     SET statement_timeout = '30s'; \
     SET idle_in_transaction_session_timeout = '30s'; \
     SET default_transaction_isolation = 'read committed'";

/// A reader that cannot write even by mistake.
pub(crate) const READER_SESSION: &str = "SET application_name = 'towpath reader'; \
     SET client_min_messages = warning; \
     SET lock_timeout = '5s'; \
     SET statement_timeout = '30s'; \
     SET idle_in_transaction_session_timeout = '30s'; \
     SET default_transaction_read_only = on";

/// Held while the schema changes, so that two that open an empty database at once do it once. Any
/// number does; this one is "towpath" in ASCII.
pub(crate) const LOCK_SCHEMA: &str = "SELECT pg_advisory_xact_lock(32774938262041704)";

/// How to connect to `url`.
pub(crate) fn options(url: &str) -> Result<AnyConnectOptions, OpenError> {
    url.parse().map_err(|error: sqlx::Error| OpenError::Location {
        place: "the PostgreSQL URL".to_owned(),
        why: error.to_string(),
    })
}

/// The database as messages name it: never with the user's password.
pub(crate) fn shown(options: &AnyConnectOptions) -> String {
    let url = &options.database_url;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("postgres://{}{port}{}", url.host_str().unwrap_or("localhost"), url.path())
}

/// Refuses a database that cannot hold every text, and one that acknowledges before it has written.
pub(crate) async fn inspect(connection: &mut AnyConnection, place: &str) -> Result<(), OpenError> {
    let encoding = setting(connection, "SHOW server_encoding", place).await?;
    if encoding != "UTF8" {
        return Err(OpenError::Refused {
            place: place.to_owned(),
            cause: format!("its encoding is {encoding}; make the database with encoding UTF8"),
        });
    }
    let synchronous = setting(connection, "SHOW synchronous_commit", place).await?;
    if synchronous == "off" {
        return Err(OpenError::Refused {
            place: place.to_owned(),
            cause: "synchronous_commit is off, so commits could be lost; set it to on".to_owned(),
        });
    }
    Ok(())
}

async fn setting(
    connection: &mut AnyConnection,
    sql: &'static str,
    place: &str,
) -> Result<String, OpenError> {
    sqlx::query(sql)
        .fetch_one(connection)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(|error| OpenError::of_postgres(place, &error))
}

/// What an SQLSTATE means (postgresql.org/docs/current/errcodes-appendix.html). A cancelled statement
/// counts as lost: a COMMIT that was cancelled while it waited for a standby has been written.
pub(crate) fn kind_of_code(code: &str) -> Kind {
    match code {
        "53100" => Kind::Full,
        "25006" | "42501" => Kind::ReadOnly,
        "55P03" => Kind::Busy,
        "25P03" => Kind::Lost,
        "58030" => Kind::Disk,
        "XX001" | "XX002" => Kind::Damaged,
        _ => match code.get(..2) {
            Some("08" | "57") => Kind::Lost,
            Some("53" | "40") => Kind::Busy,
            Some("22" | "23") => Kind::Constraint,
            _ => Kind::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        let options = options("postgres://anna:geheim@db.example:5433/towpath?sslmode=require");
        let shown = shown(&options.unwrap());
        assert_eq!(shown, "postgres://db.example:5433/towpath");
    }

    #[test]
    fn a_server_that_goes_down_is_lost_and_a_serialisation_failure_is_not() {
        assert_eq!(kind_of_code("57P01"), Kind::Lost);
        assert_eq!(kind_of_code("40001"), Kind::Busy);
        assert_eq!(kind_of_code("23505"), Kind::Constraint);
        assert_eq!(kind_of_code("53100"), Kind::Full);
        assert_eq!(kind_of_code("4"), Kind::Other);
    }
}
