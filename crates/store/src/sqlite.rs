//! What only SQLite needs: the file, its modes, its session and its error codes. Runs no SQL of a
//! topic.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, Connection as _, Row as _};

use crate::failure::Kind;
use crate::open::OpenError;

/// Older versions can lose committed pages when two connections reset the WAL at once
/// (sqlite.org/releaselog/3_51_3.html).
const OLDEST_VERSION: [u32; 3] = [3, 51, 3];

/// With the pause, the five seconds of patience that a session has too. Preparing takes milliseconds.
const TRIES: u32 = 250;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// "towp" in ASCII, in the file's header (sqlite.org/fileformat2.html#application_id), so that another
/// program's database is never taken for ours, nor ours by `file` for just any.
pub(crate) const APPLICATION_ID: i64 = 0x746f_7770;

/// Durable at every commit, five seconds of patience with other writers (a backup, a shell), a WAL
/// file that gives space back after a burst.
pub(crate) const WRITER_SESSION: &str = "PRAGMA busy_timeout = 5000; \
     PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL; \
     PRAGMA fullfsync = ON; \
     PRAGMA foreign_keys = ON; \
     PRAGMA trusted_schema = OFF; \
     PRAGMA cell_size_check = ON; \
     PRAGMA journal_size_limit = 67108864";

/// A reader that cannot write even by mistake.
pub(crate) const READER_SESSION: &str = "PRAGMA busy_timeout = 5000; \
     PRAGMA foreign_keys = ON; \
     PRAGMA trusted_schema = OFF; \
     PRAGMA cell_size_check = ON; \
     PRAGMA query_only = ON";

/// `sql` of a migration as SQLite takes it. There a BIGINT primary key is an index beside the table,
/// an INTEGER one is the table's own order; the values are the same.
pub(crate) fn schema_text(sql: &str) -> String {
    sql.replace("BIGINT NOT NULL PRIMARY KEY", "INTEGER NOT NULL PRIMARY KEY")
}

/// The file's absolute path, with its directory and the file made if they are missing: the directory
/// for its owner alone (0700), the file too (0600; SQLite gives the WAL the same).
pub(crate) fn prepare_file(path: &Path) -> Result<PathBuf, OpenError> {
    let place = path.display().to_string();
    let failed = |error: io::Error| file_error(&place, &error);
    let path = std::path::absolute(path).map_err(failed)?;
    if let Some(directory) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        refuse_network(directory)?;
        let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        rustix::fs::access(directory, access).map_err(|error| failed(error.into()))?;
    }
    // An existing file is only looked at: closing any handle of it would take the locks that SQLite
    // holds on it in this process (sqlite.org/howtocorrupt.html, section 2.2).
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => drop(made.map_err(failed)?),
    }
    if !std::fs::metadata(&path).map_err(failed)?.is_file() {
        return Err(OpenError::Foreign { place, why: "not a file".to_owned() });
    }
    let access = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK;
    rustix::fs::access(&path, access).map_err(|error| failed(error.into()))?;
    Ok(path)
}

/// Waits until nobody else prepares a journal in this directory, and keeps others waiting until the
/// answer is dropped. SQLite's own lock does not do: switching a new file to its write-ahead log is
/// refused at once, whatever the patience, while another has the file open (`SQLITE_BUSY`).
pub(crate) async fn prepare_alone(path: &Path) -> Result<File, OpenError> {
    let place = path.display().to_string();
    let directory = path.parent().unwrap_or(path);
    let lock = File::open(directory).map_err(|error| file_error(&place, &error))?;
    for _ in 0..TRIES {
        match rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(lock),
            Err(rustix::io::Errno::WOULDBLOCK) => tokio::time::sleep(BETWEEN_TRIES).await,
            Err(error) => return Err(file_error(&place, &error.into())),
        }
    }
    Err(OpenError::Unavailable { place, cause: "another program is preparing it".to_owned() })
}

fn file_error(place: &str, error: &io::Error) -> OpenError {
    let place = place.to_owned();
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            OpenError::ReadOnly { place, cause: error.to_string() }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OpenError::Full { place },
        io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => {
            OpenError::Foreign { place, why: error.to_string() }
        }
        _ => OpenError::Refused { place, cause: error.to_string() },
    }
}

