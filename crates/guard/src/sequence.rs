//! Outcomes in the order in which their requests were assigned, within a bounded time. Owns the
//! waiting; knows nothing of what the outcomes mean.
//!
//! Why: in the order of completion, arms that fail at different speeds fool a test that asks "whose
//! failure was this?": until blue's slow failures arrive, green's quick ones look like all there
//! are.

/// Requests that may be under way after the oldest one that is waited for; beyond it the oldest is
/// given up. A power of two: at 8,000 requests a second two seconds.
const SPAN: u64 = 16_384;

/// Outcomes that wait for the ones assigned before them.
#[derive(Clone, Debug)]
pub(crate) struct Sequence<T> {
    places: Box<[Option<Waiting<T>>]>,
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
        let places = usize::try_from(SPAN).unwrap_or_default();
        Self {
            places: vec![None; places].into_boxed_slice(),
            next: first,
            arrived: None,
            newest: 0,
        }
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
        self.places[place_of(order)] = Some(Waiting { assigned_us, outcome });
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
        let waiting = self.places[place_of(arrived)]?;
        if arrived > self.next && waiting.assigned_us > overdue_us {
            return None;
        }
        self.hand_out(arrived)
    }

    /// When the oldest outcome that waits for an earlier one was assigned; none while nothing waits.
    pub(crate) fn waits_since_us(&self) -> Option<u64> {
        let waiting = self.places[place_of(self.arrived?)]?;
        Some(waiting.assigned_us)
    }

    /// The oldest outcome that has arrived, whatever is still under way before it.
    pub(crate) fn take_oldest(&mut self) -> Option<T> {
        let arrived = self.arrived?;
        self.hand_out(arrived)
    }

    fn hand_out(&mut self, arrived: u64) -> Option<T> {
        let waiting = self.places[place_of(arrived)].take()?;
        self.next = arrived + 1;
        let mut following = self.next;
        while following <= self.newest && self.places[place_of(following)].is_none() {
            following += 1;
        }
        self.arrived = (following <= self.newest).then_some(following);
        Some(waiting.outcome)
    }
}

fn place_of(order: u64) -> usize {
    (order & (SPAN - 1)) as usize
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
