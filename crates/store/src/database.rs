//! Which database it is, and the few words in which the two differ. Owns no SQL of a topic.

use std::fmt::Write as _;

use crate::failure::Kind;
use crate::{postgres, sqlite};

/// One of the two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    /// `sql` with its placeholders as this database takes them. All SQL here is written with `?`.
    /// SQLite keeps them: named ones (`$1`) cost it a search through all names for each value.
    pub(crate) fn text(self, sql: &str) -> String {
        if self == Self::Sqlite {
            return sql.to_owned();
        }
        let mut text = String::with_capacity(sql.len() + 64);
        for (place, part) in sql.split('?').enumerate() {
            if place > 0 {
                write!(text, "${place}").expect("a String takes all");
            }
            text.push_str(part);
        }
        text
    }

    /// Begins a transaction that writes, with the right to write from its beginning.
    pub(crate) fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// Begins a transaction that sees one moment of the database.
    pub(crate) fn begin_reading(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN DEFERRED",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// Locks the head row, so that what is read next includes every commit that was under way.
    pub(crate) fn lock_head(self) -> &'static str {
        match self {
            // BEGIN IMMEDIATE has locked everything already.
            Self::Sqlite => "SELECT id FROM head WHERE id = 1",
            Self::Postgres => "SELECT id FROM head WHERE id = 1 FOR UPDATE",
        }
    }

    /// What an error code of the database means.
    pub(crate) fn kind_of_code(self, code: &str) -> Kind {
        match self {
            Self::Sqlite => sqlite::kind_of_code(code),
            Self::Postgres => postgres::kind_of_code(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered_for_postgresql_only() {
        let sql = "UPDATE a SET b = ? WHERE c = ?";
        assert_eq!(Database::Sqlite.text(sql), sql);
        assert_eq!(Database::Postgres.text(sql), "UPDATE a SET b = $1 WHERE c = $2");
    }
}
