//! Signing in at a provider (trust.md, T15): there and back with one on this machine, and everything that a good one
//! never does. Each line of the table is one attempt that must sign nobody in.

use axum::http::{Method, StatusCode, header};
use serde_json::{Map, Value, json};
use towpath_core::ids::Person;
use towpath_core::units::Span;
use towpath_ports::accounts::Accounts as _;

use crate::browser::{Browser, encoded as form};
use crate::elsewhere::{BACK, Elsewhere, Way, back, who};
use crate::issuer::{CLIENT, Key, SECRET, bare, encoded, shared};

#[tokio::test]
async fn somebody_signs_in_at_the_provider_and_is_led_back_to_where_they_were() {
    for key in [Key::ed(), Key::ec(), Key::rsa()] {
        let elsewhere = Elsewhere::new(key, |_| {}).await;
        let mut browser = elsewhere.door.browser();
        let page = browser.get("/sign-in?to=%2Fwaiting").await;
        assert!(page.text.contains("Sign in with Example"), "{}", page.text);
        let way = elsewhere.go(&mut browser, "/sign-in/oidc?to=%2Fwaiting").await;
        assert_eq!(way.one("redirect_uri"), BACK);
        assert_eq!((way.one("response_type"), way.one("client_id")), ("code", CLIENT));
        assert_eq!(way.one("scope"), "openid email groups");
        assert_eq!(way.one("code_challenge_method"), "S256");
        assert_eq!((way.one("prompt"), way.one("max_age")), ("", ""), "nobody is asked twice");
        let away = browser.cookie.clone().unwrap();
        assert!(away.starts_with("__Host-towpath-away="), "{away}");
        for secret in ["state", "nonce", "code_challenge"] {
            assert!(!away.contains(way.one(secret)), "{secret}");
        }
        let token = elsewhere.key.token(&elsewhere.head(), &elsewhere.claims(&way));
        let page = browser.get(&back(&elsewhere.answer(&way, token))).await;
        assert_eq!((page.status, page.to()), (StatusCode::SEE_OTHER, "/waiting"), "{page:?}");
        let set: Vec<_> = page.headers.get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(set.len(), 2, "the session begins, and what belonged to the way is forgotten");
        assert_eq!(who(&mut browser).await.as_deref(), Some("ada"));
        let person = Person::new("ada").unwrap();
        let now = elsewhere.door.world.now();
        let kept = elsewhere.door.accounts.sessions_of(&person, now).await.unwrap();
        assert_eq!((kept[0].way.as_str(), kept[0].second), ("oidc", None));
        assert!(kept[0].claims.as_deref().unwrap().contains("00u1"));
        let page = browser.post("/sign-out", &[]).await;
        assert_eq!(page.to(), "/sign-out/done");
        let page = browser.get("/sign-out/done").await;
        assert!(page.text.contains(&format!("{}/out", elsewhere.issuer.url)), "{}", page.text);
        assert_eq!(who(&mut browser).await, None);
    }
}

