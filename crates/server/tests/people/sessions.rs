//! What a session lets somebody do, and when it stops to (trust.md, T13; B03, B05, B18, B23 and B24 of peers).

use axum::http::{Method, StatusCode};
use futures_util::StreamExt as _;
use serde_json::json;
use towpath_core::ids::Name;
use towpath_core::matrix::Matrix;
use towpath_core::people::Verb;
use towpath_core::units::Span;

use crate::browser::{Browser, Door, PASSWORD, person};
use crate::world::{As, World};

const WORDS: &str = "
    people: lead lead; ada developer; bob reader; bot ci builder
    staging: root, tier staging, steps 100%/1m, approvals all developer 1
    production: root, tier production, steps 100%/1m, approvals all developer 1";

/// Seed 000's table of IAM roles: half an hour in staging, a quarter and a second factor in production.
fn rules(matrix: &mut Matrix) {
    for (place, iam) in [
        ("staging", json!({ "session": "30m", "mfa": false })),
        ("production", json!({ "session": "15m", "mfa": true })),
    ] {
        let found = matrix.environments.iter_mut().find(|one| one.name.as_str() == place);
        found.unwrap().declared.insert("iam".to_owned(), iam);
    }
    let name = |text: &str| Name::new(text).unwrap();
    for verb in Verb::ALL {
        let roles = match verb {
            Verb::ApplyMatrix | Verb::CreateRelease => vec![name("lead"), name("developer")],
            _ => vec![name("developer")],
        };
        matrix.who_may.insert(verb, roles);
    }
}

async fn door() -> Door {
    let door = Door::new(WORDS, rules).await;
    for name in ["lead", "ada", "bob"] {
        door.has_password(name).await;
    }
    door
}

async fn act(browser: &mut Browser, verb: &str, place: &str) -> (StatusCode, String) {
    let page = browser.post("/do", &[("verb", verb), ("in", place)]).await;
    let answer = if page.to().is_empty() { page.text.clone() } else { page.to().to_owned() };
    (page.status, answer)
}

fn led(to: &str) -> (StatusCode, String) {
    (StatusCode::SEE_OTHER, to.to_owned())
}

fn done() -> (StatusCode, String) {
    (StatusCode::OK, String::new())
}

/// The code of now of the second factor whose key a page shows.
fn code(door: &Door, page: &str, later: u64) -> String {
    let key = page.split("Key: <code>").nth(1).unwrap().split('<').next().unwrap().replace(' ', "");
    let secret = totp_rs::Secret::try_from_base32(key).unwrap();
    let codes = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let seconds = u64::try_from(door.world.now().0 / 1_000_000).unwrap();
    codes.generate(seconds + later).to_string()
}

/// Gives somebody who came by a link a second factor; answers the page that shows its key.
async fn second_factor(door: &Door, browser: &mut Browser) -> String {
    let page = browser.post("/sign-in/second", &[]).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let first = code(door, &page.text, 0);
    let shown = browser.post("/step-up", &[("code", &first), ("to", "/waiting")]).await;
    assert_eq!((shown.status, shown.to()), (StatusCode::SEE_OTHER, "/waiting"), "{shown:?}");
    page.text
}

