//! The `/v1` API of an engine. Every URL of a project stands in [`routes`], those of the server around
//! them in [`site`]; nothing here decides anything.
//!
//! It listens on a unix socket that only its owner can open (mode 0600): whoever owns the journal's
//! folder may do everything, and who sent a request is what the system says of the connection. It
//! listens on the network as well, where nobody is anybody without a token or a session.

mod api;
mod asked;
mod caller;
mod conditions;
mod distinct;
mod ends;
mod error;
mod exporting;
mod hub;
pub mod listen;
pub mod local;
mod measures;
mod named;
mod once;
pub mod openapi;
pub mod pages;
mod paging;
pub mod person;
pub mod requests;
pub mod route;
pub mod routes;
mod serve;
pub mod signin;
pub mod simulating;
pub mod site;
pub mod traces;
pub mod visitor;

pub use caller::ACTING_AS;
pub use measures::described as measures_described;
pub use once::{KEY as KEY_OF_ORDER, new_key as new_key_of_order};
pub use serve::{ServeError, serve_unix};
