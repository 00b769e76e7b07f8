//! Counts of a metrics source: which intervals are evidence, and what a source that cannot be read lets
//! pass. What counts prove is the guard's, and its tables are there.

use serde_json::json;
use towpath_core::guarding::CountsFrom;
use towpath_core::matrix::AdapterSpec;
use towpath_core::promotion::state::Outcome;
use towpath_core::units::Span;
use towpath_guard::{IntervalCounts, Tally};
use towpath_ports::metrics::{Blind, Counted};
use towpath_testkit::declared;

use crate::fakes::FakeMetrics;
use crate::world::{Life, World};

const STEPS: &str =
    "prod: root, steps 10%/12m 50%/3m 100%/2s, standby 20m, hold 5m, on_blind rollback";

fn jobs() -> CountsFrom {
    CountsFrom {
        source: declared::name("jobs").unwrap(),
        adapter: AdapterSpec { kind: "prometheus".to_owned(), settings: json!({}) },
    }
}

fn world() -> World {
    World::new(STEPS).without_a_limit().counted_by(jobs())
}

/// Requests and failures of green and of blue in each interval.
fn counted(green: (u64, u64), blue: (u64, u64)) -> Counted {
    let tally = |(requests, failed)| Tally { requests, failed };
    let counts = IntervalCounts { green: tally(green), blue: tally(blue) };
    Counted { counts, ..Counted::default() }
}

/// Green has failed none and blue hardly any.
fn well() -> Counted {
    counted((20, 0), (180, 1))
}

async fn asked_again(life: &Life<'_>, times: usize) {
    let metrics = &life.world.metrics;
    let many = metrics.counted().len() + times;
    life.until("it was asked again", |_| metrics.counted().len() >= many).await;
}

#[test]
fn jobs_that_fail_after_their_requests_were_answered_take_the_release_back() {
    let world = world();
    world.live(async |life| {
        world.metrics.counts(Ok(well()));
        let (second, failing) = life.begin_second().await;
        world.metrics.counts(Ok(counted((20, 4), (180, 1))));
        assert_eq!(life.end_of(second).await, Outcome::RolledBack);
        let took = life.now().since(failing);
        assert!(took < Span::minutes(2), "{took}");
        let sentence = life.sentence_of(second);
        assert!(sentence.starts_with("by counts of jobs: green failed "), "{sentence}");
        assert!(sentence.contains("; by chance less than once in "), "{sentence}");
        assert_eq!(life.lane().quarantined.len(), 1);
    });
}

/// Of how many good releases at most one is thrown out on so much evidence, as the sentence says.
fn once_in(sentence: &str) -> u64 {
    let (_, figure) = sentence.split_once("less than once in ").expect(sentence);
    let digits: String =
        figure.chars().take_while(|one| *one != ' ').filter(|it| *it != ',').collect();
    digits.parse().expect(sentence)
}

#[test]
fn an_engine_that_starts_in_the_middle_asks_for_the_more_evidence_the_more_often_it_did() {
    let thrown_out_after = |starts: usize| {
        let world = world();
        let second = world.live(async |life| {
            world.metrics.counts(Ok(well()));
            life.begin_second().await.0
        });
        for _ in 1..starts {
            world.live(async |life| asked_again(life, 1).await);
        }
        world.live(async |life| {
            // One failure in an interval, so that the evidence is hardly more than what is asked for.
            world.metrics.counts(Ok(counted((20, 1), (180, 1))));
            assert_eq!(life.end_of(second).await, Outcome::RolledBack);
            once_in(&life.sentence_of(second))
        })
    };
    // 1% by 0.05 for counts, 0.9 for the first attempt, 0.9 for the first start: 1 in 2,469, and ten times
    // that for each further one.
    let (one, two) = (thrown_out_after(1), thrown_out_after(2));
    assert!((24_000..200_000).contains(&one), "{one}");
    assert!(two > 240_000, "{two}");
}

#[test]
fn intervals_follow_each_other_and_none_reaches_over_a_change_of_weight() {
    let world = world();
    world.live(async |life| {
        world.metrics.counts(Ok(well()));
        life.begin().await;
        let before = world.metrics.counted().len();
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        let first_step = life.now();
        life.bakes_at(1).await;
        let second_step = life.now();
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        let asked = world.metrics.counted().split_off(before);
        assert!(asked.iter().all(|one| one.green.number == second), "{asked:?}");
        let (first, later): (Vec<_>, Vec<_>) = asked
            .into_iter()
            .filter(|one| one.blue.is_some())
            .partition(|one| one.until < second_step);
        for (intervals, since) in [(&first, first_step), (&later, second_step)] {
            let settled = since.plus(FakeMetrics::EVERY);
            assert!(intervals.len() > 5, "{intervals:?}");
            // A step is seen to bake some looks after it began to.
            assert!(intervals[0].from.plus(Span::seconds(1)) >= settled, "{:?}", intervals[0]);
            for (one, next) in intervals.iter().zip(&intervals[1..]) {
                assert_eq!(one.until, next.from);
                assert!(one.until.since(one.from) >= FakeMetrics::EVERY);
            }
        }
    });
}

#[test]
fn counts_that_nobody_knows_let_no_step_pass_and_take_nothing_back() {
    let unreadable = Counted { unread: 5, ..counted((20, 0), (180, 0)) };
    for answer in [Err(Blind::Empty("no series fits".to_owned())), Ok(unreadable)] {
        let world = world();
        world.live(async |life| {
            world.metrics.counts(Ok(well()));
            let (second, _) = life.begin_second().await;
            world.metrics.counts(answer.clone());
            life.is_held().await;
            assert_eq!(life.end_of(second).await, Outcome::RolledBack);
            let sentence = life.sentence_of(second);
            assert!(sentence.contains("counts of jobs cannot be read"), "{sentence}");
            assert_eq!(life.lane().quarantined.len(), 0, "nobody knows that it is bad");
        });
    }
}

#[test]
fn an_interval_that_was_not_known_at_first_is_asked_for_again_from_its_beginning() {
    let world = world();
    world.live(async |life| {
        world.metrics.counts(Ok(well()));
        let (second, _) = life.begin_second().await;
        asked_again(life, 2).await;
        world.metrics.counts(Err(Blind::Unavailable("it is away".to_owned())));
        let before = world.metrics.counted().len();
        asked_again(life, 2).await;
        world.metrics.counts(Ok(well()));
        asked_again(life, 2).await;
        let asked = world.metrics.counted().split_off(before);
        assert_eq!(asked[0].from, asked[1].from, "nothing is left out");
        assert_eq!(asked[2].from, asked[0].from);
        assert!(asked[2].until > asked[1].until);
        assert_eq!(asked[3].from, asked[2].until);
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
    });
}

#[test]
fn after_commit_counts_are_held_against_the_limit_while_the_release_before_stands_by() {
    let world = World::new(STEPS).counted_by(jobs());
    world.live(async |life| {
        world.metrics.counts(Ok(well()));
        life.begin().await;
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        world.metrics.counts(Ok(counted((200, 40), (0, 0))));
        life.until("1.0.0 serves again", |lane| {
            let serving = lane.serving.as_ref();
            serving.is_some_and(|it| it.deployment.release.version.as_str() == "1.0.0")
        })
        .await;
        assert_eq!(life.lane().quarantined.len(), 1);
    });
}
