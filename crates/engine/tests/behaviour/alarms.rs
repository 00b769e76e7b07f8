//! Alarms of metrics sources: when they are asked, what takes a release back, and that a source that
//! says nothing lets nothing pass. How long a condition has held is the guard's, and its table is there.

use std::time::Duration;

use serde_json::json;
use towpath_core::matrix::{AdapterSpec, Alarm};
use towpath_core::promotion::state::Outcome;
use towpath_core::units::Span;
use towpath_testkit::declared;

use crate::fakes::{FakeMetrics, Says};
use crate::world::World;

/// A step that is long enough for an alarm, and one that is not.
const STEPS: &str = "prod: root, steps 10%/12m 100%/2s, standby 20m, hold 5m, on_blind rollback";
const FIVE_MINUTES: Span = Span::minutes(5);

fn alarm(name: &str, query: &str) -> Alarm {
    Alarm {
        name: declared::name(name).unwrap(),
        source: declared::name("prometheus").unwrap(),
        adapter: AdapterSpec { kind: "prometheus".to_owned(), settings: json!({}) },
        query: query.to_owned(),
        is: "> 1000".to_owned(),
        held_for: FIVE_MINUTES,
    }
}

fn world() -> World {
    World::new(STEPS)
        .without_a_limit()
        .alarmed_by(vec![alarm("queue-depth", "depth{version=\"{version}\"}")])
}

#[test]
fn what_holds_for_as_long_as_declared_takes_the_release_back_with_its_figures() {
    let world = world();
    world.live(async |life| {
        let (second, failing) = life.begin_second().await;
        world.metrics.says(Says::Figure(1204.0));
        let before = world.metrics.asked().len();
        assert_eq!(life.end_of(second).await, Outcome::RolledBack);
        let took = life.now().since(failing);
        assert!(took >= FIVE_MINUTES && took < Span::seconds(5 * 60 + 31), "{took}");
        assert_eq!(life.sentence_of(second), "queue-depth was 1,204 > 1,000 for 5m (prometheus)");
        assert_eq!(life.serves().as_deref(), Some("1.0.0"));
        assert_eq!(life.lane().quarantined.len(), 1);
        let asked = world.metrics.asked().split_off(before);
        assert!(asked.iter().all(|one| one.query == "depth{version=\"2.0.0\"}"), "{asked:?}");
        for (earlier, later) in asked.iter().zip(&asked[1..]) {
            let apart = later.now.since(earlier.now);
            assert!(apart >= FakeMetrics::EVERY && apart < Span::seconds(17), "{apart}");
        }
    });
}

#[test]
fn one_reading_below_the_threshold_begins_the_duration_anew() {
    let world = world();
    world.live(async |life| {
        let (second, _) = life.begin_second().await;
        let high = [Says::Figure(1204.0); 19];
        let turns: Vec<_> =
            high.iter().copied().chain([Says::Figure(1000.0)]).chain(high).collect();
        world.metrics.says_in_turn(&turns);
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
    });
}

#[test]
fn a_source_that_says_nothing_or_no_number_lets_no_step_pass() {
    for says in [Says::Nothing, Says::Hangs, Says::Figure(f64::NAN), Says::Figure(f64::INFINITY)] {
        let world = world();
        world.live(async |life| {
            let (second, since) = life.begin_second().await;
            world.metrics.says(says);
            life.is_held().await;
            assert!(life.now().since(since) >= Span::minutes(12), "{says:?}");
            assert_eq!(life.end_of(second).await, Outcome::RolledBack);
            let took = life.now().since(since);
            assert!(took >= Span::minutes(17) && took < Span::minutes(18), "{says:?}: {took}");
            let sentence = life.sentence_of(second);
            assert!(sentence.contains("queue-depth (prometheus) cannot be read"), "{sentence}");
            assert_eq!(life.lane().quarantined.len(), 0, "nobody knows that it is bad");
        });
    }
}

#[test]
fn a_step_that_was_held_for_a_blind_source_goes_on_when_it_answers() {
    let world = world();
    world.live(async |life| {
        let (second, _) = life.begin_second().await;
        world.metrics.says(Says::Nothing);
        life.is_held().await;
        world.metrics.says(Says::Figure(3.0));
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
    });
}

#[test]
fn one_of_two_alarms_that_is_blind_is_enough_to_hold() {
    let world = World::new(STEPS)
        .without_a_limit()
        .alarmed_by(vec![alarm("queue-depth", "depth"), alarm("memory", "memory")]);
    world.live(async |life| {
        life.begin().await;
        world.metrics.says(Says::Hangs);
        world.metrics.says_in_turn(&[Says::Figure(1.0)]);
        let second = life.promote("2.0.0").await;
        life.is_held().await;
        assert!(life.lane().active.is_some_and(|one| one.number == second));
    });
}

#[test]
fn after_commit_alarms_act_while_the_release_before_stands_by_and_are_not_asked_later() {
    let world = world();
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        world.metrics.says(Says::Figure(5000.0));
        life.until("1.0.0 serves again", |lane| {
            lane.serving.as_ref().is_some_and(|one| one.deployment.number != second)
        })
        .await;
        assert_eq!(life.serves().as_deref(), Some("1.0.0"));
        world.metrics.says(Says::Figure(0.0));
        let third = life.promote("3.0.0").await;
        assert_eq!(life.end_of(third).await, Outcome::Succeeded);
        life.until("nothing stands by", |lane| lane.standby.is_none()).await;
        let asked = world.metrics.asked().len();
        world.metrics.says(Says::Figure(5000.0));
        tokio::time::sleep(Duration::from_mins(30)).await;
        assert_eq!(world.metrics.asked().len(), asked);
        assert_eq!(life.serves().as_deref(), Some("3.0.0"));
    });
}
