//! The `/v1` API of an engine. Every URL stands in [`routes`]; nothing here decides anything.
//!
//! In this version it listens on a unix socket that only its owner can open (mode 0600): whoever
//! owns the journal's folder may do everything. Who sent a request is what the system says of the
//! connection, whatever its body says.

mod api;
mod caller;
mod error;
pub mod local;
pub mod person;
pub mod requests;
pub mod route;
pub mod routes;
mod serve;

pub use caller::ACTING_AS;
pub use serve::{ServeError, serve_unix};
