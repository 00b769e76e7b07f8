//! Brings the schema to this version, once, and refuses a newer one. Owns the list of migrations;
//! they themselves are the files in `migrations/`, one text for both databases.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};
use towpath_audit::chain::genesis;
use towpath_core::ids::Digest;
use towpath_ports::store::StoreIdentity;

use crate::database::Database;
use crate::head::Head;
use crate::open::OpenError;
use crate::script::{self, Statement, Topic};
use crate::{postgres, sqlite};

struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

/// What is kept together, and grows by its own migrations.
#[derive(Clone, Copy)]
pub(crate) struct Kept {
    /// The table that says which migrations were applied.
    versions: &'static str,
    /// In order, from version 1 without gaps. One that was ever released is never changed.
    migrations: &'static [Migration],
}

/// The journal of one project.
const JOURNAL: Kept = Kept {
    versions: "schema_versions",
    migrations: &[
        Migration { version: 1, name: "begin", sql: include_str!("../migrations/0001_begin.sql") },
        Migration {
            version: 2,
            name: "latency",
            sql: include_str!("../migrations/0002_latency.sql"),
        },
        Migration {
            version: 3,
            name: "answers",
            sql: include_str!("../migrations/0003_answers.sql"),
        },
        Migration {
            version: 4,
            name: "counted",
            sql: include_str!("../migrations/0004_counted.sql"),
        },
    ],
};

/// Who may sign in at a server. On PostgreSQL it may stand in the same schema as a journal.
const ACCOUNTS: Kept = Kept {
    versions: "accounts_schema_versions",
    migrations: &[Migration {
        version: 1,
        name: "begin",
        sql: include_str!("../migrations/accounts/0001_begin.sql"),
    }],
};

/// The schema of a journal that this program reads and writes.
pub const SCHEMA_VERSION: i64 = JOURNAL.newest();

impl Kept {
    const fn newest(&self) -> i64 {
        self.migrations[self.migrations.len() - 1].version
    }
}

/// Makes the schema, or brings it up to date, and ties it to `identity` or checks that it is.
/// All or nothing. After an error the connection is in an open transaction and must be dropped.
pub(crate) async fn prepare(
    database: Database,
    connection: &mut AnyConnection,
    identity: &StoreIdentity,
    place: &str,
) -> Result<(), OpenError> {
    let failed = |error: sqlx::Error| OpenError::of(database, place, &error);
    execute(connection, database.begin()).await.map_err(failed)?;
    if database == Database::Postgres {
        execute(connection, postgres::LOCK_SCHEMA).await.map_err(failed)?;
    }
    let found = found_versions(&JOURNAL, connection).await.map_err(failed)?;
    check_versions(&JOURNAL, &found, place)?;
    if !found.is_empty() {
        check_identity(connection, identity, place)
            .await
            .map_err(|error| error.unwrap_or_else(failed))?;
    }
    update(database, &JOURNAL, connection, &found).await.map_err(failed)?;
    if found.is_empty() {
        tie(database, connection, identity).await.map_err(failed)?;
    }
    execute(connection, "COMMIT").await.map_err(failed)
}

/// The same of the place where accounts are kept, which belongs to no project.
pub(crate) async fn prepare_accounts(
    database: Database,
    connection: &mut AnyConnection,
    place: &str,
) -> Result<(), OpenError> {
    let failed = |error: sqlx::Error| OpenError::of(database, place, &error);
    execute(connection, database.begin()).await.map_err(failed)?;
    if database == Database::Postgres {
        execute(connection, postgres::LOCK_SCHEMA).await.map_err(failed)?;
    }
    let found = found_versions(&ACCOUNTS, connection).await.map_err(failed)?;
    check_versions(&ACCOUNTS, &found, place)?;
    update(database, &ACCOUNTS, connection, &found).await.map_err(failed)?;
    mark(database, connection).await.map_err(failed)?;
    execute(connection, "COMMIT").await.map_err(failed)
}

/// Whether there is a schema, which must be this program's, tied to `identity`. Changes nothing.
pub(crate) async fn inspect(
    database: Database,
    connection: &mut AnyConnection,
    identity: &StoreIdentity,
    place: &str,
) -> Result<bool, OpenError> {
    let failed = |error: sqlx::Error| OpenError::of(database, place, &error);
    let exists = match database {
        Database::Sqlite => "SELECT count(*) FROM sqlite_master WHERE name = 'schema_versions'",
        Database::Postgres => {
            "SELECT count(*) FROM information_schema.tables \
             WHERE table_name = 'schema_versions' AND table_schema = current_schema()"
        }
    };
    let row = sqlx::query(exists).fetch_one(&mut *connection).await.map_err(failed)?;
    if row.try_get::<i64, _>(0).map_err(failed)? == 0 {
        return Ok(false);
    }
    let found = read_versions(&JOURNAL, connection).await.map_err(failed)?;
    if found.is_empty() {
        return Ok(false);
    }
    check_versions(&JOURNAL, &found, place)?;
    if last_version(&found) < SCHEMA_VERSION {
        return Err(OpenError::Unavailable {
            place: place.to_owned(),
            cause: "an older towpath made it, and nobody has brought it up to date".to_owned(),
        });
    }
    let checked = check_identity(connection, identity, place).await;
    checked.map_err(|error| error.unwrap_or_else(failed))?;
    Ok(true)
}

