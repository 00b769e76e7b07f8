//! Orders about what was looked at, answers that one has already, and waiting for what goes on: by the real
//! routes.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use towpath_server::ACTING_AS;
use towpath_server::openapi::document;
use towpath_server::route::Effect;
use towpath_server::routes::routes;

use crate::words::{LANE, order, world};
use crate::world::{Answered, As, World, place};

/// What nobody waits for in vain: a test that is this late has failed.
const LATE: Duration = Duration::from_secs(50);

async fn tag(world: &World, path: &str) -> String {
    let request = Request::get(path).header(ACTING_AS, "lead").body(Body::empty()).unwrap();
    let (parts, _) = world.send(request).await;
    assert_eq!(parts.status, StatusCode::OK, "{path}");
    parts.headers[header::ETAG].to_str().unwrap().to_owned()
}

async fn on(world: &World, who: &str, tag: &str, path: &str, body: &Value) -> Answered {
    world.post(&As::Headers(vec![(ACTING_AS, who), ("if-match", tag)]), path, body).await
}

/// A world in which promotion 1 waits for somebody to agree.
async fn waiting() -> World {
    let world = world().await;
    let path = format!("{LANE}/promotions");
    let ordered = world.post(&As::Person("promote"), &path, &order("1.0.0")).await;
    assert_eq!(ordered.status, StatusCode::ACCEPTED, "{ordered:?}");
    world
}

fn held() -> Value {
    json!({ "by": "lead", "reason": "x" })
}

#[tokio::test]
async fn an_order_about_what_has_changed_since_is_not_taken() {
    let world = waiting().await;
    let (promotion, lane) = ("/v1/promotions/1", LANE);
    let looked = (tag(&world, promotion).await, tag(&world, lane).await);
    let paused = on(&world, "pause", &looked.0, "/v1/promotions/1/pause", &held()).await;
    assert!(paused.status.is_success(), "{paused:?}");
    let before = world.kinds().await;
    let rollback = json!({
        "by": "x", "reason": null, "back_to": null, "quarantine": true, "dry_run": false,
    });
    let stale = [
        ("pause", &looked.0, "/v1/promotions/1/abort".to_owned(), held()),
        ("pause", &looked.0, "/v1/promotions/1/resume".to_owned(), json!({ "by": "lead" })),
        ("promote", &looked.1, format!("{LANE}/promotions"), order("2.0.0")),
        ("rollback", &looked.1, format!("{LANE}/rollback"), rollback),
    ];
    for (who, tag, path, body) in &stale {
        let weak = format!("W/{tag}");
        for tag in [tag.as_str(), "\"0123456789abcdef-0\"", "\"x\"", "x", &weak] {
            let answer = on(&world, who, tag, path, body).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (412, "changed"), "{path} {tag}");
        }
    }
    assert_eq!(world.kinds().await, before, "something was written");
    // Whoever may not is told that, and nothing of what has changed.
    let stranger = on(&world, "stranger", &looked.0, "/v1/promotions/1/abort", &held()).await;
    assert_eq!(stranger.code(), "not-allowed");
    let now = tag(&world, promotion).await;
    let several = format!("\"other\", {now}");
    let aborted = on(&world, "pause", &several, "/v1/promotions/1/abort", &held()).await;
    assert!(aborted.status.is_success(), "{aborted:?}");
    let any = on(&world, "rollback", "*", &format!("{LANE}/rollback"), &json!({})).await;
    assert_eq!(any.code(), "bad-body", "a star is any state");
}

#[tokio::test]
async fn of_two_who_change_the_matrix_they_looked_at_one_is_told() {
    let world = world().await;
    let looked = tag(&world, "/v1/matrix").await;
    let change =
        |which: u64| json!({ "matrix": enlarged(&json!(world.matrix), which), "by": "lead" });
    let first = on(&world, "lead", &looked, "/v1/matrix", &change(1)).await;
    assert!(first.status.is_success(), "{first:?}");
    let second = on(&world, "lead", &looked, "/v1/matrix", &change(2)).await;
    assert_eq!((second.status.as_u16(), second.code()), (412, "changed"), "{second:?}");
    let looked = tag(&world, "/v1/matrix").await;
    let third = on(&world, "lead", &looked, "/v1/matrix", &change(2)).await;
    assert!(third.status.is_success(), "{third:?}");
}

/// The matrix with one more person, so that it is another one.
fn enlarged(matrix: &Value, which: u64) -> Value {
    let mut matrix = matrix.clone();
    let people = matrix["people"].as_object_mut().unwrap();
    let like = people.values().next().unwrap().clone();
    people.insert(format!("new{which}"), like);
    matrix
}

#[tokio::test]
async fn an_order_that_takes_no_condition_says_so_and_does_nothing() {
    let world = waiting().await;
    let before = world.kinds().await;
    let orders = routes().into_iter().filter(|route| route.effect == Effect::Orders);
    let document = document();
    let (mut with, mut without) = (0, 0);
    for route in orders {
        let operation = &document["paths"][route.path]["post"];
        let mut parameters = operation["parameters"].as_array().unwrap().iter();
        if parameters.any(|one| one["name"] == "If-Match") {
            with += 1;
            assert!(operation["responses"]["412"].is_object(), "{}", route.path);
            continue;
        }
        assert!(operation["responses"]["412"].is_null(), "{}", route.path);
        let answer = on(&world, "lead", "\"a-b\"", &place(route.path), &held()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (400, "no-condition"),
            "{}",
            route.path
        );
        without += 1;
    }
    assert!(with > 8 && without > 8, "{with} {without}");
    assert_eq!(world.kinds().await, before, "something was written");
}

