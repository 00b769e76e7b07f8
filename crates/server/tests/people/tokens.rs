//! Stolen and over-lived tokens (trust.md, T13; B03, B05 and B22 of peers): forty cases and more, each of
//! which peers got wrong or could have.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use towpath_core::ids::{Name, Person};
use towpath_core::matrix::Matrix;
use towpath_core::people::Verb;
use towpath_core::units::Span;

use crate::world::{Answered, As, World};

const WORDS: &str = "
    people: lead lead; ada developer; bob developer; qa tester; bot ci builder
    staging: root, tier staging, steps 100%/1m, approvals all developer 1
    production: root, tier production, steps 100%/1m, approvals all tester 1";

const DAY: Span = Span::hours(24);

fn rights(matrix: &mut Matrix) {
    let name = |text: &str| Name::new(text).unwrap();
    let may = [
        (Verb::ApplyMatrix, vec!["lead"]),
        (Verb::CreateRelease, vec!["developer", "builder"]),
        (Verb::Promote, vec!["developer", "builder"]),
        (Verb::Rollback, vec!["developer"]),
        (Verb::Approve, vec!["developer", "tester"]),
    ];
    let listed = |roles: Vec<&str>| roles.into_iter().map(name).collect::<Vec<_>>();
    matrix.who_may = may.into_iter().map(|(verb, roles)| (verb, listed(roles))).collect();
    let production = matrix.environments.iter_mut().find(|one| one.name.as_str() == "production");
    production.unwrap().who_may.insert(Verb::Promote, vec![name("lead"), name("builder")]);
}

async fn world() -> World {
    World::new(WORDS, rights).await
}

fn wanted(name: &str, may: &[&str], places: &[&str]) -> Value {
    json!({ "name": name, "may": may, "environments": places, "for": DAY.milliseconds() })
}

