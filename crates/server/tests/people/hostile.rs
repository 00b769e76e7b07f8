//! What a stranger, a reader and a page of somebody else send, over the whole table of addresses (trust.md: T7, T18, and
//! B06, B08, B19 and B22 of peers). What is asked is made from the tables, so that no new address is forgotten.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use towpath_core::matrix::Matrix;
use towpath_core::units::Span;
use towpath_server::pages;
use towpath_server::routes::routes;

use crate::browser::{Door, encoded};
use crate::words::{LANE, WORLD, one_for_each, order};
use crate::world::{As, World, place};

const OWN: [(&str, &str); 2] =
    [("origin", "https://towpath.example"), ("sec-fetch-site", "same-origin")];

/// Where a form may say that it comes from, when it is none of ours.
const FORGED: [&[(&str, &str)]; 8] = [
    &[("origin", "https://evil.example")],
    &[("origin", "null")],
    &[("origin", "http://towpath.example")],
    &[("origin", "https://towpath.example:8443")],
    &[("origin", "https://towpath.example.evil.example")],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site"), ("origin", "https://towpath.example")],
    &[("sec-fetch-site", "none")],
];

/// The address of a page where something is.
fn page_at(path: &str) -> String {
    let path = place(path).replace("{version}", "1.0.0").replace("{file}", "x.css");
    let path = path.strip_prefix("/v1").unwrap().replace("{operation}", "promote");
    path.replace("{name}", "Name")
}

#[tokio::test]
async fn t7_every_form_of_every_page_is_refused_from_eight_origins() {
    let door = Door::new(WORLD, one_for_each).await;
    let path = format!("{LANE}/promotions");
    let ordered = door.world.post(&As::Person("promote"), &path, &order("1.0.0")).await;
    assert_eq!(ordered.status, StatusCode::ACCEPTED);
    door.has_password("lead").await;
    let mut lead = door.signed_in("lead").await;
    let form = lead.form_token().await;
    let body = encoded(&[("form", &form), ("seen", "x"), ("plan", "x"), ("reason", "x")]);
    let before = door.world.kinds().await;
    let (mut asked, mut foreign) = (0, None);
    for route in pages::routes().into_iter().filter(|route| route.method == Method::POST) {
        let path = page_at(route.path);
        for headers in FORGED {
            let seen = lead.send(Method::POST, &path, headers, &body).await;
            assert_eq!(seen.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
            let text = foreign.get_or_insert_with(|| seen.text.clone());
            assert_eq!(seen.text, *text, "{path} {headers:?}: for another reason than its origin");
            asked += 1;
        }
        // The same from our own page gets past that.
        let seen = lead.send(Method::POST, &path, &OWN, &body).await;
        assert_ne!(Some(seen.text), foreign, "{path}");
    }
    assert!(asked >= 8 * 15, "{asked}");
    let after = door.world.kinds().await;
    let own = after[before.len()..].iter().filter(|kind| !kind.starts_with("session"));
    assert_eq!(own.count(), 0, "{after:?}");
}

/// Numbers that look like chance and are the same each time (Marsaglia, xorshift64).
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }

    /// A text of visible signs, among them those that parsers split at.
    fn text(&mut self, most: usize) -> String {
        const SIGNS: &[u8] = b"\"%&'()*,-./:;<=>?@[\\]^_{|}~ 0aAzZ9eJ";
        let length = self.next(most);
        (0..length).map(|_| char::from(SIGNS[self.next(SIGNS.len())])).collect()
    }

    /// A text with one sign of it changed, left out or doubled.
    fn changed(&mut self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let at = self.next(bytes.len());
        match self.next(3) {
            0 => drop(bytes.remove(at)),
            1 => bytes.insert(at, bytes[at]),
            _ => bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' },
        }
        String::from_utf8(bytes).unwrap()
    }
}

#[tokio::test]
async fn t18_whatever_a_stranger_sends_is_answered_and_opens_nothing() {
    let door = Door::new(WORLD, one_for_each).await;
    door.has_password("ada").await;
    let ada = door.signed_in("ada").await;
    let cookie = ada.cookie.clone().unwrap();
    let made = door.world.post(&As::Person("ada"), "/v1/tokens", &json!({ "name": "one" })).await;
    let token = made.body["token"].as_str().unwrap().to_owned();
    let before = door.world.kinds().await;
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for turn in 0..3000 {
        let cut = |text: String| text.replace(['\r', '\n'], "");
        let (name, value) = match turn % 6 {
            0 => ("authorization", cut(format!("Bearer {}", chance.changed(&token)))),
            1 => ("authorization", cut(chance.text(200))),
            2 => (
                "authorization",
                format!("Bearer {}.{}.{}", chance.text(60), chance.text(60), chance.text(60)),
            ),
            3 => (
                "cookie",
                format!("__Host-towpath={}", chance.changed(cookie.split('=').nth(1).unwrap())),
            ),
            4 => ("cookie", chance.text(300)),
            _ => ("x-forwarded-for", chance.text(100)),
        };
        let mut nobody = door.browser();
        let headers = [(name, value.as_str()), ("forwarded", value.as_str())];
        let seen = nobody.send(Method::GET, "/v1/status", &headers, "").await;
        assert_eq!(seen.status, StatusCode::UNAUTHORIZED, "{headers:?}");
        assert!(!seen.text.contains("lanes"), "{headers:?}");
    }
    assert_eq!(door.world.kinds().await, before);
}

