//! The page of a lane: its forms, what they refuse, and what becomes of them.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use towpath_core::matrix::{AdapterSpec, Alarm, CheckSpec};
use towpath_core::promotion::state::Outcome;
use towpath_core::units::{Span, Weight};
use towpath_guard::Arm;
use towpath_testkit::declared;

use crate::fakes::Says;
use crate::look::{Browser, Seen};
use crate::people::{field, word};
use crate::world::{Life, World, prod};

/// What stands in the field that says which lane was seen.
fn seen(page: &Seen) -> String {
    format!("form={}&seen={}", word(), field(page, "seen"))
}

fn led(seen: &Seen, to: &str) {
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.readable());
    assert_eq!(seen.to.as_deref(), Some(to));
}

async fn second_serves(life: &Life<'_>) {
    let (second, _) = life.begin_second().await;
    assert_eq!(life.end_of(second).await, Outcome::Succeeded);
}

#[test]
fn an_incident_is_reported_in_two_actions_and_takes_the_release_back() {
    let world = World::new("prod: root, steps 10%/2m 100%/2m, standby 1h, rollback automatic");
    world.live(async |life| {
        second_serves(life).await;
        let browser = Browser::of(&life.engine, "anna");
        let page = browser.get("/lanes/app/prod").await;
        page.says("Report an incident").says("Takes 2.0.0 back to 1.0.0 by itself.");
        let form = seen(&page);
        let silent = browser
            .post("/lanes/app/prod/signal", &format!("{form}&signal=security-incident"))
            .await;
        assert_eq!(silent.status, StatusCode::BAD_REQUEST);
        silent.says("a reason is needed");
        let wrong =
            browser.post("/lanes/app/prod/signal", &format!("{form}&signal=x&reason=y")).await;
        wrong.says("is no signal").says("towpath help signal");
        let stale = format!("form={}&seen=1.0.0%2F0&signal=security-incident&reason=y", word());
        let stale = browser.post("/lanes/app/prod/signal", &stale).await;
        assert_eq!(stale.status, StatusCode::CONFLICT, "{}", stale.readable());
        assert_eq!(life.serves().as_deref(), Some("2.0.0"), "nothing was ordered by any of them");
        let told = format!("{form}&signal=security-incident&reason=somebody+got+in");
        led(&browser.post("/lanes/app/prod/signal", &told).await, "/promotions/3?done=reported");
        life.until("1.0.0 serves", |lane| {
            lane.serving
                .as_ref()
                .is_some_and(|it| it.deployment.release.version.as_str() == "1.0.0")
        })
        .await;
        browser.get("/promotions/3").await.says("somebody got in");
    });
}

#[test]
fn a_signal_says_when_it_only_asks_and_when_none_is_declared() {
    let asks = World::new("prod: root, steps 10%/2m 100%/2m, standby 1h, rollback manual");
    asks.live(async |life| {
        second_serves(life).await;
        let browser = Browser::of(&life.engine, "anna");
        let page = browser.get("/lanes/app/prod").await;
        page.says("Asks a person whether 2.0.0 goes back.").says("rollback.mode: manual");
        let told = format!("{}&signal=business-impact&reason=orders+fell", seen(&page));
        led(&browser.post("/lanes/app/prod/signal", &told).await, "/lanes/app/prod?done=reported");
        browser.get("/lanes/app/prod").await.says("A trigger asks for a rollback");
        assert_eq!(life.serves().as_deref(), Some("2.0.0"));
    });
    let none = World::new("prod: root, steps 10%/2m 100%/2m, no signals");
    none.live(async |life| {
        life.begin().await;
        let page = Browser::of(&life.engine, "anna").get("/lanes/app/prod").await;
        page.says("The matrix names no signal here").says_not("name=\"signal\"");
    });
}

#[test]
fn a_lane_is_frozen_and_thawed_and_the_freeze_that_was_shown_is_the_one_that_ends() {
    let world = World::new("prod: root, steps 10%/2m 100%/2m");
    world.live(async |life| {
        life.begin().await;
        let browser = Browser::of(&life.engine, "anna");
        let form = seen(&browser.get("/lanes/app/prod").await);
        let silent = browser.post("/lanes/app/prod/freeze", &form).await;
        silent.says("a reason is needed");
        let endless = format!("{form}&scope=lane&lasts=soon&reason=y");
        browser.post("/lanes/app/prod/freeze", &endless).await.says("is not a duration");
        let freeze = format!("{form}&scope=lane&lasts=4h&reason=sale");
        led(&browser.post("/lanes/app/prod/freeze", &freeze).await, "/lanes/app/prod?done=frozen");
        let page = browser.get("/lanes/app/prod").await;
        page.says("app in prod is frozen").says("Set by anna").says("Thaw app in prod");
        let thaw =
            |since: &str| format!("form={}&environment=prod&service=app&since={since}", word());
        let other = browser.post("/lanes/app/prod/thaw", &thaw("2020-01-01T00:00:00Z")).await;
        assert_eq!(other.status, StatusCode::CONFLICT, "{}", other.readable());
        assert_eq!(life.engine.status().frozen.len(), 1, "another freeze than the one shown");
        let own = thaw(&field(&page, "since"));
        led(&browser.post("/lanes/app/prod/thaw", &own).await, "/lanes/app/prod?done=thawed");
        assert!(life.engine.status().frozen.is_empty());
    });
}

