//! Ports that keep their promises until they are told not to, and remember what they were asked.
//! They outlive an engine, as the database, the proxy and the instances do. None of them sleeps for
//! real or reads a clock of the machine.

mod check;
mod clock;
mod evidence;
mod metrics;
mod notary;
mod notifier;
mod router;
mod store;
mod target;

pub(crate) use check::{Answer, FakeChecks};
pub(crate) use clock::FakeClock;
pub(crate) use evidence::FakeEvidence;
pub(crate) use metrics::{FakeMetrics, Says};
pub(crate) use notary::FakeNotary;
pub(crate) use notifier::{ChannelManner, FakeNotifiers, FakeSecrets, SECRET};
pub(crate) use router::{FakeRouter, RouterManner};
pub(crate) use store::{CommitFault, MemoryStore};
pub(crate) use target::{FakeTarget, TargetManner};
