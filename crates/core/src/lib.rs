//! Decisions only: no clock, no I/O, no randomness, no async.
//!
//! Reading order: [`ids`], [`units`], [`release`] and [`matrix`] are the nouns.

pub mod check;
pub mod deployment;
pub mod ids;
pub mod matrix;
pub mod release;
pub mod units;
