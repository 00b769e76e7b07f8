//! The real engine among fakes, in virtual time: what it does when a store, a router, a target or a
//! check misbehaves, and when it dies half-way. Decides nothing about promotions: that is core's, and
//! its scenarios are elsewhere.

#![expect(clippy::unwrap_used, reason = "in a test program a failed expectation is the point")]

mod alarms;
mod checkpoints;
mod checks;
mod counting;
mod crashes;
mod debts;
mod evidence;
mod fakes;
mod freezes;
mod governing;
mod leases;
mod notices;
mod owners;
mod probes;
mod promises;
mod quiet;
mod rights;
mod routers;
mod secrets;
mod stores;
mod targets;
mod world;
