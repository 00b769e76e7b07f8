//! How much of its own failures an arm may load onto the one behind it: a share of what the default arm
//! answers, a number at once, and a stop while it helps nobody. Owns the bounds; knows no request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::live::Deployment;

/// The part of the default arm's successes that rescues may come to: a tenth, half of what Finagle's
/// `RetryBudget` allows by default, since an arm that is about to take all traffic back needs room.
const SHARE: u64 = 10;
/// Seconds over which both are summed: the time after which credits of the same expire
/// (finagle.github.io/blog/2016/02/08/retry-budgets). A burst of failures
/// before a verdict acts draws on what the seconds before it left over.
const WINDOW_SECONDS: usize = 10;
/// Rescues per second that are always allowed: the least that the same allows. A route with fewer
/// requests than this is never refused; from a hundred answers per second on the share is more.
const FLOOR_PER_SECOND: u64 = 10;
/// Rescues under way at once: what arrives at a thousand requests per second in the 50 ms that a
/// verdict may take to act, rounded up to a power of two.
const MAX_UNDER_WAY: u32 = 64;
/// Rescues that are looked back on, and how many of them must have helped.
const REMEMBERED: u32 = 20;
const MUST_HELP: u32 = REMEMBERED / 2;
/// While rescue is off, one request in this time is tried nevertheless: at most twenty answers bring
/// it back, and an arm that is down is asked no oftener than by a health check.
const TRY_EVERY_US: u64 = 1_000_000;
/// Bytes of request bodies kept at once for a second attempt, for one candidate.
const MAX_KEPT_BYTES: u64 = 16 * 1024 * 1024;

/// Why a rescue was not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// More than the share of the default arm's successes.
    Rate,
    /// Too many at once.
    Concurrency,
    /// The last ones did not help.
    Off,
    /// The body was too large to be kept.
    Size,
}

/// The bounds of one deployment, shared by all workers. Every change is one atomic operation.
#[derive(Debug)]
pub(crate) struct Budget {
    answered: Window,
    spent: Window,
    under_way: AtomicU32,
    /// The last rescues, a bit each, the youngest lowest; those that never were count as helpful.
    helped: AtomicU32,
    next_try_us: AtomicU64,
    kept_bytes: AtomicU64,
}

/// A rescue under way.
#[derive(Debug)]
pub(crate) struct Place(Arc<Deployment>);

/// A request body that is kept until its request is answered.
#[derive(Debug)]
pub(crate) struct Kept(Arc<Deployment>, u64);

impl Default for Budget {
    fn default() -> Self {
        Self {
            answered: Window::default(),
            spent: Window::default(),
            under_way: AtomicU32::new(0),
            helped: AtomicU32::new((1 << REMEMBERED) - 1),
            next_try_us: AtomicU64::new(0),
            kept_bytes: AtomicU64::new(0),
        }
    }
}

impl Budget {
    /// Notes an answer of the default arm to a request of its own.
    pub(crate) fn answered(&self, now_us: u64) {
        self.answered.add(now_us);
    }

    /// Notes what became of a rescue.
    pub(crate) fn note(&self, helped: bool) {
        let next =
            |before: u32| Some(((before << 1) | u32::from(helped)) & ((1 << REMEMBERED) - 1));
        // The closure always has a next value.
        let _before = self.helped.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    }

    /// Whether too few of the last rescues helped.
    pub(crate) fn is_off(&self) -> bool {
        self.helped.load(Ordering::Relaxed).count_ones() < MUST_HELP
    }

    /// Refuses one more rescue if a bound says so. What is let through counts, and so does what is
    /// `forced`.
    fn charge(&self, now_us: u64, forced: bool) -> Result<(), Refused> {
        if !forced && self.is_off() && !self.is_due(now_us) {
            return Err(Refused::Off);
        }
        // First taken, then looked at: two workers at once never get the last one both.
        self.spent.add(now_us);
        let floor = FLOOR_PER_SECOND * WINDOW_SECONDS as u64;
        let allowed = (self.answered.sum(now_us) / SHARE).max(floor);
        if !forced && self.spent.sum(now_us) > allowed {
            self.spent.take_back(now_us);
            return Err(Refused::Rate);
        }
        if self.under_way.fetch_add(1, Ordering::Relaxed) >= MAX_UNDER_WAY && !forced {
            self.under_way.fetch_sub(1, Ordering::Relaxed);
            self.spent.take_back(now_us);
            return Err(Refused::Concurrency);
        }
        Ok(())
    }

    fn is_due(&self, now_us: u64) -> bool {
        let due = self.next_try_us.load(Ordering::Relaxed);
        let next = now_us + TRY_EVERY_US;
        let claim = |due| {
            self.next_try_us.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
        };
        due <= now_us && claim(due).is_ok()
    }
}

impl Place {
    /// A place for one more rescue of this candidate's failures. `forced` takes it whatever the
    /// bounds say, and still counts.
    pub(crate) fn take(
        candidate: &Arc<Deployment>,
        now_us: u64,
        forced: bool,
    ) -> Result<Self, Refused> {
        candidate.budget.charge(now_us, forced).map(|()| Self(Arc::clone(candidate)))
    }

