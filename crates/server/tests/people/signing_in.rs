//! Signing in by password and link (trust.md, T7 and T15), each case one that peers got wrong or could have.

use axum::http::{Method, StatusCode, header};
use serde_json::json;
use towpath_core::matrix::Matrix;
use towpath_core::units::Span;
use towpath_ports::accounts::Accounts as _;

use crate::browser::{Browser, Door, HOST, PASSWORD, encoded};
use crate::world::As;

const WORDS: &str = "
    people: lead lead; ada developer; bob developer; bot ci builder
    staging: root, tier staging, steps 100%/1m";

pub(crate) async fn door() -> Door {
    let door = Door::new(WORDS, |_: &mut Matrix| {}).await;
    for name in ["lead", "ada", "bob"] {
        door.has_password(name).await;
    }
    door
}

/// Whether a browser is somebody's.
async fn is_in(browser: &mut Browser) -> bool {
    browser.get("/waiting").await.status == StatusCode::OK
}

#[tokio::test]
async fn somebody_signs_in_sees_pages_and_signs_out() {
    let door = door().await;
    let mut browser = door.browser();
    let away = browser.get("/waiting?mine=1").await;
    assert_eq!(
        (away.status, away.to()),
        (StatusCode::SEE_OTHER, "/sign-in?to=%2Fwaiting%3Fmine%3D1")
    );
    let page = browser.get(away.to()).await;
    assert!(page.text.contains("value=\"/waiting?mine=1\""), "{}", page.text);
    let fields = [("name", " ada "), ("password", PASSWORD), ("to", "/waiting?mine=1")];
    let page = browser.post("/sign-in", &fields).await;
    assert_eq!((page.status, page.to()), (StatusCode::SEE_OTHER, "/waiting?mine=1"));
    let page = browser.get("/waiting").await;
    assert!(page.text.contains("you: ada"), "{}", page.text);
    assert_eq!(browser.get("/v1/status").await.status, StatusCode::OK);
    let page = browser.post("/sign-out", &[]).await;
    assert_eq!((page.status, page.to()), (StatusCode::SEE_OTHER, "/sign-in"));
    assert!(!is_in(&mut browser).await);
    let kinds = door.world.kinds().await;
    let changes = kinds.iter().filter(|kind| *kind == "session-changed").count();
    assert_eq!(changes, 2, "it began and it ended: {kinds:?}");
}

#[tokio::test]
async fn t15_every_wrong_attempt_is_answered_alike() {
    let door = door().await;
    door.has_password("gone").await;
    door.has_password("ci").await;
    let long = "x".repeat(5000);
    let cases = [
        ("ada", "five boats wait her"),
        ("ada", ""),
        ("ada", long.as_str()),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("token:0123456789ab", PASSWORD),
        ("session:0123456789ab:ada", PASSWORD),
        ("ada\u{0}", PASSWORD),
        ("ada' OR '1'='1", PASSWORD),
        ("Ada", PASSWORD),
        // With the right password, but no person of any project, or a program.
        ("gone", PASSWORD),
        ("ci", PASSWORD),
        ("automatic", PASSWORD),
    ];
    let mut answers = Vec::new();
    for (number, (name, password)) in cases.into_iter().enumerate() {
        let mut browser = door.browser();
        browser.address = format!("10.1.0.{number}").parse().unwrap();
        let page = browser.sign_in(name, password).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{name:?}");
        assert_eq!(browser.cookie, None, "{name:?}");
        answers.push(page.text);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "one cause is told from another: {answers:?}");
    assert!(door.world.refusals().await > 0, "nothing is on record");
}