#[tokio::test]
async fn an_environment_asks_for_a_session_that_is_young_enough() {
    let door = door().await;
    let mut browser = door.signed_in("ada").await;
    door.world.pass(Span::minutes(29));
    assert_eq!(act(&mut browser, "promote", "staging").await, done());
    door.world.pass(Span::minutes(1));
    assert_eq!(act(&mut browser, "promote", "staging").await, led("/sign-in?to=%2Fwaiting"));
    assert_eq!(browser.get("/waiting").await.status, StatusCode::OK, "it still shows");
    let before = browser.cookie.clone();
    assert_eq!(browser.sign_in("ada", PASSWORD).await.status, StatusCode::SEE_OTHER);
    assert_ne!(browser.cookie, before);
    assert_eq!(act(&mut browser, "freeze", "staging").await, done());
    door.world.pass(Span::hours(12));
    assert_eq!(browser.get("/waiting").await.to(), "/sign-in?to=%2Fwaiting");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_before_harm_and_never_before_what_stops_it() {
    let door = door().await;
    let mut browser = door.by_link("ada").await;
    assert_eq!(act(&mut browser, "promote", "production").await, led("/step-up?to=%2Fwaiting"));
    assert_eq!(act(&mut browser, "freeze", "production").await, done());
    let before = browser.cookie.clone();
    second_factor(&door, &mut browser).await;
    assert_ne!(browser.cookie, before, "rotated");
    let mut stale = door.browser();
    stale.cookie = before;
    assert_eq!(stale.get("/waiting").await.status, StatusCode::SEE_OTHER);
    assert_eq!(act(&mut browser, "promote", "production").await, done());
    door.world.pass(Span::minutes(15));
    assert_eq!(act(&mut browser, "promote", "production").await, led("/sign-in?to=%2Fwaiting"));
}

#[tokio::test]
async fn t15_a_code_is_taken_once_and_a_bounded_number_is_tried() {
    let door = door().await;
    let mut browser = door.by_link("ada").await;
    let page = second_factor(&door, &mut browser).await;
    let used = code(&door, &page, 0);
    let mut other = door.signed_in("ada").await;
    let shown = other.post("/step-up", &[("code", &used)]).await;
    assert_eq!(shown.status, StatusCode::FORBIDDEN, "replayed");
    door.world.pass(Span::seconds(60));
    let old = other.post("/step-up", &[("code", &used)]).await;
    assert_eq!(old.status, StatusCode::FORBIDDEN, "of an interval before");
    let fresh = code(&door, &page, 0);
    let spaced = format!("{} {}", &fresh[..3], &fresh[3..]);
    let shown = other.post("/step-up", &[("code", &spaced)]).await;
    assert_eq!(shown.status, StatusCode::SEE_OTHER, "{shown:?}");
    for number in 0..10 {
        let wrong = other.post("/step-up", &[("code", &format!("00000{number}"))]).await;
        assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    }
    door.world.pass(Span::seconds(30));
    let fresh = code(&door, &page, 0);
    let late = other.post("/step-up", &[("code", &fresh)]).await;
    assert_eq!(late.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn t15_a_stolen_password_gives_nobody_a_second_factor_of_their_own() {
    let door = door().await;
    let mut browser = door.signed_in("ada").await;
    assert_eq!(browser.get("/step-up").await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get("/sign-in/second").await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.post("/sign-in/second", &[]).await.status, StatusCode::FORBIDDEN);
    let mut by_link = door.by_link("ada").await;
    door.world.pass(Span::minutes(15));
    assert_eq!(by_link.post("/sign-in/second", &[]).await.status, StatusCode::FORBIDDEN, "late");
}

#[tokio::test]
async fn cve_b18_a_reader_who_signed_in_orders_nothing_and_in_nobody_elses_name() {
    let door = door().await;
    let mut browser = door.signed_in("bob").await;
    let refused = (StatusCode::FORBIDDEN, "not-allowed".to_owned());
    for verb in ["promote", "freeze"] {
        assert_eq!(act(&mut browser, verb, "staging").await, refused, "{verb}");
    }
    // A page that ordered for somebody else would be refused, whoever they are.
    for by in ["ada", "lead", "nobody"] {
        let fields = [("verb", "freeze"), ("in", "staging"), ("by", by)];
        let page = browser.post("/do", &fields).await;
        assert_eq!(page.to(), "/sign-in?to=%2Fwaiting", "{by}");
    }
    let mut ada = door.signed_in("ada").await;
    assert_eq!(act(&mut ada, "freeze", "staging").await, done());
    let rows = door.world.engine.events(0, 1000).await.unwrap();
    let frozen = rows.iter().find(|row| row.kind == "frozen").unwrap();
    assert_eq!(frozen.actor, "ada");
    let origin = frozen.body["origin"].as_str().unwrap();
    assert!(origin.starts_with("session ") && origin.ends_with(" from 10.0.0.7"), "{origin}");
}

#[tokio::test]
async fn cve_b03_b05_over_the_network_nobody_is_answered_without_a_token_or_a_session() {
    let door = door().await;
    let cookies = [
        String::new(),
        "__Host-towpath=".to_owned(),
        "__Host-towpath=nothing".to_owned(),
        format!("__Host-towpath={}", "0".repeat(64)),
        format!("__Host-towpath={}", "0".repeat(100_000)),
        "towpath=ada".to_owned(),
    ];
    let mut answers = Vec::new();
    for (method, path) in World::routes() {
        for cookie in &cookies {
            let headers = [("content-type", "application/json"), ("cookie", cookie.as_str())];
            let answer = door.browser().send(method.clone(), &path, &headers, "{}").await;
            if path.ends_with("/openapi.json") {
                assert_eq!(answer.status, StatusCode::OK, "it is public");
                continue;
            }
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path} {cookie:.80}");
            let mut body: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
            body["request_id"].take();
            answers.push(body);
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    // A bad bearer is never taken for the session beside it.
    let mut browser = door.signed_in("ada").await;
    for bad in ["Bearer nothing", "Bearer", "", "Basic YWRhOmFkYQ=="] {
        let headers = [("authorization", bad)];
        let answer = browser.send(Method::GET, "/v1/status", &headers, "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{bad}");
    }
    let token = json!({ "name": "mine", "for": 3_600_000 });
    let token = door.world.post(&As::Person("ada"), "/v1/tokens", &token).await;
    let bearer = format!("Bearer {}", token.body["token"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    let answer = door.browser().send(Method::GET, "/v1/status", &headers, "").await;
    assert_eq!(answer.status, StatusCode::OK, "a token is enough");
}

#[tokio::test]
async fn cve_b23_losing_ones_place_in_the_matrix_ends_the_session() {
    let door = door().await;
    let mut browser = door.signed_in("bob").await;
    assert_eq!(browser.get("/v1/status").await.status, StatusCode::OK);
    let mut without = door.world.matrix.clone();
    without.people.remove(&person("bob"));
    door.world.apply(&without).await;
    assert_eq!(browser.get("/v1/status").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/waiting").await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.sign_in("bob", PASSWORD).await.status, StatusCode::FORBIDDEN);
    let mut as_bot = door.world.matrix.clone();
    as_bot.people.get_mut(&person("bob")).unwrap().bot = true;
    door.world.apply(&as_bot).await;
    assert_eq!(browser.get("/v1/status").await.status, StatusCode::UNAUTHORIZED, "a program");
}

#[tokio::test]
async fn cve_b24_a_stream_ends_when_its_session_does() {
    let streams = ["/v1/events?follow=true", "/v1/stream"];
    let endings = ["signed out", "left the matrix", "over"];
    for (path, ends) in streams.into_iter().flat_map(|path| endings.map(|ends| (path, ends))) {
        let door = door().await;
        let mut browser = door.signed_in("bob").await;
        let answer = browser.ask(Method::GET, path, &[], "").await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let mut stream = answer.into_body().into_data_stream();
        assert!(stream.next().await.unwrap().is_ok(), "{path} begins");
        match ends {
            "signed out" => {
                assert_eq!(browser.post("/sign-out", &[]).await.status, StatusCode::SEE_OTHER);
            }
            "over" => door.world.pass(Span::hours(12)),
            _ => {
                let mut without = door.world.matrix.clone();
                without.people.remove(&person("bob"));
                door.world.apply(&without).await;
            }
        }
        let rest = async { while stream.next().await.is_some() {} };
        // Far beyond the second that is promised: this machine may be slow.
        let ended = tokio::time::timeout(std::time::Duration::from_secs(20), rest).await;
        assert!(ended.is_ok(), "{path} outlived its session: {ends}");
    }
}

#[tokio::test]
async fn t13_cve_b22_what_a_session_makes_reaches_no_further_than_the_session() {
    let door = door().await;
    let mut browser = door.by_link("ada").await;
    assert_eq!(act(&mut browser, "token", "production").await, led("/step-up?to=%2Fwaiting"));
    second_factor(&door, &mut browser).await;
    assert_eq!(act(&mut browser, "token", "production").await, done());
    assert_eq!(act(&mut browser, "token", "staging").await, done());
    let mut reader = door.by_link("bob").await;
    // A token outlives the session that makes it: whatever it may, what the strictest place asks is asked first.
    assert_eq!(act(&mut reader, "token", "staging").await, led("/step-up?to=%2Fwaiting"));
    second_factor(&door, &mut reader).await;
    let refused = (StatusCode::FORBIDDEN, "not-allowed".to_owned());
    assert_eq!(act(&mut reader, "token", "staging").await, refused);
    let body = json!({ "name": "more", "may": ["promote"], "environments": ["production"] });
    let headers = [("content-type", "application/json"), ("origin", "https://towpath.example")];
    let answer = browser.send(Method::POST, "/v1/tokens", &headers, &body.to_string()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "a cookie makes none");
}
