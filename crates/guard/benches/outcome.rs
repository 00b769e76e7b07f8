//! What one outcome costs on one core, in the cases that differ: what is declared, whether it failed,
//! whether clients are known, and whether it comes in order. The bar is 100 ns. Finds nothing: a guard
//! that has found something has less to do, so both arms fare alike here.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use towpath_guard::{
    Arm, ErrorKind, Guard, Horizon, LatencyLimit, Observed, Outcome, Policy, Quantile, StatusClass,
};

/// Outcomes that are gone through again and again: a power of two.
const PREPARED: usize = 1 << 14;
/// A thousand requests a second.
const APART_US: u64 = 1_000;
/// Requests that are under way together where outcomes come in another order than they were assigned.
const UNDER_WAY: u64 = 64;

/// What differs between two cases.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    /// Whether limits on errors and on the p50, p90, p95 and p99 are declared.
    has_limits: bool,
    /// Of how many outcomes one fails; 0 is none.
    fails: u64,
    has_clients: bool,
    in_order: bool,
}

const PLAIN: Case =
    Case { name: "", has_limits: false, fails: 0, has_clients: false, in_order: true };
const LIMITS: Case = Case { has_limits: true, ..PLAIN };

const CASES: &[Case] = &[
    Case { name: "answers, nothing declared", ..PLAIN },
    Case { name: "answers, all limits", ..LIMITS },
    Case { name: "answers, all limits, clients", has_clients: true, ..LIMITS },
    Case { name: "1 in 200 fails, all limits, clients", fails: 200, has_clients: true, ..LIMITS },
    Case {
        name: "1 in 200 fails, all limits, clients, out of order",
        fails: 200,
        has_clients: true,
        in_order: false,
        ..LIMITS
    },
    Case { name: "failures, nothing declared", fails: 1, ..PLAIN },
    Case { name: "failures, all limits", fails: 1, ..LIMITS },
    Case { name: "failures, all limits, clients", fails: 1, has_clients: true, ..LIMITS },
];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("one outcome");
    for case in CASES {
        let prepared = prepare(*case);
        group.bench_function(case.name, |bencher| {
            bencher.iter_custom(|outcomes| judge(*case, &prepared, outcomes));
        });
    }
    group.finish();
    criterion.final_summary();
}

/// How long a new guard takes for so many outcomes.
fn judge(case: Case, prepared: &[Observed], outcomes: u64) -> Duration {
    let mut guard = Guard::new(policy(case), known(), 1);
    guard.weight_changed(0);
    let began = Instant::now();
    for number in 0..outcomes {
        let mut observed = prepared[place(number)];
        // Each group of these comes in reverse.
        let order = if case.in_order { number } else { number ^ (UNDER_WAY - 1) };
        observed.outcome.order = order + 1;
        observed.assigned_us = order * APART_US;
        black_box(guard.observe(&observed, number * APART_US));
    }
    let took = began.elapsed();
    assert!(guard.finding().is_none(), "{}: it has less to do now", case.name);
    took
}

fn policy(case: Case) -> Policy {
    if !case.has_limits {
        return Policy::default();
    }
    let latency = [50, 90, 95, 99].map(|percent| LatencyLimit::Factor(Quantile(percent), 1.2));
    Policy { error_rate: Some(0.05), latency: latency.to_vec(), ..Policy::default() }
}

/// The speed of blue from before, so that thresholds are there from the start.
fn known() -> Horizon {
    let mut horizon = Horizon::default();
    let mut chance = Chance(7);
    for _ in 0..2_000 {
        horizon.saw(false, chance.latency_us());
    }
    horizon
}

/// In pairs that differ in their arm alone, each in an order of chance: gone through again and again,
/// any difference between the arms would become one that is found.
fn prepare(case: Case) -> Vec<Observed> {
    let mut chance = Chance(3);
    let pair = |_| {
        let failed = case.fails > 0 && chance.below(case.fails) == 0;
        let outcome = Outcome {
            order: 0,
            arm: Arm::Blue,
            green_probability: 0.5,
            status: if failed { StatusClass::ServerError } else { StatusClass::Success },
            error: ErrorKind::None,
            latency_us: chance.latency_us(),
            pinned: false,
        };
        let client = if case.has_clients { 1 + chance.below(5_000) } else { 0 };
        let of = |arm| Observed {
            outcome: Outcome { arm, ..outcome },
            assigned_us: 0,
            client,
            returning: false,
            stratum: 0,
        };
        let pair = [of(Arm::Blue), of(Arm::Green)];
        if chance.below(2) == 0 { pair } else { [pair[1], pair[0]] }
    };
    (0..PREPARED / 2).flat_map(pair).collect()
}

/// Every other time each pair comes the other way round, so that neither arm gains by being first.
fn place(number: u64) -> usize {
    let number = usize::try_from(number).unwrap_or_default();
    (number & (PREPARED - 1)) ^ ((number / PREPARED) & 1)
}

/// A generator (SplitMix64: Steele, Lea and Flood 2014, figure 17), for this bench only.
struct Chance(u64);

impl Chance {
    fn below(&mut self, count: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 16) % count
    }

    /// From a millisecond to a few hundred, the slow ones seldom.
    fn latency_us(&mut self) -> u32 {
        let factors = (0..4).map(|_| 1 + self.below(4)).product::<u64>();
        u32::try_from(1_000 * factors + self.below(1_000)).unwrap_or(u32::MAX)
    }
}