#[tokio::test]
async fn t15_brute_force_ends_after_some_attempts_also_with_the_right_password() {
    let door = door().await;
    let mut browser = door.browser();
    for _ in 0..10 {
        assert_eq!(browser.sign_in("ada", "wrong").await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(browser.sign_in("ada", PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(browser.sign_in("nobody", "wrong").await.status, StatusCode::FORBIDDEN);
    // Nobody is locked out of their account by somebody elsewhere.
    let mut elsewhere = door.browser();
    elsewhere.address = "10.0.0.8".parse().unwrap();
    assert_eq!(elsewhere.sign_in("ada", PASSWORD).await.status, StatusCode::SEE_OTHER);
    // A network is one, whatever address of it is used.
    for number in 0..10 {
        let mut other = door.browser();
        other.address = format!("2001:db8:1:2::{number}").parse().unwrap();
        assert_eq!(other.sign_in("bob", "wrong").await.status, StatusCode::FORBIDDEN);
    }
    let mut other = door.browser();
    other.address = "2001:db8:1:2:ffff::".parse().unwrap();
    assert_eq!(other.sign_in("bob", PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
    door.world.pass(Span::minutes(15));
    assert_eq!(browser.sign_in("ada", PASSWORD).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn t15_an_account_is_tried_a_bounded_number_of_times_from_everywhere_together() {
    let door = door().await;
    let mut last = StatusCode::OK;
    for number in 0..52 {
        let mut browser = door.browser();
        browser.address = format!("10.2.0.{number}").parse().unwrap();
        last = browser.sign_in("ada", "wrong").await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let record = door.world.refusals().await;
    assert!(record < 130, "{record} events for one loop");
}

#[tokio::test]
async fn t15_counts_outlive_the_program() {
    let door = door().await;
    let mut browser = door.browser();
    for _ in 0..10 {
        browser.sign_in("ada", "wrong").await;
    }
    let key = towpath_ports::accounts::AttemptKey::of("both", "ada\u{0}10.0.0.7");
    let place = door.world.folder.path().join("server.db");
    let again = towpath_store::SqlAccounts::open(&place.to_string_lossy()).await.unwrap();
    let times = again.count_attempt(&key, Span::minutes(15), door.world.now()).await.unwrap();
    assert_eq!(times, 11);
}

#[tokio::test]
async fn t15_a_planted_cookie_is_worth_nothing_after_signing_in() {
    let door = door().await;
    // Somebody plants the cookie of a session of their own.
    let planted = door.signed_in("bob").await.cookie;
    let mut browser = door.browser();
    browser.cookie.clone_from(&planted);
    assert_eq!(browser.sign_in("ada", PASSWORD).await.status, StatusCode::SEE_OTHER);
    assert_ne!(browser.cookie, planted);
    let mut attacker = door.browser();
    attacker.cookie = planted;
    assert!(!is_in(&mut attacker).await, "the planted one ended");
    // And one that nobody was ever given becomes no session.
    let made_up = format!("__Host-towpath={}", "0".repeat(64));
    let mut browser = door.browser();
    browser.cookie = Some(made_up.clone());
    assert_eq!(browser.sign_in("ada", PASSWORD).await.status, StatusCode::SEE_OTHER);
    assert_ne!(browser.cookie, Some(made_up));
}

#[tokio::test]
async fn t15_nobody_is_led_elsewhere_by_signing_in() {
    let door = door().await;
    let elsewhere = [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/a//evil.example",
        "/\r\nlocation: https://evil.example",
        "///evil.example",
        "/%0d/..//evil.example",
    ];
    for to in elsewhere {
        let mut browser = door.browser();
        let page = browser.get(&format!("/sign-in?{}", encoded(&[("to", to)]))).await;
        assert!(!page.text.contains("evil.example"), "{to:?}: {}", page.text);
        let fields = [("name", "ada"), ("password", PASSWORD), ("to", to)];
        let page = browser.post("/sign-in", &fields).await;
        assert_eq!((page.status, page.to()), (StatusCode::SEE_OTHER, "/"), "{to:?}");
    }
    let mut browser = door.browser();
    let page =
        browser.send(Method::POST, "/do", &[("referer", "https://evil.example//x")], "").await;
    assert_eq!(page.to(), "/sign-in");
}

#[tokio::test]
async fn t15_the_cookie_is_bound_to_the_host_and_what_is_kept_opens_nothing() {
    let door = door().await;
    let mut browser = door.browser();
    let page = browser.sign_in("ada", PASSWORD).await;
    let set = page.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    for word in ["__Host-towpath=", "; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
        assert!(set.contains(word), "{set}");
    }
    assert!(!set.contains("Domain") && !set.contains("Max-Age"), "{set}");
    let secret = browser.cookie.clone().unwrap().split('=').nth(1).unwrap().to_owned();
    for name in ["server.db", "server.db-wal"] {
        let kept = std::fs::read(door.world.folder.path().join(name)).unwrap_or_default();
        let kept = String::from_utf8_lossy(&kept).into_owned();
        assert!(!kept.contains(&secret), "{name} holds the cookie");
        assert!(!kept.contains(PASSWORD), "{name} holds the password");
    }
    // A cookie that came without TLS opens nothing with it.
    let mut other = door.browser();
    other.cookie = Some(format!("towpath={secret}"));
    assert!(!is_in(&mut other).await);
    let mut twice = door.browser();
    twice.cookie = Some(format!("__Host-towpath={secret}; __Host-towpath={}", "1".repeat(64)));
    assert!(!is_in(&mut twice).await);
}

#[tokio::test]
async fn on_the_machine_itself_one_signs_in_without_tls() {
    let door = door().await;
    let mut browser = door.browser();
    (browser.secure, browser.address) = (false, "127.0.0.1".parse().unwrap());
    let page = browser.sign_in("ada", PASSWORD).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
    let set = page.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(set.starts_with("towpath=") && !set.contains("Secure"), "{set}");
    assert!(is_in(&mut browser).await);
    // From elsewhere nobody does, and the cookie opens nothing.
    browser.address = "10.0.0.7".parse().unwrap();
    assert!(!is_in(&mut browser).await);
    assert_eq!(browser.get("/v1/status").await.status, StatusCode::UNAUTHORIZED);
    for path in ["/sign-in", "/sign-in/password", "/step-up"] {
        assert_eq!(browser.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(browser.sign_in("ada", PASSWORD).await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn t15_a_link_works_once_and_looking_uses_nothing_up() {
    let door = door().await;
    let link = door.link_of("bob").await;
    for _ in 0..3 {
        // A messenger looks before anybody does.
        let page = door.browser().get(&link).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains("<b>bob</b>"), "{}", page.text);
        assert_eq!(page.headers[header::REFERRER_POLICY], "same-origin");
        assert!(page.headers.get(header::SET_COOKIE).is_none());
    }
    let mut browser = door.browser();
    let page = browser.post(&link, &[("to", "/waiting")]).await;
    assert_eq!((page.status, page.to()), (StatusCode::SEE_OTHER, "/waiting"));
    assert!(browser.get("/waiting").await.text.contains("you: bob"));
    let mut again = door.browser();
    assert_eq!(again.post(&link, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(again.get(&link).await.status, StatusCode::NOT_FOUND);
    let late = door.link_of("bob").await;
    door.world.pass(Span::minutes(5));
    assert_eq!(again.post(&late, &[]).await.status, StatusCode::NOT_FOUND);
    for bad in ["/sign-in/link/x", "/sign-in/link/../../v1/status", "/sign-in/link/"] {
        assert_ne!(again.post(bad, &[]).await.status, StatusCode::SEE_OTHER, "{bad}");
    }
    assert_eq!(again.cookie, None);
}

#[tokio::test]
async fn t15_links_are_made_at_the_machine_alone_and_for_oneself() {
    let door = door().await;
    let path = "/v1/sign-in-links";
    let mut signed_in = door.by_link("ada").await;
    let json = [("content-type", "application/json"), ("origin", "https://towpath.example")];
    let answer = signed_in.send(Method::POST, path, &json, "{}").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "in a session");
    assert_eq!(
        door.browser().send(Method::POST, path, &json, "{}").await.status,
        StatusCode::UNAUTHORIZED
    );
    let token = json!({ "name": "mine", "may": ["promote"], "for": 3_600_000 });
    let token = door.world.post(&As::Person("ada"), "/v1/tokens", &token).await;
    let token = token.body["token"].as_str().unwrap().to_owned();
    let answer = door.world.post(&As::Token(&token), path, &json!({})).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "not-by-token"));
    let answer = door.world.post(&As::Person("ci"), path, &json!({})).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "not-allowed"), "a program");
    let answer = door.world.post(&As::Person("stranger"), path, &json!({})).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = door.world.post(&As::Person("ada"), path, &json!({ "person": "lead" })).await;
    assert!(answer.status.is_client_error(), "for somebody else: {answer:?}");
    // Over the network nobody plays anybody, not even in a rehearsal.
    let headers = [json[0], json[1], ("towpath-acting-as", "lead")];
    for path in [path, "/v1/status", "/v1/tokens"] {
        for method in [Method::GET, Method::POST] {
            let answer = door.browser().send(method, path, &headers, "{}").await;
            assert!(answer.status.is_client_error(), "{path} {answer:?}");
        }
    }
}

#[tokio::test]
async fn the_first_local_user_sets_themselves_up_by_a_link_that_works_once() {
    let door = Door::new(WORDS, |_: &mut Matrix| {}).await;
    let made = door.sign_in.first_link().await.unwrap().unwrap();
    let link = made.address.strip_prefix(&format!("https://{HOST}")).unwrap().to_owned();
    let mut browser = door.browser();
    for wrong in ["nobody", "ci", "", "guard", "a b"] {
        let page = browser.post(&link, &[("name", wrong)]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{wrong}");
    }
    let page = browser.post(&link, &[("name", "lead")]).await;
    assert_eq!((page.status, page.to()), (StatusCode::SEE_OTHER, "/sign-in/password"), "{page:?}");
    let set = async |browser: &mut Browser, new: &str, again: &str| {
        browser.post("/sign-in/password", &[("new", new), ("again", again)]).await
    };
    for (new, again) in [("short", "short"), ("a new way to the lock", "another"), ("", "")] {
        assert_eq!(set(&mut browser, new, again).await.status, StatusCode::FORBIDDEN, "{new}");
    }
    let page = set(&mut browser, "a new way to the lock", "a new way to the lock").await;
    assert_eq!((page.status, page.to()), (StatusCode::SEE_OTHER, "/sign-in/second"));
    assert!(door.sign_in.first_link().await.unwrap().is_none(), "there is a local user");
    let mut other = door.browser();
    let page = other.sign_in("lead", "a new way to the lock").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    // Another password ends every other session, and needs the one until now.
    let (old, new) = ("a new way to the lock", "one more way to it all");
    let fields = [("old", "wrong"), ("new", new), ("again", new)];
    let page = other.post("/sign-in/password", &fields).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    let fields = [("old", old), ("new", new), ("again", new)];
    let page = other.post("/sign-in/password", &fields).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
    assert!(!is_in(&mut browser).await && is_in(&mut other).await);
}

#[tokio::test]
async fn t7_no_form_of_another_page_is_taken_anywhere() {
    let door = door().await;
    let mut browser = door.signed_in("ada").await;
    let form = browser.form_token().await;
    let own = "https://towpath.example";
    let forged: [&[(&str, &str)]; 9] = [
        &[],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://towpath.example")],
        &[("origin", "https://towpath.example.evil.example")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", own)],
        &[("sec-fetch-site", "none"), ("origin", own)],
        &[("sec-fetch-site", "cross-site"), ("origin", own)],
    ];
    let link = door.link_of("ada").await;
    let before = door.world.kinds().await;
    let paths = [
        "/do",
        "/sign-in",
        "/sign-in/mail",
        "/sign-out",
        "/sign-in/password",
        "/sign-in/second",
        "/step-up",
        &link,
    ];
    for path in paths {
        for headers in forged {
            let fields = [
                ("form", form.as_str()),
                ("verb", "freeze"),
                ("in", "staging"),
                ("name", "bob"),
                ("password", PASSWORD),
                ("new", "x"),
                ("again", "x"),
                ("code", "000000"),
            ];
            let page = browser.send(Method::POST, path, headers, &encoded(&fields)).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
        }
    }
    let headers = [("origin", own), ("sec-fetch-site", "same-origin")];
    let other = door.signed_in("ada").await.form_token().await;
    let act = [("verb", "freeze"), ("in", "staging")];
    let (no_form, bad, of_other) = (
        encoded(&act),
        format!("{}&form=x", encoded(&act)),
        format!("{}&form={other}", encoded(&act)),
    );
    let twice = format!("{}&form={form}&form={form}", encoded(&act));
    for body in [no_form.as_str(), &bad, &of_other, &twice, ""] {
        for path in ["/do", "/sign-out", "/sign-in/password", "/sign-in/second", "/step-up"] {
            let page = browser.send(Method::POST, path, &headers, body).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} {body}");
        }
    }
    let json = [headers[0], headers[1], ("content-type", "text/plain")];
    let whole = format!("{}&form={form}", encoded(&act));
    let page = browser.send(Method::POST, "/do", &json, &whole).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    let kinds = door.world.kinds().await;
    let added = kinds[before.len()..].iter().filter(|kind| *kind != "session-changed").count();
    assert_eq!(added, 0, "{kinds:?}");
    assert!(is_in(&mut browser).await);
    assert_eq!(browser.send(Method::POST, "/do", &headers, &whole).await.status, StatusCode::OK);
}

#[tokio::test]
async fn t7_a_cookie_orders_nothing_of_the_api() {
    let door = door().await;
    let mut browser = door.signed_in("lead").await;
    let form = browser.form_token().await;
    let before = door.world.kinds().await;
    // One that never ends is asked for in `follow`.
    let ending = |(_, path): &(Method, String)| !path.ends_with("/stream");
    for (method, path) in crate::world::World::routes().into_iter().filter(ending) {
        let headers = [
            ("content-type", "application/json"),
            ("origin", "https://towpath.example"),
            ("sec-fetch-site", "same-origin"),
            ("form", &form),
        ];
        let answer = browser.send(method.clone(), &path, &headers, "{}").await;
        if method == Method::POST {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        } else {
            assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        }
    }
    assert_eq!(door.world.kinds().await, before);
}

#[tokio::test]
async fn t7_pages_are_framed_by_nobody_and_looking_changes_nothing() {
    let door = door().await;
    let mut browser = door.by_link("ada").await;
    let before = door.world.kinds().await;
    for path in ["/sign-in", "/sign-out", "/sign-in/password", "/sign-in/second", "/step-up"] {
        let page = browser.get(path).await;
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        for word in ["frame-ancestors 'none'", "default-src 'none'", "form-action 'self'"] {
            assert!(policy.contains(word), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.headers[header::X_FRAME_OPTIONS], "DENY");
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    }
    assert_eq!(door.world.kinds().await, before);
    assert!(is_in(&mut browser).await);
}
