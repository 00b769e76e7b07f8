//! What each rule does in plain cases, held against a reference simulation of the same rules in another
//! language (its table for 100 requests per second, blue failing 0.5%).

use towpath_guard::Policy;
use towpath_simulate::peers::{ON_LATENCY, ONE_EACH, PEERS, Peer, flagger};
use towpath_simulate::{Fault, Latency, Schedule, Series, Trace, Traffic, rollout};

fn series(fault: &Fault) -> Series {
    let (traffic, schedule) = (Traffic::plain(100.0, 0.005), Schedule::of_the_seeds());
    let mut series = Series::new(1800);
    let requests = Trace::new(&traffic, fault, &schedule, 7);
    requests.take_while(|it| it.at_us < 1_800_000_000).for_each(|it| series.record(&it));
    series
}

#[test]
fn a_green_that_fails_everything_goes_back_when_the_reference_says() {
    let series = series(&Fault::none(1.0));
    let decided: Vec<_> = PEERS.iter().map(|peer| (peer.decide)(&series)).collect();
    assert_eq!(decided, [1200, 240, 60, 120, 120, 600].map(Some));
    let described = (&Traffic::plain(100.0, 0.005), &Fault::none(1.0), &Schedule::of_the_seeds());
    assert_eq!(flagger::rollout(described, 7).0, Some(360.0));
}

/// Median times of the reference for 100 requests per second, answers of 50 ms and sigma 0.8.
#[test]
fn a_green_three_times_as_slow_goes_back_when_the_reference_says() {
    let latency = Latency::LogNormal { median_us: 50_000.0, sigma: 0.8 };
    let traffic = Traffic { latency, ..Traffic::plain(100.0, 0.005) };
    let decided = |slower| {
        let fault = Fault { slower, slower_share: 1.0, ..Fault::none(0.005) };
        let mut series = Series::new(1800);
        let schedule = Schedule::of_the_seeds();
        let requests = Trace::new(&traffic, &fault, &schedule, 7);
        requests.take_while(|it| it.at_us < 1_800_000_000).for_each(|it| series.record(&it));
        ON_LATENCY.iter().map(|peer| (peer.decide)(&series)).collect::<Vec<_>>()
    };
    assert_eq!(decided(3.0), [360, 120, 60, 240, 600].map(Some));
    let good = decided(1.0);
    assert_eq!((good[0], good[4]), (None, None), "{good:?}");
}

#[test]
fn a_judge_that_takes_too_long_is_told_from_the_others() {
    let can = |seconds| ONE_EACH.iter().filter(move |peer| peer.can_judge(seconds)).map(Peer::tool);
    assert_eq!(can(10_800.0).collect::<Vec<_>>(), ["Argo Rollouts", "CodeDeploy", "Kayenta"]);
    assert_eq!(can(10_801.0).collect::<Vec<_>>(), ["Argo Rollouts", "CodeDeploy"]);
}

/// 99 of a hundred take at most that; of one minute only its own answers count.
#[test]
fn the_p99_is_that_of_one_minute() {
    let latency = Latency::LogNormal { median_us: 50_000.0, sigma: 0.8 };
    let traffic = Traffic { latency, ..Traffic::plain(100.0, 0.005) };
    let (fault, schedule) = (Fault::none(0.005), Schedule::of_the_seeds());
    let mut series = Series::new(1800);
    let requests = Trace::new(&traffic, &fault, &schedule, 7);
    requests.take_while(|it| it.at_us < 150_000_000).for_each(|it| series.record(&it));
    for minute in 0..3 {
        // exp(0.8 * 2.326) * 50 ms = 321 ms.
        let p99 = series.blue.p99_us(minute).expect("it has answers");
        assert!((280_000..370_000).contains(&p99), "{p99}");
    }
    assert_eq!(series.blue.p99_us(3), None);
}

#[test]
fn a_good_green_is_thrown_out_by_any_error_and_by_nothing_else() {
    let series = series(&Fault::none(0.005));
    let decided: Vec<_> = PEERS.iter().map(|peer| (peer.decide)(&series).is_some()).collect();
    assert_eq!(decided, [false, false, false, false, true, false]);
}

#[test]
fn harm_is_what_blue_would_have_answered_until_that_second() {
    let series = series(&Fault::none(1.0));
    let minute = series.harmed_until(60);
    // One in a hundred of a hundred a second, less blue's own failures.
    assert!((40.0..85.0).contains(&minute), "{minute}");
    assert!(series.harmed_until(usize::MAX) > 40_000.0);
}

#[test]
fn the_same_seed_is_the_same_rollout() {
    let described = (&Traffic::plain(50.0, 0.005), &Fault::none(0.2), &Schedule::of_the_seeds());
    let run = |seed| rollout(described, &Policy::default(), seed, false);
    assert_eq!(run(3), run(3));
    assert_ne!(run(3).decided, run(4).decided);
    assert!(run(3).decided.is_some_and(|decided| decided.at_s < 300.0));
}
