//! Builds that bring the token of another issuer (trust.md, T13): which are exchanged, and every one that is not.

use std::sync::Arc;

use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};
use towpath_core::ids::{Name, Person};
use towpath_core::matrix::Matrix;
use towpath_core::people::Verb;
use towpath_core::tokens::Bounds;
use towpath_core::units::Span;
use towpath_ports::clock::Clock;
use towpath_server::signin::{Workload, Workloads};

use crate::browser::{Door, Page};
use crate::issuer::{Issuer, Key, bare, encoded, shared};
use crate::world::As;

const WORDS: &str = "
    people: lead lead; ada developer; bot ci builder; bot robot builder
    staging: root, tier staging, steps 100%/1m";
const AUDIENCE: &str = "https://towpath.example";
const SUBJECT: &str = "repo:acme/shop:ref:refs/heads/main";

struct Builds {
    door: Door,
    issuer: Issuer,
    key: Key,
}

impl Builds {
    async fn new(change: impl FnOnce(&mut Workload)) -> Self {
        let key = Key::rsa();
        let issuer = Issuer::new(vec![key.listed("one")]).await;
        let mut workload = Workload {
            project: None,
            acts_as: Person::new("ci").unwrap(),
            issuer: issuer.url.clone(),
            audience: AUDIENCE.to_owned(),
            subject: SUBJECT.to_owned(),
            claims: [("repository_id".to_owned(), "4711".to_owned())].into(),
            bounds: Bounds { verbs: [Verb::CreateRelease].into(), ..Bounds::default() },
            lasts: Span::hours(1),
            keys_file: None,
        };
        change(&mut workload);
        let door = Door::with_workloads(
            WORDS,
            |_: &mut Matrix| {},
            |clock| Workloads::new(vec![workload], &(clock as Arc<dyn Clock>)).unwrap(),
        );
        Self { door: door.await, issuer, key }
    }

    fn claims(&self) -> Value {
        let now = self.door.world.now().0 / 1_000_000;
        json!({
            "iss": self.issuer.url, "aud": AUDIENCE, "sub": SUBJECT, "repository_id": "4711",
            "iat": now, "nbf": now, "exp": now + 300, "jti": "a",
        })
    }

    async fn exchange(&self, token: &str) -> Page {
        self.sent(Method::POST, "/v1/tokens/exchange", token).await
    }

    async fn sent(&self, method: Method, path: &str, token: &str) -> Page {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("x-request-id", "the-same")];
        self.door.browser().send(method, path, &headers, "").await
    }
}

fn head() -> Value {
    json!({ "alg": "RS256", "kid": "one", "typ": "JWT" })
}

fn body(page: &Page) -> Value {
    serde_json::from_str(&page.text).unwrap()
}

#[tokio::test]
async fn a_build_exchanges_its_own_token_for_one_of_ours_that_ends_soon() {
    let builds = Builds::new(|_| {}).await;
    let token = builds.key.token(&head(), &builds.claims());
    let page = builds.exchange(&token).await;
    assert_eq!(page.status, StatusCode::CREATED, "{page:?}");
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    let ours = body(&page)["token"].as_str().unwrap().to_owned();
    assert_eq!(body(&page)["owner"], "ci");
    let you = builds.sent(Method::GET, "/v1/you", &ours).await;
    assert_eq!(body(&you)["you"], "ci", "{you:?}");
    let made = builds.door.world.create_release("3.0.0", "ada").await;
    assert!(made.status.is_success());
    let world = &builds.door.world;
    assert!(world.release_of("4.0.0", "ada", &As::Token(&ours)).await.status.is_success());
    // It reaches what the settings say, and not all that the program may.
    let order = json!({ "release": "4.0.0", "by": "nobody" });
    let path = "/v1/lanes/app/staging/promotions";
    let refused = world.post(&As::Token(&ours), path, &order).await;
    assert!(refused.status.is_client_error(), "{refused:?}");
    // The journal says who vouched for whom.
    let rows = world.engine.events(0, 1000).await.unwrap();
    let row = rows.iter().rfind(|row| row.kind == "token-created").unwrap();
    assert_eq!(row.actor, "ci");
    world.pass(Span::hours(1));
    let over = builds.sent(Method::GET, "/v1/you", &ours).await;
    assert_eq!(over.status, StatusCode::UNAUTHORIZED);
}

