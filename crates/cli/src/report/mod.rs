//! What a person reads, as pure functions from a view to text: no terminal, no clock, no engine.
//! Only `terminal` and `screen` know that there is a terminal.

pub(crate) mod adapters;
pub(crate) mod attendance;
pub(crate) mod audit;
pub(crate) mod block;
pub(crate) mod changes;
pub(crate) mod doctor;
pub(crate) mod ending;
pub(crate) mod evidence;
pub(crate) mod frozen;
pub(crate) mod health;
pub(crate) mod help;
mod help_audit;
mod help_matrix;
mod help_overview;
mod help_pages;
mod help_proof;
mod help_trust;
pub(crate) mod history;
pub(crate) mod lines;
pub(crate) mod notify;
pub(crate) mod objects;
pub(crate) mod plan;
pub(crate) mod quarantine;
pub(crate) mod quiet;
pub(crate) mod refusal;
pub(crate) mod refused;
pub(crate) mod release;
pub(crate) mod rollback;
pub(crate) mod screen;
pub(crate) mod simulation;
pub(crate) mod status;
pub(crate) mod story;
pub(crate) mod style;
pub(crate) mod tables;
pub(crate) mod terminal;
pub(crate) mod token;
pub(crate) mod tree;
pub(crate) mod usage;
pub(crate) mod waiting;
pub(crate) mod why;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
