//! Several statements sent as one. Owns how they travel: SQLite takes all in one go (each trip to its
//! thread costs as much as the statement itself), PostgreSQL one by one. Knows no table.

use futures_util::TryStreamExt as _;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyConnection, Arguments as _, AssertSqlSafe, Either, Executor as _};

use crate::database::Database;

/// Rows in one INSERT. The widest table has 9 columns, and SQLite takes 32,766 values in one
/// statement (`SQLITE_MAX_VARIABLE_NUMBER`, sqlite.org/limits.html), PostgreSQL 65,535.
const ROWS_PER_STATEMENT: usize = 500;

/// Which part of a script a statement belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Transaction,
    Claim,
    Turns,
    Events,
    States,
    Finished,
    Commands,
    Promotions,
    Intervals,
    Answers,
}

/// One statement with its values.
pub(crate) struct Statement {
    topic: Topic,
    sql: String,
    values: Vec<Value>,
}

impl Statement {
    /// A statement whose placeholders are written `?`.
    pub(crate) fn new(topic: Topic, sql: &str) -> Self {
        Self { topic, sql: sql.to_owned(), values: Vec::new() }
    }

    /// Adds the value of the next placeholder.
    pub(crate) fn with(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }
}

/// A value for a placeholder. PostgreSQL wants the type of a missing one too.
pub(crate) enum Value {
    Number(Option<i64>),
    Text(Option<String>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

/// The values as the drivers take them.
pub(crate) fn arguments(values: Vec<Value>) -> AnyArguments {
    let mut arguments = AnyArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        match value {
            Value::Number(Some(number)) => arguments.add(number),
            Value::Number(None) => arguments.add(None::<i64>),
            Value::Text(Some(text)) => arguments.add(text),
            Value::Text(None) => arguments.add(None::<String>),
        }
        .expect("numbers and texts always encode");
    }
    arguments
}

/// Statements that write `rows` with `columns` values each, in as few statements as the databases
/// take; `sql` says `{rows}` where the rows belong, `values` adds one row's values.
pub(crate) fn row_statements<R>(
    topic: Topic,
    sql: &str,
    columns: usize,
    rows: &[R],
    values: impl Fn(Statement, &R) -> Statement,
) -> Vec<Statement> {
    let row_text = format!("({})", vec!["?"; columns].join(","));
    rows.chunks(ROWS_PER_STATEMENT)
        .map(|chunk| {
            let rows_text = vec![row_text.as_str(); chunk.len()].join(",");
            let statement = Statement::new(topic, &sql.replace("{rows}", &rows_text));
            chunk.iter().fold(statement, &values)
        })
        .collect()
}

/// What a statement did.
pub(crate) struct Done {
    pub(crate) topic: Topic,
    pub(crate) rows_affected: u64,
    pub(crate) rows: Vec<AnyRow>,
}

/// How far a script came: what was done, and the error that stopped it, with its part.
pub(crate) struct Outcome {
    pub(crate) done: Vec<Done>,
    pub(crate) error: Option<(Topic, sqlx::Error)>,
}

/// Runs the statements in order and stops at the first that fails.
pub(crate) async fn run(
    database: Database,
    connection: &mut AnyConnection,
    statements: Vec<Statement>,
) -> Outcome {
    let mut done = Vec::with_capacity(statements.len());
    if database == Database::Sqlite {
        let topics: Vec<Topic> = statements.iter().map(|statement| statement.topic).collect();
        let joined = join(statements);
        let error = send(database, connection, &topics, joined, &mut done).await.err();
        let error = error.map(|error| (topics.get(done.len()).copied(), error));
        let error = error.map(|(topic, error)| (topic.unwrap_or(Topic::Transaction), error));
        return Outcome { done, error };
    }
    for statement in statements {
        let topic = statement.topic;
        if let Err(error) = send(database, connection, &[topic], statement, &mut done).await {
            return Outcome { done, error: Some((topic, error)) };
        }
    }
    Outcome { done, error: None }
}

fn join(statements: Vec<Statement>) -> Statement {
    let mut joined = Statement::new(Topic::Transaction, "");
    for statement in statements {
        joined.sql.push_str(&statement.sql);
        joined.sql.push_str(";\n");
        joined.values.extend(statement.values);
    }
    joined
}

async fn send(
    database: Database,
    connection: &mut AnyConnection,
    topics: &[Topic],
    statement: Statement,
    done: &mut Vec<Done>,
) -> Result<(), sqlx::Error> {
    let sql = AssertSqlSafe(database.text(&statement.sql));
    let mut results = connection.fetch_many(sqlx::query_with(sql, arguments(statement.values)));
    let mut rows = Vec::new();
    let mut topics = topics.iter();
    while let Some(result) = results.try_next().await? {
        match result {
            Either::Right(row) => rows.push(row),
            Either::Left(result) => {
                let topic = topics.next().copied().unwrap_or(Topic::Transaction);
                let rows = std::mem::take(&mut rows);
                done.push(Done { topic, rows_affected: result.rows_affected(), rows });
            }
        }
    }
    Ok(())
}
