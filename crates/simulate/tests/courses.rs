//! Rollouts along a declared course, beside those of the requests drawn one by one, whose figures are
//! held against a reference simulation elsewhere.

use std::sync::Arc;

use towpath_guard::{Cause, LatencyLimit, Policy, Quantile};
use towpath_simulate::recording::Recording;
use towpath_simulate::statistics::{mean_interval, median_interval};
use towpath_simulate::{
    Arrivals, Bake, Counted, Course, Ending, Fault, Followed, Latency, Scenario, Schedule, Traffic,
    beside, follow, many, rollout,
};

fn course(bakes: &[(f64, f64, f64)]) -> Course {
    let bake = |(weight, least_s, most_s): &(f64, f64, f64)| Bake {
        weight: *weight,
        least_s: *least_s,
        most_s: *most_s,
    };
    Course {
        bakes: bakes.iter().map(bake).collect(),
        proof_required: false,
        hold_limit_s: 600.0,
        blind_goes_back: true,
        is_probed: false,
        harm_budget: None,
    }
}

fn of_the_seeds() -> Course {
    course(&[(0.01, 300.0, 300.0), (0.1, 600.0, 600.0), (0.5, 900.0, 900.0)])
}

fn described(requests_per_s: f64, error_rate: f64, fault: Fault) -> Scenario {
    let arrivals = Arrivals::Described { requests_per_s, error_rate };
    Scenario { arrivals, latency: Latency::AtOnce, fault }
}

fn policy() -> Policy {
    Policy { error_rate: Some(0.05), ..Policy::default() }
}

fn all(scenario: &Scenario, course: &Course, policy: &Policy, runs: u64) -> Vec<Followed> {
    let horizon = scenario.horizon();
    many((runs, 1), |seed| follow(scenario, course, policy, &horizon, seed), |_| {})
}

/// The weights of a budget, as the matrix has them unless it says which.
fn ladder(budget: f64) -> Course {
    let weights = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];
    let bakes = weights.map(|weight| Bake { weight, least_s: 60.0, most_s: 300.0 });
    Course { bakes: bakes.to_vec(), harm_budget: Some(budget), ..course(&[]) }
}

/// From twice as bad to failing every request: what a release that is wrong from the start harms on average
/// stays within the budget.
#[test]
fn what_a_release_harms_that_is_wrong_from_the_start_stays_within_the_budget() {
    for (rate, error_rate) in [(10.0, 0.005), (100.0, 0.005)] {
        for failing in [2.0 * error_rate, 0.2, 1.0] {
            let fault = Fault::none(failing);
            let policy = Policy { alpha: 0.0081, ..policy() };
            let runs = all(&described(rate, error_rate, fault), &ladder(20.0), &policy, 24);
            let harmed: Vec<f64> = runs.iter().map(|run| run.harmed).collect();
            let (_, (least, _)) = mean_interval(&harmed).expect("rollouts");
            assert!(least <= 20.0, "{rate}/s {error_rate} {failing}: {least}");
        }
    }
}

#[test]
fn a_good_release_is_promoted_within_a_budget_and_none_is_called_bad() {
    let good = described(100.0, 0.001, Fault::none(0.001));
    let runs = all(&good, &ladder(50.0), &policy(), 60);
    let promoted = runs.iter().filter(|run| run.ending == Ending::Promoted).count();
    assert!(promoted >= 54, "{promoted} of 60");
    assert!(runs.iter().all(|run| !matches!(run.ending, Ending::WentBack(_))));
}

/// Leaving out blue's answers changes nothing: harm and time are those of every request drawn.
#[test]
fn what_is_left_out_changes_neither_harm_nor_time() {
    for (share, onset_s) in [(0.2, 0.0), (1.0, 400.0)] {
        let fault = Fault { onset_s, ..Fault::none(share) };
        let counted = all(&described(20.0, 0.005, fault), &of_the_seeds(), &policy(), 600);
        let (traffic, schedule) = (Traffic::plain(20.0, 0.005), Schedule::of_the_seeds());
        let drawn = many(
            (600, 2),
            |seed| rollout((&traffic, &fault, &schedule), &policy(), seed, false),
            |_| {},
        );
        let harmed: Vec<f64> = counted.iter().map(|it| it.harmed).collect();
        let expected: Vec<f64> = drawn.iter().map(|it| it.harmed + it.harmed_warming).collect();
        let (_, (low, high)) = mean_interval(&harmed).expect("there are runs");
        let (_, (least, most)) = mean_interval(&expected).expect("there are runs");
        assert!(low < most && least < high, "{low} to {high}, expected {least} to {most}");
        let at: Vec<f64> = counted.iter().map(|it| it.at_s).collect();
        let expected: Vec<f64> =
            drawn.iter().map(|it| it.decided.map_or(1800.0, |it| it.at_s)).collect();
        let (_, (low, high)) = median_interval(&at).expect("there are runs");
        let (_, (least, most)) = median_interval(&expected).expect("there are runs");
        assert!(low < most && least < high, "{low} to {high}, expected {least} to {most}");
    }
}

#[test]
fn a_good_release_goes_through_in_the_declared_time() {
    let runs = all(&described(50.0, 0.005, Fault::none(0.005)), &of_the_seeds(), &policy(), 60);
    assert!(runs.iter().filter(|run| run.ending == Ending::Promoted).count() >= 58);
    let promoted = runs.iter().filter(|run| run.ending == Ending::Promoted);
    promoted.for_each(|run| assert!((run.at_s - 1800.0).abs() < 1e-6 && run.harmed < 0.5));
}

