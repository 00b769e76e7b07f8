//! How often each rule throws out good releases and how much harm it lets through, held against the
//! tables of a reference simulation of the same rules in another language (3,000 rollouts of good
//! releases, 300 of bad ones, at ten requests per second). Tests no guard.

use towpath_simulate::peers::{PEERS, flagger};
use towpath_simulate::{Fault, Schedule, Series, Trace, Traffic, statistics};

const RUNS: u32 = 300;

/// In how many runs each rule went back, when, and how many visitors were harmed; Flagger last.
fn rows(error_rate: f64, fault: f64) -> Vec<(f64, Option<f64>, f64)> {
    let (traffic, fault) = (Traffic::plain(10.0, error_rate), Fault::none(fault));
    let schedule = Schedule::of_the_seeds();
    let mut ends = vec![Vec::new(); PEERS.len() + 1];
    for seed in 1..=u64::from(RUNS) {
        let mut series = Series::new(1800);
        let requests = Trace::new(&traffic, &fault, &schedule, seed);
        requests.take_while(|it| it.at_us < 1_800_000_000).for_each(|it| series.record(&it));
        for (peer, ends) in PEERS.iter().zip(&mut ends) {
            let at = (peer.decide)(&series);
            let at_s = at.map_or(f64::INFINITY, |at| f64::from(u32::try_from(at).unwrap_or(0)));
            ends.push((at_s, series.harmed_until(at.unwrap_or(usize::MAX))));
        }
        let (at_s, harmed) = flagger::rollout((&traffic, &fault, &schedule), seed);
        ends[PEERS.len()].push((at_s.unwrap_or(f64::INFINITY), harmed));
    }
    ends.iter().map(|ends| summed_up(ends)).collect()
}

fn summed_up(ends: &[(f64, f64)]) -> (f64, Option<f64>, f64) {
    let (at_s, harmed): (Vec<_>, Vec<_>) = ends.iter().copied().unzip();
    let back = at_s.iter().filter(|at_s| at_s.is_finite()).count();
    let share = f64::from(u32::try_from(back).unwrap_or(0)) / f64::from(RUNS);
    let median_s = statistics::median(&at_s).filter(|at_s| at_s.is_finite());
    (share, median_s, statistics::mean(&harmed).unwrap_or_default())
}

/// Within five standard errors of a share of this many runs and what the table is rounded by.
fn is_near(share: f64, percent: f64, rounded: f64) -> bool {
    let expected = percent / 100.0;
    let error = (expected * (1.0 - expected) / f64::from(RUNS)).sqrt();
    (share - expected).abs() <= 5.0 * error + rounded
}

#[test]
fn good_releases_are_thrown_out_as_often_as_in_the_reference() {
    let reference = [
        (0.001, [0.0, 0.0, 3.0, 0.0, 57.3, 0.0, 0.1]),
        (0.005, [0.0, 0.0, 14.9, 0.4, 100.0, 0.0, 65.1]),
        (0.01, [0.0, 0.0, 32.7, 1.8, 100.0, 0.0, 100.0]),
    ];
    for (error_rate, percents) in reference {
        let rows = rows(error_rate, error_rate);
        for (row, percent) in rows.iter().zip(percents) {
            assert!(is_near(row.0, percent, 0.001), "{error_rate}: {percent}% and {rows:?}");
        }
    }
}

/// Mean harm, median time (none where fewer than half go back) and misses in percent. A tenth of the
/// mean is allowed, which is some five standard errors where a rule is slow, and half of a request.
#[test]
fn bad_releases_do_the_harm_that_they_do_in_the_reference() {
    type Reference = [(f64, Option<f64>, f64); 7];
    let five_times: Reference = [
        (103.0, None, 100.0),
        (91.8, None, 87.0),
        (14.0, Some(360.0), 10.0),
        (83.8, None, 80.0),
        (3.6, Some(420.0), 0.0),
        (89.0, Some(1800.0), 5.0),
        (8.0, Some(720.0), 0.0),
    ];
    let a_fifth: Reference = [
        (675.0, Some(1500.0), 0.0),
        (13.4, Some(300.0), 0.0),
        (1.6, Some(60.0), 0.0),
        (5.8, Some(120.0), 0.0),
        (5.8, Some(120.0), 0.0),
        (224.0, Some(600.0), 0.0),
        (12.6, Some(480.0), 0.0),
    ];
    for (fault, reference) in [(0.025, five_times), (0.2, a_fifth)] {
        let rows = rows(0.005, fault);
        for (row, (harmed, median_s, missed)) in rows.iter().zip(reference) {
            assert!(is_near(1.0 - row.0, missed, 0.01), "{fault}: {missed}% and {rows:?}");
            assert!((row.2 - harmed).abs() <= 0.1 * harmed + 0.5, "{fault}: {harmed}, {rows:?}");
            let is_same = match (row.1, median_s) {
                (Some(one), Some(other)) => (one - other).abs() <= 60.0,
                (one, other) => one == other,
            };
            assert!(is_same, "{fault}: {median_s:?} and {rows:?}");
        }
    }
}