#[tokio::test]
async fn t18_no_cursor_that_a_list_did_not_give_is_followed() {
    let world = World::new(WORLD, one_for_each).await;
    for version in ["3.0.0", "4.0.0"] {
        assert!(world.create_release(version, "ada").await.status.is_success());
    }
    let lead = As::Person("lead");
    let request =
        axum::http::Request::get("/v1/releases?limit=1").header("towpath-acting-as", "lead");
    let (parts, _) = world.send(request.body(axum::body::Body::empty()).unwrap()).await;
    let link = parts.headers["link"].to_str().unwrap();
    let cursor = link.split("cursor=").nth(1).unwrap().split('>').next().unwrap().to_owned();
    let at = |cursor: &str| {
        let cursor: String = form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
        format!("/v1/releases?limit=1&cursor={cursor}")
    };
    assert_eq!(world.get(&lead, &at(&cursor)).await.status, StatusCode::OK);
    let mut chance = Chance(0x2545_f491_4f6c_dd1d);
    for turn in 0..2000 {
        let wrong = if turn % 2 == 0 { chance.changed(&cursor) } else { chance.text(120) };
        let answer = world.get(&lead, &at(&wrong)).await;
        let found = (answer.status, answer.code());
        assert_eq!(found, (StatusCode::BAD_REQUEST, "bad-cursor"), "{wrong}: {answer:?}");
    }
}

const SECRET: &str = "hunter2-and-more";
const NEXT: &str = "hunter3-and-more";

fn with_secret(matrix: &mut Matrix, secret: &str) {
    for environment in &mut matrix.environments {
        for lane in environment.lanes.values_mut() {
            lane.settings.insert("DB_PASSWORD".to_owned(), secret.to_owned());
        }
    }
}

fn guarded(matrix: &mut Matrix) {
    one_for_each(matrix);
    with_secret(matrix, SECRET);
}

/// Addresses that are read and come to an end.
fn readable() -> impl Iterator<Item = String> {
    let routes = routes().into_iter().filter(|route| route.method == Method::GET);
    routes.map(|route| place(route.path)).filter(|path| !path.ends_with("/stream"))
}

#[tokio::test]
async fn cve_b06_whoever_may_only_look_is_shown_no_credentials_however_much_is_asked_for() {
    let door = Door::new(WORLD, guarded).await;
    let lead = As::Person("lead");
    let made = door.world.post(&lead, "/v1/tokens", &json!({ "name": "looks" })).await;
    let token = made.body["token"].as_str().unwrap().to_owned();
    let looks = As::Token(&token);
    let path = format!("{LANE}/promotions");
    door.world.post(&As::Person("promote"), &path, &order("1.0.0")).await;
    let (mut read, mut shown) = (0, 0);
    for path in readable() {
        for query in ["", "?limit=200", "?details=true", "?include=secrets&full=1", "?covers=1"] {
            let answer = door.world.get(&looks, &format!("{path}{query}")).await;
            assert!(!answer.text.contains(SECRET), "{path}{query}: {}", answer.text);
            assert!(!answer.text.contains(&token), "{path}{query}: {}", answer.text);
            read += usize::from(answer.status == StatusCode::OK);
            shown += usize::from(answer.text.contains("DB_PASSWORD"));
        }
    }
    assert!(read > 30 && shown > 0, "{read} answers, of which {shown} name the secret");
    door.has_password("ada").await;
    let mut ada = door.signed_in("ada").await;
    let all = pages::routes().into_iter();
    for route in all.filter(|route| route.method == Method::GET && route.path != "/live") {
        let seen = ada.get(&page_at(route.path)).await;
        assert!(!seen.text.contains(SECRET) && !seen.text.contains(&token), "{}", route.path);
    }
}

