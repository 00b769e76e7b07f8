//! Keeps journal, state and outbox, and the accounts of a server, on SQLite or PostgreSQL, with one SQL text for both. Owns the
//! stored format and the ways in which it fails; decides nothing about what it keeps.
//!
//! Start reading at `store.rs` (what is promised), then `writer.rs` (how a turn gets to the disk)
//! and `towpath_audit::chain` (how a changed journal is found out).

mod accounts;
mod answers;
mod commit;
mod database;
mod failure;
mod head;
mod journal;
mod open;
mod outbox;
mod postgres;
mod promotions;
mod reserve;
mod schema;
mod script;
mod sqlite;
mod states;
mod store;
mod telemetry;
mod writer;

pub use accounts::SqlAccounts;
pub use open::OpenError;
pub use schema::SCHEMA_VERSION;
pub use store::SqlStore;
