//! The `/v1` API of an engine. Every URL stands in [`routes`]; nothing here decides anything.

pub mod requests;
