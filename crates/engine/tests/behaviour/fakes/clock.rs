//! The world's time: that of the runtime an engine lives in, carried over from one life to the next.
//! Never reads the machine's.

use std::sync::Mutex;

use tokio::time::Instant;
use towpath_core::units::{Span, Timestamp};
use towpath_ports::clock::Clock;

/// 2027-01-15T08:00:00Z, a whole minute.
const BEGIN: Timestamp = Timestamp(1_800_000_000_000_000);

/// Tells virtual time. Only to be asked inside a runtime whose time is paused.
pub(crate) struct FakeClock {
    life: Mutex<(Timestamp, Option<Instant>)>,
    last: Mutex<Timestamp>,
}

impl FakeClock {
    pub(crate) fn new() -> Self {
        Self { life: Mutex::new((BEGIN, None)), last: Mutex::new(BEGIN) }
    }

    /// A new runtime begins where the last one ended.
    pub(crate) fn begin_life(&self) {
        *self.life.lock().unwrap() = (*self.last.lock().unwrap(), Some(Instant::now()));
    }

    /// Time passes while no engine lives.
    pub(crate) fn pass(&self, span: Span) {
        let mut last = self.last.lock().unwrap();
        *last = last.plus(span);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        let (base, began) = *self.life.lock().unwrap();
        let passed = began.expect("a life has begun").elapsed().as_micros();
        let now = Timestamp(base.0 + i64::try_from(passed).unwrap());
        *self.last.lock().unwrap() = now;
        now
    }
}
