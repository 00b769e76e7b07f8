//! Lists page by page, each of the table alike: nothing twice, nothing left out, and no cursor but one's own.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use towpath_server::openapi::document;

use crate::words::{LANE, order, world};
use crate::world::{As, World, place};

/// Addresses of all lists that come page by page, as the description has them.
fn lists() -> Vec<String> {
    let document = document();
    let paged = document["paths"].as_object().unwrap().iter().filter(|(_, methods)| {
        let parameters = methods["get"]["parameters"].as_array();
        parameters.into_iter().flatten().any(|one| one["name"] == "cursor")
    });
    paged.map(|(path, _)| place(path)).collect()
}

/// The status, what is listed, and the query of the next page.
async fn page(world: &World, path: &str, query: &str) -> (StatusCode, Value, Option<String>) {
    let request = Request::get(format!("{path}?{query}"))
        .header("towpath-acting-as", "lead")
        .body(Body::empty())
        .unwrap();
    let (parts, body) = world.send(request).await;
    let next = parts.headers.get(header::LINK).map(|link| {
        let link = link.to_str().unwrap().strip_prefix("<?").unwrap();
        link.strip_suffix(">; rel=\"next\"").unwrap().to_owned()
    });
    (parts.status, serde_json::from_slice(&body).unwrap_or_default(), next)
}

/// The entries of an answer: of notices those that did not arrive.
fn entries(body: &Value) -> Vec<Value> {
    match body {
        Value::Array(entries) => entries.clone(),
        body => ["pending", "dead"]
            .iter()
            .flat_map(|key| body[*key].as_array().cloned().unwrap_or_default())
            .collect(),
    }
}

/// A world in which every list has several entries, but for notices and evidence.
async fn busy() -> World {
    let world = world().await;
    let path = format!("{LANE}/promotions");
    let ordered = world.post(&As::Person("promote"), &path, &order("1.0.0")).await;
    assert_eq!(ordered.status, StatusCode::ACCEPTED, "{ordered:?}");
    for index in 0..5 {
        let made = world.create_release(&format!("3.{index}.0"), "ada").await;
        assert!(made.status.is_success(), "{made:?}");
        let token = json!({ "name": format!("t{index}") });
        let made = world.post(&As::Person("ada"), "/v1/tokens", &token).await;
        assert!(made.status.is_success(), "{made:?}");
        let refused = json!({ "by": "x", "reason": "x" });
        // The same of the same person is one record.
        let stranger = format!("stranger{index}");
        let refused = world.post(&As::Person(&stranger), "/v1/freezes", &refused).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        world.pass(towpath_core::units::Span::seconds(90));
    }
    for scope in [json!({}), json!({ "environment": "staging" }), json!({ "service": "app" })] {
        let mut body = json!({ "by": "lead", "reason": "x" });
        body.as_object_mut().unwrap().extend(scope.as_object().unwrap().clone());
        let frozen = world.post(&As::Person("freeze"), "/v1/freezes", &body).await;
        assert!(frozen.status.is_success(), "{frozen:?}");
    }
    world
}

#[tokio::test]
async fn every_list_is_the_same_in_one_page_and_in_many() {
    let world = busy().await;
    let all = lists();
    assert_eq!(all.len(), 10, "{all:?}");
    let mut with_several = Vec::new();
    for path in &all {
        let (status, whole, next) = page(&world, path, "limit=200").await;
        assert_eq!((status, next), (StatusCode::OK, None), "{path}");
        for limit in [1, 2, 3] {
            let (mut found, mut query) = (Vec::new(), format!("limit={limit}"));
            loop {
                let (status, body, next) = page(&world, path, &query).await;
                assert_eq!(status, StatusCode::OK, "{path}?{query}: {body}");
                assert!(entries(&body).len() <= limit, "{path}?{query}");
                found.extend(entries(&body));
                let Some(next) = next else { break };
                query = next;
            }
            assert_eq!(found, entries(&whole), "{path} by {limit}");
        }
        if entries(&whole).len() > 2 {
            with_several.push(path.as_str());
        }
    }
    for path in ["/v1/events", "/v1/releases", "/v1/tokens", "/v1/freezes", "/v1/refused"] {
        assert!(with_several.contains(&path), "{path} is hardly a list: {with_several:?}");
    }
}

