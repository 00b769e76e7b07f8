//! A provider that lives its own life: it asks for second factors, goes down, changes its keys, and names people in
//! its own way.

use axum::http::StatusCode;
use serde_json::{Value, json};
use towpath_core::ids::Person;
use towpath_core::units::Span;
use towpath_ports::accounts::Accounts as _;
use towpath_server::signin::ProviderSettings;

use crate::browser::{Browser, PASSWORD};
use crate::elsewhere::{BACK, Elsewhere, back, who};
use crate::issuer::Key;

#[tokio::test]
async fn a_second_factor_at_the_provider_counts_only_where_it_was_shown_now() {
    let elsewhere = Elsewhere::new(Key::ed(), |_| {}).await;
    let mut browser = elsewhere.door.browser();
    let old = elsewhere.now() - 3600;
    let page = elsewhere
        .sign_in(&mut browser, |claims| {
            (claims["amr"], claims["auth_time"]) = (json!(["pwd", "mfa"]), json!(old));
        })
        .await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let person = Person::new("ada").unwrap();
    let second = async || {
        let now = elsewhere.door.world.now();
        elsewhere.door.accounts.sessions_of(&person, now).await.unwrap()[0].second
    };
    assert_eq!(second().await, None, "one of an hour ago proves nothing");
    let page = browser.get("/step-up?to=%2Fwaiting").await;
    assert!(page.text.contains("/sign-in/oidc?for=second"), "{}", page.text);
    let session = browser.cookie.clone().unwrap();
    let wrong: [fn(&mut Value, i64); 5] = [
        |_, _| {},
        |claims, _| claims["amr"] = json!(["pwd"]),
        |claims, _| claims["acr"] = json!("one"),
        |claims, now| (claims["acr"], claims["auth_time"]) = (json!("two"), json!(now - 600)),
        |claims, _| {
            claims["acr"] = json!("two");
            claims.as_object_mut().unwrap().remove("auth_time");
        },
    ];
    let second_way = async |browser: &mut Browser, change: &dyn Fn(&mut Value)| {
        browser.cookie = Some(session.clone());
        let way = elsewhere.go(browser, "/sign-in/oidc?for=second&to=%2Fwaiting").await;
        assert_eq!((way.one("prompt"), way.one("max_age")), ("login", "0"));
        assert_eq!(way.one("acr_values"), "two");
        let mut claims = elsewhere.claims(&way);
        change(&mut claims);
        let token = elsewhere.key.token(&elsewhere.head(), &claims);
        browser.cookie = Some(format!("{session}; {}", browser.cookie.clone().unwrap()));
        browser.get(&back(&elsewhere.answer(&way, token))).await
    };
    let now = elsewhere.now();
    for (number, change) in wrong.into_iter().enumerate() {
        let page = second_way(&mut browser, &|claims| change(claims, now)).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{number}");
        assert_eq!(second().await, None, "{number}");
    }
    let other = |claims: &mut Value| {
        (claims["acr"], claims["email"]) = (json!("two"), json!("lead@example.org"));
    };
    let page = second_way(&mut browser, &other).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "another person's");
    let page = second_way(&mut browser, &|claims| claims["acr"] = json!("two")).await;
    assert_eq!((page.status, page.to()), (StatusCode::SEE_OTHER, "/waiting"), "{page:?}");
    assert_eq!(second().await, Some(elsewhere.door.world.now()));
    let mut before = elsewhere.door.browser();
    before.cookie = Some(session.clone());
    assert_eq!(who(&mut before).await, None, "the cookie before opens nothing");
}