/// A token that must be given, and its id.
async fn token(world: &World, who: &As<'_>, body: &Value) -> (String, String) {
    let answer = world.post(who, "/v1/tokens", body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{body} {answer:?}");
    let text = |key: &str| answer.body[key].as_str().unwrap().to_owned();
    (text("token"), text("id"))
}

async fn revoke(world: &World, who: &As<'_>, id: &str) -> Answered {
    world.post(who, &format!("/v1/tokens/{id}/revoke"), &json!({})).await
}

fn promotion(by: &str) -> Value {
    json!({
        "by": by, "release": "1.0.0", "from": null, "plan": null, "accept_unenforced": [],
        "override_window": false, "reason": null, "offered_by": null,
    })
}

async fn promote(world: &World, who: &As<'_>, place: &str) -> Answered {
    let path = format!("/v1/lanes/app/{place}/promotions");
    world.post(who, &path, &promotion("ada")).await
}

/// What is no token, or none as it must be sent.
fn malformed(good: &str) -> Vec<String> {
    let bearer = |token: &str| format!("Bearer {token}");
    vec![
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer nothing".to_owned(),
        "Bearer null".to_owned(),
        "Bearer twp_".to_owned(),
        format!("Basic {good}"),
        format!("Token {good}"),
        good.to_owned(),
        format!("Bearer {good} {good}"),
        format!("Bearer {good},"),
        bearer(&good.to_uppercase()),
        bearer(&good[..75]),
        bearer(&good.replacen("twp_", "twp_0", 1)),
        bearer(&good.chars().rev().collect::<String>()),
    ]
}

#[tokio::test]
async fn t13_no_bad_bearer_passes_any_route_and_all_learn_the_same() {
    let world = world().await;
    let ada = As::Person("ada");
    let (good, _) = token(&world, &ada, &wanted("good", &["promote"], &["staging"])).await;
    let (revoked, id) = token(&world, &ada, &wanted("revoked", &["promote"], &["staging"])).await;
    let (child, _) =
        token(&world, &As::Token(&revoked), &wanted("child", &["promote"], &["staging"])).await;
    let (grandchild, _) =
        token(&world, &As::Token(&child), &wanted("grandchild", &[], &["staging"])).await;
    assert_eq!(revoke(&world, &ada, &id).await.status, StatusCode::OK);
    let short = json!({ "name": "short", "for": 1000 });
    let (expired, _) = token(&world, &ada, &short).await;
    world.pass(Span::seconds(1));
    let (gone, _) = token(&world, &As::Person("qa"), &wanted("gone", &[], &[])).await;
    let mut without = world.matrix.clone();
    without.people.remove(&Person::new("qa").unwrap());
    world.apply(&without).await;
    // Whoever has the name again is somebody else.
    world.apply(&world.matrix).await;
    let bearer = |token: &str| format!("Bearer {token}");
    let mut values = malformed(&good);
    let elsewhere = towpath_core::tokens::written(&[9; 32]);
    values
        .extend([&elsewhere, &revoked, &child, &grandchild, &expired, &gone].map(|it| bearer(it)));
    let mut cases: Vec<Vec<(&str, &str)>> =
        values.iter().map(|value| vec![("authorization", value.as_str())]).collect();
    let whole = bearer(&good);
    cases.push(vec![("authorization", &whole), ("authorization", &whole)]);
    cases.push(vec![("authorization", "Bearer nothing"), ("authorization", &whole)]);
    cases.push(vec![("authorization", &whole), ("towpath-acting-as", "lead")]);
    cases.push(vec![("authorization", "Bearer nothing"), ("towpath-acting-as", "lead")]);
    let before = world.kinds().await;
    let mut answers = Vec::new();
    for headers in &cases {
        for (method, path) in World::routes() {
            let who = As::Headers(headers.clone());
            let answer = world.ask(&who, method.clone(), &path, &json!({})).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{headers:?} {method} {path}");
            answers.push(answer);
        }
        let nowhere = world.get(&As::Headers(headers.clone()), "/v1/nowhere").await;
        assert_eq!(nowhere.status, StatusCode::UNAUTHORIZED);
        answers.push(nowhere);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "the answer tells one cause from another: {answers:?}");
    assert_eq!(world.kinds().await, before, "something was written");
    assert_eq!(world.get(&As::Token(&good), "/v1/status").await.status, StatusCode::OK);
}

#[tokio::test]
async fn t13_a_token_reaches_what_it_names_and_no_more_than_its_owner() {
    let world = world().await;
    let ada = As::Person("ada");
    let (narrow, _) = token(&world, &ada, &wanted("narrow", &["promote"], &["staging"])).await;
    let (looks, _) = token(&world, &ada, &wanted("looks", &[], &[])).await;
    let (word, _) =
        token(&world, &As::Person("bob"), &wanted("word", &["approve"], &["staging"])).await;
    let (narrow, looks, word) = (As::Token(&narrow), As::Token(&looks), As::Token(&word));
    let lane = |place: &str, rest: &str| format!("/v1/lanes/app/{place}{rest}");
    let by = json!({ "by": "lead", "reason": "x" });
    let back = json!({ "by": "lead", "reason": null, "back_to": null, "quarantine": true, "dry_run": false });
    let freeze = json!({ "environment": null, "service": null, "by": "lead", "reason": "x", "for": 1000, "until": null });
    let matrix =
        json!({ "matrix": Matrix { who_may: [].into(), ..world.matrix.clone() }, "by": "lead" });
    let yes = json!({ "by": "lead", "agrees": true, "plan": "0000000000000000", "note": null, "link": null });
    let refused = [
        (&narrow, lane("production", "/promotions"), promotion("lead")),
        (&narrow, lane("staging", "/rollback"), back.clone()),
        (
            &narrow,
            lane("staging", "/signal"),
            json!({ "signal": "security-incident", "by": "lead", "reason": "x" }),
        ),
        (&narrow, lane("staging", "/approvals"), yes.clone()),
        (&narrow, lane("production", "/validate"), json!({})),
        (&narrow, lane("production", "/probe"), json!({})),
        (&narrow, "/v1/freezes".to_owned(), freeze.clone()),
        (&narrow, "/v1/matrix".to_owned(), matrix),
        (&narrow, "/v1/engine/stop".to_owned(), json!({})),
        (&narrow, "/v1/notices/retry".to_owned(), json!({ "id": "x", "by": "lead" })),
        (&looks, lane("staging", "/promotions"), promotion("lead")),
        (&looks, lane("staging", "/rollback"), back),
        (&looks, lane("staging", "/validate"), json!({})),
        (&looks, lane("staging", "/probe"), json!({})),
        (&looks, "/v1/freezes".to_owned(), freeze),
        (&looks, "/v1/engine/stop".to_owned(), json!({})),
        (&word, lane("staging", "/promotions"), promotion("lead")),
        (&word, lane("production", "/approvals"), yes),
    ];
    for (who, path, body) in &refused {
        let answer = world.post(who, path, body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {answer:?}");
    }
    let kinds = world.kinds().await;
    assert!(
        !kinds.iter().any(|kind| kind == "promotion-requested" || kind == "frozen"),
        "{kinds:?}"
    );
    // What it is for, and whose it is.
    let answer = promote(&world, &narrow, "staging").await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    let pause = world.post(&narrow, "/v1/promotions/1/pause", &by).await;
    assert_eq!(pause.status, StatusCode::FORBIDDEN);
    let shown = world.get(&looks, "/v1/promotions/1").await;
    assert_eq!(shown.body["by"], "ada", "whatever the body says");
    // The word of a person, by a token that names that verb; and not the author's own, by whatever token.
    let plan = shown.body["plan"].clone();
    let yes = json!({ "by": "qa", "agrees": true, "plan": plan, "note": null, "link": null });
    let (own, _) = token(&world, &ada, &wanted("own", &["approve"], &["staging"])).await;
    let answer = world.post(&As::Token(&own), "/v1/promotions/1/approval", &yes).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "does-not-count"));
    let answer = world.post(&word, "/v1/promotions/1/approval", &yes).await;
    assert_eq!((answer.status, &answer.body["by"]), (StatusCode::OK, &json!("bob")), "{answer:?}");
    let rows = world.engine.events(0, 1000).await.unwrap();
    let said = rows.iter().find(|row| row.kind == "approval-given").unwrap();
    assert!(said.actor.starts_with("bob (token "), "{}", said.actor);
}

