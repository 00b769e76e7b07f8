//! Outcomes in the order in which their requests were assigned, within a bounded time. Owns the
//! waiting; knows nothing of what the outcomes mean.
//!
//! Why: in the order of completion, arms that fail at different speeds fool a test that asks "whose
//! failure was this?": until blue's slow failures arrive, green's quick ones look like all there
//! are.

/// Requests that may be under way after the oldest one that is waited for; beyond it the oldest is
/// given up. A power of two: at 8,000 requests a second two seconds.
const SPAN: u64 = 16_384;
/// Places to begin with, of the power of two that is needed: most routes never have more requests under
/// way, and a place for each of the span would cost every route a megabyte.
const LEAST: u64 = 256;

/// Outcomes that wait for the ones assigned before them.
#[derive(Clone, Debug)]
pub(crate) struct Sequence<T> {
    /// None before the first outcome; then a power of two.
    places: Vec<Option<Waiting<T>>>,
    /// The next order to hand out.
    next: u64,
    /// The lowest order at or above `next` that has arrived.
    arrived: Option<u64>,
    /// The highest order that has arrived.
    newest: u64,
}

#[derive(Clone, Copy, Debug)]
struct Waiting<T> {
    assigned_us: u64,
    outcome: T,
}

impl<T: Copy> Sequence<T> {
    /// Begins with the order `first`.
    pub(crate) fn new(first: u64) -> Self {
        Self { places: Vec::new(), next: first, arrived: None, newest: 0 }
    }

    /// Takes in an outcome. Answers it back at once when what was assigned after it was already
    /// handed out: it came later than anybody waited.
    pub(crate) fn put(&mut self, order: u64, assigned_us: u64, outcome: T) -> Option<T> {
        if order < self.next {
            return Some(outcome);
        }
        if self.arrived.is_none() {
            self.next = self.next.max((order + 1).saturating_sub(SPAN));
        }
        self.make_room_for(order);
        let place = self.place_of(order);
        self.places[place] = Some(Waiting { assigned_us, outcome });
        self.arrived = Some(self.arrived.map_or(order, |lowest| lowest.min(order)));
        self.newest = self.newest.max(order);
        None
    }

    /// Whether an outcome of this order would overwrite one that still waits, so that [`Self::take`]
    /// has to give up older ones first.
    pub(crate) fn is_full_for(&self, order: u64) -> bool {
        self.arrived.is_some() && order >= self.next + SPAN
    }

    /// The next outcome in order, if everything before it has arrived or is overdue: was assigned
    /// before something that was assigned at `overdue_us` or earlier.
    pub(crate) fn take(&mut self, overdue_us: u64) -> Option<T> {
        let arrived = self.arrived?;
        let waiting = self.places[self.place_of(arrived)]?;
        if arrived > self.next && waiting.assigned_us > overdue_us {
            return None;
        }
        self.hand_out(arrived)
    }

    /// When the oldest outcome that waits for an earlier one was assigned; none while nothing waits.
    pub(crate) fn waits_since_us(&self) -> Option<u64> {
        let waiting = self.places[self.place_of(self.arrived?)]?;
        Some(waiting.assigned_us)
    }

    /// The oldest outcome that has arrived, whatever is still under way before it.
    pub(crate) fn take_oldest(&mut self) -> Option<T> {
        let arrived = self.arrived?;
        self.hand_out(arrived)
    }

    fn hand_out(&mut self, arrived: u64) -> Option<T> {
        let place = self.place_of(arrived);
        let waiting = self.places[place].take()?;
        self.next = arrived + 1;
        let mut following = self.next;
        while following <= self.newest && self.places[self.place_of(following)].is_none() {
            following += 1;
        }
        self.arrived = (following <= self.newest).then_some(following);
        Some(waiting.outcome)
    }

    /// Doubles the places until `order` has one of its own beside all that wait.
    fn make_room_for(&mut self, order: u64) {
        let needed = (order - self.next + 1).next_power_of_two().clamp(LEAST, SPAN);
        let needed = usize::try_from(needed).unwrap_or_default();
        if needed <= self.places.len() {
            return;
        }
        let before = std::mem::replace(&mut self.places, vec![None; needed]);
        let Some(mut waiting) = self.arrived.filter(|_| !before.is_empty()) else { return };
        while waiting <= self.newest {
            let (from, to) = (place_in(before.len(), waiting), self.place_of(waiting));
            self.places[to] = before[from];
            waiting += 1;
        }
    }

    fn place_of(&self, order: u64) -> usize {
        place_in(self.places.len(), order)
    }
}

/// The place of an order among a power of two of them.
fn place_in(places: usize, order: u64) -> usize {
    usize::try_from(order & (places as u64 - 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(sequence: &mut Sequence<u64>, overdue_us: u64) -> Vec<u64> {
        std::iter::from_fn(|| sequence.take(overdue_us)).collect()
    }

    #[test]
    fn what_was_assigned_earlier_is_waited_for_until_it_is_overdue() {
        let mut sequence = Sequence::new(1);
        assert_eq!(sequence.put(2, 20, 2), None);
        assert_eq!(sequence.put(4, 40, 4), None);
        assert_eq!(all(&mut sequence, 19), Vec::<u64>::new());
        assert_eq!(sequence.put(1, 10, 1), None);
        assert_eq!(all(&mut sequence, 19), [1, 2]);
        assert_eq!(all(&mut sequence, 40), [4]);
        assert_eq!(sequence.put(3, 30, 3), Some(3));
    }

    #[test]
    fn what_waits_is_kept_when_more_room_is_needed() {
        let mut sequence = Sequence::new(1);
        let waiting: Vec<u64> = (2..3 * LEAST).step_by(3).collect();
        for order in &waiting {
            assert_eq!(sequence.put(*order, *order, *order), None);
        }
        assert_eq!(sequence.put(4 * LEAST + 7, 9_999, 4 * LEAST + 7), None);
        let all = all(&mut sequence, 9_999);
        assert!(all.iter().copied().eq(waiting.into_iter().chain([4 * LEAST + 7])), "{all:?}");
    }

    #[test]
    fn a_full_sequence_gives_up_waiting_for_the_oldest() {
        let mut sequence = Sequence::new(1);
        sequence.put(2, 20, 2);
        sequence.put(SPAN, 30, SPAN);
        assert!(sequence.is_full_for(SPAN + 1) && !sequence.is_full_for(SPAN));
        assert_eq!(sequence.take_oldest(), Some(2));
        assert!(!sequence.is_full_for(SPAN + 1));
        sequence.put(SPAN + 1, 31, SPAN + 1);
        assert_eq!(sequence.take_oldest(), Some(SPAN));
        assert_eq!(sequence.take_oldest(), Some(SPAN + 1));
        assert_eq!(sequence.take_oldest(), None);
    }
}
