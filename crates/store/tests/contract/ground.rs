//! Places to test on, and turns to write there. Expects nothing itself.

use std::path::Path;

use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use tempfile::TempDir;
use towpath_core::ids::{LaneId, Name, PromotionNumber};
use towpath_core::units::Timestamp;
use towpath_ports::store::{NewEvent, OutboxRow, PromotionRow, StateRow, StoreIdentity, Turn};
use towpath_store::SqlStore;

/// An empty place for one store.
pub(crate) struct Ground {
    pub(crate) location: String,
    directory: Option<TempDir>,
    schema: Option<(String, String)>,
}

impl Ground {
    pub(crate) fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let location = directory.path().join("journal.db").display().to_string();
        Self { location, directory: Some(directory), schema: None }
    }

    /// None when there is no PostgreSQL to test on.
    pub(crate) async fn postgres(name: &str) -> Option<Self> {
        let Ok(server) = std::env::var("TOWPATH_TEST_POSTGRES") else {
            skip(name, "TOWPATH_TEST_POSTGRES names no PostgreSQL server");
            return None;
        };
        let schema = format!("towpath_{name}").chars().take(60).collect::<String>();
        let sign = if server.contains('?') { '&' } else { '?' };
        let location = format!("{server}{sign}options[search_path]={schema}");
        let ground = Self { location, directory: None, schema: Some((server, schema)) };
        ground.clear().await;
        let (server, schema) = ground.schema.as_ref().expect("set above");
        run(server, &format!("CREATE SCHEMA {schema}")).await;
        Some(ground)
    }

    /// Removes what a test left on the server.
    pub(crate) async fn clear(&self) {
        if let Some((server, schema)) = &self.schema {
            run(
                server,
                &format!(
                    "SET client_min_messages = warning; DROP SCHEMA IF EXISTS {schema} CASCADE"
                ),
            )
            .await;
        }
    }

    /// A PostgreSQL database of its own, whose connections can be cut without harm to other tests.
    pub(crate) async fn postgres_database(name: &str) -> Option<Self> {
        let server = Self::postgres(name).await?;
        let (url, schema) = server.schema.as_ref().expect("it is PostgreSQL");
        run(url, &format!("DROP DATABASE IF EXISTS {schema} WITH (FORCE)")).await;
        run(url, &format!("CREATE DATABASE {schema} ENCODING 'UTF8' TEMPLATE template0")).await;
        let sign = if url.contains('?') { '&' } else { '?' };
        Some(Self { location: format!("{url}{sign}dbname={schema}"), ..server })
    }

    /// Ends the writing connections of a [`Self::postgres_database`], as a restart would.
    pub(crate) async fn cut_writers(&self) {
        let (url, schema) = self.schema.as_ref().expect("it is PostgreSQL");
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = '{schema}' AND application_name = 'towpath'"
        );
        run(url, &sql).await;
    }

    pub(crate) async fn open(&self) -> SqlStore {
        SqlStore::open_with_reserve(&self.location, &identity(), 0).await.expect("the store opens")
    }

    /// Runs SQL behind the store's back.
    pub(crate) async fn raw(&self, sql: &str) {
        let url = match self.directory {
            Some(_) => format!("sqlite://{}?mode=rw", self.location),
            None => self.location.clone(),
        };
        run(&url, sql).await;
    }
}

/// Runs SQL on any SQLite file.
pub(crate) async fn run_on_file(path: &Path, sql: &str) {
    run(&format!("sqlite://{}?mode=rw", path.display()), sql).await;
}

/// Takes the write lock of an SQLite file.
pub(crate) async fn lock_file(path: &Path) -> AnyConnection {
    let url = format!("sqlite://{}?mode=rw", path.display());
    let mut connection = AnyConnection::connect(&url).await.expect("the database is there");
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.expect("it is free");
    connection
}

async fn run(url: &str, sql: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.expect("the database is there");
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection.close().await.expect("it closes");
}

/// Says that a test did not run; under CI that is a failure.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn skip(name: &str, why: &str) {
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{name} must run under CI: {why}");
    eprintln!("skipped: {name}: {why}");
}

pub(crate) fn identity() -> StoreIdentity {
    StoreIdentity { project: Name::new("soundbite").unwrap(), speed: 1 }
}

pub(crate) fn lane(text: &str) -> LaneId {
    LaneId::try_from(text.to_owned()).unwrap()
}

/// A turn with `events` events and nothing else.
pub(crate) fn turn(id: &str, events: usize) -> Turn {
    Turn {
        id: id.to_owned(),
        at: Timestamp(1_800_000_000_000_000),
        events: (0..events).map(|number| event(id, number)).collect(),
        ..Turn::default()
    }
}

fn event(id: &str, number: usize) -> NewEvent {
    NewEvent {
        lane: number.is_multiple_of(2).then(|| lane("api/staging")),
        promotion: number.is_multiple_of(2).then_some(PromotionNumber(7)),
        actor: "änna".to_owned(),
        kind: "promotion-started".to_owned(),
        body: json!({ "turn": id, "number": number, "text": "it's \"fine\"\u{0}\n?$1", "share": 0.1 }),
    }
}

pub(crate) fn state(key: &str, version: u64) -> StateRow {
    StateRow { key: key.to_owned(), version, body: json!({ "at": version }) }
}

pub(crate) fn command(id: &str) -> OutboxRow {
    OutboxRow { id: id.to_owned(), lane: Some(lane("api/staging")), body: json!({ "do": id }) }
}

pub(crate) fn promotion(number: u64, lane_text: &str, state: &str) -> PromotionRow {
    PromotionRow {
        number: PromotionNumber(number),
        lane: lane(lane_text),
        state: state.to_owned(),
        ended: state == "succeeded",
        requested_at: Timestamp(5),
        ended_at: (state == "succeeded").then_some(Timestamp(9)),
        body: json!({ "release": "1.0.0" }),
    }
}