#[test]
fn who_may_not_is_told_so_by_a_page_with_the_reason() {
    let world =
        World::new("people: anna developer; bob qa\nprod: root, steps 10%/2m 100%/2m, standby 1h")
            .changed_by(|matrix| {
                let freeze = towpath_core::people::Verb::Freeze;
                matrix.who_may.insert(freeze, vec![towpath_testkit::declared::name("qa").unwrap()]);
            });
    world.live(async |life| {
        second_serves(life).await;
        let anna = Browser::of(&life.engine, "anna");
        let form = seen(&anna.get("/lanes/app/prod").await);
        let freeze = format!("{form}&scope=lane&lasts=&reason=sale");
        let refused = anna.post("/lanes/app/prod/freeze", &freeze).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.readable());
        refused.says("not allowed: nothing was changed").says("Why");
        let bob = Browser::of(&life.engine, "bob");
        led(&bob.post("/lanes/app/prod/freeze", &freeze).await, "/lanes/app/prod?done=frozen");
    });
}

#[test]
fn what_serves_is_asked_now_and_the_answers_are_shown() {
    let world = World::new("prod: root, steps 10%/2m 100%/2m, validate smoke, validate load");
    world.live(async |life| {
        life.begin().await;
        let browser = Browser::of(&life.engine, "anna");
        let page = browser.get("/lanes/app/prod").await;
        page.says("Asks 2 checks of 1.0.0 now.").says("Asks 1 endpoint of 1.0.0 now.");
        let form = format!("form={}", word());
        let said = browser.post("/lanes/app/prod/validate", &form).await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.readable());
        said.says("2 of 2 passed.").says("smoke").says("the answers are kept nowhere");
        led(&browser.post("/lanes/app/prod/probe", &form).await, "/lanes/app/prod?done=probed");
    });
}

#[test]
fn t2_whoever_may_not_promote_has_nothing_asked_of_what_serves() {
    let world = World::new(
        "people: anna developer; bob qa\nprod: root, steps 10%/2m 100%/2m, validate smoke",
    );
    world.live(async |life| {
        life.begin().await;
        let eve = Browser::of(&life.engine, "eve");
        for path in ["/lanes/app/prod/validate", "/lanes/app/prod/probe"] {
            let refused = eve.post(path, &format!("form={}", word())).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path} {}", refused.readable());
            refused.says("nothing was asked");
        }
    });
}

#[test]
fn a_review_that_is_owed_is_settled_by_somebody_else_and_a_reason_is_given_later() {
    let world = World::new(
        "people: anna developer; bob qa\n\
         prod: root, steps 10%/2m 100%/2m, standby 1h, type feature reviewed 24h",
    );
    world.live(async |life| {
        second_serves(life).await;
        let (anna, bob) = (Browser::of(&life.engine, "anna"), Browser::of(&life.engine, "bob"));
        anna.get("/lanes/app/prod").await.says("It was reviewed").says("/promotions/2/settle");
        let word_of_it = format!("form={}&kind=review&reason=read+it", word());
        let own = anna.post("/promotions/2/settle", &word_of_it).await;
        assert_eq!(own.status, StatusCode::FORBIDDEN, "{}", own.readable());
        own.says("a review is somebody else");
        bob.post("/promotions/2/settle", &format!("form={}&kind=review", word()))
            .await
            .says("a reason is needed");
        led(&bob.post("/promotions/2/settle", &word_of_it).await, "/promotions/2?done=settled");
        let again = bob.post("/promotions/2/settle", &word_of_it).await;
        assert_eq!(again.status, StatusCode::NOT_FOUND, "{}", again.readable());
        let page = anna.get("/lanes/app/prod").await;
        let back = anna.post("/lanes/app/prod/rollback", &seen(&page)).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.readable());
        life.until("a reason is owed", |lane| !lane.owed.is_empty() && lane.active.is_none()).await;
        anna.get("/promotions/3").await.says("owes a reason").says("Give the reason");
        anna.get("/promotions/3").await.says_not("It was reviewed");
        let why = format!("form={}&kind=reason&reason=it+was+slow", word());
        led(&anna.post("/promotions/3/reason", &why).await, "/promotions/3?done=given");
        assert!(life.lane().owed.is_empty());
    });
}