#[tokio::test]
async fn a_provider_that_is_down_stops_nobody_who_has_another_way() {
    let elsewhere = Elsewhere::new(Key::ed(), |_| {}).await;
    elsewhere.door.has_password("ada").await;
    elsewhere.issuer.is_down(true);
    let mut browser = elsewhere.door.browser();
    let page = browser.get("/sign-in/oidc").await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(page.text.contains("A password or a link still signs you in"), "{}", page.text);
    for _ in 0..5 {
        browser.get("/sign-in/oidc").await;
    }
    assert_eq!(elsewhere.issuer.asked("discovery"), 1, "it is left alone for a moment");
    assert_eq!(browser.get("/sign-in").await.status, StatusCode::OK);
    assert_eq!(browser.sign_in("ada", PASSWORD).await.status, StatusCode::SEE_OTHER);
    elsewhere.issuer.is_down(false);
    elsewhere.door.world.pass(Span::seconds(10));
    let mut browser = elsewhere.door.browser();
    assert_eq!(elsewhere.sign_in(&mut browser, |_| {}).await.status, StatusCode::SEE_OTHER);
    // What is known already is enough for hours.
    elsewhere.door.world.pass(Span::hours(2));
    elsewhere.issuer.is_down(true);
    let way = elsewhere.go(&mut elsewhere.door.browser(), "/sign-in/oidc").await;
    assert_eq!(way.one("redirect_uri"), BACK);
    // One that calls itself another is none.
    elsewhere.issuer.is_down(false);
    elsewhere.issuer.says_also("issuer", json!("https://evil.example"));
    elsewhere.door.world.pass(Span::hours(25));
    let page = elsewhere.door.browser().get("/sign-in/oidc").await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn a_provider_may_change_its_keys_and_made_up_names_cost_it_one_look_a_minute() {
    let elsewhere = Elsewhere::new(Key::ed(), |_| {}).await;
    let mut browser = elsewhere.door.browser();
    assert_eq!(elsewhere.sign_in(&mut browser, |_| {}).await.status, StatusCode::SEE_OTHER);
    assert_eq!(elsewhere.issuer.asked("keys"), 1);
    let next = Key::ec();
    let with_next = async |name: &str| {
        let mut browser = elsewhere.door.browser();
        let way = elsewhere.go(&mut browser, "/sign-in/oidc").await;
        let head = json!({ "alg": "ES256", "kid": name });
        let token = next.token(&head, &elsewhere.claims(&way));
        browser.get(&back(&elsewhere.answer(&way, token))).await.status
    };
    elsewhere.issuer.has_keys(vec![elsewhere.key.listed("one"), next.listed("two")]);
    elsewhere.door.world.pass(Span::minutes(1));
    assert_eq!(with_next("two").await, StatusCode::SEE_OTHER);
    assert_eq!(elsewhere.issuer.asked("keys"), 2);
    for name in ["three", "four", "five"] {
        assert_eq!(with_next(name).await, StatusCode::FORBIDDEN, "{name}");
    }
    assert_eq!(elsewhere.issuer.asked("keys"), 2, "not more often than once a minute");
    // One that is no longer listed opens nothing after an hour at the latest.
    elsewhere.issuer.has_keys(vec![next.listed("two")]);
    elsewhere.door.world.pass(Span::hours(1));
    let mut browser = elsewhere.door.browser();
    assert_eq!(elsewhere.sign_in(&mut browser, |_| {}).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn whoever_is_named_by_a_claim_is_that_person_and_no_program() {
    let by_name = |settings: &mut ProviderSettings| {
        settings.person_claim = Some("preferred_username".to_owned());
        settings.groups.clear();
    };
    let elsewhere = Elsewhere::new(Key::ed(), by_name).await;
    for (name, expected) in [
        (json!("bob"), Some("bob")),
        (json!("ci"), None),
        (json!("eve"), None),
        (json!("automatic"), None),
        (json!("token:0123456789ab"), None),
        (json!(["bob"]), None),
        (json!(""), None),
        (Value::Null, None),
    ] {
        let mut browser = elsewhere.door.browser();
        elsewhere.sign_in(&mut browser, |claims| claims["preferred_username"] = name.clone()).await;
        assert_eq!(who(&mut browser).await.as_deref(), expected, "{name}");
    }
}

#[tokio::test]
async fn where_an_environment_asks_for_it_only_the_provider_lets_somebody_order() {
    let elsewhere = Elsewhere::new(Key::ed(), |_| {}).await;
    let door = &elsewhere.door;
    door.has_password("ada").await;
    let mut matrix = door.world.matrix.clone();
    for environment in &mut matrix.environments {
        environment.declared.insert("iam".to_owned(), json!({ "sign_in": "oidc" }));
    }
    door.world.apply(&matrix).await;
    let promote = [("verb", "promote"), ("in", "staging")];
    for mut browser in [door.signed_in("ada").await, door.by_link("ada").await] {
        let page = browser.post("/do", &promote).await;
        assert_eq!(page.to(), "/sign-in?to=%2Fwaiting", "{page:?}");
        let page = browser.post("/do", &[("verb", "freeze"), ("in", "staging")]).await;
        assert_ne!(
            page.status,
            StatusCode::SEE_OTHER,
            "what stops harm waits for nobody: {page:?}"
        );
    }
    let mut browser = door.browser();
    elsewhere.sign_in(&mut browser, |_| {}).await;
    let page = browser.post("/do", &promote).await;
    assert_ne!(page.status, StatusCode::SEE_OTHER, "{page:?}");
}
