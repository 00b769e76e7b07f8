//! Signing in at a provider (trust.md, T15): there and back with a real one on this machine, and everything that a
//! good one never does. Each line of the table is one attempt that must sign nobody in.

use std::sync::Arc;

use axum::http::{Method, StatusCode, header};
use serde_json::{Map, Value, json};
use towpath_core::ids::Person;
use towpath_core::matrix::Matrix;
use towpath_core::units::Span;
use towpath_ports::accounts::Accounts as _;
use towpath_ports::clock::Clock;
use towpath_server::signin::{Provider, ProviderSettings};

use crate::browser::{Browser, Door, PASSWORD, Page, encoded as form};
use crate::issuer::{CLIENT, Issuer, Key, SECRET, bare, encoded, shared};
use crate::world::HandClock;

const WORDS: &str = "
    people: lead lead; ada developer; bob developer; bot ci builder
    staging: root, tier staging, steps 100%/1m";
const BACK: &str = "https://towpath.example/sign-in/oidc/back";

/// A door with a provider.
pub(crate) struct Elsewhere {
    pub(crate) door: Door,
    pub(crate) issuer: Issuer,
    key: Arc<Key>,
}

/// What a way to the provider says.
#[derive(Clone)]
struct Way(Vec<(String, String)>);

impl Way {
    fn of(page: &Page) -> Self {
        let (_, query) = page.to().split_once('?').unwrap_or_default();
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    fn one(&self, name: &str) -> &str {
        let mut all = self.0.iter().filter(|(key, _)| key == name);
        let found = all.next().map_or("", |(_, value)| value.as_str());
        assert!(all.next().is_none(), "{name} stands there twice");
        found
    }
}

impl Elsewhere {
    async fn new(key: Key, change: impl FnOnce(&mut ProviderSettings)) -> Self {
        let issuer = Issuer::new(vec![key.listed("one")]).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.keep().join("secret");
        std::fs::write(&file, format!("{SECRET}\n")).unwrap();
        let mut settings = ProviderSettings {
            issuer: issuer.url.clone(),
            client_id: CLIENT.to_owned(),
            client_secret_file: Some(file),
            name: "Example".to_owned(),
            scopes: vec!["email".to_owned(), "groups".to_owned()],
            person_claim: None,
            groups_claim: "groups".to_owned(),
            groups: vec!["towpath".to_owned(), "ops".to_owned()],
            second_acr: vec!["two".to_owned()],
            second_amr: vec!["mfa".to_owned()],
        };
        change(&mut settings);
        let provider =
            |clock: Arc<HandClock>| Provider::new(settings, clock as Arc<dyn Clock>).unwrap();
        let door = Door::with(WORDS, named, provider).await;
        Self { door, issuer, key: Arc::new(key) }
    }

    fn now(&self) -> i64 {
        self.door.world.now().0 / 1_000_000
    }

    /// What a good provider says of ada.
    fn claims(&self, way: &Way) -> Value {
        json!({
            "iss": self.issuer.url, "aud": CLIENT, "sub": "00u1", "nonce": way.one("nonce"),
            "iat": self.now(), "exp": self.now() + 300, "auth_time": self.now(),
            "email": "ada@example.org", "email_verified": true, "groups": ["towpath", "x"],
        })
    }

    fn head(&self) -> Value {
        json!({ "alg": self.key.algorithm(), "kid": "one", "typ": "JWT" })
    }

    /// The answer in the address to whoever went that way, for a code that is good for `token`.
    fn answer(&self, way: &Way, token: String) -> Map<String, Value> {
        let code = format!("code of {}", way.one("state"));
        self.issuer.keeps(&code, token, way.one("code_challenge"), way.one("redirect_uri"));
        let answer = json!({ "code": code, "state": way.one("state"), "iss": self.issuer.url });
        answer.as_object().unwrap().clone()
    }

    async fn go(&self, browser: &mut Browser, place: &str) -> Way {
        let page = browser.get(place).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
        assert!(page.to().starts_with(&format!("{}/authorize?tenant=a&", self.issuer.url)));
        Way::of(&page)
    }