#[tokio::test]
async fn a_cursor_belongs_to_its_list_and_to_what_chooses_in_it() {
    let world = busy().await;
    let (_, _, next) = page(&world, "/v1/releases", "service=app&limit=2").await;
    let own = next.unwrap();
    assert_eq!(page(&world, "/v1/releases", &own).await.0, StatusCode::OK, "{own}");
    let cursor = own.split("cursor=").nth(1).unwrap().to_owned();
    // How many are wanted is chosen anew for each page.
    let longer = format!("service=app&limit=50&cursor={cursor}");
    assert_eq!(page(&world, "/v1/releases", &longer).await.0, StatusCode::OK);
    let mut foreign: Vec<(String, String)> = lists()
        .into_iter()
        .filter(|path| path != "/v1/releases")
        .map(|path| (path, format!("cursor={cursor}")))
        .collect();
    for query in ["cursor=", "service=app&cursor=nothing", "service=app&cursor=AAAA"] {
        foreign.push(("/v1/releases".to_owned(), query.to_owned()));
    }
    foreign.push(("/v1/releases".to_owned(), format!("cursor={cursor}")));
    foreign.push(("/v1/releases".to_owned(), format!("service=app&type=hotfix&cursor={cursor}")));
    for at in 0..cursor.len() {
        let mut bytes = cursor.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(bytes).unwrap();
        foreign.push(("/v1/releases".to_owned(), format!("service=app&cursor={other}")));
    }
    for (path, query) in &foreign {
        let (status, body, _) = page(&world, path, query).await;
        assert_eq!((status.as_u16(), &body["code"]), (400, &json!("bad-cursor")), "{path}?{query}");
        assert_eq!(body["errors"][0]["parameter"], "cursor", "{body}");
    }
    assert!(foreign.len() > 60, "{}", foreign.len());
}

#[tokio::test]
async fn a_page_has_between_one_and_two_hundred_entries() {
    let world = world().await;
    for path in lists() {
        for limit in ["0", "201", "-1", "1e2", "4294967296", "", "x"] {
            let (status, body, _) = page(&world, &path, &format!("limit={limit}")).await;
            let found = (status.as_u16(), &body["code"], &body["errors"][0]["parameter"]);
            assert_eq!(
                found,
                (400, &json!("bad-query"), &json!("limit")),
                "{path} {limit}: {body}"
            );
        }
        for query in ["limit=1&limit=2", "cursor=a&cursor=b", "limits=1"] {
            let (status, body, _) = page(&world, &path, query).await;
            assert_eq!(
                (status.as_u16(), &body["code"]),
                (400, &json!("bad-query")),
                "{path} {query}"
            );
        }
    }
}

#[tokio::test]
async fn what_came_in_between_is_neither_skipped_nor_shown_twice() {
    let world = busy().await;
    let (_, first, next) = page(&world, "/v1/tokens", "limit=2").await;
    let made = world.post(&As::Person("ada"), "/v1/tokens", &json!({ "name": "late" })).await;
    assert!(made.status.is_success(), "{made:?}");
    let (mut found, mut query) = (entries(&first), next);
    while let Some(next) = query {
        let (_, body, next) = page(&world, "/v1/tokens", &next).await;
        found.extend(entries(&body));
        query = next;
    }
    let names: Vec<&str> = found.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["t0", "t1", "t2", "t3", "t4", "late"]);
}

#[tokio::test]
async fn promotions_are_chosen_by_what_they_are() {
    let world = busy().await;
    let all = entries(&page(&world, "/v1/promotions", "").await.1);
    assert!(!all.is_empty());
    let (release, state) = (&all[0]["release"], &all[0]["state"]);
    let (release, state) = (release.as_str().unwrap(), state.as_str().unwrap());
    let same = [
        format!("release={release}"),
        format!("state={state}"),
        "kind=promote".to_owned(),
        format!("service=app&environment={}", all[0]["to"].as_str().unwrap()),
        format!("environment={}&state={state}", all[0]["to"].as_str().unwrap()),
    ];
    for query in same {
        assert_eq!(entries(&page(&world, "/v1/promotions", &query).await.1), all, "{query}");
    }
    for query in ["release=0.0.0", "state=succeeded", "kind=rollback", "service=other", "before=1"]
    {
        let (status, body, _) = page(&world, "/v1/promotions", query).await;
        assert_eq!((status, entries(&body)), (StatusCode::OK, Vec::new()), "{query}");
    }
    assert_eq!(page(&world, "/v1/promotions", "kind=other").await.0, StatusCode::BAD_REQUEST);
}
