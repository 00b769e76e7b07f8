//! The time that leases, ejections and latencies are counted in. Owns no timer: it is only read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A monotonic clock, and the calendar time that belongs to it.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { start: Instant },
    Manual { now_us: Arc<AtomicU64> },
}

impl Clock {
    /// The system's monotonic clock, counted from now.
    pub fn system() -> Self {
        Self(Source::System { start: Instant::now() })
    }

    /// A clock that stands still until [`Clock::advance`] moves it; its calendar starts in 1970.
    pub fn manual() -> Self {
        Self(Source::Manual { now_us: Arc::default() })
    }

    /// Moves a manual clock forward; does nothing to the system's.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual { now_us } = &self.0 {
            now_us.fetch_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
        }
    }

    /// Microseconds since the clock was made; never goes back.
    pub fn now_us(&self) -> u64 {
        match &self.0 {
            Source::System { start } => {
                u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX)
            }
            Source::Manual { now_us } => now_us.load(Ordering::SeqCst),
        }
    }

    /// Milliseconds since 1970 (UTC); may jump when somebody sets the machine's clock.
    pub fn unix_ms(&self) -> u64 {
        match &self.0 {
            Source::System { .. } => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
            Source::Manual { now_us } => now_us.load(Ordering::SeqCst) / 1000,
        }
    }
}
