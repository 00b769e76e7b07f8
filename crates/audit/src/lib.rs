//! Proves a journal without a database and without an engine: bytes in, findings out. Opens no file,
//! asks no clock, and believes nothing of what it reads.
//!
//! Reading order: `chain.rs` (how an event's hash is made), `export.rs` (a journal as a file),
//! `note.rs` (keys and signed notes), `spoken.rs` (words that people signed) and `words.rs` (those of a
//! whole journal), `checkpoint.rs` (what is signed), `verify.rs` (what is wrong, and where), `account.rs` (one promotion by its events),
//! `statement.rs` and `dsse.rs` (the same as signed statements), `bundle.rs` (all of it as one file for
//! an auditor).

pub mod account;
pub mod bundle;
pub mod chain;
mod checkpoint;
pub mod dsse;
pub mod export;
pub mod note;
pub mod spoken;
pub mod statement;
pub mod verify;
pub mod words;

pub use checkpoint::{Malformed, of_journal, origin, read, text};
