//! A store that refuses, is away, or does not say what it did. Nothing is decided twice or lost.

use std::time::Duration;

use towpath_core::ids::PromotionNumber;
use towpath_core::promotion::state::Outcome;
use towpath_engine::{EngineEnd, EngineError};
use towpath_ports::store::{Store as _, StoreError};

use crate::fakes::CommitFault;
use crate::world::{SHORT, World, prod};

#[test]
fn a_conflict_ends_the_engine_before_any_effect() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.prepare().await;
        world.store.fail_next(&[CommitFault::Conflict]);
        let error = life.try_promote("1.0.0").await.unwrap_err();
        assert!(matches!(error, EngineError::Store(StoreError::Conflict { .. })), "{error}");
        assert!(matches!(life.end().await, Err(EngineEnd::Store(StoreError::Conflict { .. }))));
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(world.checks.asked("tests"), 0);
        assert!(matches!(life.try_promote("1.0.0").await, Err(EngineError::Stopped)));
    });
}

#[test]
fn an_engine_that_was_taken_over_has_no_more_effects() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        world.store.take_ownership(life.now()).await.unwrap();
        let orders = world.router.obeyed().len();
        assert!(matches!(life.end().await, Err(EngineEnd::Store(StoreError::Fenced { .. }))));
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(world.router.obeyed().len(), orders);
        assert!(!life.story_of(second).contains(&"step-passed".to_owned()));
        assert!(world.router.look(&crate::world::prod()).unwrap().lapsed, "nobody renewed it");
    });
}

#[test]
fn an_order_waits_for_a_store_that_is_away_for_a_while() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.prepare().await;
        world.store.fail_next(&[CommitFault::Unavailable; 8]);
        let asked = life.now();
        let number = life.promote("1.0.0").await;
        let waited = life.now().since(asked).milliseconds();
        assert!((8_000..20_000).contains(&waited), "pauses grow to 5 s: {waited} ms");
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
        assert_eq!(world.store.count("promotion-requested"), 1);
    });
}

#[test]
fn a_turn_whose_answer_was_lost_is_found_and_not_written_twice() {
    let plain = plain_story();
    let world = World::new(SHORT);
    world.live(async |life| {
        life.prepare().await;
        world.store.fail_next(&[CommitFault::AnswerLost; 30]);
        let number = life.promote("1.0.0").await;
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
        assert_eq!(life.story_of(number), plain);
    });
}

#[test]
fn a_turn_that_never_arrived_is_written_again() {
    let plain = plain_story();
    let world = World::new(SHORT);
    world.live(async |life| {
        life.prepare().await;
        world.store.fail_next(&[CommitFault::RequestLost, CommitFault::Unavailable]);
        let number = life.promote("1.0.0").await;
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
        assert_eq!(life.story_of(number), plain);
    });
}

#[test]
fn nothing_is_written_anew_before_it_is_known_whether_the_turn_was() {
    let plain = plain_story();
    let world = World::new(SHORT);
    world.live(async |life| {
        life.prepare().await;
        world.store.fail_next(&[CommitFault::AnswerLost]);
        world.store.stay_silent_about_turns(5);
        let number = life.promote("1.0.0").await;
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
        assert_eq!(life.story_of(number), plain);
        assert_eq!(world.store.repeated(), 0);
    });
}

#[test]
fn an_engine_that_cannot_learn_whether_it_wrote_ends_and_the_next_one_goes_on() {
    let plain = plain_story();
    let world = World::new(SHORT);
    world.live(async |life| {
        life.prepare().await;
        world.store.fail_next(&[CommitFault::AnswerLost]);
        world.store.refuse_questions_about_turns();
        let error = life.try_promote("1.0.0").await.unwrap_err();
        assert!(matches!(error, EngineError::Store(StoreError::Unknown(_))), "{error}");
        assert!(matches!(life.end().await, Err(EngineEnd::Store(StoreError::Unknown(_)))));
    });
    world.store.mend();
    world.live(async |life| {
        let number = PromotionNumber(1);
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
        assert_eq!(life.story_of(number), plain);
    });
}

