//! Probes of what serves and of what is coming: how often, how long, and how many failures in a row are
//! too many. What follows from lost health is core's, and its scenarios are elsewhere.

use std::time::Duration;

use towpath_core::ids::PromotionNumber;
use towpath_core::promotion::state::Outcome;
use towpath_core::units::{Span, Timestamp};

use crate::fakes::Answer::{self, Fail, Hangs, Pass};
use crate::world::{Life, World};

/// With a standby, lost health of what serves is answered by going back to it, which can be seen.
const STANDBY: &str = "prod: root, steps 100%/2s, standby 6h";
const HEALTH: &str = "/health";
/// How often, how long and how many in a row: as the example declares it, environment by environment.
const DECLARED: [(Span, Span, u32); 4] = [
    (Span::minutes(5), Span::seconds(10), 3),
    (Span::minutes(2), Span::seconds(10), 5),
    (Span::minutes(1), Span::seconds(10), 5),
    (Span::seconds(30), Span::seconds(5), 3),
];
/// How late the prober may notice that a probe is due.
const LATE: Duration = Duration::from_secs(1);

/// 2.0.0 serves and 1.0.0 stands by.
async fn stands_by(life: &Life<'_>) -> PromotionNumber {
    life.begin().await;
    let second = life.promote("2.0.0").await;
    assert_eq!(life.end_of(second).await, Outcome::Succeeded);
    second
}

/// From now on 2.0.0 answers so; says when it was asked until it had gone back.
async fn asked_until_it_goes_back(life: &Life<'_>, answers: &[Answer]) -> Vec<Timestamp> {
    let second = stands_by(life).await;
    life.world.checks.answers_in_turn(second, HEALTH, answers);
    let before = life.world.checks.asked_at(second, HEALTH).len();
    life.until("it has gone back", |lane| {
        let serving = lane.serving.as_ref().map(|serving| serving.deployment.number);
        serving.is_some_and(|serving| serving != second)
    })
    .await;
    assert_eq!(life.serves().as_deref(), Some("1.0.0"));
    life.world.checks.asked_at(second, HEALTH).split_off(before)
}

#[test]
fn health_is_lost_by_as_many_failures_in_a_row_as_are_declared() {
    for (every, timeout, retries) in DECLARED {
        let world = World::new(STANDBY).probed_every(every).tolerates(timeout, retries);
        world.live(async |life| {
            let asked = asked_until_it_goes_back(life, &[Fail; 20]).await;
            assert_eq!(asked.len(), retries as usize);
        });
    }
}

#[test]
fn one_success_in_between_starts_the_count_of_failures_anew() {
    let world = World::new(STANDBY).probed_every(Span::seconds(30)).tolerates(Span::seconds(5), 3);
    world.live(async |life| {
        let answers = [Fail, Fail, Pass, Fail, Fail, Pass, Fail, Fail, Fail, Fail];
        let asked = asked_until_it_goes_back(life, &answers).await;
        assert_eq!(asked.len(), 9, "two failures never were enough, and three at once are");
    });
}

#[test]
fn what_serves_is_probed_as_often_as_is_declared() {
    for (every, _, _) in DECLARED {
        let world = World::new(STANDBY).probed_every(every);
        world.live(async |life| {
            let second = stands_by(life).await;
            let before = world.checks.asked_at(second, HEALTH).len();
            tokio::time::sleep((Duration::from(every) + LATE) * 4).await;
            let asked = world.checks.asked_at(second, HEALTH).split_off(before);
            assert!(asked.len() >= 4, "{every}: {asked:?}");
            for (earlier, later) in asked.iter().zip(&asked[1..]) {
                let between = later.since(*earlier);
                let late = Duration::from(between).checked_sub(every.into());
                assert!(late.is_some_and(|late| late < LATE), "{every}: {between}");
            }
        });
    }
}

#[test]
fn what_is_probed_by_hand_alone_is_not_asked_while_it_serves() {
    let world = World::new(STANDBY);
    world.live(async |life| {
        let second = stands_by(life).await;
        let before = world.checks.asked_at(second, HEALTH).len();
        tokio::time::sleep(Duration::from_mins(20)).await;
        assert_eq!(world.checks.asked_at(second, HEALTH).len(), before);
    });
}

#[test]
fn a_probe_that_hangs_is_cut_off_at_its_timeout_and_counts_as_failed() {
    for (every, timeout, retries) in DECLARED {
        let world = World::new(STANDBY).probed_every(every).tolerates(timeout, retries);
        world.live(async |life| {
            let asked = asked_until_it_goes_back(life, &[Hangs; 20]).await;
            assert_eq!(asked.len(), retries as usize, "{asked:?}");
            let took = life.now().since(*asked.last().unwrap());
            // A check that does not keep its time is given a second more.
            let more = Duration::from(took).saturating_sub(Duration::from(timeout));
            assert!(took >= timeout && more <= Duration::from_secs(2), "{timeout}: {took}");
        });
    }
}

#[test]
fn a_probe_that_hangs_is_not_joined_by_another_one() {
    let world = World::new(STANDBY).probed_every(Span::seconds(1)).tolerates(Span::seconds(10), 3);
    world.live(async |life| {
        let asked = asked_until_it_goes_back(life, &[Hangs, Hangs, Hangs]).await;
        for (earlier, later) in asked.iter().zip(&asked[1..]) {
            assert!(later.since(*earlier) >= Span::seconds(10), "{asked:?}");
        }
    });
}

#[test]
fn what_is_coming_gets_the_time_that_is_declared_and_not_the_number() {
    let world = World::new("prod: root, steps 10%/30m 100%/2s")
        .probed_every(Span::seconds(30))
        .tolerates(Span::seconds(5), 3)
        .without_a_limit();
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        // It is asked every second, and has a minute and a half.
        world.checks.answers_in_turn(second, HEALTH, &[Fail; 89]);
        tokio::time::sleep(Duration::from_mins(2)).await;
        assert!(life.lane().active.is_some(), "one copy that restarts is no lost health");
        let failing = life.now();
        world.checks.answers_in_turn(second, HEALTH, &[Fail; 200]);
        assert_eq!(life.end_of(second).await, Outcome::RolledBack);
        let took = life.now().since(failing);
        assert!(took >= Span::seconds(89) && took < Span::seconds(95), "{took}");
    });
}
