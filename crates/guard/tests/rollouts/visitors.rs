//! Visitors who send much, or who stay where they were sent: what is one observation, and what is none.

use super::*;

#[test]
fn one_client_that_makes_nine_in_ten_of_the_requests_neither_condemns_nor_hides() {
    let of_one = |one: &mut Observed, chance: &mut Chance, is_bad: bool| {
        one.client = if chance.share() < 0.9 { 7 } else { 1_000 + one.outcome.order % 500 };
        now_and_then(one, chance, is_bad);
    };
    for seed in 0..20 {
        let (_, found) =
            rollout(no_warm_up(), 20_000, seed, |one, chance| of_one(one, chance, false));
        assert_eq!(found, None, "{seed}");
        let (_, found) =
            rollout(no_warm_up(), 20_000, seed, |one, chance| of_one(one, chance, true));
        let (_, requests) = found.expect("it is found");
        assert!(requests < 2_000, "{seed}: {requests}");
    }
}

/// Two hundred visitors who stay where their first toss sent them, of whom five fail half of what they
/// ask, wherever they are. From the second request on a visitor returns.
fn sticky(
    seed: u64,
    is_known: bool,
    of: impl Fn(&mut Observed, &mut Chance),
) -> Option<(Finding, u64)> {
    let policy = Policy { client_window_us: None, ..no_warm_up() };
    let (_, found) = rollout(policy, 20_000, seed, |one, chance| {
        let visitor = one.outcome.order % 200;
        one.client = if is_known { 1 + visitor } else { 0 };
        one.returning = one.outcome.order > 200;
        let is_green = Chance(seed * 1_000 + visitor).share() < 0.5;
        one.outcome.arm = if is_green { Arm::Green } else { Arm::Blue };
        if visitor < 5 && chance.share() < 0.5 {
            fails(one);
        }
        of(one, chance);
    });
    found
}

#[test]
fn visitors_who_stay_on_their_arm_are_one_observation_each_however_often_they_fail() {
    let thrown_out = |is_known: bool| {
        (0..100).filter(|seed| sticky(*seed, is_known, |_, _| {}).is_some()).count()
    };
    assert!(thrown_out(false) > 20, "the trap is one: {}", thrown_out(false));
    assert_eq!(thrown_out(true), 0);
}

/// Of so many rollouts those in which green, which fails that share of its requests where blue fails 16%,
/// is thrown out. Nearly every visitor fails at some time, and is no observation after that.
fn thrown_out(rollouts: u64, share_of_green: f64) -> usize {
    let is_out = |seed: &u64| {
        let found = sticky(*seed, true, |one, chance| {
            one.outcome.status = StatusClass::Success;
            let share = if is_green(one) { share_of_green } else { 0.16 };
            if chance.share() < share {
                fails(one);
            }
        });
        found.is_some()
    };
    (0..rollouts).filter(is_out).count()
}

/// Visitors of a better green fail later than those of blue, when most of those are no observation any
/// more: from a moment in the middle green alone seems to fail.
#[test]
fn a_green_that_mends_what_nearly_every_visitor_of_blue_met_is_not_thrown_out() {
    assert_eq!((thrown_out(50, 0.01), thrown_out(50, 0.05)), (0, 0));
}

/// At 1% more than 7 of 200 would be thrown out with a chance of 0.001.
#[test]
fn a_green_that_is_as_good_or_at_the_margin_for_visitors_who_stay_is_hardly_ever_thrown_out() {
    for share_of_green in [0.16, 0.2] {
        let out = thrown_out(200, share_of_green);
        assert!(out <= 7, "{share_of_green}: {out}");
    }
}

/// A fault of which nobody knows when it begins takes longer to find among visitors who stay, as their
/// failures are held against those from the beginning.
#[test]
fn a_green_that_turns_bad_for_visitors_who_were_there_before_is_found() {
    let found_after = |seed| {
        let found = sticky(seed, true, |one, chance| {
            if one.outcome.order > 10_000 && is_green(one) && chance.share() < 0.2 {
                fails(one);
            }
        });
        found.expect("it is found").1.checked_sub(10_000).expect("not before it began")
    };
    let mut after: Vec<u64> = (0..20).map(found_after).collect();
    after.sort_unstable();
    assert!(after[10] < 250 && after[19] < 450, "{after:?}");
}

#[test]
fn how_long_returning_visitors_wait_is_no_evidence() {
    let policy =
        || Policy { latency: vec![LatencyLimit::Factor(Quantile(50), 1.2)], ..no_warm_up() };
    for returning in [false, true] {
        let (_, found) = rollout(policy(), 10_000, 1, |one, _| {
            one.returning = returning;
            one.outcome.latency_us = if is_green(one) { 90_000 } else { 1_000 };
        });
        assert_eq!(found.is_none(), returning);
    }
}
