//! A router that is silent, late, disobedient, or obeys somebody else. A weight counts only when it is
//! observed.

use std::time::Duration;

use towpath_core::ids::PromotionNumber;
use towpath_core::promotion::state::{Outcome, State};
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_engine::EngineEnd;
use towpath_guard::Arm;

use crate::fakes::{Answer, RouterManner};
use crate::world::{Life, SHORT, World, prod};

#[test]
fn a_silent_router_makes_the_promotion_reconcile_until_it_answers() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        world.router.behaves(RouterManner::Silent);
        reconciles(life).await;
        let tenth = Weight::from_basis_points(1_000).unwrap();
        assert_eq!(life.lane().active.unwrap().weight, tenth, "the last that was observed");
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(life.serves().as_deref(), Some("1.0.0"));
        world.router.behaves(RouterManner::Obeys);
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        assert_eq!(world.router.default_of(&prod()), Some(second.0));
    });
}

async fn reconciles(life: &Life<'_>) {
    life.until("it reconciles", |lane| {
        let active = lane.active.as_ref();
        active.is_some_and(|one| matches!(one.state, State::Reconciling { .. }))
    })
    .await;
}

#[test]
fn a_router_that_never_answers_fails_the_promotion_once_its_patience_is_over() {
    let world = World::new("prod: root, steps 10%/2s 100%/2s, hold 2m");
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        world.router.behaves(RouterManner::Silent);
        // It cannot return the traffic either while the router is away.
        tokio::time::sleep(Duration::from_mins(4)).await;
        world.router.behaves(RouterManner::Obeys);
        assert_eq!(life.end_of(second).await, Outcome::Failed);
        assert_eq!(life.serves().as_deref(), Some("1.0.0"));
        assert!(life.lane().quarantined.is_empty(), "nothing was shown against the release");
    });
}

#[test]
fn a_router_that_is_silent_before_the_start_fails_the_promotion_and_starts_nothing() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        world.router.behaves(RouterManner::Silent);
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Failed, "nothing has to return");
        assert_eq!(world.target.running(), [1]);
    });
}

#[test]
fn a_router_that_obeys_somebody_newer_stops_the_engine() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        let obeyed = world.router.obeyed();
        world.router.behaves(RouterManner::Stale);
        let second = life.promote("2.0.0").await;
        assert!(matches!(life.end().await, Err(EngineEnd::ShutOut(_))));
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(world.router.obeyed(), obeyed);
        assert!(!life.story_of(second).contains(&"weight-observed".to_owned()));
        assert!(world.store.pending() > 0, "the next engine finds the command");
    });
}

#[test]
fn a_router_that_obeys_late_is_believed_when_it_has_obeyed() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        world.router.behaves(RouterManner::ObeysAfter(Duration::from_secs(2)));
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        let observed = world.router.look(&prod()).unwrap();
        assert_eq!(observed.weight, life.lane().active.unwrap().weight);
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        let story = life.story_of(second);
        assert!(!story.contains(&"reconciliation-began".to_owned()), "{story:?}");
    });
}

#[test]
fn a_router_that_obeys_later_than_its_patience_is_asked_again_and_each_step_counts_once() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        world.router.behaves(RouterManner::ObeysAfter(Duration::from_secs(6)));
        reconciles(life).await;
        tokio::time::sleep(Duration::from_secs(20)).await;
        world.router.behaves(RouterManner::Obeys);
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        let observed = life.story_of(second);
        let observed = observed.iter().filter(|kind| *kind == "weight-observed").count();
        assert_eq!(observed, 2);
        assert_eq!(world.router.default_of(&prod()), Some(second.0));
    });
}

#[test]
fn a_lapse_takes_the_weight_back_and_the_step_is_taken_again() {
    let world = World::new("prod: root, steps 10%/1m 100%/2s");
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        world.router.lapse(&prod());
        reconciles(life).await;
        assert_eq!(life.lane().active.unwrap().weight, Weight::ZERO);
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        let orders = world.router.obeyed();
        let tenth = Weight::from_basis_points(1_000).unwrap();
        assert!(orders.contains(&(Some(second.0), tenth)), "{orders:?}");
        assert!(life.lane().quarantined.is_empty(), "a lapse is not a verdict");
    });
}

#[test]
fn a_router_that_says_no_fails_the_promotion_before_anything_starts() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.prepare().await;
        world.router.behaves(RouterManner::Refuses);
        let first = life.promote("1.0.0").await;
        assert_eq!(life.end_of(first).await, Outcome::Failed);
        let view = life.engine.promotion(first).await.unwrap().unwrap();
        assert!(view.sentence.unwrap().contains("the router refused"));
        assert_eq!(world.target.most_starts(), 0);
    });
}

#[test]
fn an_ordered_rollback_starts_the_old_release_again_and_keeps_the_bad_one_out() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        let back = life.roll_back().await.unwrap().promotion.unwrap();
        assert_eq!(life.end_of(back).await, Outcome::Succeeded);
        assert_eq!(life.serves().as_deref(), Some("1.0.0"));
        assert_eq!(world.router.default_of(&prod()), Some(back.0));
        assert!(life.try_promote("2.0.0").await.is_err(), "it is quarantined");
    });
}

