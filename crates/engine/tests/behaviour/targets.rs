//! A target that hangs, is slow, or fails. Blue is not touched.

use std::time::Duration;

use towpath_core::promotion::state::{Outcome, State};
use towpath_core::units::Span;
use towpath_engine::EngineEnd;

use crate::fakes::TargetManner;
use crate::world::{SHORT, World, prod};

#[test]
fn a_release_that_does_not_start_fails_with_its_last_words_and_leaves_nothing_behind() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        world.target.behaves(TargetManner::Fails("no such table: users"));
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Failed);
        let view = life.engine.promotion(second).await.unwrap().unwrap();
        assert_eq!(view.said, ["no such table: users"]);
        life.until("nothing is being stopped", |lane| lane.stopping.is_empty()).await;
        assert_eq!(world.target.running(), [1], "what failed was stopped, blue was not");
        assert_eq!(world.router.default_of(&prod()), Some(1));
    });
}

#[test]
fn a_slow_start_is_waited_for() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        world.target.behaves(TargetManner::Slow(Duration::from_mins(10)));
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        assert_eq!(world.target.most_starts(), 1);
    });
}

#[test]
fn a_start_that_hangs_can_be_aborted_and_the_next_release_goes_in() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        world.target.behaves(TargetManner::Hangs);
        let second = life.promote("2.0.0").await;
        life.until("it starts", |lane| {
            let active = lane.active.as_ref();
            active.is_some_and(|one| matches!(one.state, State::Starting { .. }))
        })
        .await;
        tokio::time::sleep(Duration::from_mins(5)).await;
        life.abort(second).await.unwrap();
        assert_eq!(life.end_of(second).await, Outcome::Aborted);
        life.until("it is stopped", |lane| lane.stopping.is_empty()).await;
        world.target.behaves(TargetManner::Ready);
        let third = life.promote("3.0.0").await;
        assert_eq!(life.end_of(third).await, Outcome::Succeeded);
        assert_eq!(life.serves().as_deref(), Some("3.0.0"));
    });
}

#[test]
fn a_target_that_obeys_somebody_newer_stops_the_engine() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        world.target.behaves(TargetManner::IsStale);
        let second = life.promote("2.0.0").await;
        assert!(matches!(life.end().await, Err(EngineEnd::ShutOut(_))));
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(world.target.running(), [1], "promotion {second} started nothing");
        assert!(world.store.pending() > 0, "the next engine finds the command");
    });
}

#[test]
fn a_standby_that_does_not_answer_is_given_up_long_before_a_start_would_be() {
    let world = World::new("prod: root, steps 10%/2s 100%/2s, standby 1h");
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        assert!(life.lane().standby.is_some());
        world.target.behaves(TargetManner::Slow(Duration::from_secs(20)));
        let ordered = life.now();
        let third = life.roll_back().await.unwrap().promotion.unwrap();
        assert_eq!(life.end_of(third).await, Outcome::Succeeded);
        assert!(life.story_of(third).contains(&"standby-given-up".to_owned()));
        assert_eq!(life.serves().as_deref(), Some("1.0.0"));
        let took = life.now().since(ordered);
        assert!(took < Span::seconds(30), "5 s for the standby, 20 s for the start, not {took}");
    });
}