#[tokio::test]
async fn t13_a_token_is_worth_what_its_owner_is_worth_at_that_moment() {
    let world = world().await;
    let (good, _) =
        token(&world, &As::Person("ada"), &wanted("good", &["promote"], &["staging"])).await;
    let mut without = world.matrix.clone();
    without.people.get_mut(&Person::new("ada").unwrap()).unwrap().roles.clear();
    world.apply(&without).await;
    let answer = promote(&world, &As::Token(&good), "staging").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "not-allowed"));
    assert_eq!(world.get(&As::Token(&good), "/v1/status").await.status, StatusCode::OK);
    world.apply(&world.matrix).await;
    assert_eq!(promote(&world, &As::Token(&good), "staging").await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn t13_no_token_is_given_beyond_what_whoever_asks_may() {
    let world = world().await;
    let (parent, _) = token(
        &world,
        &As::Person("ada"),
        &wanted("parent", &["promote", "rollback"], &["staging"]),
    )
    .await;
    let (ada, lead) = (As::Person("ada"), As::Person("lead"));
    let parent = As::Token(&parent);
    let long = |days: u64| json!({ "name": "long", "for": Span::hours(24 * days).milliseconds() });
    let of = |program: &str| json!({ "name": "of", "program": program, "for": 1000 });
    let longer = json!({
        "name": "longer", "may": ["promote"], "environments": ["staging"],
        "for": DAY.milliseconds() + 1,
    });
    let refused = [
        (&ada, wanted("a", &["promote"], &["production"]), "not-allowed"),
        (&ada, wanted("b", &["promote"], &[]), "not-allowed"),
        (&ada, wanted("c", &["apply_matrix"], &[]), "not-allowed"),
        (&ada, wanted("d", &["break_glass"], &["staging"]), "not-allowed"),
        (&ada, wanted("e", &["promote"], &["nowhere"]), "no-environment"),
        (&ada, wanted("parent", &[], &[]), "same-name"),
        (&ada, long(91), "bad-life"),
        (&ada, json!({ "name": "none", "for": 0 }), "bad-life"),
        (&ada, of("ci"), "not-allowed"),
        (&ada, of("bob"), "not-allowed"),
        (&lead, of("bob"), "not-allowed"),
        (&lead, of("nobody"), "not-allowed"),
        (&As::Person("mallory"), wanted("f", &[], &[]), "not-allowed"),
        (&parent, wanted("g", &["create_release"], &["staging"]), "outranks"),
        (&parent, wanted("h", &["promote"], &[]), "not-allowed"),
        (&parent, wanted("i", &["rollback"], &[]), "outranks"),
        (&parent, wanted("j", &["rollback"], &["production"]), "outranks"),
        (&parent, wanted("k", &["approve"], &["staging"]), "outranks"),
        (&parent, longer, "outlives"),
        (&parent, of("ci"), "token-not-for-that"),
    ];
    for (who, body, code) in &refused {
        let answer = world.post(who, "/v1/tokens", body).await;
        assert_eq!(answer.code(), *code, "{body} {answer:?}");
        assert!(answer.body["token"].is_null() && !answer.text.contains("twp_"), "{answer:?}");
    }
}

#[tokio::test]
async fn t13_nobody_ends_what_is_not_theirs_and_no_child_its_parent() {
    let world = world().await;
    let (ada, lead, bob) = (As::Person("ada"), As::Person("lead"), As::Person("bob"));
    let body = wanted("parent", &["promote"], &["staging"]);
    let (parent, id) = token(&world, &ada, &body).await;
    let parent = As::Token(&parent);
    let (child, child_id) =
        token(&world, &parent, &json!({ "name": "child", "environments": ["staging"] })).await;
    let (aside, aside_id) = token(&world, &ada, &wanted("aside", &[], &[])).await;
    for (who, id) in [
        (&bob, &id),
        (&As::Token(&child), &id),
        (&As::Token(&aside), &child_id),
        (&parent, &aside_id),
    ] {
        assert_eq!(revoke(&world, who, id).await.status, StatusCode::FORBIDDEN, "{who:?} {id}");
    }
    let listed = world.get(&ada, "/v1/tokens").await;
    let child_view =
        listed.body.as_array().unwrap().iter().find(|one| one["name"] == "child").unwrap();
    let parent_view =
        listed.body.as_array().unwrap().iter().find(|one| one["name"] == "parent").unwrap();
    assert_eq!(
        child_view["expires_at"], parent_view["expires_at"],
        "at most as long as its parent"
    );
    // Whoever may apply a matrix ends any, and a token itself.
    assert_eq!(revoke(&world, &As::Token(&child), &child_id).await.status, StatusCode::OK);
    assert_eq!(revoke(&world, &lead, &aside_id).await.status, StatusCode::OK);
    assert_eq!(world.get(&As::Token(&aside), "/v1/status").await.status, StatusCode::UNAUTHORIZED);
    // The lead may give one to a program, which is that program and no person.
    let body = json!({ "name": "ci", "program": "ci", "may": ["promote"] });
    let (program, _) = token(&world, &lead, &body).await;
    let body = json!({ "name": "no", "program": "ci", "may": ["approve"] });
    assert_eq!(world.post(&lead, "/v1/tokens", &body).await.code(), "not-allowed");
    assert_eq!(promote(&world, &As::Token(&program), "staging").await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn t13_a_token_that_may_only_look_makes_few_others_and_ends_its_own_alone() {
    let world = world().await;
    let (ada, lead) = (As::Person("ada"), As::Person("lead"));
    let (aside, aside_id) = token(&world, &ada, &wanted("aside", &[], &[])).await;
    let (looks, _) = token(&world, &ada, &wanted("looks", &[], &[])).await;
    let looks = As::Token(&looks);
    let small = |name: String| json!({ "name": name, "for": 1000 });
    let mut children = Vec::new();
    for number in 0..10 {
        children.push(token(&world, &looks, &small(format!("child-{number}"))).await);
    }
    // Neither it nor what came from it makes an eleventh, and others are not kept from making theirs.
    for who in [&looks, &As::Token(&children[3].0)] {
        let answer = world.post(who, "/v1/tokens", &small("more".to_owned())).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::CONFLICT, "too-many"),
            "{answer:?}"
        );
    }
    token(&world, &As::Token(&aside), &small("beside".to_owned())).await;
    for number in 10..100 {
        assert_eq!(revoke(&world, &looks, &children[number - 10].1).await.status, StatusCode::OK);
        children.push(token(&world, &looks, &small(format!("child-{number}"))).await);
    }
    assert_eq!(revoke(&world, &looks, &children[95].1).await.status, StatusCode::OK);
    let answer = world.post(&looks, "/v1/tokens", &small("more".to_owned())).await;
    assert_eq!(answer.code(), "too-many", "it would fill the journal: {answer:?}");
    // Not even one that could apply a matrix ends what did not come from it.
    let (wide, _) = token(&world, &lead, &wanted("wide", &["apply_matrix"], &[])).await;
    let answer = revoke(&world, &As::Token(&wide), &aside_id).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "not-allowed"));
    assert_eq!(revoke(&world, &lead, &aside_id).await.status, StatusCode::OK);
}