/// WAL needs memory shared by all who have the file open, which a network filesystem does not give
/// (sqlite.org/wal.html). Numbers from linux/magic.h: NFS, SMB, CIFS, SMB2, AFS.
#[cfg(target_os = "linux")]
fn refuse_network(directory: &Path) -> Result<(), OpenError> {
    const NETWORK: [u32; 5] = [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x5346_414f];
    let kind = rustix::fs::statfs(directory).map(|found| found.f_type.cast_unsigned());
    // The field's width differs between machines; the numbers have 32 bits.
    let number = kind.map(|kind| u32::try_from(kind & 0xffff_ffff).unwrap_or(0));
    if number.is_ok_and(|number| NETWORK.contains(&number)) {
        return Err(OpenError::NetworkFilesystem { place: directory.display().to_string() });
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn refuse_network(_directory: &Path) -> Result<(), OpenError> {
    Ok(())
}

/// How to connect to the file at the absolute `path`.
pub(crate) fn options(path: &Path) -> Result<AnyConnectOptions, OpenError> {
    let place = path.display().to_string();
    let Some(text) = path.to_str() else {
        return Err(OpenError::Location { place, why: "its path is not UTF-8".to_owned() });
    };
    let mut url = String::from("sqlite://");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            std::fmt::Write::write_fmt(&mut url, format_args!("%{byte:02X}"))
                .expect("a String takes all");
        }
    }
    url.push_str("?mode=rw");
    url.parse().map_err(|error: sqlx::Error| OpenError::Location { place, why: error.to_string() })
}

/// Refuses an SQLite that is too old and a file that another program made. Changes nothing.
pub(crate) async fn inspect(connection: &mut AnyConnection, place: &str) -> Result<(), OpenError> {
    let failed = |error: sqlx::Error| OpenError::of_sqlite(place, &error);
    let version: String = sqlx::query("SELECT sqlite_version()")
        .fetch_one(&mut *connection)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(failed)?;
    check_version(&version)?;
    let (application, objects) = read_marks(connection).await.map_err(failed)?;
    if objects > 0 && application != APPLICATION_ID {
        return Err(OpenError::Foreign {
            place: place.to_owned(),
            why: "a database of another program".to_owned(),
        });
    }
    Ok(())
}

/// The application id and how many tables and the like there are. Of one moment: another engine may be
/// making the schema right now, and its commit between the two reads would look like a stranger's file.
async fn read_marks(connection: &mut AnyConnection) -> Result<(i64, i64), sqlx::Error> {
    let mut moment = connection.begin().await?;
    let application =
        sqlx::query("PRAGMA application_id").fetch_one(&mut *moment).await?.try_get(0)?;
    let objects = sqlx::query("SELECT count(*) FROM sqlite_master")
        .fetch_one(&mut *moment)
        .await?
        .try_get(0)?;
    moment.rollback().await?;
    Ok((application, objects))
}

fn check_version(version: &str) -> Result<(), OpenError> {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let found: [u32; 3] = std::array::from_fn(|_| parts.next().unwrap_or(0));
    if found < OLDEST_VERSION {
        return Err(OpenError::OldSqlite { found: version.to_owned() });
    }
    Ok(())
}

/// Makes sure that the file is in WAL mode: some filesystems cannot, and SQLite then stays silent.
pub(crate) async fn check_wal(
    connection: &mut AnyConnection,
    place: &str,
) -> Result<(), OpenError> {
    let mode: String = sqlx::query("PRAGMA journal_mode")
        .fetch_one(connection)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(|error| OpenError::of_sqlite(place, &error))?;
    if mode == "wal" {
        return Ok(());
    }
    Err(OpenError::Refused {
        place: place.to_owned(),
        cause: format!("its filesystem cannot hold a write-ahead log (journal mode is {mode})"),
    })
}

/// What an extended result code means (sqlite.org/rescode.html).
pub(crate) fn kind_of_code(code: &str) -> Kind {
    match code.parse::<u32>().map_or(0, |code| code & 0xff) {
        5 | 6 | 15 => Kind::Busy,
        8 | 14 => Kind::ReadOnly,
        10 => Kind::Disk,
        11 => Kind::Damaged,
        13 => Kind::Full,
        19 | 20 => Kind::Constraint,
        26 => Kind::NotADatabase,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlite_that_can_lose_commits_is_refused() {
        for old in ["3.46.0", "3.51.2", "2.99.99", "nonsense"] {
            assert!(check_version(old).is_err(), "{old}");
        }
        for new in ["3.51.3", "3.52.0", "4.0.0"] {
            assert!(check_version(new).is_ok(), "{new}");
        }
    }

    #[test]
    fn extended_codes_mean_what_their_primary_code_means() {
        assert_eq!(kind_of_code("1555"), Kind::Constraint);
        assert_eq!(kind_of_code("517"), Kind::Busy);
        assert_eq!(kind_of_code("1034"), Kind::Disk);
        assert_eq!(kind_of_code("13"), Kind::Full);
        assert_eq!(kind_of_code("abc"), Kind::Other);
    }

    #[test]
    fn a_path_with_any_character_becomes_a_url() {
        let url = options(Path::new("/tmp/a b?c#d%e/ü.db")).unwrap().database_url;
        assert_eq!(url.as_str(), "sqlite:///tmp/a%20b%3Fc%23d%25e/%C3%BC.db?mode=rw");
    }
}
