//! A rollout in virtual time against described traffic: the guard's own code and the documented
//! rules of other tools on the same requests. Knows no promotion, no process and no clock.
//!
//! Reading order: [`Traffic`] and [`Fault`] describe what happens, [`Schedule`] the weights,
//! [`rollout`] runs one, [`peers`] holds what others would have done with the same figures. A rollout
//! as a matrix declares it is a [`Course`]; [`follow`] runs one of these against [`Arrivals`].

pub mod beside;
pub mod peers;
pub mod recording;
pub mod statistics;

mod arrivals;
mod counts;
mod course;
mod followed;
mod guarded;
mod many;
mod numbers;
mod schedule;
mod trace;
mod traffic;

pub use arrivals::{Arrivals, Counted, Stream};
pub use counts::{ArmSeries, BUCKET_S, Series};
pub use course::{Bake, Course, Next, Standing};
pub use followed::{Ending, Followed, Scenario, follow};
pub use guarded::{Decided, Rollout, rollout};
pub use many::{in_turn, many};
pub use schedule::{Schedule, Step};
pub use trace::{Request, Trace};
pub use traffic::{Disturbance, Fault, Latency, Traffic};
