//! Insights: what is promised and kept, and the figures of delivery with what they mean.

use std::time::Duration;

use serde_json::json;
use towpath_core::promotion::state::Outcome;
use towpath_guard::Arm;

use crate::look::Browser;
use crate::world::{World, prod};

const GOALS: &str =
    "prod: root, tier production, steps 10%/2m 100%/2m, standby 1h, check tests, validate smoke";

fn world() -> World {
    World::new(GOALS).changed_by(|matrix| {
        let goals = json!({
            "promotion_success_rate": "> 95%", "promotion_time": "< 30m",
            "rollback_success_rate": "> 95%", "rollback_time": "< 10m", "validation_time": "< 15m",
        });
        matrix.declared.insert("goals".to_owned(), goals);
    })
}

#[test]
fn the_success_metrics_stand_beside_their_targets_and_every_definition_is_printed() {
    let world = world();
    world.live(async |life| {
        let (second, _) = life.begin_second().await;
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        life.roll_back().await.unwrap();
        life.until("it is back", |lane| lane.active.is_none() && lane.ended.len() == 3).await;
        let third = life.promote("3.0.0").await;
        life.bakes_at(0).await;
        world.router.visit(&prod(), Arm::Blue, 4_000, 1_000);
        while life.lane().active.is_some() {
            world.router.visit(&prod(), Arm::Green, 60, 30);
            tokio::time::sleep(Duration::from_secs(40)).await;
        }
        assert_eq!(life.end_of(third).await, Outcome::RolledBack);
        let page = Browser::of(&life.engine, "anna").get("/insights?days=7").await;
        page.says("Promotion success").says("66.7%").says("Target &gt; 95%").says("missed");
        page.says("Validation time").says("Target &lt; 15m").says("Rollback time").says("met");
        page.says("Delivery, by day").says("0.3 a day").says("66.7%");
        for means in [
            "Promotions into production that succeeded, per day.",
            "until it has 100% of the traffic",
            "of all that moved a visitor",
            "until all traffic is back",
            "until the last word that it waited for",
        ] {
            assert!(page.readable().contains(means), "{means}: {}", page.readable());
            assert!(page.text.contains("h3 title="), "the definition is on the name as well");
        }
        page.says("2 of 3").says("median of 2").says("No environment promises anything");
        let month = Browser::of(&life.engine, "anna").get("/insights?days=90").await;
        month.says("Delivery, by week").says("aria-current=\"true\">90 days");
    });
}

#[test]
fn environments_stand_beside_what_they_promise() {
    let world = world().changed_by(|matrix| {
        let promised = json!({ "promised": [{ "environment": "prod", "window": null,
            "slo": { "uptime": ">= 99%", "error_rate": "< 0.5%", "latency_p95": "< 500ms" } }] });
        matrix.environments[0].promises.push(towpath_core::matrix::CheckSpec {
            slug: "slo".to_owned(),
            title: "Promises".to_owned(),
            check: towpath_core::matrix::AdapterSpec { kind: "slo".to_owned(), settings: promised },
            timeout: towpath_core::units::Span::seconds(30),
            at: towpath_core::units::Weight::ZERO,
        });
    });
    world.live(async |life| {
        life.begin().await;
        world.router.visit(&prod(), Arm::Blue, 400, 100);
        tokio::time::sleep(Duration::from_mins(6)).await;
        let page = Browser::of(&life.engine, "anna").get("/insights").await;
        page.says("Environments, last day").says("promised &lt; 0.5%").says("promised &gt;= 99%");
        page.says("1.00%").says("missed").says("promised p95 &lt; 500ms");
    });
}

#[test]
fn the_goals_of_all_environments_are_judged_in_each_of_them() {
    let world = World::new("services: api web\nstaging: root\nprod: root, tier production")
        .changed_by(|matrix| {
            let goals = json!({ "environment_uptime": "> 99%", "error_rate": "< 1%", "response_time": "< 500ms" });
            matrix.declared.insert("goals".to_owned(), goals);
        });
    world.live(async |life| {
        life.prepare_services(&["api", "web"]).await;
        tokio::time::sleep(Duration::from_mins(6)).await;
        let lane = |service: &str| format!("{service}/staging").try_into().unwrap();
        world.router.visit(&lane("api"), Arm::Blue, 1_000, 20);
        world.router.visit(&lane("web"), Arm::Blue, 1_000, 0);
        tokio::time::sleep(Duration::from_mins(6)).await;
        let page = Browser::of(&life.engine, "anna").get("/insights").await;
        page.says("Error rate")
            .says("Target &lt; 1%")
            .says("Missed in staging, the one that is measured.");
        page.says("Uptime of environments").says("Target &gt; 99%");
        page.says("1 of 2 missed").says("goal &lt; 1%").says("A target is missed by");
        page.says("href=\"/lanes/api/staging\"").says("href=\"/environments/staging\"");
        let words = page.readable();
        assert!(words.contains("prod 2 services no probe no request no request"), "{words}");
    });
}

#[test]
fn before_the_first_promotion_the_page_teaches_what_it_will_show() {
    let world = World::new("prod: root");
    world.live(async |life| {
        life.prepare().await;
        let page = Browser::of(&life.engine, "anna").get("/insights").await;
        page.says("No promotion ended in this time").says("validation_time").says("slo:");
    });
}