/// What is wrong with a token that was signed well.
type Wrong = (&'static str, fn(&Builds, &mut Value, &mut Value));

const CASES: [Wrong; 32] = [
    ("another issuer", |_, _, claims| claims["iss"] = json!("https://evil.example")),
    ("the issuer with a slash", |it, _, claims| {
        claims["iss"] = json!(format!("{}/", it.issuer.url));
    }),
    ("no issuer", |_, _, claims| drop(claims.as_object_mut().unwrap().remove("iss"))),
    ("another audience", |_, _, claims| claims["aud"] = json!("sts.amazonaws.com")),
    ("no audience", |_, _, claims| drop(claims.as_object_mut().unwrap().remove("aud"))),
    ("an audience and another", |_, _, claims| {
        claims["aud"] = json!([AUDIENCE, "sts.amazonaws.com"]);
    }),
    ("an audience below it", |_, _, claims| claims["aud"] = json!(format!("{AUDIENCE}/x"))),
    ("no audience in a list", |_, _, claims| claims["aud"] = json!([])),
    ("another repository", |_, _, claims| {
        claims["sub"] = json!("repo:evil/shop:ref:refs/heads/main");
    }),
    ("another branch", |_, _, claims| claims["sub"] = json!("repo:acme/shop:ref:refs/heads/mine")),
    ("a branch that begins alike", |_, _, claims| claims["sub"] = json!(format!("{SUBJECT}-mine"))),
    ("a pull request", |_, _, claims| claims["sub"] = json!("repo:acme/shop:pull_request")),
    ("the subject in capitals", |_, _, claims| claims["sub"] = json!(SUBJECT.to_uppercase())),
    ("no subject", |_, _, claims| drop(claims.as_object_mut().unwrap().remove("sub"))),
    ("a pattern", |_, _, claims| claims["sub"] = json!("*")),
    ("a list of subjects", |_, _, claims| claims["sub"] = json!([SUBJECT])),
    ("a repository of that name, made anew", |_, _, claims| {
        claims["repository_id"] = json!("4712");
    }),
    ("a claim that is missing", |_, _, claims| {
        drop(claims.as_object_mut().unwrap().remove("repository_id"));
    }),
    ("a claim in a list", |_, _, claims| claims["repository_id"] = json!(["4711"])),
    ("over", |_, _, claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 60)),
    ("no end", |_, _, claims| drop(claims.as_object_mut().unwrap().remove("exp"))),
    ("not yet", |_, _, claims| claims["nbf"] = json!(claims["iat"].as_i64().unwrap() + 120)),
    ("made in the future", |_, _, claims| {
        claims["iat"] = json!(claims["iat"].as_i64().unwrap() + 120);
    }),
    ("made at no time", |_, _, claims| drop(claims.as_object_mut().unwrap().remove("iat"))),
    ("a key that is not listed", |_, head, _| head["kid"] = json!("two")),
    ("another algorithm", |_, head, _| head["alg"] = json!("PS256")),
    ("an algorithm of another kind", |_, head, _| head["alg"] = json!("ES256")),
    ("something critical", |_, head, _| head["crit"] = json!(["b64"])),
    ("a token of access", |_, head, _| head["typ"] = json!("at+jwt")),
    ("a token of signing out", |_, head, _| head["typ"] = json!("logout+jwt")),
    ("an end in words", |_, _, claims| claims["exp"] = json!("tomorrow")),
    ("an end beyond time", |_, _, claims| claims["exp"] = json!(1e300)),
];

#[tokio::test]
async fn t13_no_token_but_the_one_that_is_pinned_is_exchanged() {
    let builds = Builds::new(|_| {}).await;
    let other = Key::rsa();
    let listed = builds.key.listed("one");
    let modulus = listed["n"].as_str().unwrap().as_bytes().to_vec();
    let mut tokens = Vec::new();
    for (number, (what, wrong)) in CASES.into_iter().enumerate() {
        let (mut head, mut claims) = (head(), builds.claims());
        claims["jti"] = json!(format!("{number}"));
        wrong(&builds, &mut head, &mut claims);
        tokens.push((what, builds.key.token(&head, &claims)));
    }
    let claims = builds.claims();
    let by = |alg: &str| json!({ "alg": alg, "kid": "one" });
    let good = builds.key.token(&head(), &claims);
    tokens.extend([
        ("none", bare(&by("none"), &claims)),
        ("NONE", bare(&by("NONE"), &claims)),
        ("nothing", bare(&by("RS256"), &claims)),
        ("the public key", shared(&modulus, &by("HS256"), &claims)),
        ("another key", other.token(&head(), &claims)),
        ("half", good[..good.len() - 9].to_owned()),
        ("two parts", good.rsplit_once('.').unwrap().0.to_owned()),
        ("garbage", "nothing".to_owned()),
        ("garbage with dots", "a.b.c".to_owned()),
        ("a changed word", {
            let mut changed = claims.clone();
            changed["exp"] = json!(4_102_444_800_i64);
            let parts: Vec<&str> = good.split('.').collect();
            format!("{}.{}.{}", parts[0], encoded(changed.to_string().as_bytes()), parts[2])
        }),
        ("an endless one", format!("e.{}.c", "a".repeat(30_000))),
    ]);
    assert!(tokens.len() >= 40, "{}", tokens.len());
    let before = builds.door.world.kinds().await;
    let garbage = builds.exchange("twp_nothing").await;
    for (what, token) in tokens {
        let page = builds.exchange(&token).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{what}");
        assert_eq!(page.text, garbage.text, "{what} is told from any other");
    }
    assert_eq!(builds.door.world.kinds().await, before);
    let page = builds.exchange(&good).await;
    assert_eq!(page.status, StatusCode::CREATED, "a good one still is: {page:?}");
    // And that one once.
    let again = builds.exchange(&good).await;
    assert_eq!(
        (again.status, again.text),
        (StatusCode::UNAUTHORIZED, garbage.text.clone()),
        "replayed"
    );
    let mut renewed = builds.claims();
    renewed["exp"] = json!(renewed["exp"].as_i64().unwrap() + 60);
    let same_number = builds.key.token(&head(), &renewed);
    assert_eq!(builds.exchange(&same_number).await.text, garbage.text, "of the same number");
}

