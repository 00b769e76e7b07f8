//! Whole rollouts under the guard, with chance that is the same on every machine: what is found, what
//! is not, and what is no evidence.

#[cfg(test)]
mod strata;
#[cfg(test)]
mod visitors;

use towpath_guard::{
    Arm, Cause, ErrorKind, Finding, Guard, Horizon, LatencyLimit, Observed, Outcome, Past, Policy,
    Quantile, Standing, StatusClass,
};

const SECOND: u64 = 1_000_000;

/// A generator (SplitMix64), for tests only.
struct Chance(u64);

impl Chance {
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        f64::from(u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }
}

/// A request that went well on blue.
fn request(order: u64, at_us: u64) -> Observed {
    let outcome = Outcome {
        order,
        arm: Arm::Blue,
        green_probability: 0.5,
        status: StatusClass::Success,
        error: ErrorKind::None,
        latency_us: 1_000,
        pinned: false,
    };
    Observed { outcome, assigned_us: at_us, client: 0, returning: false, stratum: 0 }
}

/// Requests every ten milliseconds, each changed by `of`, each known at once; the finding and how many
/// requests it took.
fn rollout(
    policy: Policy,
    requests: u64,
    seed: u64,
    of: impl Fn(&mut Observed, &mut Chance),
) -> (Guard, Option<(Finding, u64)>) {
    rollout_by(|order| order * SECOND / 100, policy, requests, seed, of)
}

/// The same, with a clock that shows this at the requests.
fn rollout_by(
    clock: impl Fn(u64) -> u64,
    policy: Policy,
    requests: u64,
    seed: u64,
    of: impl Fn(&mut Observed, &mut Chance),
) -> (Guard, Option<(Finding, u64)>) {
    let mut chance = Chance(seed);
    let mut guard = Guard::new(policy, Horizon::default(), 1);
    guard.weight_changed(clock(0));
    for order in 1..=requests {
        let at_us = clock(order);
        let mut one = request(order, at_us);
        let is_green = chance.share() < f64::from(one.outcome.green_probability);
        one.outcome.arm = if is_green { Arm::Green } else { Arm::Blue };
        of(&mut one, &mut chance);
        if let Some(finding) = guard.observe(&one, at_us) {
            return (guard, Some((finding, order)));
        }
    }
    (guard, None)
}

fn no_warm_up() -> Policy {
    Policy { warm_up_us: 0, ..Policy::default() }
}

fn fails(one: &mut Observed) {
    one.outcome.status = StatusClass::ServerError;
}

fn is_green(one: &Observed) -> bool {
    one.outcome.arm == Arm::Green
}

#[test]
fn a_green_that_fails_everything_is_found_after_a_handful_of_failures() {
    for seed in 0..50 {
        let (guard, found) = rollout(no_warm_up(), 500, seed, |one, _| {
            if is_green(one) {
                fails(one);
            }
        });
        let (finding, _) = found.expect("it is found");
        assert!(matches!(finding.cause, Cause::Margin | Cause::Catastrophe), "{finding:?}");
        let failed = guard.counts(Arm::Green).failed;
        assert!(failed <= 25, "seed {seed}: {failed}");
    }
}

#[test]
fn an_outage_of_both_is_nobodys_fault_and_a_limit_does_not_make_it_greens() {
    for seed in 0..20 {
        let policy = Policy { error_rate: Some(0.05), ..no_warm_up() };
        let (_, found) = rollout(policy, 3_000, seed, |one, chance| {
            if one.assigned_us > 10 * SECOND && chance.share() < 0.8 {
                fails(one);
            }
        });
        assert_eq!(found, None, "seed {seed}");
    }
}

#[test]
fn an_unconditional_limit_holds_though_blue_is_as_bad() {
    let policy = Policy { error_rate: Some(0.05), even_if_blue: true, ..no_warm_up() };
    let (_, found) = rollout(policy, 3_000, 7, |one, chance| {
        if chance.share() < 0.5 {
            fails(one);
        }
    });
    assert_eq!(found.map(|it| it.0.cause), Some(Cause::Limit(0)));
}

#[test]
fn without_blue_the_limit_alone_judges() {
    let policy = Policy { error_rate: Some(0.05), ..no_warm_up() };
    let alone = |share: f64| {
        rollout(policy.clone(), 2_000, 3, move |one, chance| {
            one.outcome.green_probability = 1.0;
            one.outcome.arm = Arm::Green;
            if chance.share() < share {
                fails(one);
            }
        })
    };
    let (_, found) = alone(0.3);
    let (finding, requests) = found.expect("it is found");
    assert_eq!(finding.cause, Cause::Limit(0));
    assert!(requests < 60, "{requests}");
    let (guard, found) = alone(0.01);
    assert_eq!(found, None);
    assert!(guard.is_proven());
}

