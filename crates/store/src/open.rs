//! Finds, makes and checks a store before it is used. Owns the errors of opening; keeps nothing open.

use std::path::Path;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions as _, Connection as _};
use towpath_ports::store::StoreIdentity;

use crate::database::Database;
use crate::failure::Kind;
use crate::{postgres, schema, sqlite};

/// Reads that go on at once. Pages and a `verify` beside each other; more would only queue for the
/// two cores this is meant for.
const READERS: u32 = 4;

/// Why a store could not be opened. Each says what to do; none is worth repeating unchanged except
/// `Unavailable`.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The location is neither a path nor a URL that we can use.
    #[error("{place} cannot hold a journal: {why}")]
    Location {
        /// What was given.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// The directory, the file or the server takes no writes.
    #[error("{place} takes no writes: {cause}; make the file and its directory writable")]
    ReadOnly {
        /// Which file or server.
        place: String,
        /// The system's words.
        cause: String,
    },
    /// No space.
    #[error("the disk with {place} is full; free some space and start again")]
    Full {
        /// Which file.
        place: String,
    },
    /// It is something else than a journal of ours.
    #[error("{place} is not a journal of towpath: {why}; choose another place")]
    Foreign {
        /// Which file.
        place: String,
        /// What it is.
        why: String,
    },
    /// The file is damaged.
    #[error("{place} is damaged: {cause}; restore it from a backup")]
    Damaged {
        /// Which file.
        place: String,
        /// The database's words.
        cause: String,
    },
    /// A newer program wrote it.
    #[error(
        "{place} was made by a newer towpath (schema {found}, this one knows {known}); use that one"
    )]
    Newer {
        /// Which file or server.
        place: String,
        /// The schema's version.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// It belongs to another project.
    #[error(
        "{place} is the journal of project `{found}`, not of `{wanted}`; open it with that project's \
         matrix, or choose another place"
    )]
    OtherProject {
        /// Which file or server.
        place: String,
        /// Whose it is.
        found: String,
        /// Whose it was taken for.
        wanted: String,
    },
    /// It runs at another speed, which is fixed for ever.
    #[error(
        "{place} is a journal at {found}x speed, not {wanted}x, and stays so for ever; use \
         `--rehearsal {found}x`, or another place"
    )]
    OtherSpeed {
        /// Which file or server.
        place: String,
        /// Its speed; 1 is real time.
        found: i64,
        /// The speed that was asked for.
        wanted: u32,
    },
    /// SQLite's write-ahead log does not work there.
    #[error(
        "{place} is on a network filesystem, where SQLite loses data; choose a local disk, or PostgreSQL"
    )]
    NetworkFilesystem {
        /// Which directory.
        place: String,
    },
    /// A linked SQLite with a known fault.
    #[error("SQLite {found} can lose committed data; this program needs 3.51.3 or newer")]
    OldSqlite {
        /// Its version.
        found: String,
    },
    /// It does not answer now. Trying again may help.
    #[error("{place} does not answer: {cause}")]
    Unavailable {
        /// Which file or server.
        place: String,
        /// The system's words.
        cause: String,
    },
    /// Anything else; final.
    #[error("{place} cannot be opened: {cause}")]
    Refused {
        /// Which file or server.
        place: String,
        /// The database's words.
        cause: String,
    },
}

impl OpenError {
    pub(crate) fn of_sqlite(place: &str, error: &sqlx::Error) -> Self {
        Self::of(Database::Sqlite, place, error)
    }

    pub(crate) fn of_postgres(place: &str, error: &sqlx::Error) -> Self {
        Self::of(Database::Postgres, place, error)
    }

    pub(crate) fn of(database: Database, place: &str, error: &sqlx::Error) -> Self {
        let place = place.to_owned();
        let cause = error.to_string();
        match Kind::of(database, error) {
            Kind::Busy | Kind::Lost => Self::Unavailable { place, cause },
            Kind::Full => Self::Full { place },
            Kind::ReadOnly => Self::ReadOnly { place, cause },
            Kind::Damaged => Self::Damaged { place, cause },
            Kind::NotADatabase => Self::Foreign { place, why: "not a database".to_owned() },
            Kind::Disk | Kind::Constraint | Kind::Value | Kind::Other => {
                Self::Refused { place, cause }
            }
        }
    }
}

/// A place that holds our journal, and how to connect to it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) database: Database,
    pub(crate) shown: String,
    options: AnyConnectOptions,
}

impl Place {
    /// Understands `location` and makes the file if it is one and is missing.
    pub(crate) fn find(location: &str) -> Result<Self, OpenError> {
        match Self::url_or_path(location)? {
            Ok(place) => Ok(place),
            Err(path) => Self::of_file(&sqlite::prepare_file(path)?),
        }
    }

