//! What time it is. Virtual in tests and simulations.

use std::sync::Mutex;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use towpath_core::units::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, in UTC. Never earlier than what it said before.
    fn now(&self) -> Timestamp;
}

/// The machine's clock. When somebody sets it back, time goes on from where it was at its usual pace
/// instead of standing still: deadlines, leases and probes keep their lengths.
#[derive(Default)]
pub struct SystemClock {
    last: Mutex<Option<(i64, Instant)>>,
}

impl SystemClock {
    fn at(&self, wall: i64, monotonic: Instant) -> Timestamp {
        let mut last = self.last.lock().expect("no holder of this lock panics");
        let now = match *last {
            None => wall,
            Some((said, when)) => {
                let passed = monotonic.saturating_duration_since(when).as_micros();
                wall.max(said.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX)))
            }
        };
        *last = Some((now, monotonic));
        Timestamp(now)
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let wall = since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
        self.at(wall, Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn time_goes_on_at_its_usual_pace_when_the_wall_clock_is_set_back() {
        let clock = SystemClock::default();
        let start = Instant::now();
        assert_eq!(clock.at(1_000_000_000, start), Timestamp(1_000_000_000));
        let later = clock.at(400_000_000, start + Duration::from_secs(2));
        assert_eq!(later, Timestamp(1_002_000_000));
        let forward = clock.at(9_000_000_000, start + Duration::from_secs(3));
        assert_eq!(forward, Timestamp(9_000_000_000));
    }
}
