//! The page of an environment: all of its services on one page, and what is declared for them.

use std::time::Duration;

use axum::http::StatusCode;

use crate::look::Browser;
use crate::people::{field, word};
use crate::world::World;

const THREE: &str = "people: anna developer; bob qa\n\
    services: api web worker\n\
    staging: root, setting LOG_LEVEL info\n\
    prod: after staging, tier production, setting LOG_LEVEL warn, approvals all qa 1";

#[test]
fn an_environment_shows_every_service_with_what_serves_and_what_is_declared() {
    let world = World::new(THREE);
    world.live(async |life| {
        life.prepare_services(&["api", "web"]).await;
        tokio::time::sleep(Duration::from_mins(5)).await;
        let browser = Browser::of(&life.engine, "anna");
        let page = browser.get("/environments/staging").await;
        page.says("2 of 3 services").says("/lanes/api/staging").says("/lanes/worker/staging");
        page.says("nothing yet").says("api 1.0.0 to staging").says("LOG_LEVEL").says("info");
        page.says("a root: releases enter here").says("/environments/prod").says("Freezes");
        page.says("When promotions may run").says("What is promised");
        let prod = browser.get("/environments/prod").await;
        prod.says("0 of 3 services").says("after").says("warn").says("qa").says("1 behind");
        let none = browser.get("/environments/moon").await;
        assert_eq!(none.status, StatusCode::NOT_FOUND);
        none.says("there is no such environment").says("towpath status");
        browser.get("/").await.says("href=\"/environments/prod\"");
        browser.get("/pipeline").await.says("href=\"/environments/staging\"");
        browser.get("/lanes/api/staging").await.says("href=\"/environments/staging\"");
    });
}

#[test]
fn services_of_an_environment_are_filtered_by_the_address_and_fade_in_their_places() {
    let world = World::new(THREE);
    world.live(async |life| {
        life.prepare_services(&["api", "web"]).await;
        tokio::time::sleep(Duration::from_mins(5)).await;
        let browser = Browser::of(&life.engine, "anna");
        let rows = |text: &str| -> Vec<(String, bool)> {
            let rows = text.split("<tr data-row=\"").skip(1);
            let one = |row: &str| {
                let head = row.split_once('>').unwrap().0;
                (head.split('"').next().unwrap().to_owned(), head.contains("off"))
            };
            rows.map(one).collect()
        };
        let own = |service: &str, off| (service.to_owned(), off);
        let all = browser.get("/environments/staging").await;
        assert_eq!(rows(&all.text), [own("api", false), own("web", false), own("worker", false)]);
        let found = browser.get("/environments/staging?q=web").await;
        assert_eq!(rows(&found.text), [own("api", true), own("web", false), own("worker", true)]);
        let held = browser.get("/environments/staging?show=held").await;
        assert!(rows(&held.text).iter().all(|(_, is_off)| *is_off), "{:?}", rows(&held.text));
        let wrong = browser.get("/environments/staging?show=%3Cscript%3E").await;
        assert!(rows(&wrong.text).iter().all(|(_, is_off)| !is_off), "what is no state shows all");
    });
}

#[test]
fn a_freeze_stands_on_the_page_of_its_environment_and_is_thawed_there() {
    let world = World::new(THREE);
    world.live(async |life| {
        life.prepare_services(&["api"]).await;
        tokio::time::sleep(Duration::from_mins(5)).await;
        let browser = Browser::of(&life.engine, "anna");
        let lane = browser.get("/lanes/api/staging").await;
        let form = format!("form={}&seen={}", word(), field(&lane, "seen"));
        let freeze = format!("{form}&scope=lane&lasts=4h&reason=sale");
        let led = browser.post("/lanes/api/staging/freeze", &freeze).await;
        assert_eq!(led.status, StatusCode::SEE_OTHER, "{}", led.readable());
        let page = browser.get("/environments/staging").await;
        page.says("is frozen").says("Sale.").says("action=\"/lanes/api/staging/thaw\"");
        page.says("1 held back");
        browser.get("/environments/prod").await.says("Nobody froze anything here");
        let since = field(&page, "since");
        let thaw =
            format!("form={}&environment=staging&service=api&since={since}&reason=over", word());
        let thawed = browser.post("/lanes/api/staging/thaw", &thaw).await;
        assert_eq!(thawed.status, StatusCode::SEE_OTHER, "{}", thawed.readable());
        browser.get("/environments/staging").await.says("Nobody froze anything here");
    });
}