#[tokio::test]
async fn what_one_has_already_is_not_answered_again() {
    let world = waiting().await;
    let mut known = 0;
    for route in routes().into_iter().filter(|route| route.effect == Effect::Looks) {
        let (path, follows) = (place(route.path), route.path == "/stream");
        let ask = |tag: Option<&str>| {
            let request = Request::get(&path).header(ACTING_AS, "lead");
            let request = match tag {
                Some(tag) => request.header(header::IF_NONE_MATCH, tag),
                None => request,
            };
            request.body(Body::empty()).unwrap()
        };
        if follows {
            continue;
        }
        let (parts, body) = world.send(ask(None)).await;
        let kind = parts.headers.get(header::CONTENT_TYPE).cloned();
        if parts.status != StatusCode::OK || kind.is_none_or(|kind| kind != "application/json") {
            continue;
        }
        let tag = parts.headers[header::ETAG].to_str().unwrap().to_owned();
        for same in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let (parts, body) = world.send(ask(Some(&same))).await;
            assert_eq!((parts.status, body.len()), (StatusCode::NOT_MODIFIED, 0), "{path} {same}");
            assert_eq!(parts.headers[header::ETAG], tag.as_str(), "{path}");
        }
        let (parts, again) = world.send(ask(Some("\"other\""))).await;
        assert_eq!((parts.status, again), (StatusCode::OK, body), "{path}");
        known += 1;
    }
    assert!(known > 15, "{known}");
    let before = tag(&world, "/v1/promotions/1").await;
    let paused = world.post(&As::Person("pause"), "/v1/promotions/1/pause", &held()).await;
    assert!(paused.status.is_success(), "{paused:?}");
    assert_ne!(tag(&world, "/v1/promotions/1").await, before);
}

#[tokio::test]
async fn whoever_waits_is_answered_when_the_promotion_has_ended_however_many_they_are() {
    let world = waiting().await;
    let lead = As::Person("lead");
    let at_once = world.get(&lead, "/v1/promotions/1?wait=0s").await;
    assert_eq!((at_once.status, &at_once.body["state"]), (StatusCode::OK, &json!("waiting")));
    let prefers = vec![(ACTING_AS, "lead"), ("prefer", "respond-async, wait=50")];
    let many = (0..300).map(|_| world.get(&lead, "/v1/promotions/1?wait=60s"));
    let waits = async {
        let all = futures_util::future::join_all(many);
        let who = As::Headers(prefers);
        tokio::join!(all, world.get(&who, "/v1/promotions/1"))
    };
    let ends = async {
        tokio::task::yield_now().await;
        world.post(&As::Person("pause"), "/v1/promotions/1/abort", &held()).await
    };
    let both = async { tokio::join!(waits, ends) };
    let ((all, preferred), aborted) = tokio::time::timeout(LATE, both).await.unwrap();
    assert!(aborted.status.is_success(), "{aborted:?}");
    for answer in all.iter().chain([&preferred]) {
        assert_eq!(answer.body["outcome"], "aborted", "{answer:?}");
    }
    for path in ["/v1/promotions/1?wait=60s", "/v1/promotions/99?wait=60s"] {
        let ended = tokio::time::timeout(LATE, world.get(&lead, path)).await.unwrap();
        assert_eq!(ended.status.is_success(), path.contains("/1?"), "{path}: {ended:?}");
    }
    for wait in ["61s", "1m", "-1s", "030s", "x", "", "30", "9999999999999999999999s"] {
        let answer = world.get(&lead, &format!("/v1/promotions/1?wait={wait}")).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "bad-query"), "{wait}");
        assert_eq!(answer.body["errors"][0]["parameter"], "wait", "{answer:?}");
    }
}

#[tokio::test]
async fn an_order_can_be_waited_for_and_stays_one_order() {
    let world = world().await;
    let send = |query: &str| {
        let request =
            Request::builder().method(Method::POST).uri(format!("{LANE}/promotions{query}"));
        let request = request.header(ACTING_AS, "promote").header("idempotency-key", "one");
        let request = request.header("content-type", "application/json");
        request.body(Body::from(order("1.0.0").to_string())).unwrap()
    };
    let (parts, _) = world.send(send("?wait=90s")).await;
    assert_eq!(parts.status, StatusCode::BAD_REQUEST, "nothing is ordered by what cannot be read");
    let aborts = async {
        while world.engine.lane_of(towpath_core::ids::PromotionNumber(1)).is_none() {
            tokio::task::yield_now().await;
        }
        world.post(&As::Person("pause"), "/v1/promotions/1/abort", &held()).await
    };
    let both = async { tokio::join!(world.send(send("?wait=60s")), aborts) };
    let ((parts, body), aborted) = tokio::time::timeout(LATE, both).await.unwrap();
    assert!(aborted.status.is_success(), "{aborted:?}");
    let waited: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((parts.status, &waited["state"]), (StatusCode::OK, &json!("aborted")), "{waited}");
    // For how long it is waited for makes it no other order.
    let (parts, body) = world.send(send("")).await;
    let again: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(parts.status, StatusCode::ACCEPTED);
    assert_eq!(parts.headers["idempotency-replayed"], "true");
    assert_eq!((&again["promotion"], &again["state"]), (&json!(1), &Value::Null));
    let (parts, _) = tokio::time::timeout(LATE, world.send(send("?wait=5s"))).await.unwrap();
    assert_eq!(parts.status, StatusCode::OK, "it has ended by now");
    let kinds = world.kinds().await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "promotion-requested").count(), 1, "{kinds:?}");
}
