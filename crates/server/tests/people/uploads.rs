//! Bytes of releases are taken from whoever may create one, and from nobody else.

use axum::http::StatusCode;
use serde_json::json;
use towpath_core::people::Verb;

use crate::words::{role, world};
use crate::world::As;

#[tokio::test]
async fn t2_bytes_are_taken_from_whoever_may_create_a_release_alone() {
    let world = world().await;
    let zeros = format!("/v1/uploads/sha256:{}", "0".repeat(64));
    let asked =
        [("/v1/uploads/missing", json!({ "by": "lead", "digests": [] })), (&zeros, json!({}))];
    let people = Verb::ALL.map(role);
    for who in people.iter().map(String::as_str).chain(["stranger", "bot"]) {
        if who == role(Verb::CreateRelease) {
            continue;
        }
        for (path, body) in &asked {
            let answer = world.post(&As::Person(who), path, body).await;
            let found = (answer.status, answer.code());
            assert_eq!(found, (StatusCode::FORBIDDEN, "not-allowed"), "{who} {path} {answer:?}");
        }
    }
    let maker = role(Verb::CreateRelease);
    for (path, body) in &asked {
        let answer = world.post(&As::Person(&maker), path, body).await;
        assert_ne!(answer.status, StatusCode::FORBIDDEN, "{path} {answer:?}");
    }
}

#[tokio::test]
async fn one_caller_holds_some_of_the_places_for_bytes_and_never_all() {
    let world = world().await;
    let maker = role(Verb::CreateRelease);
    let by = towpath_core::ids::Person::new(&maker).unwrap();
    let mut held: Vec<_> = std::iter::from_fn(|| world.engine.place_for_upload(&by)).collect();
    assert!((1..16).contains(&held.len()), "{}", held.len());
    let path = format!("/v1/uploads/sha256:{}", "0".repeat(64));
    let refused = world.post(&As::Person(&maker), &path, &json!({})).await;
    let found = (refused.status, refused.code());
    assert_eq!(found, (StatusCode::TOO_MANY_REQUESTS, "too-many-uploads"), "{refused:?}");
    let other = towpath_core::ids::Person::new("somebody-else").unwrap();
    assert!(world.engine.place_for_upload(&other).is_some());
    held.pop();
    let taken = world.post(&As::Person(&maker), &path, &json!({})).await;
    assert_ne!(taken.status, StatusCode::TOO_MANY_REQUESTS, "{taken:?}");
}
