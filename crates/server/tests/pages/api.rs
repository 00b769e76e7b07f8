//! The pages of the API: all that the description has, each with a way to ask it.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use towpath_server::openapi::document;

use crate::look::Browser;
use crate::world::World;

/// What a page may weigh (issue 6).
const LARGEST: usize = 100 * 1024;

/// Addresses of the API's pages that a page leads to.
fn links(text: &str, base: &str) -> BTreeSet<String> {
    let mark = format!("href=\"{base}/api");
    text.split(&mark).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

#[test]
fn every_operation_and_every_form_has_a_page_with_a_way_to_ask() {
    World::new("prod: root").live(async |life| {
        life.prepare().await;
        let browser = Browser::of(&life.engine, "anna");
        for asset in
            browser.get("/api").await.text.split('"').filter(|part| part.starts_with("/assets/"))
        {
            assert_eq!(browser.get(asset).await.status, StatusCode::OK);
        }
        let index = browser.get("/api").await;
        index.says("What holds for all of them").says("openapi.json").says("$TOWPATH_TOKEN");
        let document = document();
        let operations: Vec<&str> = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|methods| methods.as_object().unwrap().values())
            .map(|operation| operation["operationId"].as_str().unwrap())
            .collect();
        let (mut open, mut seen) = (links(&index.text, ""), BTreeSet::new());
        for id in &operations {
            assert!(open.contains(&format!("/{id}")), "{id} is not listed");
        }
        while let Some(next) = open.pop_first() {
            if !seen.insert(next.clone()) || next.is_empty() {
                continue;
            }
            let path = format!("/api{next}");
            let page = browser.get(&path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(page.text.len() < LARGEST, "{path}: {} bytes", page.text.len());
            if !path.contains("/types/") {
                page.says("curl").says("/v1/projects/").says("Answers");
            }
            open.extend(links(&page.text, "").difference(&seen).cloned());
        }
        let forms = seen.iter().filter(|path| path.starts_with("/types/")).count();
        assert!(forms > 60, "{forms}");
        assert!(index.text.len() < LARGEST, "{}", index.text.len());
    });
}

#[test]
fn what_the_api_has_not_is_said_and_addresses_follow_the_base() {
    World::new("prod: root").live(async |life| {
        life.prepare().await;
        let browser = Browser::of(&life.engine, "anna");
        for path in ["/api/no_such", "/api/types/NoSuch", "/api/types/..%2f"] {
            let page = browser.get(path).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        }
        let page = browser.under("/projects/shop", "/projects/shop/api").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(links(&page.text, "/projects/shop").len() > 40);
        assert!(links(&page.text, "").is_empty());
        for path in ["/api", "/api/promote", "/api/types/PromotionView"] {
            let nobody = Browser::nobody(&life.engine, Method::GET, path).await;
            assert_ne!(nobody.status, StatusCode::OK, "{path} is open to everybody");
        }
    });
}