    /// Understands `location`; none when it is a file that is missing or empty. Makes nothing.
    pub(crate) fn find_existing(location: &str) -> Result<Option<Self>, OpenError> {
        match Self::url_or_path(location)? {
            Ok(place) => Ok(Some(place)),
            Err(path) if std::fs::metadata(path).is_ok_and(|found| found.len() > 0) => {
                let shown = path.display().to_string();
                let absolute = std::path::absolute(path).map_err(|error| OpenError::Refused {
                    place: shown,
                    cause: error.to_string(),
                })?;
                Self::of_file(&absolute).map(Some)
            }
            Err(_) => Ok(None),
        }
    }

    /// A server's place, or else the path of a file.
    fn url_or_path(location: &str) -> Result<Result<Self, &Path>, OpenError> {
        sqlx::any::install_default_drivers();
        if location.starts_with("postgres://") || location.starts_with("postgresql://") {
            let options = postgres::options(location)?.disable_statement_logging();
            let shown = postgres::shown(&options);
            return Ok(Ok(Self { database: Database::Postgres, shown, options }));
        }
        let path = location.strip_prefix("sqlite://").or(location.strip_prefix("sqlite:"));
        let path = path.unwrap_or(location);
        if path.is_empty() || path.contains("://") || path.starts_with(":memory:") {
            return Err(OpenError::Location {
                place: format!("`{}`", path.split("://").next().unwrap_or_default()),
                why: "give the path of a file, or a postgres:// URL".to_owned(),
            });
        }
        Ok(Err(Path::new(path)))
    }

    fn of_file(path: &Path) -> Result<Self, OpenError> {
        let options = sqlite::options(path)?.disable_statement_logging();
        Ok(Self { database: Database::Sqlite, shown: path.display().to_string(), options })
    }

    /// Checks the place without changing anything; false when no journal was begun there.
    pub(crate) async fn inspect(&self, identity: &StoreIdentity) -> Result<bool, OpenError> {
        let failed = |error: sqlx::Error| OpenError::of(self.database, &self.shown, &error);
        let mut connection = self.options.connect().await.map_err(failed)?;
        if self.database == Database::Sqlite {
            sqlite::inspect(&mut connection, &self.shown).await?;
        }
        let session = self.reader_session();
        sqlx::raw_sql(session).execute(&mut connection).await.map_err(failed)?;
        let begun = schema::inspect(self.database, &mut connection, identity, &self.shown).await?;
        connection.close().await.map_err(failed)?;
        Ok(begun)
    }

    /// Checks the place, brings its schema up to date and ties it to `identity`, or to none for accounts.
    pub(crate) async fn prepare(&self, identity: Option<&StoreIdentity>) -> Result<(), OpenError> {
        let failed = |error: sqlx::Error| OpenError::of(self.database, &self.shown, &error);
        let _alone = match self.database {
            Database::Sqlite => Some(sqlite::prepare_alone(Path::new(&self.shown)).await?),
            Database::Postgres => None,
        };
        let mut connection = self.options.connect().await.map_err(failed)?;
        match self.database {
            Database::Sqlite => sqlite::inspect(&mut connection, &self.shown).await?,
            Database::Postgres => postgres::inspect(&mut connection, &self.shown).await?,
        }
        self.set_session(&mut connection).await.map_err(failed)?;
        if self.database == Database::Sqlite {
            sqlite::check_wal(&mut connection, &self.shown).await?;
        }
        match identity {
            Some(identity) => {
                schema::prepare(self.database, &mut connection, identity, &self.shown).await?;
            }
            None => {
                schema::prepare_accounts(self.database, &mut connection, &self.shown).await?;
            }
        }
        connection.close().await.map_err(failed)
    }

    /// A connection that writes.
    pub(crate) async fn connect_writer(&self) -> Result<AnyConnection, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        self.set_session(&mut connection).await?;
        Ok(connection)
    }

    /// Connections that only read.
    pub(crate) fn readers(&self) -> AnyPool {
        self.pool(self.reader_session())
    }

    /// Connections that read and write, each statement for itself.
    pub(crate) fn writers(&self) -> AnyPool {
        self.pool(self.writer_session())
    }

    fn pool(&self, session: &'static str) -> AnyPool {
        AnyPoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(std::time::Duration::from_secs(5))
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    sqlx::raw_sql(session).execute(connection).await?;
                    Ok(())
                })
            })
            .connect_lazy_with(self.options.clone())
    }

    fn reader_session(&self) -> &'static str {
        match self.database {
            Database::Sqlite => sqlite::READER_SESSION,
            Database::Postgres => postgres::READER_SESSION,
        }
    }

    fn writer_session(&self) -> &'static str {
        match self.database {
            Database::Sqlite => sqlite::WRITER_SESSION,
            Database::Postgres => postgres::WRITER_SESSION,
        }
    }

    async fn set_session(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(self.writer_session()).execute(connection).await?;
        Ok(())
    }
}
