//! Whether a condition has held for as long as was declared. Owns what a moment of blindness does to
//! that; knows nothing of what is measured.

use serde::{Deserialize, Serialize};

/// One look at a gauge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Look {
    /// The condition held at this moment, in microseconds of the clock of whoever measured.
    Holds(u64),
    /// It did not.
    Clear,
    /// Nobody knows; asked at this moment.
    Blind(u64),
}

/// Counts the time for which a condition was seen to hold.
///
/// Time counts between two readings at which it held, if nobody was blind in between and they are not
/// further apart than readings are meant to be. A reading at which it did not hold begins the count
/// anew. A blind one does neither: what was seen before stays, and the time without sight is left out.
/// Blindness as long as the whole duration ends what was seen before it, because two ends of a story
/// with nothing between them are no story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sustained {
    duration_us: u64,
    longest_gap_us: u64,
    held_us: u64,
    /// The last reading at which it held.
    last_held_us: Option<u64>,
    was_blind: bool,
}

impl Sustained {
    /// A condition that must hold for `duration_us`, looked at so often that two readings further apart
    /// than `longest_gap_us` have a blind stretch between them.
    pub fn new(duration_us: u64, longest_gap_us: u64) -> Self {
        Self { duration_us, longest_gap_us, held_us: 0, last_held_us: None, was_blind: false }
    }

    /// Takes in a look; answers whether the condition has now held for the whole duration. It is said
    /// once, and then the count begins anew.
    pub fn observe(&mut self, look: Look) -> bool {
        match look {
            Look::Clear => {
                self.begin_anew();
                false
            }
            Look::Blind(at_us) => {
                self.was_blind = true;
                self.forget_at(at_us);
                false
            }
            Look::Holds(at_us) => {
                self.forget_at(at_us);
                self.hold(at_us);
                let is_over = self.held_us >= self.duration_us;
                if is_over {
                    self.begin_anew();
                }
                is_over
            }
        }
    }

    fn hold(&mut self, at_us: u64) {
        if let Some(last_us) = self.last_held_us {
            let passed_us = at_us.saturating_sub(last_us);
            if !self.was_blind && passed_us <= self.longest_gap_us {
                self.held_us = self.held_us.saturating_add(passed_us);
            }
            // A reading handed out twice, or by a clock that went back, is no later reading.
            self.last_held_us = Some(at_us.max(last_us));
        } else {
            self.last_held_us = Some(at_us);
        }
        self.was_blind = false;
    }

    fn forget_at(&mut self, at_us: u64) {
        let blind_since_us = self.last_held_us.unwrap_or(at_us);
        if at_us.saturating_sub(blind_since_us) >= self.duration_us.max(self.longest_gap_us) {
            self.held_us = 0;
            self.last_held_us = None;
        }
    }

    fn begin_anew(&mut self) {
        self.held_us = 0;
        self.last_held_us = None;
        self.was_blind = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: u64 = 60_000_000;
    const STEP: u64 = 15_000_000;

    fn five_minutes() -> Sustained {
        Sustained::new(5 * MINUTE, 2 * STEP)
    }

    /// The index of the first look after which it is said.
    fn said_at(looks: impl IntoIterator<Item = Look>) -> Option<usize> {
        let mut sustained = five_minutes();
        looks.into_iter().position(|look| sustained.observe(look))
    }

    fn held(steps: std::ops::Range<u64>) -> impl Iterator<Item = Look> {
        steps.map(|step| Look::Holds(step * STEP))
    }

    #[test]
    fn it_is_said_at_the_first_reading_that_completes_the_duration() {
        assert_eq!(said_at(held(0..20)), None);
        assert_eq!(said_at(held(0..100)), Some(20));
    }

    #[test]
    fn one_reading_at_which_it_does_not_hold_begins_anew() {
        let looks = held(0..20).chain([Look::Clear]).chain(held(21..41));
        assert_eq!(said_at(looks), None);
    }

    #[test]
    fn blind_readings_neither_confirm_nor_clear() {
        let blind = |steps: std::ops::Range<u64>| steps.map(|step| Look::Blind(step * STEP));
        assert_eq!(said_at(blind(0..1000)), None);
        // Ten steps seen, four blind, ten more: the five steps around the blindness do not count.
        let looks = held(0..11).chain(blind(11..15)).chain(held(15..25));
        assert_eq!(said_at(looks), None);
        let looks = held(0..11).chain(blind(11..15)).chain(held(15..26));
        assert_eq!(said_at(looks), Some(25));
    }

    #[test]
    fn blindness_as_long_as_the_duration_ends_what_was_seen() {
        let looks = held(0..20).chain([Look::Blind(20 * STEP)]).chain(held(41..60));
        assert_eq!(said_at(looks), None);
        let looks = held(0..20).chain(held(41..62));
        assert_eq!(said_at(looks), Some(40), "a pause without readings is as blind");
    }

    #[test]
    fn the_same_reading_handed_out_again_and_again_confirms_nothing() {
        assert_eq!(said_at(std::iter::repeat_n(Look::Holds(STEP), 1000)), None);
    }

    #[test]
    fn it_is_said_anew_only_after_the_whole_duration() {
        let mut sustained = five_minutes();
        let said: Vec<_> = held(0..100).map(|look| sustained.observe(look)).collect();
        let at: Vec<_> = (0..100).filter(|index| said[*index]).collect();
        assert_eq!(at, [20, 41, 62, 83]);
    }

    fn look() -> impl Strategy<Value = (u8, u64)> {
        (0_u8..8, 0..4 * STEP)
    }

    proptest! {
        /// Whatever is looked at: between the last clear reading and the moment at which it is said
        /// lies at least the duration, and every reading in between held or was blind.
        #[test]
        fn it_is_never_said_before_it_has_held_so_long(looks in prop::collection::vec(look(), 1..200)) {
            let mut sustained = five_minutes();
            let (mut now, mut first_held, mut seen) = (0_u64, None, 0_u64);
            let mut last: Option<u64> = None;
            for (kind, step) in looks {
                now += step;
                let look = match kind {
                    0 => Look::Clear,
                    1 => Look::Blind(now),
                    _ => Look::Holds(now),
                };
                match look {
                    Look::Clear => (first_held, seen, last) = (None, 0, None),
                    Look::Blind(_) => last = None,
                    Look::Holds(_) => {
                        first_held.get_or_insert(now);
                        seen += last.map_or(0, |last| now - last);
                        last = Some(now);
                    }
                }
                if sustained.observe(look) {
                    prop_assert!(seen >= 5 * MINUTE);
                    prop_assert!(now - first_held.unwrap() >= 5 * MINUTE);
                    (first_held, seen, last) = (None, 0, None);
                }
            }
        }
    }
}