    /// Whose failure it is.
    pub(crate) fn candidate(&self) -> &Arc<Deployment> {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.budget.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Kept {
    /// Room for a body of so many bytes; none when too much is kept already.
    pub(crate) fn take(candidate: &Arc<Deployment>, bytes: u64) -> Option<Self> {
        let before = candidate.budget.kept_bytes.fetch_add(bytes, Ordering::Relaxed);
        let kept = Self(Arc::clone(candidate), bytes);
        (before + bytes <= MAX_KEPT_BYTES).then_some(kept)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.budget.kept_bytes.fetch_sub(self.1, Ordering::Relaxed);
    }
}

/// Counts of the last seconds. Each second has a slot of 64 bits: its number, then its count.
#[derive(Debug, Default)]
struct Window([AtomicU64; WINDOW_SECONDS]);

impl Window {
    fn add(&self, now_us: u64) {
        let (slot, second) = self.slot(now_us);
        // Nearly always the second is there already, and then nothing is tried twice.
        if slot.load(Ordering::Relaxed) >> 32 == second {
            slot.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let next = |before: u64| {
            Some(if before >> 32 == second { before + 1 } else { (second << 32) | 1 })
        };
        let _before = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    }

    /// Undoes an `add` of the same moment.
    fn take_back(&self, now_us: u64) {
        let (slot, second) = self.slot(now_us);
        let next = |before: u64| {
            (before >> 32 == second && before & u64::from(u32::MAX) > 0).then(|| before - 1)
        };
        // Another second has the slot: then there is nothing to undo.
        let _before = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    }

    fn sum(&self, now_us: u64) -> u64 {
        let second = second_of(now_us);
        let recent = self.0.iter().map(|slot| slot.load(Ordering::Relaxed)).filter(|slot| {
            let age = second.saturating_sub(slot >> 32);
            age < WINDOW_SECONDS as u64
        });
        recent.map(|slot| slot & u64::from(u32::MAX)).sum()
    }

    fn slot(&self, now_us: u64) -> (&AtomicU64, u64) {
        let second = second_of(now_us);
        let index = usize::try_from(second % WINDOW_SECONDS as u64).unwrap_or_default();
        (&self.0[index], second)
    }
}

fn second_of(now_us: u64) -> u64 {
    (now_us / 1_000_000) & u64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    fn candidate() -> Arc<Deployment> {
        Arc::new(Deployment::new("green", "2"))
    }

    /// How many of `wanted` rescues at this moment are let through, none of them staying under way.
    fn admitted(candidate: &Arc<Deployment>, now_us: u64, wanted: usize) -> usize {
        (0..wanted).filter(|_| Place::take(candidate, now_us, false).is_ok()).count()
    }

    #[test]
    fn a_quiet_route_has_its_floor_and_a_busy_one_a_tenth_of_what_blue_answers() {
        let quiet = candidate();
        assert_eq!(admitted(&quiet, 0, 500), 100);
        assert_eq!(Place::take(&quiet, 9 * SECOND, false).unwrap_err(), Refused::Rate);
        assert_eq!(admitted(&quiet, 10 * SECOND, 500), 100, "the window moved on");
        let busy = candidate();
        for second in 0..10 {
            (0..600).for_each(|_| busy.budget.answered(second * SECOND));
        }
        assert_eq!(admitted(&busy, 9 * SECOND, 5000), 600);
        assert_eq!(admitted(&busy, 9 * SECOND, 1), 0);
    }

    #[test]
    fn when_blue_stops_answering_the_budget_shrinks_with_it() {
        let candidate = candidate();
        (0..10_000).for_each(|_| candidate.budget.answered(0));
        assert_eq!(admitted(&candidate, 9 * SECOND, 900), 900);
        assert_eq!(admitted(&candidate, 10 * SECOND, 900), 0, "blue's last answers are too old");
    }

    #[test]
    fn only_so_many_are_under_way_at_once() {
        let candidate = candidate();
        let mut places: Vec<_> = std::iter::repeat_with(|| Place::take(&candidate, 0, false))
            .take(MAX_UNDER_WAY as usize)
            .collect();
        assert!(places.iter().all(Result::is_ok));
        assert_eq!(Place::take(&candidate, 0, false).unwrap_err(), Refused::Concurrency);
        assert!(Place::take(&candidate, 0, true).is_ok(), "what was never sent is passed on");
        places.pop();
        assert!(Place::take(&candidate, 0, false).is_ok());
    }

    #[test]
    fn rescue_is_off_while_it_does_not_help_and_finds_its_way_back() {
        let candidate = candidate();
        let budget = &candidate.budget;
        (0..10).for_each(|_| budget.note(false));
        assert!(!budget.is_off(), "ten of the last twenty count as helpful");
        budget.note(false);
        assert!(budget.is_off());
        let now = 5 * SECOND;
        assert_eq!(admitted(&candidate, now, 50), 1, "one is tried");
        assert_eq!(Place::take(&candidate, now, false).unwrap_err(), Refused::Off);
        let mut seconds = 5;
        while budget.is_off() {
            seconds += 1;
            assert_eq!(admitted(&candidate, seconds * SECOND, 50), 1);
            budget.note(true);
            assert!(seconds < 30, "it never comes back");
        }
        assert!(admitted(&candidate, (seconds + 10) * SECOND, 50) == 50);
    }

    #[test]
    fn bodies_are_kept_up_to_a_limit() {
        let candidate = candidate();
        let kept = Kept::take(&candidate, MAX_KEPT_BYTES).unwrap();
        assert!(Kept::take(&candidate, 1).is_none());
        drop(kept);
        assert!(Kept::take(&candidate, 1).is_some());
    }
}