#[test]
fn an_order_is_refused_at_once_by_a_full_disk_and_an_outcome_is_kept_until_there_is_space() {
    let plain = plain_story();
    let world = World::new(SHORT);
    world.live(async |life| {
        life.prepare().await;
        world.store.fail_next(&[CommitFault::Full]);
        let error = life.try_promote("1.0.0").await.unwrap_err();
        assert!(matches!(error, EngineError::Store(StoreError::Full(_))), "{error}");
        assert_eq!(world.store.count("promotion-requested"), 0);
        // The order is written; the outcomes that follow meet a full disk for a while.
        world.store.fail_after(1, CommitFault::Full);
        world.store.fail_next(&[CommitFault::Full; 4]);
        let number = life.promote("1.0.0").await;
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
        assert_eq!(life.story_of(number), plain);
    });
}

#[test]
fn on_a_full_disk_nothing_new_is_taken_and_what_runs_can_go_back() {
    let world = World::new("prod: root, steps 10%/10m 100%/2s");
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        world.store.is_short_of_space(true);
        let error = life.create("9.0.0").await.unwrap_err();
        assert!(matches!(error, EngineError::Store(StoreError::Full(_))), "{error}");
        assert!(life.engine.status().engine.short_of_space.is_some());
        life.abort(second).await.unwrap();
        assert_eq!(life.end_of(second).await, Outcome::Aborted);
        assert_eq!(world.router.default_of(&prod()), Some(1));
        let error = life.try_promote("3.0.0").await.unwrap_err();
        assert!(matches!(error, EngineError::Store(StoreError::Full(_))), "{error}");
        world.store.is_short_of_space(false);
        let third = life.promote("3.0.0").await;
        assert_eq!(life.end_of(third).await, Outcome::Succeeded);
        world.store.is_short_of_space(true);
        let back = life.roll_back().await.unwrap().promotion.unwrap();
        assert_eq!(life.end_of(back).await, Outcome::Succeeded);
        assert_eq!(life.serves().as_deref(), Some("1.0.0"));
    });
}

#[test]
fn an_offer_for_which_there_is_no_space_waits_over_a_restart_and_blocks_nobody() {
    let world = World::new("prod: root, steps 100%/2s\nnext: after prod, automatic, steps 100%/2s");
    world.live(async |life| {
        life.prepare().await;
        life.promote("1.0.0").await;
        world.store.is_short_of_space(true);
        life.until("1.0.0 serves", |lane| lane.serving.is_some()).await;
        tokio::time::sleep(Duration::from_mins(10)).await;
        assert_eq!(world.store.pending(), 1, "the offer");
    });
    world.live(async |life| {
        tokio::time::sleep(Duration::from_mins(1)).await;
        world.store.is_short_of_space(false);
        let next = towpath_testkit::declared::lane("next").unwrap();
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert!(life.engine.lane_state(&next).serving.is_some());
        assert_eq!(world.store.pending(), 0);
    });
}

#[test]
fn a_journal_that_stays_full_ends_the_engine_and_the_next_one_goes_on() {
    let plain = plain_story();
    let world = World::new(SHORT);
    let number = world.live(async |life| {
        life.prepare().await;
        world.store.fail_after(1, CommitFault::Full);
        world.store.fail_next(&[CommitFault::Full; 1_000]);
        let number = life.promote("1.0.0").await;
        assert!(life.end().await.is_err(), "nobody made space for five minutes");
        number
    });
    world.store.mend();
    world.live(async |life| {
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
        assert_eq!(life.story_of(number), plain);
    });
}

/// What a first promotion writes when nothing goes wrong.
pub(crate) fn plain_story() -> Vec<String> {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.prepare().await;
        let number = life.promote("1.0.0").await;
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
        life.story_of(number)
    })
}
