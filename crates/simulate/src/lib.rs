//! A rollout in virtual time against described traffic: the guard's own code and the documented
//! rules of other tools on the same requests. Knows no promotion, no process and no clock.
//!
//! Reading order: [`Traffic`] and [`Fault`] describe what happens, [`Schedule`] the weights,
//! [`rollout`] runs one, [`peers`] holds what others would have done with the same figures.

pub mod peers;
pub mod statistics;

mod counts;
mod guarded;
mod schedule;
mod trace;
mod traffic;

pub use counts::{ArmSeries, BUCKET_S, Series};
pub use guarded::{Decided, Rollout, rollout};
pub use schedule::{Schedule, Step};
pub use trace::{Request, Trace};
pub use traffic::{Disturbance, Fault, Latency, Traffic};