/// What is wrong with a token or with what is said in it, and the head that it has.
type Wrong = (&'static str, fn(&Elsewhere, &mut Value, &mut Value));

const CLAIMS: [Wrong; 36] = [
    ("another issuer", |_, _, claims| claims["iss"] = json!("https://evil.example")),
    ("the issuer with a slash", |it, _, claims| {
        claims["iss"] = json!(format!("{}/", it.issuer.url));
    }),
    ("the issuer in other letters", |it, _, claims| {
        claims["iss"] = json!(it.issuer.url.to_uppercase());
    }),
    ("no issuer", |_, _, claims| drop(claims.as_object_mut().unwrap().remove("iss"))),
    ("a list of issuers", |it, _, claims| claims["iss"] = json!([it.issuer.url])),
    ("another audience (cve_2023_22482)", |_, _, claims| claims["aud"] = json!("grafana")),
    ("no audience", |_, _, claims| drop(claims.as_object_mut().unwrap().remove("aud"))),
    ("an empty list of audiences", |_, _, claims| claims["aud"] = json!([])),
    ("an audience in other letters", |_, _, claims| claims["aud"] = json!(CLIENT.to_uppercase())),
    ("the audience and more", |_, _, claims| claims["aud"] = json!(format!("{CLIENT} "))),
    ("an audience too many", |_, _, claims| claims["aud"] = json!([CLIENT, "grafana"])),
    ("an audience twice with another party", |_, _, claims| {
        (claims["aud"], claims["azp"]) = (json!([CLIENT, CLIENT]), json!("grafana"));
    }),
    ("another party", |_, _, claims| claims["azp"] = json!("grafana")),
    ("a party that is no text", |_, _, claims| claims["azp"] = json!(7)),
    ("over", |it, _, claims| claims["exp"] = json!(it.now() - 60)),
    ("over since 1970", |_, _, claims| claims["exp"] = json!(0)),
    ("no end", |_, _, claims| drop(claims.as_object_mut().unwrap().remove("exp"))),
    ("an end that is a text", |_, _, claims| claims["exp"] = json!("4102444800")),
    ("an end beyond time", |_, _, claims| claims["exp"] = json!(1e300)),
    ("made in the future", |it, _, claims| claims["iat"] = json!(it.now() + 120)),
    ("made at no time", |_, _, claims| drop(claims.as_object_mut().unwrap().remove("iat"))),
    ("not yet", |it, _, claims| claims["nbf"] = json!(it.now() + 120)),
    ("not yet, as a text", |_, _, claims| claims["nbf"] = json!("0")),
    ("another nonce", |_, _, claims| claims["nonce"] = json!("0".repeat(64))),
    ("no nonce", |_, _, claims| drop(claims.as_object_mut().unwrap().remove("nonce"))),
    ("an empty nonce", |_, _, claims| claims["nonce"] = json!("")),
    ("no subject", |_, _, claims| drop(claims.as_object_mut().unwrap().remove("sub"))),
    ("an address that nobody verified", |_, _, claims| claims["email_verified"] = json!(false)),
    ("an address of which nobody says it", |_, _, claims| {
        drop(claims.as_object_mut().unwrap().remove("email_verified"));
    }),
    ("an address that is verified in words", |_, _, claims| {
        claims["email_verified"] = json!("true");
    }),
    ("the address of nobody", |_, _, claims| claims["email"] = json!("eve@example.org")),
    ("the address of a program", |_, _, claims| claims["email"] = json!("ci@example.org")),
    ("two addresses", |_, _, claims| {
        claims["email"] = json!(["ada@example.org", "lead@example.org"]);
    }),
    ("no group", |_, _, claims| drop(claims.as_object_mut().unwrap().remove("groups"))),
    ("another group", |_, _, claims| claims["groups"] = json!(["towpath-readers"])),
    ("groups that are elsewhere", |_, _, claims| {
        drop(claims.as_object_mut().unwrap().remove("groups"));
        claims["_claim_names"] = json!({ "groups": "src1" });
    }),
];

const HEADS: [Wrong; 9] = [
    ("something critical", |_, head, _| head["crit"] = json!(["exp"])),
    ("a token of access", |_, head, _| head["typ"] = json!("at+jwt")),
    ("a token of signing out", |_, head, _| head["typ"] = json!("logout+jwt")),
    ("another key", |_, head, _| head["kid"] = json!("two")),
    ("no algorithm", |_, head, _| drop(head.as_object_mut().unwrap().remove("alg"))),
    ("another algorithm", |_, head, _| head["alg"] = json!("RS256")),
    ("the same in small letters", |_, head, _| head["alg"] = json!("eddsa")),
    ("an algorithm of nobody", |_, head, _| head["alg"] = json!("ES999")),
    ("something packed", |_, head, _| head["zip"] = json!("DEF")),
];

#[tokio::test]
async fn t15_no_token_that_a_good_provider_would_not_give_signs_anybody_in() {
    let elsewhere = Elsewhere::new(Key::ed(), |_| {}).await;
    let mut answers = Vec::new();
    for (what, wrong) in CLAIMS.into_iter().chain(HEADS) {
        let mut browser = elsewhere.door.browser();
        let way = elsewhere.go(&mut browser, "/sign-in/oidc").await;
        let (mut head, mut claims) = (elsewhere.head(), elsewhere.claims(&way));
        wrong(&elsewhere, &mut head, &mut claims);
        let token = elsewhere.key.token(&head, &claims);
        let page = browser.get(&back(&elsewhere.answer(&way, token))).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{what}: {page:?}");
        assert!(page.headers.get(header::SET_COOKIE).is_none(), "{what}");
        assert_eq!(who(&mut browser).await, None, "{what}");
        answers.push(page.text);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "one cause is told from another: {answers:?}");
    assert!(elsewhere.door.world.refusals().await > 0, "nothing is on record");
    let mut browser = elsewhere.door.browser();
    let page = elsewhere.sign_in(&mut browser, |_| {}).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "a good one still does: {page:?}");
}