#[test]
fn what_the_router_loses_during_a_promotion_is_the_promotions_also_over_a_restart() {
    let world = World::new("prod: root, steps 10%/1m 100%/2s");
    let second = world.live(async |life| {
        life.begin().await;
        world.router.loses(&prod(), 5);
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        world.router.loses(&prod(), 2);
        second
    });
    world.live(async |life| {
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        world.router.loses(&prod(), 9);
        let lost = async |number| {
            let view = life.engine.promotion(number).await.unwrap().unwrap();
            view.lost_requests
        };
        assert_eq!(lost(PromotionNumber(1)).await, Some(0));
        assert_eq!(lost(second).await, Some(2), "neither those before nor those after");
    });
}

#[test]
fn without_a_router_nobody_knows_what_was_lost() {
    let world = World::new("prod: root, no router, steps 100%/2s");
    world.live(async |life| {
        life.begin().await;
        let view = life.engine.promotion(PromotionNumber(1)).await.unwrap().unwrap();
        assert_eq!(view.lost_requests, None);
    });
}

#[test]
fn a_new_promotion_begins_with_no_evidence_of_the_release_that_was_watched_before() {
    let world = World::new("prod: root, steps 10%/1m 100%/2s, standby 1h");
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        tokio::time::sleep(Duration::from_secs(5)).await;
        world.router.visit(&prod(), Arm::Blue, 300, 30);
        let third = life.promote("3.0.0").await;
        life.bakes_at(0).await;
        world.router.visit(&prod(), Arm::Green, 10, 0);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let view = life.engine.promotion(third).await.unwrap().unwrap();
        let (green, blue) = (view.evidence.green, view.evidence.blue);
        assert_eq!((green.requests, green.failed), (10, 0));
        assert!(blue.requests <= 300, "{blue:?}");
        assert_eq!(life.end_of(third).await, Outcome::Succeeded);
    });
}

/// Green's visitors as the promotion shows them, half of whom came while nobody was told of them.
fn seen_over_a_cut(resumes: bool, router_keeps_counts: bool) -> u64 {
    let world = World::new("prod: root, steps 10%/10m 100%/2s");
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.router.visit(&prod(), Arm::Green, 40, 0);
        tokio::time::sleep(Duration::from_secs(1)).await;
        if !router_keeps_counts {
            world.router.ran_not(Timestamp(0), life.now().plus(Span::hours(1)));
        }
        world.router.cut_watchers(&prod(), resumes);
        world.router.visit(&prod(), Arm::Green, 40, 0);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let view = life.engine.promotion(second).await.unwrap().unwrap();
        view.evidence.green.requests
    })
}

#[test]
fn outcomes_missed_over_a_cut_connection_are_taken_from_the_stream_where_it_still_has_them() {
    assert_eq!(seen_over_a_cut(true, false), 80);
    assert_eq!(seen_over_a_cut(true, true), 80, "and not counted twice");
}

#[test]
fn outcomes_missed_over_a_cut_connection_are_else_taken_from_the_intervals() {
    assert_eq!(seen_over_a_cut(false, true), 80);
}

#[test]
fn visitors_that_fail_send_green_back_within_a_second() {
    let world = World::new("prod: root, steps 10%/10m 100%/2s");
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.router.visit(&prod(), Arm::Blue, 500, 0);
        world.router.visit(&prod(), Arm::Green, 50, 2);
        let harmed = life.now();
        life.until("blue has all", |_| {
            world.router.look(&prod()).is_some_and(|route| route.weight == Weight::ZERO)
        })
        .await;
        assert!(life.now().since(harmed).milliseconds() <= 1_000);
        assert_eq!(life.end_of(second).await, Outcome::RolledBack);
        let view = life.engine.promotion(second).await.unwrap().unwrap();
        assert_eq!((view.harmed_requests, view.quarantined), (25, true));
    });
}

#[test]
fn green_is_not_judged_away_to_a_blue_that_nobody_reaches() {
    let world = World::new("prod: root, steps 10%/10m 100%/2s");
    world.live(async |life| {
        life.begin().await;
        life.promote("2.0.0").await;
        life.bakes_at(0).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.router.blue_dies(&prod(), true);
        world.router.visit(&prod(), Arm::Green, 50, 2);
        life.until("a person is called", |lane| {
            lane.active.as_ref().is_some_and(|one| one.paused.is_some() && one.condemned.is_some())
        })
        .await;
        let route = world.router.look(&prod()).unwrap();
        assert_eq!(route.weight, Weight::from_basis_points(1_000).unwrap());
    });
}

#[test]
fn a_commit_that_the_router_does_not_confirm_is_judged_until_it_does() {
    let world = World::new("prod: root, steps 100%/2s");
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        world.router.behaves(RouterManner::HearsNoOrders);
        life.until("it is being committed", |lane| {
            lane.active.as_ref().is_some_and(|one| matches!(one.state, State::Committing { .. }))
        })
        .await;
        world.router.visit(&prod(), Arm::Green, 50, 2);
        life.until("it goes back", |lane| {
            lane.active.as_ref().is_some_and(|one| matches!(one.state, State::GoingBack { .. }))
        })
        .await;
        world.router.behaves(RouterManner::Obeys);
        assert_eq!(life.end_of(second).await, Outcome::RolledBack);
        assert_eq!(life.serves().as_deref(), Some("1.0.0"));
    });
}

#[test]
fn green_that_loses_its_health_goes_back_without_a_visitor() {
    let world = World::new("prod: root, steps 10%/10m 100%/2s");
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        world.checks.answers("/health", Answer::Fail);
        let failing = life.now();
        assert_eq!(life.end_of(second).await, Outcome::RolledBack);
        assert!(life.now().since(failing) < Span::minutes(1));
        assert_eq!(life.lane().quarantined.len(), 1);
    });
}
