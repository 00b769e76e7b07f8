//! What time it is. Virtual in tests and simulations.

use towpath_core::units::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
}

/// The machine's clock, kept from going backwards: deadlines never move away from a waiting
/// promotion because somebody corrected the time.
#[derive(Default)]
pub struct SystemClock {
    last: std::sync::atomic::AtomicI64,
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let microseconds =
            since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
        let before = self.last.fetch_max(microseconds, std::sync::atomic::Ordering::SeqCst);
        Timestamp(microseconds.max(before))
    }
}
