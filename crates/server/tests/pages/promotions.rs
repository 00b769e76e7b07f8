//! Promotions of all lanes: those that are looked for, and the way back to the oldest.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::StatusCode;
use towpath_core::promotion::state::Outcome;

use crate::look::{Browser, Seen};
use crate::world::World;

/// Numbers of the promotions that a page lists, in their order.
fn numbers(page: &Seen) -> Vec<u64> {
    let links = page.text.split("href=\"/promotions/").skip(1);
    let own = links.filter_map(|link| link.split_once("\" data-line")?.0.parse().ok());
    own.collect()
}

/// Where the link to what is older leads.
fn older(page: &Seen) -> Option<String> {
    let mut links = page.text.split("<a href=\"").skip(1);
    let link =
        links.find(|link| link.split('>').next().is_some_and(|it| it.contains("rel=\"next\"")))?;
    let place = link.split('"').next()?.replace("&amp;", "&");
    Some(place.split('#').next()?.to_owned())
}

#[test]
fn promotions_are_found_by_where_of_what_how_by_whom_and_since_when() {
    let world = World::new(
        "people: anna developer; bob qa\nservices: api web\nstaging: root\nprod: after staging, approvals all qa 1",
    );
    world.live(async |life| {
        life.prepare_services(&["api", "web"]).await;
        tokio::time::sleep(Duration::from_mins(5)).await;
        let lane = "api/prod".to_owned().try_into().unwrap();
        let waits = life.promote_in(&lane, "1.0.0").await;
        let browser = Browser::of(&life.engine, "anna");
        let all = browser.get("/promotions").await;
        assert_eq!(numbers(&all).len(), 3, "{}", all.readable());
        assert_eq!(numbers(&all)[0], waits.0, "the newest first");
        let of = async |query: &str| numbers(&browser.get(&format!("/promotions?{query}")).await);
        assert_eq!(of("environment=prod").await, [waits.0]);
        assert_eq!(of("service=web").await.len(), 1);
        assert_eq!(of("service=api").await.len(), 2);
        assert_eq!(of("state=succeeded").await.len(), 2);
        assert_eq!(of("state=waiting&service=api&environment=prod").await, [waits.0]);
        assert_eq!(of("state=waiting&service=web").await, [0; 0]);
        assert_eq!(of("by=ANN").await.len(), 3);
        assert_eq!(of("by=bert").await, [0; 0]);
        assert_eq!(of("release=1.0.0").await.len(), 3);
        assert_eq!(of("release=1.0").await, [0; 0]);
        assert_eq!(of("since=2000-01-01").await.len(), 3);
        assert_eq!(of("since=2999-01-01").await, [0; 0]);
        let page = browser.get("/promotions?state=rejected&service=api").await;
        page.says("No promotion is so").says("selected>rejected").says("Everything");
        let wrong = browser.get("/promotions?since=yesterday").await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
        wrong.says("neither a day").says("query: since");
    });
}

#[test]
fn before_the_first_one_the_page_teaches_what_a_promotion_is() {
    World::new("prod: root").live(async |life| {
        life.prepare().await;
        let page = Browser::of(&life.engine, "anna").get("/promotions").await;
        page.says("carries one release into one environment").says("towpath promote");
    });
}

#[test]
fn every_promotion_of_a_lane_is_reached_from_its_page_and_each_once() {
    let world = World::new("prod: root");
    world.live(async |life| {
        life.prepare().await;
        for round in 0..46 {
            let version = if round % 2 == 0 { "1.0.0" } else { "2.0.0" };
            let number = life.promote(version).await;
            assert_eq!(life.end_of(number).await, Outcome::Succeeded);
        }
        let browser = Browser::of(&life.engine, "anna");
        let places = [
            ("/lanes/app/prod", 46_usize, 20),
            ("/environments/prod", 46, 12),
            ("/releases/app/1.0.0", 23, 20),
        ];
        for (from, count, listed) in places {
            let (mut next, mut seen, mut pages) = (Some(from.to_owned()), Vec::new(), 0);
            while let Some(place) = next.filter(|_| pages < 9) {
                let page = browser.get(&place).await;
                assert_eq!(page.text.contains("rel=\"prev\">Newest"), pages > 0, "{place}");
                seen.extend(numbers(&page));
                next = older(&page);
                pages += 1;
            }
            assert!(seen.is_sorted_by(|one, other| one > other), "{from}: {seen:?}");
            let all: BTreeSet<u64> = seen.iter().copied().collect();
            assert_eq!((all.len(), pages), (count, count.div_ceil(listed)), "{from}: {seen:?}");
        }
    });
}
