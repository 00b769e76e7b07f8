//! Proves a journal without a database and without an engine: bytes in, findings out. Opens no file,
//! asks no clock, and believes nothing of what it reads.
//!
//! Reading order: `chain.rs` (how an event's hash is made), `export.rs` (a journal as a file),
//! `note.rs` (keys and signed notes), `checkpoint.rs` (what is signed), `verify.rs` (what is wrong,
//! and where), `evidence.rs` (what is handed to auditors of one promotion).

pub mod chain;
mod checkpoint;
pub mod export;
pub mod note;
pub mod verify;

pub use checkpoint::{Malformed, of_journal, origin, read, text};