async fn execute(connection: &mut AnyConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(sql).execute(connection).await.map(|_| ())
}

async fn found_versions(
    kept: &Kept,
    connection: &mut AnyConnection,
) -> Result<Vec<(i64, String)>, sqlx::Error> {
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {} \
         (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL)",
        kept.versions
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
    read_versions(kept, connection).await
}

async fn read_versions(
    kept: &Kept,
    connection: &mut AnyConnection,
) -> Result<Vec<(i64, String)>, sqlx::Error> {
    let sql = format!("SELECT version, digest FROM {} ORDER BY version", kept.versions);
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(connection).await?;
    rows.iter().map(|row: &AnyRow| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

fn last_version(found: &[(i64, String)]) -> i64 {
    found.last().map_or(0, |(version, _)| *version)
}

fn check_versions(kept: &Kept, found: &[(i64, String)], place: &str) -> Result<(), OpenError> {
    if last_version(found) > kept.newest() {
        return Err(OpenError::Newer {
            place: place.to_owned(),
            found: last_version(found),
            known: kept.newest(),
        });
    }
    for ((version, digest), known) in found.iter().zip(kept.migrations) {
        if *version != known.version || *digest != Digest::of(known.sql.as_bytes()).as_str() {
            return Err(OpenError::Refused {
                place: place.to_owned(),
                cause: format!("its schema version {version} is not the one this towpath knows"),
            });
        }
    }
    Ok(())
}

/// The inner error is none when the database itself failed.
async fn check_identity(
    connection: &mut AnyConnection,
    identity: &StoreIdentity,
    place: &str,
) -> Result<(), IdentityError> {
    let row = sqlx::query("SELECT project, speed FROM identity WHERE id = 1")
        .fetch_one(connection)
        .await
        .map_err(IdentityError::Database)?;
    let project: String = row.try_get(0).map_err(IdentityError::Database)?;
    let speed: i64 = row.try_get(1).map_err(IdentityError::Database)?;
    if project != identity.project.as_str() {
        return Err(IdentityError::Other(OpenError::OtherProject {
            place: place.to_owned(),
            found: project,
            wanted: identity.project.to_string(),
        }));
    }
    if speed != i64::from(identity.speed) {
        return Err(IdentityError::Other(OpenError::OtherSpeed {
            place: place.to_owned(),
            found: speed,
            wanted: identity.speed,
        }));
    }
    Ok(())
}

enum IdentityError {
    Database(sqlx::Error),
    Other(OpenError),
}

impl IdentityError {
    fn unwrap_or_else(self, failed: impl Fn(sqlx::Error) -> OpenError) -> OpenError {
        match self {
            Self::Database(error) => failed(error),
            Self::Other(error) => error,
        }
    }
}

/// Applies what was not applied yet.
async fn update(
    database: Database,
    kept: &Kept,
    connection: &mut AnyConnection,
    found: &[(i64, String)],
) -> Result<(), sqlx::Error> {
    for migration in kept.migrations.iter().filter(|step| step.version > last_version(found)) {
        apply(database, kept, connection, migration).await?;
    }
    Ok(())
}

async fn apply(
    database: Database,
    kept: &Kept,
    connection: &mut AnyConnection,
    migration: &Migration,
) -> Result<(), sqlx::Error> {
    let sql = match database {
        Database::Sqlite => sqlite::schema_text(migration.sql),
        Database::Postgres => migration.sql.to_owned(),
    };
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
    let sql = format!("INSERT INTO {} (version, name, digest) VALUES (?, ?, ?)", kept.versions);
    let remember = Statement::new(Topic::Transaction, &sql)
        .with(migration.version)
        .with(migration.name)
        .with(Digest::of(migration.sql.as_bytes()).as_str());
    run(database, connection, vec![remember]).await
}

/// Says in an SQLite file whose it is.
async fn mark(database: Database, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    if database == Database::Sqlite {
        let sql = format!("PRAGMA application_id = {}", sqlite::APPLICATION_ID);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    }
    Ok(())
}

async fn tie(
    database: Database,
    connection: &mut AnyConnection,
    identity: &StoreIdentity,
) -> Result<(), sqlx::Error> {
    mark(database, connection).await?;
    let tie = Statement::new(
        Topic::Transaction,
        "INSERT INTO identity (id, project, speed) VALUES (1, ?, ?)",
    )
    .with(identity.project.as_str())
    .with(i64::from(identity.speed));
    let first = Head::first(&genesis(&identity.project, identity.speed));
    run(database, connection, vec![tie, first]).await
}

async fn run(
    database: Database,
    connection: &mut AnyConnection,
    statements: Vec<Statement>,
) -> Result<(), sqlx::Error> {
    match script::run(database, connection, statements).await.error {
        None => Ok(()),
        Some((_, error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_from_one_without_gaps() {
        for kept in [JOURNAL, ACCOUNTS] {
            for (migration, version) in kept.migrations.iter().zip(1..) {
                assert_eq!(migration.version, version, "{}", migration.name);
            }
        }
    }

    #[test]
    fn a_released_migration_is_never_changed() {
        let digests: Vec<_> = JOURNAL
            .migrations
            .iter()
            .map(|step| Digest::of(step.sql.as_bytes()).short().to_owned())
            .collect();
        assert_eq!(
            digests,
            ["abba723bfd87", "564d64ba055a", "bf400d7634a6", "4ad173ff7620"],
            "existing journals would be refused"
        );
    }
}
