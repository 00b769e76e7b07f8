//! Orders with a key: whatever is sent twice has its effect once (F23), also when it is sent by a hundred at
//! the same time, and a key opens nobody else's answer.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use towpath_core::ids::Digest;
use towpath_core::units::Span;
use towpath_ports::answers::{AskedOnce, Claim};
use towpath_server::route::Effect;
use towpath_server::routes::routes;

use crate::words::{LANE, order, world};
use crate::world::{Answered, World, place};

/// An order of a person with a key, or without.
async fn ordered(
    world: &World,
    who: &str,
    key: Option<&str>,
    path: &str,
    body: &Value,
) -> Answered {
    let mut request = Request::post(path)
        .header("content-type", "application/json")
        .header("x-request-id", "the-same")
        .header("towpath-acting-as", who);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let (parts, bytes) = world.send(request.body(Body::from(body.to_string())).unwrap()).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Answered { status: parts.status, body: serde_json::from_str(&text).unwrap_or_default(), text }
}

#[tokio::test]
async fn every_order_needs_a_key_and_nothing_else_does() {
    let world = world().await;
    let before = world.kinds().await;
    for route in routes().into_iter().filter(|route| route.method == "POST") {
        let path = place(route.path);
        let answer = ordered(&world, "lead", None, &path, &json!({})).await;
        let is_missed = answer.code() == "key-needed";
        assert_eq!(is_missed, route.effect == Effect::Orders, "{path} {answer:?}");
    }
    let long = "k".repeat(256);
    for key in ["", " ", "\"\"", "a b", "\u{e9}", &long] {
        let answer = ordered(&world, "lead", Some(key), "/v1/freezes", &json!({})).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "key-needed"), "{key:?}");
        assert_eq!(answer.body["errors"][0]["parameter"], "Idempotency-Key");
    }
    assert_eq!(world.kinds().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f23_a_hundred_times_the_same_order_is_one_promotion() {
    let world = std::sync::Arc::new(world().await);
    let mut asking = Vec::new();
    for _ in 0..100 {
        let world = std::sync::Arc::clone(&world);
        asking.push(tokio::spawn(async move {
            let path = format!("{LANE}/promotions");
            ordered(&world, "promote", Some("k"), &path, &order("1.0.0")).await
        }));
    }
    let mut answers = Vec::new();
    for asked in asking {
        answers.push(asked.await.unwrap());
    }
    for answer in answers {
        let is_same = answer.status == StatusCode::ACCEPTED && answer.body["promotion"] == 1;
        assert!(is_same || answer.code() == "under-way", "{answer:?}");
    }
    let path = format!("{LANE}/promotions");
    let again = ordered(&world, "promote", Some("\"k\""), &path, &order("1.0.0")).await;
    assert_eq!((again.status, &again.body["promotion"]), (StatusCode::ACCEPTED, &json!(1)));
    let request = Request::post(&path)
        .header("content-type", "application/json")
        .header("towpath-acting-as", "promote")
        .header("idempotency-key", "k");
    let sent = request.body(Body::from(order("1.0.0").to_string())).unwrap();
    let (parts, _) = world.send(sent).await;
    assert_eq!(parts.headers["location"], "../../../promotions/1");
    assert_eq!(parts.headers["idempotency-replayed"], "true");
    let kinds = world.kinds().await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "promotion-requested").count(), 1, "{kinds:?}");
}

#[tokio::test]
async fn a_key_is_for_one_order_of_one_caller() {
    let world = world().await;
    let body = |reason: &str| json!({ "by": "x", "reason": reason, "environment": "staging", "for": 60000 });
    let first = ordered(&world, "freeze", Some("k"), "/v1/freezes", &body("a")).await;
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
    let other = ordered(&world, "freeze", Some("k"), "/v1/freezes", &body("b")).await;
    assert_eq!((other.status.as_u16(), other.code()), (422, "key-reused"));
    let elsewhere = ordered(&world, "freeze", Some("k"), "/v1/freezes/thaw", &body("a")).await;
    assert_eq!((elsewhere.status.as_u16(), elsewhere.code()), (422, "key-reused"));
    // Somebody else's key of the same name is their own, and shows them nothing of the first.
    let stranger = ordered(&world, "stranger", Some("k"), "/v1/freezes", &body("a")).await;
    assert_eq!(stranger.code(), "not-allowed", "{stranger:?}");
    let before = world.refusals().await;
    let again = ordered(&world, "stranger", Some("k"), "/v1/freezes", &body("a")).await;
    assert_eq!(again, stranger, "a refusal is an answer too");
    assert_eq!(world.refusals().await, before, "and is not put on record twice");
    // What could not be read was no order: the key is still free.
    let bad = ordered(&world, "freeze", Some("l"), "/v1/freezes", &json!({ "by": 1 })).await;
    assert_eq!(bad.code(), "bad-body");
    let good = ordered(&world, "freeze", Some("l"), "/v1/freezes", &body("c")).await;
    assert_eq!(good.status, StatusCode::OK, "{good:?}");
}

#[tokio::test]
async fn a_secret_is_not_kept_to_be_shown_again() {
    let world = world().await;
    let body = json!({ "name": "one" });
    let first = ordered(&world, "ada", Some("k"), "/v1/tokens", &body).await;
    assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
    let again = ordered(&world, "ada", Some("k"), "/v1/tokens", &body).await;
    assert_eq!((again.status.as_u16(), again.code()), (409, "shown-once"));
    assert!(!again.text.contains("twp_"));
    assert_eq!(world.kinds().await.iter().filter(|kind| *kind == "token-created").count(), 1);
}

/// What the program knows a request by: a process that ended left this behind.
fn begun(world: &World, who: &str, key: &str, path: &str, body: &Value) -> AskedOnce {
    let digest = |texts: &[&str]| {
        let sized = |text: &&str| [&(text.len() as u64).to_be_bytes(), text.as_bytes()].concat();
        Digest::of(&texts.iter().flat_map(sized).collect::<Vec<u8>>())
    };
    AskedOnce {
        id: digest(&[world.matrix.project.as_str(), who, key]),
        request: digest(&["POST", path, "", "", &body.to_string()]),
        at: world.now(),
    }
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_is_not_given_again_and_that_is_said() {
    let world = world().await;
    let body = json!({ "by": "x", "reason": "a", "environment": "staging", "for": 60000 });
    let left = begun(&world, "freeze", "k", "/freezes", &body);
    assert_eq!(world.engine.setup().store.claim(&left).await.unwrap(), Claim::Mine);
    let before = world.kinds().await;
    for _ in 0..2 {
        let answer = ordered(&world, "freeze", Some("k"), "/v1/freezes", &body).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (409, "outcome-lost"), "{answer:?}");
    }
    assert_eq!(world.kinds().await, before);
    // A day later nobody asks about it any more.
    world.pass(Span::hours(24));
    let answer = ordered(&world, "freeze", Some("k"), "/v1/freezes", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}