#[test]
fn probes_are_evidence_for_the_limit_where_there_are_no_visitors() {
    let policy = Policy { error_rate: Some(0.05), ..no_warm_up() };
    let mut guard = Guard::new(policy, Horizon::default(), 1);
    let needed = (1..100).find(|_| guard.observe_probe(true).is_some());
    assert!(needed.is_some_and(|needed| needed <= 6), "{needed:?}");
    assert_eq!(guard.finding().map(|it| it.cause), Some(Cause::Limit(0)));
}

#[test]
fn what_was_not_tossed_for_and_whoever_gave_up_is_no_evidence() {
    for no_evidence in [
        |one: &mut Observed| one.outcome.pinned = true,
        |one: &mut Observed| one.outcome.error = ErrorKind::ClientAbort,
    ] {
        let (_, found) = rollout(no_warm_up(), 3_000, 5, |one, _| {
            if is_green(one) {
                fails(one);
                no_evidence(one);
            }
        });
        assert_eq!(found, None);
    }
}

/// Failures of 5% on both arms, each of which its client repeats eight times on the same arm.
fn with_repetitions(seed: u64, is_known: bool) -> Option<Finding> {
    let mut chance = Chance(seed);
    let mut guard = Guard::new(no_warm_up(), Horizon::default(), 1);
    let mut order = 0;
    for visit in 1..=3_000_u64 {
        let at_us = visit * SECOND / 10;
        let arm = if chance.share() < 0.5 { Arm::Green } else { Arm::Blue };
        let has_failed = chance.share() < 0.05;
        for _ in 0..if has_failed { 9 } else { 1 } {
            order += 1;
            let mut one = request(order, at_us);
            one.outcome.arm = arm;
            one.client = if is_known { visit } else { 0 };
            if has_failed {
                fails(&mut one);
            }
            guard.observe(&one, at_us);
        }
    }
    guard.finding()
}

#[test]
fn a_client_that_repeats_its_failures_is_one_observation() {
    let thrown_out =
        |is_known| (0..40).filter(|it| with_repetitions(*it, is_known).is_some()).count();
    assert_eq!(thrown_out(true), 0);
    assert!(thrown_out(false) > 10, "as single observations they would be evidence");
}

#[test]
fn while_it_warms_up_only_a_catastrophe_counts() {
    let warm = |seconds: u64, share: f64| {
        let policy = Policy { warm_up_us: seconds * SECOND, ..Policy::default() };
        rollout(policy, 1_500, 11, move |one, chance| {
            let usual = chance.share() < 0.02;
            if usual || (is_green(one) && one.assigned_us < 10 * SECOND && chance.share() < share) {
                fails(one);
            }
        })
    };
    assert_eq!(warm(11, 0.1).1, None);
    assert!(warm(0, 0.1).1.is_some());
    let (_, found) = warm(11, 1.0);
    assert_eq!(found.map(|it| it.0.cause), Some(Cause::Catastrophe));
}

#[test]
fn a_fault_that_begins_late_is_found_as_surely() {
    let (guard, found) = rollout(no_warm_up(), 200_000, 13, |one, chance| {
        let usual = chance.share() < 0.005;
        if usual || (is_green(one) && one.assigned_us > 1_500 * SECOND) {
            fails(one);
        }
    });
    let (_, order) = found.expect("it is found");
    assert!(order * SECOND / 100 - 1_500 * SECOND < 2 * SECOND, "{order}");
    assert!(guard.counts(Arm::Green).failed < 500);
}

#[test]
fn a_green_that_is_slower_than_tolerated_is_found_and_one_that_is_not_is_kept() {
    let slower = |factor: f64| {
        let latency = vec![LatencyLimit::Factor(Quantile(90), 1.2)];
        let policy = Policy { latency, ..no_warm_up() };
        rollout(policy, 20_000, 17, move |one, chance| {
            // Between 50 and 500 ms, most of it at the lower end.
            let usual = 50_000.0 / (1.0 - 0.9 * chance.share());
            let own = if is_green(one) { usual * factor } else { usual };
            one.outcome.latency_us = format!("{own:.0}").parse().unwrap_or(u32::MAX);
        })
    };
    assert_eq!(slower(1.0).1, None);
    assert_eq!(slower(1.15).1, None);
    assert_eq!(slower(2.0).1.map(|it| it.0.cause), Some(Cause::Slower(0)));
}