#[tokio::test]
async fn cve_b08_no_refusal_and_no_difference_repeats_a_secret() {
    let door = Door::new(WORLD, guarded).await;
    let world = &door.world;
    let lead = As::Person("lead");
    let mut changed = world.matrix.clone();
    with_secret(&mut changed, NEXT);
    let good = json!({ "matrix": changed, "by": "lead" });
    let wrong = |change: fn(&mut Value)| {
        let mut body = good.clone();
        change(&mut body);
        body
    };
    let bodies = [
        wrong(|body| body["unknown"] = json!(true)),
        wrong(|body| body["matrix"]["environments"][0]["lanes"] = json!([])),
        wrong(|body| body["by"] = json!(["lead"])),
        wrong(|body| body["signed"] = json!("none")),
    ];
    let mut answers = Vec::new();
    for path in ["/v1/matrix", "/v1/matrix/asked"] {
        for body in &bodies {
            let answer = world.post(&lead, path, body).await;
            assert!(answer.status.is_client_error(), "{path} {answer:?}");
            answers.push((path.to_owned(), answer.text));
        }
        // Whoever may not is refused with all of it in hand.
        answers
            .push((path.to_owned(), world.post(&As::Person("stranger"), path, &good).await.text));
    }
    let applied = world.post(&lead, "/v1/matrix", &good).await;
    assert!(applied.status.is_success(), "{applied:?}");
    answers.push(("applied".to_owned(), applied.text));
    for path in readable() {
        answers.push((path.clone(), world.get(&lead, &path).await.text));
    }
    door.has_password("ada").await;
    let mut ada = door.signed_in("ada").await;
    for path in
        ["/matrix", "/audit", "/audit/1", "/audit/2", "/audit/3", "/compare", "/lanes/app/staging"]
    {
        answers.push((path.to_owned(), ada.get(path).await.text));
    }
    for (path, text) in &answers {
        assert!(!text.contains(SECRET) && !text.contains(NEXT), "{path}: {text}");
    }
    let changes = answers.iter().any(|(_, text)| text.contains("settings.DB_PASSWORD"));
    assert!(changes, "the change is told, by its place");
}

#[tokio::test]
async fn cve_b19_no_name_in_an_address_leads_to_another_one() {
    let world = World::new(WORLD, one_for_each).await;
    let lead = As::Person("lead");
    let path = format!("{LANE}/promotions");
    let begun = world.post(&As::Person("promote"), &path, &order("1.0.0")).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{begun:?}");
    let before = world.kinds().await;
    let names = [
        "..%2f..%2fx%3f",
        "%2e%2e%2f%2e%2e",
        "..%5c..%5cx",
        "%252e%252e%252f",
        "1%2fabort",
        "1%3fx=1",
        "1%23",
        "1;x",
        "%00",
        "javascript:alert(1)",
        "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "1%0d%0aset-cookie:x=1",
        "-1",
        "1.0",
        "%E2%80%AE1",
    ];
    let mut asked = 0;
    for route in routes().into_iter().filter(|route| route.path.contains('{')) {
        for name in names {
            let parts = route.path.split('/');
            let named: Vec<&str> =
                parts.map(|part| if part.starts_with('{') { name } else { part }).collect();
            let path = format!("/v1{}", named.join("/"));
            let body = json!({ "by": "lead" });
            let answer = world.ask(&lead, route.method.clone(), &path, &body).await;
            assert!(answer.status.is_client_error(), "{} {path}: {answer:?}", route.method);
            assert!(answer.body["code"].is_string(), "{} {path}: {answer:?}", route.method);
            asked += 1;
        }
    }
    assert!(asked > 300, "{asked}");
    assert_eq!(world.kinds().await, before, "something was written");
}

#[tokio::test]
async fn cve_b22_no_child_outlives_its_parent_and_nobody_lengthens_a_life() {
    let world = World::new(WORLD, one_for_each).await;
    let lead = As::Person("lead");
    let lasting = |name: &str, span: Span| json!({ "name": name, "for": span.milliseconds() });
    let made = async |who: &As<'_>, body: &Value| {
        let answer = world.post(who, "/v1/tokens", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        let text = |key: &str| answer.body[key].as_str().unwrap().to_owned();
        (text("token"), text("id"))
    };
    let opens = async |token: &str| world.get(&As::Token(token), "/v1/status").await.status;
    let (parent, parent_id) = made(&lead, &lasting("parent", Span::hours(2))).await;
    let parent = As::Token(&parent);
    let (child, _) = made(&parent, &lasting("child", Span::hours(1))).await;
    let (grandchild, _) = made(&As::Token(&child), &lasting("grandchild", Span::minutes(30))).await;
    for longer in [Span::hours(3), Span(2 * 3_600_000 + 1), Span::hours(24 * 90)] {
        let answer = world.post(&parent, "/v1/tokens", &lasting("longer", longer)).await;
        assert_eq!(answer.code(), "outlives", "{answer:?}");
    }
    let again =
        world.post(&As::Token(&child), "/v1/tokens", &lasting("longer", Span::hours(2))).await;
    assert_eq!(again.code(), "outlives", "not by way of a child: {again:?}");
    world.pass(Span::minutes(45));
    assert_eq!(opens(&child).await, StatusCode::OK);
    assert_eq!(opens(&grandchild).await, StatusCode::UNAUTHORIZED, "its time is over");
    let ended = world.post(&lead, &format!("/v1/tokens/{parent_id}/revoke"), &json!({})).await;
    assert_eq!(ended.status, StatusCode::OK, "{ended:?}");
    assert_eq!(opens(&child).await, StatusCode::UNAUTHORIZED, "a child ends with its parent");
}
