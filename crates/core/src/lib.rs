//! Decisions only: no clock, no I/O, no randomness, no async, no logging. What it decides is told in
//! events, commands and reasons; what those do is the engine's business.
//!
//! Reading order: [`ids`], [`units`], [`release`], [`matrix`] and [`deployment`] are the nouns.
//! [`promotion::input`] is everything that can happen, [`journal`] everything that is kept,
//! [`promotion::command`] everything that can be asked for, [`promotion::state`] everything that
//! can be true; [`promotion::decide`] leads from one to the others. [`project`] is the fold.
//!
//! Invariants that this crate alone keeps: at most one promotion of a lane has effects (I2); no
//! effect before its gate (I3); a weight counts only when it was observed (I4); what has ended
//! stays ended (I5); every wait has a deadline (I6); quarantine (I11); a started promotion keeps its
//! plan (I12).

pub mod approvals;
pub mod auditing;
pub mod branches;
pub mod calendar;
mod canonical;
pub mod change_types;
pub mod check;
pub mod code_owners;
pub mod debts;
pub mod deployment;
pub mod deriving;
pub mod evidence;
pub mod freezing;
pub mod governing;
pub mod guarding;
pub mod ids;
pub mod journal;
pub mod matrix;
pub mod notices;
pub mod people;
pub mod plan;
pub mod project;
pub mod promotion;
pub mod quiet;
pub mod reason;
mod rehearsing;
pub mod release;
pub mod releases;
pub mod sessions;
pub mod settings;
pub mod speaking;
pub mod tokens;
pub mod trace_context;
mod unenforced;
pub mod units;