/// Blue's failures are time-outs of eight seconds, green's come at once, and both are as frequent.
#[test]
fn arms_that_fail_at_different_speeds_are_compared_in_the_order_of_assignment() {
    for seed in 0..20 {
        let mut horizon = Horizon::default();
        for n in 0..4_000_u32 {
            horizon.saw(n % 50 == 0, if n % 50 == 0 { 8_000_000 } else { 1_000 });
        }
        let mut chance = Chance(seed);
        let mut guard = Guard::new(no_warm_up(), horizon, 1);
        let mut known: Vec<(u64, Observed)> = Vec::new();
        for order in 1..=4_000 {
            let at_us = order * SECOND / 100;
            let mut one = request(order, at_us);
            one.outcome.arm = if chance.share() < 0.5 { Arm::Green } else { Arm::Blue };
            let mut after_us = 1_000;
            if chance.share() < 0.05 {
                fails(&mut one);
                after_us = if is_green(&one) { 1_000 } else { 8 * SECOND };
            }
            one.outcome.latency_us = u32::try_from(after_us).unwrap_or(u32::MAX);
            known.push((at_us + after_us, one));
        }
        known.sort_by_key(|it| it.0);
        for (now_us, one) in known {
            assert_eq!(guard.observe(&one, now_us), None, "seed {seed}");
        }
    }
}

/// A thousand requests a second for five seconds, each answered after 50 to 500 ms, most of them at the
/// lower end, on green so many times as long; whatever blue was asked from the third second on for
/// `stall_us` waits for the end of that. Told in the order of the answers.
fn beside_a_stall(seed: u64, weight: f64, factor: f64, stall_us: u64) -> Option<Finding> {
    let mut past = Past::default();
    let mut chance = Chance(seed);
    let mut usual = move || 50_000.0 / (1.0 - 0.9 * chance.share());
    for order in 1..2_000 {
        let mut one = request(order, order * SECOND / 1_000);
        one.outcome.latency_us = format!("{:.0}", usual()).parse().unwrap_or(u32::MAX);
        past.saw(&one);
    }
    let latency = vec![LatencyLimit::Factor(Quantile(50), 1.2)];
    let mut guard = Guard::new(Policy { latency, ..no_warm_up() }, past, 1);
    let stall = 3 * SECOND..3 * SECOND + stall_us;
    let mut coin = Chance(seed + 1_000);
    let mut known: Vec<(u64, Observed)> = Vec::new();
    for order in 1..=5_000 {
        let mut one = request(order, order * SECOND / 1_000);
        one.outcome.green_probability = format!("{weight}").parse().unwrap_or_default();
        one.outcome.arm = if coin.share() < weight { Arm::Green } else { Arm::Blue };
        let own = usual() * if is_green(&one) { factor } else { 1.0 };
        one.outcome.latency_us = format!("{own:.0}").parse().unwrap_or(u32::MAX);
        if !is_green(&one) && stall.contains(&one.assigned_us) {
            let rest_us = u32::try_from(stall.end - one.assigned_us).unwrap_or(u32::MAX);
            one.outcome.latency_us += rest_us;
        }
        known.push((one.assigned_us + u64::from(one.outcome.latency_us), one));
    }
    known.sort_by_key(|it| it.0);
    let finding = known.into_iter().find_map(|(now_us, one)| guard.observe(&one, now_us));
    finding.or_else(|| guard.advance(10 * SECOND))
}

#[test]
fn green_is_not_called_slow_while_blue_stalls_for_a_second() {
    for seed in 0..20 {
        for weight in [0.1, 0.5] {
            let found = beside_a_stall(seed, weight, 1.0, SECOND);
            assert_eq!(found, None, "seed {seed}, at {weight}");
            let found = beside_a_stall(seed, weight, 2.0, 0).map(|finding| finding.cause);
            assert_eq!(found, Some(Cause::Slower(0)), "seed {seed}, at {weight}");
        }
    }
}

#[test]
fn slowness_is_due_after_two_seconds_and_failures_before() {
    let due = |latency: Vec<LatencyLimit>| {
        let mut horizon = Horizon::default();
        (0..2_000).for_each(|_| horizon.saw(false, 10_000));
        let mut guard = Guard::new(Policy { latency, ..no_warm_up() }, horizon, 1);
        guard.observe(&request(2, SECOND), SECOND);
        let first_us = guard.due_us().expect("the first request is under way");
        guard.advance(first_us);
        (first_us, guard.due_us())
    };
    let (first_us, then_us) = due(vec![LatencyLimit::Factor(Quantile(50), 1.2)]);
    assert!(first_us < SECOND + SECOND / 10, "{first_us}");
    assert_eq!(then_us, Some(3 * SECOND));
    assert_eq!(due(Vec::new()), (first_us, None));
}

#[test]
fn nothing_seen_proves_nothing() {
    let guard = Guard::new(no_warm_up(), Horizon::default(), 1);
    assert!(!guard.is_proven() && guard.finding().is_none());
    assert_eq!(guard.counts(Arm::Green).requests, 0);
}

