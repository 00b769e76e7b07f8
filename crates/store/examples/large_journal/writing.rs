//! The database of a journal, without the rules by which a store writes it. Knows nothing of what the rows are.

use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};

/// Rows of one INSERT: SQLite takes 32,766 values.
pub(crate) const AT_ONCE: usize = 500;

/// A row that was read.
pub(crate) struct Row {
    number: i64,
    pub(crate) body: String,
    pub(crate) more: Vec<String>,
}

/// seq, at, lane, promotion, actor, kind, body, hash.
pub(crate) type EventValues = (i64, i64, String, i64, String, String, String, String);

/// Rows to write, all of one table.
pub(crate) enum Batch {
    /// Of the journal.
    Events(Vec<EventValues>),
    /// number, lane, state, requested, ended, body.
    Promotions(Vec<(i64, String, String, i64, i64, String)>),
    /// key, version, body.
    States(Vec<(String, i64, String)>),
    /// The end of the chain.
    Head(i64, String),
}

impl Row {
    pub(crate) fn signed(&self) -> i64 {
        self.number
    }

    pub(crate) fn number(&self) -> u64 {
        u64::try_from(self.number).expect("a number from 0")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("bodies are JSON")
    }
}

/// A journal that no engine has open.
pub(crate) struct Database {
    connection: AnyConnection,
    is_sqlite: bool,
}

impl Database {
    pub(crate) async fn open(location: &str) -> Self {
        sqlx::any::install_default_drivers();
        let is_sqlite = !location.starts_with("postgres");
        let url = if is_sqlite { format!("sqlite://{location}") } else { location.to_owned() };
        let connection = AnyConnection::connect(&url).await.expect("the journal opens");
        Self { connection, is_sqlite }
    }

    /// A number, a text, and further texts.
    pub(crate) async fn rows(&mut self, sql: &str) -> Vec<Row> {
        let sql = AssertSqlSafe(sql.to_owned());
        let rows = sqlx::query(sql).fetch_all(&mut self.connection).await.expect("it is read");
        let row = |row: &AnyRow| Row {
            number: row.try_get(0).expect("a number"),
            body: row.try_get(1).expect("a text"),
            more: (2..row.len()).map(|at| row.try_get(at).expect("a text")).collect(),
        };
        rows.iter().map(row).collect()
    }

    /// Durability is of no use here: what breaks off is made again.
    pub(crate) async fn begin(&mut self) {
        let sql = if self.is_sqlite {
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; \
             PRAGMA cache_size = -200000; BEGIN"
        } else {
            "SET synchronous_commit = off; BEGIN"
        };
        self.run(sql).await;
    }

    pub(crate) async fn end(&mut self) {
        self.run("COMMIT").await;
        // Without statistics PostgreSQL plans as for the few rows that there were.
        self.run(if self.is_sqlite { "PRAGMA journal_mode = WAL" } else { "ANALYZE" }).await;
    }

    async fn run(&mut self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&mut self.connection).await.expect("it is taken");
    }

    /// Writes them and answers how many they were.
    pub(crate) async fn write(&mut self, batch: Batch) -> usize {
        match batch {
            Batch::Events(rows) => {
                let head = "INSERT INTO events (seq, at, lane, promotion, actor, kind, body, hash) VALUES ";
                let sql = with_places(head, 8, rows.len(), "");
                let mut query = sqlx::query(AssertSqlSafe(sql));
                let count = rows.len();
                for row in rows {
                    query = query.bind(row.0).bind(row.1).bind(row.2).bind(row.3);
                    query = query.bind(row.4).bind(row.5).bind(row.6).bind(row.7);
                }
                query.execute(&mut self.connection).await.expect("events are written");
                count
            }
            Batch::Promotions(rows) => {
                let head = "INSERT INTO promotions (number, lane, state, requested_at, ended_at, body, ended) VALUES ";
                let sql = with_places(head, 6, rows.len(), "1");
                let mut query = sqlx::query(AssertSqlSafe(sql));
                let count = rows.len();
                for row in rows {
                    query = query.bind(row.0).bind(row.1).bind(row.2);
                    query = query.bind(row.3).bind(row.4).bind(row.5);
                }
                query.execute(&mut self.connection).await.expect("promotions are written");
                count
            }
            Batch::States(rows) => {
                let head = "INSERT INTO states (key, version, body) VALUES ";
                let sql = with_places(head, 3, rows.len(), "")
                    + " ON CONFLICT (key) DO UPDATE SET version = excluded.version, body = excluded.body";
                let mut query = sqlx::query(AssertSqlSafe(sql));
                let count = rows.len();
                for row in rows {
                    query = query.bind(row.0).bind(row.1).bind(row.2);
                }
                query.execute(&mut self.connection).await.expect("states are written");
                count
            }
            Batch::Head(seq, hash) => {
                let query = sqlx::query("UPDATE head SET seq = $1, hash = $2").bind(seq).bind(hash);
                query.execute(&mut self.connection).await.expect("the head is written");
                1
            }
        }
    }
}

/// `($1, $2), ($3, $4)`, each with `last` at its end.
fn with_places(head: &str, columns: usize, rows: usize, last: &str) -> String {
    let mut sql = head.to_owned();
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        let places = (1..=columns).map(|column| format!("${}", row * columns + column));
        sql.push_str(
            &places
                .chain((!last.is_empty()).then(|| last.to_owned()))
                .collect::<Vec<_>>()
                .join(", "),
        );
        sql.push(')');
    }
    sql
}