#[test]
fn a_range_ends_early_once_green_is_proven_and_never_before_its_least() {
    let range = course(&[(0.1, 60.0, 900.0), (1.0, 60.0, 900.0)]);
    let scenario = described(100.0, 0.01, Fault::none(0.01));
    for run in all(&scenario, &range, &policy(), 40) {
        if run.ending == Ending::Promoted {
            assert!(run.is_proven && (120.0..600.0).contains(&run.at_s), "{run:?}");
        }
    }
}

#[test]
fn nobody_there_is_blind_and_held_and_probes_are_not_nobody() {
    let course = Course { hold_limit_s: 120.0, ..course(&[(0.5, 60.0, 60.0), (1.0, 60.0, 60.0)]) };
    let nobody = described(1e-9, 0.0, Fault::none(0.0));
    let ended = |course: &Course| all(&nobody, course, &policy(), 1)[0];
    assert_eq!((ended(&course).ending, ended(&course).at_s), (Ending::WentBackBlind, 180.0));
    let pauses = Course { blind_goes_back: false, ..course.clone() };
    assert_eq!(ended(&pauses).ending, Ending::Held);
    let probed = Course { is_probed: true, ..course.clone() };
    assert_eq!((ended(&probed).ending, ended(&probed).at_s), (Ending::Promoted, 120.0));
    let proof = Course { proof_required: true, ..probed };
    assert_eq!((ended(&proof).ending, ended(&proof).at_s), (Ending::Held, 180.0));
}

/// Sums of such times are rounded, and every step ends all the same.
#[test]
fn steps_of_odd_lengths_end() {
    let odd = course(&[(0.1, 0.1, 0.1), (0.2, 0.7, 0.7), (0.3, 299.9, 299.9), (1.0, 33.3, 33.3)]);
    let scenario = described(3.0, 0.005, Fault::none(0.005));
    for run in all(&scenario, &Course { is_probed: true, ..odd }, &policy(), 20) {
        assert!((run.at_s - 334.0).abs() < 1e-3, "{run:?}");
    }
}

#[test]
fn a_slower_green_is_found_by_its_latency_and_every_slowed_visitor_is_counted() {
    let latency = Latency::LogNormal { median_us: 50_000.0, sigma: 0.8 };
    let fault = Fault { slower: 3.0, slower_share: 1.0, onset_s: 30.0, ..Fault::none(0.005) };
    let scenario = Scenario { latency, ..described(40.0, 0.005, fault) };
    let factor = LatencyLimit::Factor(Quantile(90), 1.2);
    let policy = Policy { latency: vec![factor], ..policy() };
    let course = course(&[(0.1, 300.0, 300.0), (1.0, 60.0, 60.0)]);
    for run in all(&scenario, &course, &policy, 12) {
        assert_eq!(run.ending, Ending::WentBack(Cause::Slower(0)), "{run:?}");
        assert!(run.at_s > 30.0 && run.harmed > 5.0 && run.harmed < 400.0, "{run:?}");
    }
}

/// A recording in which everything fails for a while: what both arms suffer is nobody's fault.
#[test]
fn a_recorded_outage_throws_nothing_out_and_the_fault_is_laid_on_green_alone() {
    let minute = |answered, failed| Counted { answered, failed };
    let mut minutes = vec![minute(1188, 12); 30];
    minutes[7] = minute(0, 1200);
    let recording = Arc::new(Recording::new(60.0, minutes).expect("it has requests"));
    let scenario = |fault| Scenario {
        arrivals: Arrivals::Recorded(Arc::clone(&recording)),
        latency: Latency::AtOnce,
        fault,
    };
    let good = all(&scenario(Fault::none(0.0)), &of_the_seeds(), &policy(), 60);
    assert!(good.iter().all(|run| run.ending == Ending::Promoted && run.harmed < 0.5));
    let bad = all(&scenario(Fault::none(1.0)), &of_the_seeds(), &policy(), 60);
    assert!(bad.iter().all(|run| matches!(run.ending, Ending::WentBack(_))));
}

#[test]
fn other_tools_meet_the_same_traffic_as_counts() {
    let scenario = described(100.0, 0.005, Fault { onset_s: 70.0, ..Fault::none(1.0) });
    let series = beside::series(&scenario, &of_the_seeds().schedule(), 3);
    assert!(series.harmed_until(70) < 0.5);
    // One in a hundred of a hundred a second.
    assert!((80.0..170.0).contains(&series.harmed_until(190)), "{}", series.harmed_until(190));
    assert_eq!(series.green.minute(2), Some(1.0));
    let blue = series.blue.minute(2).expect("it is served");
    assert!((0.001..0.01).contains(&blue), "{blue}");
    let scenario = described(100.0, 0.0, Fault { onset_s: 70.0, ..Fault::none(1.0) });
    let ended = beside::flagger(&scenario, &of_the_seeds().schedule(), 3);
    assert_eq!(ended.back_s, Some(420.0));
}

#[test]
fn the_same_seed_is_the_same_rollout() {
    let scenario = described(50.0, 0.005, Fault::none(0.02));
    let run = || all(&scenario, &of_the_seeds(), &policy(), 12);
    assert_eq!(run(), run());
}