    /// A whole way there and back, with changes of what is said.
    async fn sign_in(&self, browser: &mut Browser, change: impl FnOnce(&mut Value)) -> Page {
        let way = self.go(browser, "/sign-in/oidc?to=%2Fwaiting").await;
        let mut claims = self.claims(&way);
        change(&mut claims);
        let answer = self.answer(&way, self.key.token(&self.head(), &claims));
        browser.get(&back(&answer)).await
    }
}

fn named(matrix: &mut Matrix) {
    for (name, address) in
        [("ada", "ada@example.org"), ("lead", "lead@example.org"), ("ci", "ci@example.org")]
    {
        let person = matrix.people.get_mut(&Person::new(name).unwrap()).unwrap();
        person.email = Some(address.to_owned());
    }
}

fn back(answer: &Map<String, Value>) -> String {
    let fields: Vec<(&str, &str)> =
        answer.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    format!("/sign-in/oidc/back?{}", form(&fields))
}

async fn who(browser: &mut Browser) -> Option<String> {
    let page = browser.get("/waiting").await;
    let said = page.text.strip_prefix("you: ")?;
    said.split(' ').next().map(str::to_owned)
}

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
        claims["iss"] = json!(format!("{}/", it.issuer.url))
    }),
    ("the issuer in other letters", |it, _, claims| {
        claims["iss"] = json!(it.issuer.url.to_uppercase())
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
        claims["email_verified"] = json!("true")
    }),
    ("the address of nobody", |_, _, claims| claims["email"] = json!("eve@example.org")),
    ("the address of a program", |_, _, claims| claims["email"] = json!("ci@example.org")),
    ("two addresses", |_, _, claims| {
        claims["email"] = json!(["ada@example.org", "lead@example.org"])
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

#[tokio::test]
async fn cve_2015_9235_what_is_signed_by_nobody_or_with_a_public_key_signs_nobody_in() {
    let elsewhere = Elsewhere::new(Key::rsa(), |_| {}).await;
    let listed = elsewhere.key.listed("one");
    let other = Key::rsa();
    let mut shared_key = json!({ "kty": "oct", "k": encoded(b"shared"), "kid": "shared" });
    shared_key["alg"] = json!("HS256");
    elsewhere.issuer.has_keys(vec![listed.clone(), shared_key]);
    let head = |alg: &str, kid: &str| json!({ "alg": alg, "kid": kid, "typ": "JWT" });
    let modulus = listed["n"].as_str().unwrap().as_bytes().to_vec();
    type Made<'a> = Box<dyn Fn(&Value) -> String + 'a>;
    let cases: Vec<(&str, Made<'_>)> = vec![
        ("none", Box::new(|claims| bare(&head("none", "one"), claims))),
        ("None", Box::new(|claims| bare(&head("None", "one"), claims))),
        ("nOnE", Box::new(|claims| bare(&head("nOnE", "one"), claims))),
        ("NONE", Box::new(|claims| bare(&head("NONE", "one"), claims))),
        ("nothing", Box::new(|claims| bare(&head("RS256", "one"), claims))),
        ("the public key", Box::new(|claims| shared(&modulus, &head("HS256", "one"), claims))),
        (
            "the list's text",
            Box::new(|claims| shared(listed.to_string().as_bytes(), &head("HS256", "one"), claims)),
        ),
        (
            "our own secret",
            Box::new(|claims| shared(SECRET.as_bytes(), &head("HS256", "one"), claims)),
        ),
        (
            "a shared key of the list",
            Box::new(|claims| shared(b"shared", &head("HS256", "shared"), claims)),
        ),
        ("another key of that name", Box::new(|claims| other.token(&head("RS256", "one"), claims))),
        (
            "a key that it brings",
            Box::new(|claims| {
                let mut head = head("RS256", "one");
                head["jwk"] = other.listed("one");
                other.token(&head, claims)
            }),
        ),
        (
            "a key that it names the place of",
            Box::new(|claims| {
                let mut head = head("RS256", "one");
                head["jku"] = json!("https://evil.example/keys");
                other.token(&head, claims)
            }),
        ),
        (
            "a changed word",
            Box::new(|claims| {
                let token = elsewhere.key.token(&head("RS256", "one"), claims);
                let parts: Vec<&str> = token.split('.').collect();
                let mut changed = claims.clone();
                changed["email"] = json!("lead@example.org");
                format!("{}.{}.{}", parts[0], encoded(changed.to_string().as_bytes()), parts[2])
            }),
        ),
        (
            "half a signature",
            Box::new(|claims| {
                let token = elsewhere.key.token(&head("RS256", "one"), claims);
                token[..token.len() - 100].to_owned()
            }),
        ),
        (
            "one part too many",
            Box::new(|claims| format!("{}.x", elsewhere.key.token(&head("RS256", "one"), claims))),
        ),
        ("no token", Box::new(|_| "x".to_owned())),
        ("an endless one", Box::new(|_| "a".repeat(40_000))),
    ];
    for (what, made) in cases {
        let mut browser = elsewhere.door.browser();
        let way = elsewhere.go(&mut browser, "/sign-in/oidc").await;
        let token = made(&elsewhere.claims(&way));
        let page = browser.get(&back(&elsewhere.answer(&way, token))).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{what}: {page:?}");
        assert_eq!(who(&mut browser).await, None, "{what}");
    }
    let mut browser = elsewhere.door.browser();
    assert_eq!(elsewhere.sign_in(&mut browser, |_| {}).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn t15_what_comes_back_belongs_to_the_browser_that_went_and_is_taken_once() {
    let elsewhere = Elsewhere::new(Key::ed(), |_| {}).await;
    let good = async |browser: &mut Browser| {
        let way = elsewhere.go(browser, "/sign-in/oidc").await;
        let token = elsewhere.key.token(&elsewhere.head(), &elsewhere.claims(&way));
        elsewhere.answer(&way, token)
    };
    type Change = fn(&mut Map<String, Value>);
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