#[test]
fn a_guard_that_is_written_and_read_goes_on_with_its_evidence() {
    let (guard, found) = rollout(no_warm_up(), 40, 23, |one, chance| {
        if is_green(one) && chance.share() < 0.15 {
            fails(one);
        }
    });
    assert_eq!(found, None);
    let text = serde_json::to_string(&guard).expect("plain data");
    let failures_until = |mut guard: Guard| {
        (1_000..1_100).find(|order| {
            let mut one = request(*order, order * SECOND / 100);
            one.outcome.arm = Arm::Green;
            fails(&mut one);
            guard.observe(&one, one.assigned_us + 10 * SECOND).is_some()
        })
    };
    let read: Guard = serde_json::from_str(&text).expect("own text");
    assert_eq!(read.verdict(), guard.verdict());
    let fresh = failures_until(Guard::new(no_warm_up(), Horizon::default(), 1));
    assert!(failures_until(read.clone()) < fresh, "evidence from before counts");
    assert_eq!(failures_until(read), failures_until(guard));
}

#[test]
fn a_verdict_says_how_green_stands_in_one_sentence() {
    let none = Guard::new(no_warm_up(), Horizon::default(), 1).verdict();
    assert_eq!(none.standing, Standing::Blind);
    let (good, _) = rollout(no_warm_up(), 20_000, 29, |one, chance| {
        if chance.share() < 0.01 {
            fails(one);
        }
    });
    assert_eq!(good.verdict().standing, Standing::Healthy);
    let (short, _) = rollout(no_warm_up(), 60, 31, |_, _| {});
    assert_eq!(short.verdict().standing, Standing::Undecided);
    let (bad, _) = rollout(no_warm_up(), 500, 37, |one, _| {
        if is_green(one) {
            fails(one);
        }
    });
    let verdict = bad.verdict();
    assert_eq!(verdict.standing, Standing::Unhealthy);
    assert!(verdict.sentence.contains("; by chance less than once in "), "{}", verdict.sentence);
    assert!(verdict.evidence.once_in.is_some_and(|rollouts| rollouts >= 100));
}

#[test]
fn a_green_that_loses_and_regains_copies_does_not_stay_warming_up() {
    let policy = Policy { warm_up_us: 10 * SECOND, ..Policy::default() };
    let (_, found) = rollout(policy, 6_000, 41, |one, chance| {
        one.outcome.green_probability = if one.assigned_us / SECOND % 4 < 2 { 0.5 } else { 0.25 };
        let probability = f64::from(one.outcome.green_probability);
        one.outcome.arm = if chance.share() < probability { Arm::Green } else { Arm::Blue };
        if chance.share() < if is_green(one) { 0.2 } else { 0.02 } {
            fails(one);
        }
    });
    assert!(found.is_some());
}

#[test]
fn what_is_known_of_blue_from_before_makes_a_slow_green_known_at_once() {
    let slow = |past: Past| {
        let latency = vec![LatencyLimit::Factor(Quantile(99), 1.2)];
        let policy = Policy { latency, ..no_warm_up() };
        let mut guard = Guard::new(policy, past, 1);
        (1..400_u64).find(|order| {
            let mut one = request(*order, order * SECOND / 100);
            if order % 10 == 0 {
                one.outcome.arm = Arm::Green;
                one.outcome.latency_us = 120_000;
            }
            one.outcome.green_probability = 0.1;
            guard.observe(&one, one.assigned_us).is_some()
        })
    };
    let mut past = Past::default();
    (1..2_000).for_each(|order| past.saw(&request(order, order * SECOND / 100)));
    assert!(slow(past).is_some_and(|order| order <= 60));
    assert!(slow(Past::default()).is_none_or(|order| order > 200));
}

/// One request in fifty fails on either arm; on a bad green one in five.
fn now_and_then(one: &mut Observed, chance: &mut Chance, is_bad: bool) {
    let share = if is_bad && is_green(one) { 0.2 } else { 0.02 };
    if chance.share() < share {
        fails(one);
    }
}

#[test]
fn a_clock_that_jumps_changes_no_finding() {
    const HOUR: u64 = 3_600 * SECOND;
    // Asleep for an hour now and then; or hours too early or too late for a second at a time.
    let forward = |order: u64| order * SECOND / 100 + order / 2_500 * HOUR;
    let about = |order: u64| order * SECOND / 100 + [2, 1, 3, 0][(order / 100 % 4) as usize] * HOUR;
    let clocks: [&dyn Fn(u64) -> u64; 2] = [&forward, &about];
    for seed in 0..10 {
        for is_bad in [false, true] {
            let of = |one: &mut Observed, chance: &mut Chance| now_and_then(one, chance, is_bad);
            let (_, steady) = rollout(no_warm_up(), 20_000, seed, of);
            assert!(!is_bad || steady.is_some(), "{seed}");
            for clock in clocks {
                assert_eq!(rollout_by(clock, no_warm_up(), 20_000, seed, of).1, steady, "{seed}");
            }
        }
    }
}
