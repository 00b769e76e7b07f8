//! How much traffic each arm really gets. Pure; owns the rule that weight follows ready capacity.

use crate::route::ALL_BP;

/// What an arm could carry now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Readiness {
    /// Endpoints that take traffic.
    pub(crate) ready: u32,
    /// Ready endpoints that carry everything, at least 1 where the arm exists.
    pub(crate) capacity: u32,
}

impl Readiness {
    /// The share of all traffic that the arm can carry, in basis points.
    pub(crate) fn carries_bp(self) -> u16 {
        if self.capacity == 0 {
            return 0;
        }
        let share = u64::from(ALL_BP) * u64::from(self.ready) / u64::from(self.capacity);
        u16::try_from(share).map_or(ALL_BP, |share| share.min(ALL_BP))
    }
}

/// The candidate's share in basis points; the default arm gets the rest of the 10000.
///
/// The candidate never gets more than it can carry as long as the default arm is there at all, and
/// is given what the default arm cannot carry. A candidate at weight 0 stays there: it was not
/// found fit to serve. An arm without a ready endpoint gets nothing while the other has one.
pub(crate) fn candidate_share_bp(weight_bp: u16, default: Readiness, candidate: Readiness) -> u16 {
    if weight_bp == 0 || candidate.ready == 0 {
        return 0;
    }
    if default.ready == 0 {
        return ALL_BP;
    }
    let can_take = candidate.carries_bp();
    let beyond_default = ALL_BP - default.carries_bp();
    weight_bp.max(beyond_default).min(can_take)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn readiness()(ready in 0u32..10, capacity in 1u32..10) -> Readiness {
            Readiness { ready, capacity }
        }
    }

    proptest! {
        #[test]
        fn the_candidate_never_gets_more_than_it_carries_while_the_default_serves(
            weight in 0u16..=ALL_BP, default in readiness(), candidate in readiness()
        ) {
            let share = candidate_share_bp(weight, default, candidate);
            prop_assert!(share <= ALL_BP);
            if default.ready > 0 {
                prop_assert!(share <= candidate.carries_bp());
            }
        }

        #[test]
        fn the_default_gets_more_than_it_carries_only_where_the_candidate_cannot_help(
            weight in 1u16..=ALL_BP, default in readiness(), candidate in readiness()
        ) {
            let share = candidate_share_bp(weight, default, candidate);
            let rest = ALL_BP - share;
            if rest > default.carries_bp() && default.ready > 0 {
                prop_assert_eq!(share, candidate.carries_bp());
            }
        }

        #[test]
        fn full_capacity_on_both_sides_gives_the_weight_asked_for(
            weight in 0u16..=ALL_BP, capacity in 1u32..10
        ) {
            let full = Readiness { ready: capacity, capacity };
            prop_assert_eq!(candidate_share_bp(weight, full, full), weight);
        }
    }

    #[test]
    fn weight_zero_stays_zero_even_when_the_default_is_dead() {
        let dead = Readiness { ready: 0, capacity: 1 };
        let ready = Readiness { ready: 1, capacity: 1 };
        assert_eq!(candidate_share_bp(0, dead, ready), 0);
        assert_eq!(candidate_share_bp(1, dead, ready), ALL_BP);
    }

    #[test]
    fn half_a_candidate_takes_half_of_the_traffic_at_most() {
        let full = Readiness { ready: 2, capacity: 2 };
        let half = Readiness { ready: 1, capacity: 2 };
        assert_eq!(candidate_share_bp(9000, full, half), 5000);
        assert_eq!(candidate_share_bp(1000, half, full), 5000);
    }
}
