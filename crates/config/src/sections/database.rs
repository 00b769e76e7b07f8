//! Databases. How their content changes with a release is in `migrations`.

use super::backing::{COMMON, OTHER};
use super::{LANE, Section};
use crate::shape::{Default, Key, SHARE, Shape, TEXT, Variant, count, word};

/// Connections of one copy of a service; PostgreSQL's own limit is 262,143 (`max_connections`).
const MOST_CONNECTIONS: u64 = 262_143;
/// Read replicas of one database; Aurora has 15, RDS for PostgreSQL 15.
const MOST_REPLICAS: u64 = 15;

const DYNAMODB: &[Key] = &[
    Key::new("table", TEXT, Default::Required, "The table."),
    Key::optional("ttl", Shape::SomeTime, "Time after which an entry is deleted."),
    Key::optional("billing", word(&["on-demand", "provisioned"]), "How its use is paid for."),
    Key::optional("capacity_alarm", SHARE, "Use of its capacity at which somebody is told."),
];

const SQL: &[Key] = &[
    Key::optional("name", TEXT, "The database."),
    Key::optional("version", TEXT, "The major version, in quotes."),
    Key::optional("memory", Shape::Size, "Memory of the server."),
    Key::optional("pool_size", count(1, MOST_CONNECTIONS), "Connections of one copy."),
    Key::optional("read_replicas", count(0, MOST_REPLICAS), "Copies that answer reads."),
];

const KINDS: &[Variant] = &[
    Variant { name: "dynamodb", keys: DYNAMODB, doc: "A table of AWS DynamoDB." },
    Variant { name: "postgres", keys: SQL, doc: "A PostgreSQL database." },
    Variant { name: "mysql", keys: SQL, doc: "A MySQL or MariaDB database." },
    OTHER,
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::apart(
    Key::optional("database", Shape::Kinds(KINDS, COMMON), "Where its data stands."),
    LANE,
    "database: { kind: dynamodb, table: shop-prod, backup: true, encryption: true, ttl: 365d }\n",
)];
