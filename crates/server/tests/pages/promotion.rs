//! One promotion in each of its states, and the forms that act on it.

use std::time::Duration;

use axum::http::StatusCode;
use towpath_core::promotion::state::{Outcome, State};
use towpath_guard::Arm;

use crate::fakes::{Answer, RouterManner};
use crate::look::{Browser, Seen, WORD};
use crate::world::{Life, World, prod};

/// Two steps with room to look.
const ROLLOUT: &str = "prod: root, steps 10%/10m 50%/15m 100%/5m, check tests";

async fn page(life: &Life<'_>, number: u64) -> Seen {
    Browser::of(&life.engine, "anna").get(&format!("/promotions/{number}")).await
}

/// What the form of a page says was seen, quoted for a form.
fn stamp(page: &Seen) -> String {
    let after = page.text.split("name=\"seen\" value=\"").nth(1).unwrap();
    after.split('"').next().unwrap().replace('/', "%2F").replace('%', "%25").replace("%252F", "%2F")
}

async fn send(life: &Life<'_>, number: u64, word: &str, seen: &str, more: &str) -> Seen {
    let form = format!("form={}&seen={seen}{more}", WORD.replace(' ', "+").replace('\'', "%27"));
    Browser::of(&life.engine, "anna").post(&format!("/promotions/{number}/{word}"), &form).await
}

#[test]
fn a_rollout_is_a_sentence_a_tree_and_a_picture() {
    let world = World::new(ROLLOUT);
    world.live(async |life| {
        let (second, _) = life.begin_second().await;
        for minute in 0..6 {
            world.router.visit(&prod(), Arm::Blue, 900, if minute % 3 == 1 { 700 } else { 0 });
            world.router.visit(&prod(), Arm::Green, 100, if minute > 3 { 100 } else { 0 });
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
        let seen = page(life, second.0).await;
        seen.says("app 2.0.0 to prod")
            .says("Green failed 2 of 600 requests while blue failed 2 of 5,400");
        seen.says("more green failures in a row").says("would send all traffic back to 1.0.0");
        seen.says("Evidence against green")
            .says("goes back at")
            .says("p99 latency")
            .says("class=\"mo\"");
        seen.says("Pause at 10%").says("Roll back to 1.0.0").says("Nothing is paused.");
        seen.says("2.0.0 may not enter app, prod until a person lifts its quarantine");
        seen.says_not(" style=").says_not("onclick");
    });
}

#[test]
fn what_went_back_says_whom_it_harmed_and_keeps_its_buttons() {
    let world = World::new(ROLLOUT);
    world.live(async |life| {
        let (second, _) = life.begin_second().await;
        world.router.visit(&prod(), Arm::Blue, 4_000, 1_000);
        while life.lane().active.is_some_and(|it| matches!(it.state, State::Baking { .. })) {
            world.router.visit(&prod(), Arm::Green, 60, 30);
            tokio::time::sleep(Duration::from_secs(40)).await;
        }
        assert_eq!(life.end_of(second).await, Outcome::RolledBack);
        let seen = page(life, second.0).await;
        seen.says("Went back.")
            .says("1.0.0 serves everything again")
            .says("Harmed")
            .says("Verdict to blue");
        seen.says("Ended, and ended is ended")
            .says("2.0.0 may not enter")
            .says("Lift the quarantine")
            .says("decided");
        seen.says_not("action=\"/promotions/");
    });
}

#[test]
fn each_state_says_what_it_waits_for() {
    let world = World::new(ROLLOUT);
    world.live(async |life| {
        life.prepare().await;
        let first = life.promote("1.0.0").await;
        life.bakes_at(0).await;
        page(life, first.0)
            .await
            .says("A first release")
            .says("Blind.")
            .says("Nothing served before it: abort ends it");
        life.end_of(first).await;
        world.checks.answers("tests", Answer::Hangs);
        let second = life.promote("2.0.0").await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let waits = page(life, second.0).await;
        waits
            .says("Waits.")
            .says("Why it waits")
            .says("nothing has begun, and 2.0.0 may try again");
        waits.says("The picture begins with the first weight");
    });
}

#[test]
fn a_router_that_is_silent_is_said_to_be_reconciled() {
    let world = World::new(ROLLOUT);
    world.live(async |life| {
        let (second, _) = life.begin_second().await;
        world.router.behaves(RouterManner::Silent);
        life.until("it reconciles", |lane| {
            lane.active.as_ref().is_some_and(|one| matches!(one.state, State::Reconciling { .. }))
        })
        .await;
        page(life, second.0).await.says("Reconciling at 10%.").says("class=\"st wait\"");
    });
}

#[test]
fn a_form_pauses_what_was_seen_and_nothing_that_has_moved_on() {
    let world = World::new(ROLLOUT);
    world.live(async |life| {
        let (second, _) = life.begin_second().await;
        let seen = page(life, second.0).await;
        let stamp = stamp(&seen);
        let number = second.0;
        let led = send(life, number, "pause", &stamp, "&reason=look%20%3Cscript%3E").await;
        assert_eq!(led.status, StatusCode::SEE_OTHER, "{}", led.text);
        assert_eq!(led.to.as_deref(), Some("/promotions/2?done=paused"));
        let paused = Browser::of(&life.engine, "anna").get("/promotions/2?done=paused").await;
        paused.says("Paused at 10%.").says("Look &lt;script&gt;.").says_not("look <script>");
        let stale = send(life, number, "abort", &stamp, "").await;
        assert_eq!(stale.status, StatusCode::CONFLICT);
        stale.says("has moved on; nothing was ordered");
        assert!(life.lane().active.is_some(), "a button of before did nothing");
        let resumed = send(life, number, "resume", &self::stamp(&paused), "").await;
        assert_eq!(resumed.status, StatusCode::SEE_OTHER, "{}", resumed.readable());
        let seen = page(life, number).await;
        let thrown_out =
            send(life, number, "rollback", &self::stamp(&seen), "&reason=it+is+bad").await;
        assert_eq!(thrown_out.status, StatusCode::SEE_OTHER, "{}", thrown_out.readable());
        assert_eq!(life.end_of(second).await, Outcome::RolledBack);
        assert!(!life.lane().quarantined.is_empty());
        let ended = send(life, number, "abort", &stamp, "").await;
        assert_eq!(ended.status, StatusCode::CONFLICT);
    });
}
