//! The whole product in simulated time: a machine of models around the real core, scenarios that
//! are read from text files, and a seeded simulator with faults. None of them runs anything for real:
//! no clock, no process, no socket and no database. For the tests that do, [`loopback`] alone binds
//! sockets, to find addresses that are free.
//!
//! Reading order: [`declared`] makes matrices and releases from a few words, [`machine`] is the
//! world they live in, [`scenario`] tells a story in it, [`simulator`] breaks it.

pub mod agreement;
pub mod declared;
pub mod loopback;
pub mod machine;
pub mod scenario;
pub mod simulator;