#[tokio::test]
async fn t13_a_secret_is_shown_once_and_kept_nowhere() {
    let world = world().await;
    let (secret, id) = token(&world, &As::Person("ada"), &wanted("one", &[], &[])).await;
    let digits = &secret[4..68];
    let ending = |(method, path): &(Method, String)| method == "GET" && !path.ends_with("/stream");
    for (method, path) in World::routes().into_iter().filter(ending) {
        let answer = world.ask(&As::Token(&secret), method, &path, &Value::Null).await;
        assert!(!answer.text.contains(digits), "{path} {}", answer.text);
    }
    let rows = world.engine.events(0, 1000).await.unwrap();
    let text = serde_json::to_string(&rows).unwrap();
    assert!(text.contains(&id) && !text.contains(digits));
    let listed = world.get(&As::Person("bob"), "/v1/tokens").await;
    assert_eq!(listed.body[0]["last_used_at"], "2027-01-15T08:00:00Z");
    assert!(!listed.text.contains("sha256"), "{}", listed.text);
    let kinds = world.kinds().await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "token-created").count(), 1);
}

#[tokio::test]
async fn t13_a_stream_ends_with_the_token_that_opened_it() {
    let world = world().await;
    let (secret, id) = token(&world, &As::Person("ada"), &wanted("one", &[], &[])).await;
    let who = As::Token(&secret);
    let followed = world.get(&who, "/v1/events?follow=true");
    // The body of the answer ends when the stream does, which it would not while the token is good.
    let (answer, revoked) = tokio::join!(followed, revoke(&world, &As::Person("ada"), &id));
    assert_eq!(revoked.status, StatusCode::OK);
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text.contains("token-created"), "{}", answer.text);
}
