//! The `/v1` API of an engine. Every URL stands in [`routes`]; nothing here decides anything.
//!
//! In this version it listens on a unix socket that only its owner can open (mode 0600): whoever
//! owns the journal's folder may do everything, and no request is authenticated beyond that.

mod api;
mod error;
pub mod requests;
pub mod routes;
mod serve;

pub use serve::{ServeError, serve_unix};