#[test]
fn the_plan_of_a_rollback_names_its_steps_and_how_long_it_took_before() {
    let world = World::new("prod: root, steps 10%/2m 100%/2m, standby 1h, validate smoke");
    world.live(async |life| {
        second_serves(life).await;
        let browser = Browser::of(&life.engine, "anna");
        let page = browser.get("/lanes/app/prod").await;
        page.says("1.0.0 is up and stands by: nothing is started.")
            .says("Nothing was rolled back here yet")
            .says("2.0.0 is stopped and quarantined.");
        let back = browser.post("/lanes/app/prod/rollback", &seen(&page)).await;
        led(&back, "/promotions/3?done=rolled-back");
        life.until("it is back", |lane| {
            lane.active.is_none() && lane.ended.iter().any(|one| one.number.0 == 3)
        })
        .await;
        let third = life.promote("3.0.0").await;
        assert_eq!(life.end_of(third).await, Outcome::Succeeded);
        tokio::time::sleep(Duration::from_hours(2)).await;
        world.router.visit(&prod(), Arm::Blue, 10, 0);
        let page = browser.get("/lanes/app/prod").await;
        page.says("of 1.0.0 started from the kept artefact")
            .says("1 check of the gate asked")
            .says("It took ")
            .says("the last time");
    });
}

#[test]
fn a_lane_shows_at_all_times_what_fails_how_full_it_is_and_what_its_sources_say() {
    let alarm = Alarm {
        name: declared::name("queue-depth").unwrap(),
        source: declared::name("prometheus").unwrap(),
        adapter: AdapterSpec { kind: "prometheus".to_owned(), settings: json!({}) },
        query: "depth{version=\"{version}\"}".to_owned(),
        is: "> 1000".to_owned(),
        held_for: Span::minutes(5),
    };
    let world = World::new("prod: root, steps 10%/2m 100%/2m").alarmed_by(vec![alarm]).changed_by(
        |matrix| {
            let promised = json!({ "promised": [{ "environment": "prod", "window": null,
                "slo": { "error_rate": "< 0.5%", "latency_p99": "< 500ms" } }] });
            let check = AdapterSpec { kind: "slo".to_owned(), settings: promised };
            matrix.environments[0].promises.push(CheckSpec {
                slug: "slo".to_owned(),
                title: "Promises".to_owned(),
                check,
                timeout: Span::seconds(30),
                at: Weight::ZERO,
            });
        },
    );
    world.live(async |life| {
        life.begin().await;
        world.metrics.says(Says::Figure(1204.0));
        world.router.visit(&prod(), Arm::Blue, 400, 100);
        tokio::time::sleep(Duration::from_mins(2)).await;
        let browser = Browser::of(&life.engine, "anna");
        let before = world.metrics.asked().len();
        let first = browser.get("/lanes/app/prod").await;
        first.says("It is being asked").says("Errors by route").says("/checkout/*").says("100%");
        first.says("3 of 100 requests under way").says("1 of 2 copies ready").says("Saturation");
        first.says("promised &lt; 0.5%").says("promised &lt; 500ms").says("Response p99");
        tokio::time::sleep(Duration::from_secs(2)).await;
        let then = browser.get("/lanes/app/prod").await;
        then.says("1,204").says("too much").says("&gt; 1000 for 5m");
        assert_eq!(
            world.metrics.asked().len(),
            before + 1,
            "looking often asks a source no oftener"
        );
        world.metrics.says(Says::Nothing);
        tokio::time::sleep(Duration::from_secs(40)).await;
        browser.get("/lanes/app/prod").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let blind = browser.get("/lanes/app/prod").await;
        blind.says("unknown").says("It has no data").says_not("1,204");
    });
}

#[test]
fn a_lane_says_when_promotions_may_run_and_when_that_ends() {
    let world = World::new("prod: root, steps 10%/2m 100%/2m, window tue 09:00-17:00");
    world.live(async |life| {
        life.prepare().await;
        let page = Browser::of(&life.engine, "anna").get("/lanes/app/prod").await;
        page.says("When promotions may run").says("Rollbacks are exempt.").says("closed");
        page.says(", opens ").says("None of its windows is open.");
    });
}

#[test]
fn the_tables_of_a_lane_are_those_of_the_matrix_without_its_secrets() {
    let world = World::new("prod: root, setting LOG_LEVEL warn, setting API_TOKEN hunter2")
        .changed_by(|matrix| {
            matrix.environments[0].url = Some("https://app.example".to_owned());
        });
    world.live(async |life| {
        life.prepare().await;
        let page = Browser::of(&life.engine, "anna").get("/lanes/app/prod").await;
        page.says("As the matrix has it").says("Environment variables").says("LOG_LEVEL");
        page.says("Application configuration").says("warn").says_not("hunter2");
    });
}