#[tokio::test]
async fn cve_b05_the_token_of_another_issuer_opens_no_address_but_that_of_the_exchange() {
    let builds = Builds::new(|_| {}).await;
    let good = builds.key.token(&head(), &builds.claims());
    for route in towpath_server::routes::routes() {
        let path = crate::world::place(route.path);
        if path == "/v1/tokens/exchange" {
            continue;
        }
        let page = builds.sent(route.method.clone(), &path, &good).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{} {path}", route.method);
    }
    for path in ["/v1/nothing", "/v1/tokens/exchange/x"] {
        assert_eq!(builds.sent(Method::POST, path, &good).await.status, StatusCode::UNAUTHORIZED);
    }
    // Nor does anybody else exchange anything.
    let page = builds.door.browser().send(Method::POST, "/v1/tokens/exchange", &[], "").await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    let page = builds.door.world.post(&As::Person("lead"), "/v1/tokens/exchange", &json!({})).await;
    assert_eq!((page.status, page.code()), (StatusCode::FORBIDDEN, "not-vouched"));
    assert_eq!(builds.exchange(&good).await.status, StatusCode::CREATED, "none of it used it up");
}

#[tokio::test]
async fn t13_a_build_has_no_more_than_its_program_and_only_as_long_as_that_is_one() {
    // A person is nobody's workload, and a program that the matrix does not name is none.
    for name in ["lead", "eve"] {
        let builds = Builds::new(|workload| workload.acts_as = Person::new(name).unwrap()).await;
        let token = builds.key.token(&head(), &builds.claims());
        assert_eq!(builds.exchange(&token).await.status, StatusCode::UNAUTHORIZED, "{name}");
    }
    // What the program may not itself no settings give it.
    let builds = Builds::new(|workload| workload.bounds.verbs = [Verb::ApplyMatrix].into()).await;
    let token = builds.key.token(&head(), &builds.claims());
    let page = builds.exchange(&token).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{page:?}");
    // Of another project of the server it is nobody.
    let elsewhere = |workload: &mut Workload| workload.project = Some(Name::new("desk").unwrap());
    let builds = Builds::new(elsewhere).await;
    let token = builds.key.token(&head(), &builds.claims());
    assert_eq!(builds.exchange(&token).await.status, StatusCode::UNAUTHORIZED);
    // Losing its place ends what it was given (B24).
    let builds = Builds::new(|_| {}).await;
    let token = builds.key.token(&head(), &builds.claims());
    let ours = body(&builds.exchange(&token).await)["token"].as_str().unwrap().to_owned();
    let mut matrix = builds.door.world.matrix.clone();
    matrix.people.remove(&Person::new("ci").unwrap());
    builds.door.world.apply(&matrix).await;
    assert_eq!(builds.sent(Method::GET, "/v1/you", &ours).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn keys_in_a_file_do_where_an_issuer_cannot_be_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    let place = file.clone();
    let builds = Builds::new(move |workload| workload.keys_file = Some(place)).await;
    let exchange = async |number: &str| {
        let mut claims = builds.claims();
        claims["jti"] = json!(number);
        builds.exchange(&builds.key.token(&head(), &claims)).await.status
    };
    assert_eq!(exchange("1").await, StatusCode::UNAUTHORIZED, "there is no file");
    std::fs::write(&file, "{ \"keys\": [] }").unwrap();
    assert_eq!(exchange("2").await, StatusCode::UNAUTHORIZED, "there is no key");
    std::fs::write(&file, json!({ "keys": [builds.key.listed("one")] }).to_string()).unwrap();
    assert_eq!(exchange("3").await, StatusCode::CREATED);
    assert_eq!(builds.issuer.asked("discovery") + builds.issuer.asked("keys"), 0);
    std::fs::write(&file, json!({ "keys": [Key::rsa().listed("one")] }).to_string()).unwrap();
    assert_eq!(exchange("4").await, StatusCode::UNAUTHORIZED, "another key counts at once");
}
