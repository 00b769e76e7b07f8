//! Green's weight is lent: who keeps it, and when it goes back.

use std::time::Duration;

use towpath_core::promotion::state::Outcome;
use towpath_core::units::{Span, Weight};

use crate::fakes::CommitFault;
use crate::world::{World, prod};

/// A step far longer than a lease.
const LONG: &str = "prod: root, steps 10%/10m 100%/2s, lease 30s";

#[test]
fn a_lease_is_renewed_for_as_long_as_the_step_bakes() {
    let world = World::new(LONG);
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        let story = life.story_of(second);
        assert!(!story.contains(&"reconciliation-began".to_owned()), "{story:?}");
    });
}

#[test]
fn an_engine_that_cannot_reach_its_store_lets_the_lease_lapse_and_takes_the_step_again() {
    let world = World::new(LONG);
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        // Some turn has to be written for the engine to notice; an order waits with it.
        world.store.fail_next(&[CommitFault::Unavailable; 20]);
        let stuck = tokio::time::timeout(Duration::from_mins(1), life.create("9.0.0")).await;
        assert!(stuck.is_err(), "the store is away for longer");
        let route = world.router.look(&prod()).unwrap();
        assert_eq!((route.lapsed, route.weight), (true, Weight::ZERO));
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        let story = life.story_of(second);
        assert!(story.contains(&"reconciliation-began".to_owned()), "{story:?}");
    });
}

#[test]
fn traffic_is_on_blue_when_an_engine_comes_back_late_and_the_promotion_goes_on() {
    let world = World::new(LONG);
    let second = world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        second
    });
    world.pass(Span::minutes(3));
    world.live(async |life| {
        assert!(world.router.look(&prod()).unwrap().lapsed);
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        let story = life.story_of(second);
        assert!(story.contains(&"reconciliation-began".to_owned()), "{story:?}");
    });
}

#[test]
fn an_engine_that_comes_back_within_the_lease_keeps_what_is_lent() {
    let world = World::new(LONG);
    let second = world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        tokio::time::sleep(Duration::from_mins(2)).await;
        second
    });
    world.pass(Span::seconds(10));
    world.live(async |life| {
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        let story = life.story_of(second);
        assert!(!story.contains(&"reconciliation-began".to_owned()), "{story:?}");
    });
}

#[test]
fn a_weight_that_froze_while_no_engine_lived_is_read_back_and_calls_a_person() {
    let world = World::new(LONG);
    let second = world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        second
    });
    world.router.blue_dies(&prod(), true);
    world.pass(Span::minutes(3));
    world.live(async |life| {
        life.until("a person is called", |lane| {
            lane.active.as_ref().is_some_and(|one| one.paused.is_some())
        })
        .await;
        let route = world.router.look(&prod()).unwrap();
        assert!(route.frozen && route.weight > Weight::ZERO, "{route:?}");
        let paused = life.lane().active.and_then(|one| one.paused).unwrap();
        assert!(paused.reason.contains("froze"), "{}", paused.reason);
        world.router.blue_dies(&prod(), false);
        life.resume(second).await.unwrap();
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
    });
}

#[test]
fn after_commit_no_lapse_moves_anything() {
    let world = World::new(LONG);
    world.live(async |life| life.begin().await);
    world.pass(Span::hours(5));
    world.live(async |life| {
        let route = world.router.look(&prod()).unwrap();
        assert_eq!(
            (route.default, route.lapsed),
            (life.lane().serving.map(|one| one.promotion), false)
        );
    });
}
