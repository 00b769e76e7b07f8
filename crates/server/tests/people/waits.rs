//! What waits for whom, by the real routes. Whose word counts is asked in `words`.

use axum::http::StatusCode;
use serde_json::{Value, json};
use towpath_core::people::Verb;

use crate::words::{LANE, lane, name, order};
use crate::world::{As, World};

#[tokio::test]
async fn what_waits_is_marked_for_whoever_can_do_something_about_it() {
    let words = "
        people: lead lead; ada developer; bob developer; dora business
        staging: root, tier staging, steps 100%/1m, approvals all developer 1
        production: root, tier production, steps 100%/1m, approvals all business 1";
    let world = World::new(words, |_| {}).await;
    for place in ["staging", "production"] {
        let path = format!("/v1/lanes/app/{place}/promotions");
        world.post(&As::Person("lead"), &path, &order("1.0.0")).await;
    }
    let asked = async |who: &str, path: &str| {
        let answer = world.get(&As::Person(who), path).await;
        let listed = answer.body["waiting"].as_array().unwrap().clone();
        let place = |one: &Value| one["environment"].as_str().unwrap().to_owned();
        let mine = listed.iter().filter(|one| one["mine"] == true).map(place).collect::<Vec<_>>();
        (answer.body["you"].clone(), listed.len(), mine)
    };
    let none = Vec::<String>::new();
    // Whoever made the release is not asked about it.
    assert_eq!(asked("ada", "/v1/waiting").await, (json!("ada"), 2, none.clone()));
    assert_eq!(asked("bob", "/v1/waiting").await, (json!("bob"), 2, vec!["staging".to_owned()]));
    assert_eq!(asked("bob", "/v1/waiting?mine").await.1, 1);
    assert_eq!(asked("bob", "/v1/waiting?mine=false").await.1, 2);
    let dora = asked("dora", "/v1/waiting?mine=true").await;
    assert_eq!(dora, (json!("dora"), 1, vec!["production".to_owned()]));
    assert_eq!(asked("stranger", "/v1/waiting?mine").await, (Value::Null, 0, none));
    let token = json!({ "name": "looks" });
    let token = world.post(&As::Person("bob"), "/v1/tokens", &token).await;
    let token = token.body["token"].as_str().unwrap().to_owned();
    let answer = world.get(&As::Token(&token), "/v1/waiting?mine").await;
    assert_eq!(
        (&answer.body["you"], &answer.body["waiting"][0]["environment"]),
        (&json!("bob"), &json!("staging"))
    );
}

#[tokio::test]
async fn what_whoever_has_the_role_or_the_right_can_end_waits_for_them() {
    let words = "
        people: lead lead; ada lead; bob developer; tess qa; bot robot qa developer
        staging: root, tier staging, steps 100%/1m, check attested tried";
    let world = World::new(words, |matrix| {
        let check = &mut lane(matrix, 0).gate.prerequisites[0].check;
        check.kind = "attested".to_owned();
        check.settings = json!({ "name": "tried", "by": ["qa"] });
        matrix.who_may.insert(Verb::Pause, vec![name("developer")]);
    })
    .await;
    let lead = As::Person("lead");
    let ordered = world.post(&lead, &format!("{LANE}/promotions"), &order("1.0.0")).await;
    assert_eq!(ordered.status, StatusCode::ACCEPTED, "{ordered:?}");
    let mine = async |who: &str| {
        let answer = world.get(&As::Person(who), "/v1/waiting?mine").await;
        let listed = answer.body["waiting"].as_array().unwrap().clone();
        listed
            .iter()
            .map(|one| one["blocker"]["what"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(mine("tess").await, ["check"]);
    for who in ["lead", "bob", "robot", "stranger"] {
        assert!(mine(who).await.is_empty(), "{who}: a check asks people of its roles");
    }
    let paused = json!({ "by": "bob", "reason": "look" });
    let answer = world.post(&As::Person("bob"), "/v1/promotions/1/pause", &paused).await;
    assert!(answer.status.is_success(), "{answer:?}");
    assert_eq!(mine("bob").await, ["person"], "whoever may lets it go on");
    assert_eq!(mine("tess").await, ["check"]);
}