/// Tokens that nobody signed, or somebody with what both sides know.
fn unsigned(listed: &Value, claims: &Value) -> Vec<(&'static str, String)> {
    let head = |alg: &str, kid: &str| json!({ "alg": alg, "kid": kid, "typ": "JWT" });
    let modulus = listed["n"].as_str().unwrap().as_bytes();
    let list = listed.to_string();
    vec![
        ("none", bare(&head("none", "one"), claims)),
        ("None", bare(&head("None", "one"), claims)),
        ("nOnE", bare(&head("nOnE", "one"), claims)),
        ("NONE", bare(&head("NONE", "one"), claims)),
        ("nothing", bare(&head("RS256", "one"), claims)),
        ("the public key", shared(modulus, &head("HS256", "one"), claims)),
        ("the list's text", shared(list.as_bytes(), &head("HS256", "one"), claims)),
        ("our own secret", shared(SECRET.as_bytes(), &head("HS256", "one"), claims)),
        ("a shared key of the list", shared(b"shared", &head("HS256", "shared"), claims)),
        ("no token", "x".to_owned()),
        ("an endless one", "a".repeat(40_000)),
    ]
}

/// Tokens that somebody else signed, or that were changed.
fn forged(own: &Key, other: &Key, claims: &Value) -> Vec<(&'static str, String)> {
    let head = json!({ "alg": "RS256", "kid": "one", "typ": "JWT" });
    let with = |name: &str, value: Value| {
        let mut head = head.clone();
        head[name] = value;
        other.token(&head, claims)
    };
    let good = own.token(&head, claims);
    let parts: Vec<&str> = good.split('.').collect();
    let mut changed = claims.clone();
    changed["email"] = json!("lead@example.org");
    let changed = encoded(changed.to_string().as_bytes());
    vec![
        ("another key of that name", other.token(&head, claims)),
        ("a key that it brings", with("jwk", other.listed("one"))),
        ("a key that it names the place of", with("jku", json!("https://evil.example/keys"))),
        ("a changed word", format!("{}.{changed}.{}", parts[0], parts[2])),
        ("half a signature", good[..good.len() - 100].to_owned()),
        ("one part too many", format!("{good}.x")),
    ]
}

#[tokio::test]
async fn cve_2015_9235_what_is_signed_by_nobody_or_with_a_public_key_signs_nobody_in() {
    let elsewhere = Elsewhere::new(Key::rsa(), |_| {}).await;
    let (listed, other) = (elsewhere.key.listed("one"), Key::rsa());
    let known = json!({ "kty": "oct", "k": encoded(b"shared"), "kid": "shared", "alg": "HS256" });
    elsewhere.issuer.has_keys(vec![listed.clone(), known]);
    let all = |claims: &Value| {
        let mut all = unsigned(&listed, claims);
        all.extend(forged(&elsewhere.key, &other, claims));
        all
    };
    for at in 0..all(&json!({})).len() {
        let mut browser = elsewhere.door.browser();
        let way = elsewhere.go(&mut browser, "/sign-in/oidc").await;
        let (what, token) = all(&elsewhere.claims(&way)).swap_remove(at);
        let page = browser.get(&back(&elsewhere.answer(&way, token))).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{what}: {page:?}");
        assert_eq!(who(&mut browser).await, None, "{what}");
    }
    let mut browser = elsewhere.door.browser();
    assert_eq!(elsewhere.sign_in(&mut browser, |_| {}).await.status, StatusCode::SEE_OTHER);
}

/// What is changed in an answer on its way back.
type Change = fn(&mut Map<String, Value>);

#[tokio::test]
async fn t15_what_comes_back_belongs_to_the_browser_that_went_and_is_taken_once() {
    let elsewhere = Elsewhere::new(Key::ed(), |_| {}).await;
    let good = async |browser: &mut Browser| {
        let way = elsewhere.go(browser, "/sign-in/oidc").await;
        let token = elsewhere.key.token(&elsewhere.head(), &elsewhere.claims(&way));
        elsewhere.answer(&way, token)
    };
    let changes: [(&str, Change); 7] = [
        ("no state", |answer| drop(answer.remove("state"))),
        ("another state", |answer| drop(answer.insert("state".into(), json!("0".repeat(64))))),
        ("an empty state", |answer| drop(answer.insert("state".into(), json!("")))),
        ("no code", |answer| drop(answer.remove("code"))),
        ("another code", |answer| drop(answer.insert("code".into(), json!("x")))),
        ("mixed up with another issuer", |answer| {
            drop(answer.insert("iss".into(), json!("https://evil.example")));
        }),
        ("no issuer, though each answer says it", |answer| drop(answer.remove("iss"))),
    ];
    for (what, change) in changes {
        let mut browser = elsewhere.door.browser();
        let mut answer = good(&mut browser).await;
        change(&mut answer);
        let page = browser.get(&back(&answer)).await;
        assert!(page.status.is_client_error() || page.status == StatusCode::BAD_GATEWAY, "{what}");
        assert_eq!(who(&mut browser).await, None, "{what}");
    }
    // In another browser: somebody sends the end of their own way to a victim, or steals one.
    let mut browser = elsewhere.door.browser();
    let place = back(&good(&mut browser).await);
    let mut victim = elsewhere.door.browser();
    assert_eq!(victim.get(&place).await.status, StatusCode::FORBIDDEN);
    let mut other = elsewhere.door.browser();
    good(&mut other).await;
    assert_eq!(
        other.get(&back(&good(&mut elsewhere.door.browser()).await)).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(who(&mut victim).await, None);
    // Twice, too late, and with something in it twice.
    let mut browser = elsewhere.door.browser();
    let place = back(&good(&mut browser).await);
    let away = browser.cookie.clone();
    assert_eq!(browser.get(&place).await.status, StatusCode::SEE_OTHER);
    let mut again = elsewhere.door.browser();
    again.cookie.clone_from(&away);
    assert_eq!(again.get(&place).await.status, StatusCode::FORBIDDEN);
    let mut late = elsewhere.door.browser();
    let place = back(&good(&mut late).await);
    elsewhere.door.world.pass(Span::minutes(10));
    assert_eq!(late.get(&place).await.status, StatusCode::FORBIDDEN);
    for twice in ["state=x", "code=x", "iss=x"] {
        let mut browser = elsewhere.door.browser();
        let place = format!("{}&{twice}", back(&good(&mut browser).await));
        assert_eq!(browser.get(&place).await.status, StatusCode::FORBIDDEN, "{twice}");
        assert_eq!(who(&mut browser).await, None, "{twice}");
    }
    // What it says of an error is not repeated.
    let mut browser = elsewhere.door.browser();
    let mut answer = good(&mut browser).await;
    answer.remove("code");
    answer.insert("error".into(), json!("<script>access_denied"));
    answer.insert("error_description".into(), json!("call 0800 evil"));
    let page = browser.get(&back(&answer)).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(!page.text.contains("evil") && !page.text.contains("<script"), "{}", page.text);
}

#[tokio::test]
async fn t15_the_provider_leads_nobody_elsewhere() {
    let elsewhere = Elsewhere::new(Key::ed(), |_| {}).await;
    for to in [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/a\r\nx: y",
    ] {
        let mut browser = elsewhere.door.browser();
        let place = format!("/sign-in/oidc?{}", form(&[("to", to)]));
        let way = elsewhere.go(&mut browser, &place).await;
        assert_eq!(way.one("redirect_uri"), BACK, "{to:?}");
        let token = elsewhere.key.token(&elsewhere.head(), &elsewhere.claims(&way));
        let page = browser.get(&back(&elsewhere.answer(&way, token))).await;
        assert_eq!((page.status, page.to()), (StatusCode::SEE_OTHER, "/"), "{to:?}");
    }
    // A host that a request makes up is nowhere.
    let mut browser = elsewhere.door.browser();
    let page = browser
        .send(Method::GET, "/sign-in/oidc", &[("x-forwarded-host", "evil.example")], "")
        .await;
    assert_eq!(Way::of(&page).one("redirect_uri"), BACK);
}

#[tokio::test]
async fn t15_a_planted_session_ends_when_somebody_signs_in_at_the_provider() {
    let elsewhere = Elsewhere::new(Key::ed(), |_| {}).await;
    elsewhere.door.has_password("bob").await;
    let planted = elsewhere.door.signed_in("bob").await.cookie.unwrap();
    let mut browser = elsewhere.door.browser();
    let way = elsewhere.go(&mut browser, "/sign-in/oidc").await;
    let token = elsewhere.key.token(&elsewhere.head(), &elsewhere.claims(&way));
    let place = back(&elsewhere.answer(&way, token));
    browser.cookie = Some(format!("{planted}; {}", browser.cookie.unwrap()));
    assert_eq!(browser.get(&place).await.status, StatusCode::SEE_OTHER);
    let mut attacker = elsewhere.door.browser();
    attacker.cookie = Some(planted);
    assert_eq!(who(&mut attacker).await, None);
}
