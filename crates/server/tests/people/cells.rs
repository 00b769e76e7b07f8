//! Who may what, cell by cell: every row of both tables of URLs, asked by everybody whom there is. What is asked is
//! made from the tables, so that a new URL is in here before anybody thinks of it.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use towpath_core::ids::Name;
use towpath_core::people::Verb;
use towpath_core::units::{Span, Timestamp};
use towpath_server::pages;
use towpath_server::route::{Effect, Route, Rule};
use towpath_server::routes::routes;
use towpath_testkit::declared::{self, ReleaseWords};

use crate::browser::{Browser, Door};
use crate::words::{LANE, WORLD, one_for_each, order, orders, person, role};
use crate::world::{As, World, place};

/// Who asks for a cell.
enum Who {
    /// Nobody known: without anything, or with what opens nothing.
    Nobody(Vec<(&'static str, String)>),
    /// A person at the machine.
    Here(String),
    /// Whoever has this token of theirs, over the network.
    Token(String, String),
    /// Whoever signed in: their API is for looking.
    Session(Box<Browser>),
}

/// Bodies for rows that [`orders`] leaves aside: what can be read, about nothing that there is.
fn body(world: &World, path: &str) -> Value {
    if let Some((_, _, body)) = orders(world).into_iter().find(|(_, own, _)| own == path) {
        return body;
    }
    let digest = format!("sha256:{:064}", 1);
    match path.strip_prefix("/v1").unwrap() {
        "/matrix/asked" => json!({ "matrix": world.matrix, "by": "lead" }),
        "/matrix/proposal" => {
            json!({ "by": "x", "plan": "0123456789ab", "agrees": false, "note": "x" })
        }
        "/evidence/withdraw" => json!({ "by": "x", "digest": digest, "reason": "x" }),
        "/releases" => {
            let words = ReleaseWords { content: "eight".to_owned(), ..ReleaseWords::default() };
            let service = Name::new(declared::ONLY_SERVICE).unwrap();
            let release = declared::release(&service, "8.0.0", &words, Timestamp(0)).unwrap();
            json!({ "release": release, "by": "x" })
        }
        "/uploads/missing" => json!({ "by": "x", "digests": [digest] }),
        "/tokens" => json!({ "name": "another", "may": [], "for": 60_000 }),
        "/tokens/0123456789ab/revoke" => json!({ "reason": "x" }),
        rest if rest.ends_with("/plan") => order("2.0.0"),
        rest if rest.ends_with("/quarantine/lift") => {
            json!({ "by": "x", "release": "9.9.9", "reason": "x" })
        }
        _ => json!({}),
    }
}

/// Rows whose subject is not there in this test: whoever may not order them may be told that instead.
const NOWHERE: [&str; 5] =
    ["/attestations", "/matrix/proposal", "/evidence/withdraw", "/lift", "/revoke"];

async fn ask(door: &mut Door, who: &mut Who, route: &Route, path: &str) -> (u16, String) {
    let text = if route.effect == Effect::Looks {
        String::new()
    } else {
        body(&door.world, path).to_string()
    };
    let key = format!("cell-{}", towpath_server::new_key_of_order().unwrap());
    let mut headers = vec![("content-type", "application/json"), ("idempotency-key", key.as_str())];
    let held;
    let answer = match who {
        Who::Here(name) => {
            let request = Request::builder().method(route.method.clone()).uri(path);
            let request =
                headers.iter().fold(request, |it, (name, value)| it.header(*name, *value));
            let request = request.header(towpath_server::ACTING_AS, name.as_str());
            let (parts, body) = door.world.answered(request.body(Body::from(text)).unwrap()).await;
            Response::from_parts(parts, body)
        }
        Who::Nobody(more) => {
            headers.extend(more.iter().map(|(name, value)| (*name, value.as_str())));
            door.browser().ask(route.method.clone(), path, &headers, &text).await
        }
        Who::Token(_, secret) => {
            held = format!("Bearer {secret}");
            headers.push(("authorization", &held));
            door.browser().ask(route.method.clone(), path, &headers, &text).await
        }
        Who::Session(browser) => browser.ask(route.method.clone(), path, &headers, &text).await,
    };
    let status = answer.status().as_u16();
    // A stream that is open has no end.
    if status == 200 {
        return (status, String::new());
    }
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 24).await.unwrap();
    let said: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    (status, said["code"].as_str().unwrap_or_default().to_owned())
}

/// What a cell must be.
#[derive(Debug, PartialEq, Eq)]
enum Cell {
    /// Nobody is known: 401, the same for every cause.
    Closed,
    /// Somebody is known, and may not: 403, or nothing that they may not either.
    Refused,
    /// They may: whatever else is wrong with it.
    Open,
}

fn verb_of(rule: Rule) -> Option<Verb> {
    match rule {
        Rule::Order(verb) | Rule::Probe(verb) => Some(verb),
        _ => None,
    }
}

#[expect(clippy::match_same_arms, reason = "it is read from the top, and each arm has its reason")]
fn wanted(world: &World, who: &Who, route: &Route) -> Cell {
    let may = |name: &str, rule: Rule| {
        let spec = world.matrix.people.get(&person(name));
        let roles = verb_of(rule).map(|verb| world.matrix.who_may[&verb].clone());
        let has = spec
            .zip(roles)
            .is_some_and(|(spec, roles)| roles.iter().any(|role| spec.roles.contains(role)));
        // A program gives no word, whatever its roles.
        has && !(spec.is_some_and(|spec| spec.bot) && rule == Rule::Order(Verb::Approve))
    };
    let cell = |is_open| if is_open { Cell::Open } else { Cell::Refused };
    match (who, route.rule) {
        // What opens nothing is refused everywhere, so that whoever tries tokens learns nothing.
        (Who::Nobody(headers), Rule::Public) => {
            let has_bearer = headers.iter().any(|(name, _)| *name == "authorization");
            if has_bearer { Cell::Closed } else { Cell::Open }
        }
        (Who::Nobody(_), _) => Cell::Closed,
        (_, Rule::Public | Rule::Look) if route.effect == Effect::Looks => Cell::Open,
        (Who::Session(_), _) => Cell::Closed,
        // Whom the project does not name has nothing of their own in it.
        (Who::Here(name), Rule::Own) if !world.matrix.people.contains_key(&person(name)) => {
            Cell::Refused
        }
        (_, Rule::Public | Rule::Look | Rule::Own) => Cell::Open,
        // A link is for people whom the project names: a program does not sign in.
        (Who::Here(name), Rule::Machine) if route.id == "create_sign_in_link" => {
            cell(world.matrix.people.get(&person(name)).is_some_and(|spec| !spec.bot))
        }
        (Who::Here(_), Rule::Machine) => Cell::Open,
        (Who::Token(..), Rule::Machine) => Cell::Refused,
        // Of the machine's own users whoever may look may have things asked.
        (Who::Here(name), Rule::Probe(Verb::CreateRelease)) => cell(may(name, route.rule)),
        (Who::Here(_), Rule::Probe(_)) => Cell::Open,
        (Who::Here(name) | Who::Token(name, _), rule) => cell(may(name, rule)),
    }
}

/// Tokens that open nothing: one that is over, one of another project, and what is none.
async fn closed(door: &Door) -> Vec<Who> {
    let short = json!({ "name": "short", "for": 1000 });
    let made = door.world.post(&As::Person("ada"), "/v1/tokens", &short).await;
    let over = made.body["token"].as_str().unwrap().to_owned();
    door.world.pass(Span::seconds(2));
    let elsewhere = World::new(WORLD, one_for_each).await;
    let made =
        elsewhere.post(&As::Person("promote"), "/v1/tokens", &json!({ "name": "one" })).await;
    let foreign = made.body["token"].as_str().unwrap().to_owned();
    let mut all = vec![Who::Nobody(Vec::new())];
    // Told apart from a machine's own user: over the network nobody plays anybody.
    all.push(Who::Nobody(vec![("towpath-acting-as", "lead".to_owned())]));
    all.push(Who::Nobody(vec![("cookie", "towpath_session=nothing".to_owned())]));
    for bearer in ["nothing", "null", "", &over, &foreign] {
        all.push(Who::Nobody(vec![("authorization", format!("Bearer {bearer}"))]));
    }
    all
}

/// Everybody who is known: each role, whoever has none, a program; here and by a token for all that they may.
async fn known(door: &Door) -> Vec<Who> {
    let mut all = Vec::new();
    let roles = Verb::ALL.map(role);
    for name in roles.iter().map(String::as_str).chain(["lead", "ada", "robot", "stranger"]) {
        all.push(Who::Here(name.to_owned()));
        if name == "stranger" {
            continue;
        }
        let who = As::Person(name);
        let spec = &door.world.matrix.people[&person(name)];
        let may = Verb::ALL.into_iter().filter(|verb| {
            door.world.matrix.who_may[verb].iter().any(|role| spec.roles.contains(role))
        });
        // A program gives no word, and no token for one.
        let may = may.filter(|verb| !(spec.bot && *verb == Verb::Approve));
        let may: Vec<&str> = may.map(Verb::key).collect();
        let made = json!({ "name": "all", "may": may });
        let made = door.world.post(&who, "/v1/tokens", &made).await;
        assert_eq!(made.status, StatusCode::CREATED, "{name}: {made:?}");
        all.push(Who::Token(name.to_owned(), made.body["token"].as_str().unwrap().to_owned()));
    }
    // Whoever looks alone.
    let looks =
        door.world.post(&As::Person("lead"), "/v1/tokens", &json!({ "name": "looks" })).await;
    all.push(Who::Token("nobody".to_owned(), looks.body["token"].as_str().unwrap().to_owned()));
    door.has_password("lead").await;
    all.push(Who::Session(Box::new(door.signed_in("lead").await)));
    all
}

/// Asks for one cell, which must be as it is wanted.
async fn cell(door: &mut Door, who: &mut Who, route: &Route, path: &str, wanted: &Cell) {
    let before = door.world.kinds().await;
    let (status, code) = ask(door, who, route, path).await;
    let nowhere = NOWHERE.iter().any(|end| path.ends_with(end));
    let is_so = match wanted {
        Cell::Closed => status == 401,
        Cell::Refused => status == 403 || (status == 404 && nowhere),
        Cell::Open => status != 401 && status != 403 && status < 500,
    };
    let name = match who {
        Who::Nobody(headers) => format!("{headers:?}"),
        Who::Here(name) => format!("{name} here"),
        Who::Token(name, _) => format!("a token of {name}"),
        Who::Session(_) => "a session".to_owned(),
    };
    assert!(is_so, "{} {path} by {name}: {status} {code}, and not {wanted:?}", route.method);
    if *wanted != Cell::Open {
        assert_eq!(door.world.kinds().await, before, "{path} by {name} wrote something");
    }
}

#[tokio::test]
async fn t2_every_cell_of_the_api_is_as_its_rule_says() {
    let mut door = Door::new(WORLD, one_for_each).await;
    let path = format!("{LANE}/promotions");
    let begun = door.world.post(&As::Person("promote"), &path, &order("1.0.0")).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{begun:?}");
    let mut everybody = closed(&door).await;
    everybody.extend(known(&door).await);
    let mut cells: BTreeMap<String, usize> = BTreeMap::new();
    // What is let in may end what the others are asked about, and comes last therefore.
    for is_last in [false, true] {
        for route in routes() {
            // Bytes are named by all of their digits.
            let whole = format!("/uploads/sha256:{:064}", 1);
            let path = place(route.path).replace("/uploads/0123456789ab", &whole);
            for who in &mut everybody {
                let wanted = wanted(&door.world, who, &route);
                // A stop would end what is asked, and a matrix that counts what may be; what is exchanged is
                // refused for its own sake, whoever brings it.
                let apart = ["stop_engine", "apply_matrix", "exchange_token"].contains(&route.id);
                if (wanted == Cell::Open) != is_last || (is_last && apart) {
                    continue;
                }
                cell(&mut door, who, &route, &path, &wanted).await;
                *cells.entry(format!("{wanted:?}")).or_default() += 1;
            }
        }
    }
    let all = routes().len() * everybody.len();
    let asked: usize = cells.values().sum();
    assert!(asked > all - 3 * everybody.len(), "{cells:?} of {all}");
    assert!(cells.values().all(|count| *count > 200), "{cells:?}");
}

#[tokio::test]
async fn t2_every_cell_of_the_pages_is_as_its_rule_says() {
    let door = Door::new(WORLD, one_for_each).await;
    let path = format!("{LANE}/promotions");
    door.world.post(&As::Person("promote"), &path, &order("1.0.0")).await;
    door.has_password("ada").await;
    let mut ada = door.signed_in("ada").await;
    let form = ada.form_token().await;
    let before = door.world.kinds().await;
    let garbage = vec![("cookie", "towpath_session=nothing")];
    let bearer = vec![("authorization", "Bearer nothing")];
    let mut asked = 0;
    for route in
        pages::routes().into_iter().filter(|route| route.path != "/" && route.path != "/waiting")
    {
        let path = place(route.path).replace("{version}", "1.0.0").replace("{file}", "x.css");
        let path = path.strip_prefix("/v1").unwrap().replace("{operation}", "promote");
        let path = path.replace("{name}", "Name");
        for headers in [Vec::new(), garbage.clone(), bearer.clone()] {
            let seen = door.browser().send(route.method.clone(), &path, &headers, "").await;
            if route.rule == Rule::Public {
                assert_ne!(seen.status, StatusCode::SEE_OTHER, "{path}");
                continue;
            }
            let is_led = seen.status == StatusCode::SEE_OTHER && seen.to().starts_with("/sign-in");
            let is_shut = route.method == Method::POST && seen.status.is_client_error();
            assert!(is_led || is_shut, "{} {path} {headers:?}: {}", route.method, seen.status);
            asked += 1;
        }
        if route.method == Method::GET {
            if route.path != "/live" {
                let seen = ada.get(&path).await;
                assert_ne!(seen.status, StatusCode::SEE_OTHER, "{path}");
            }
            continue;
        }
        // A form without the word of the session, from another place, and of whoever may not.
        let own = [("origin", "https://towpath.example"), ("sec-fetch-site", "same-origin")];
        let foreign = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
        let fields = format!("form={form}&seen=x&plan=x&reason=x&note=x&release=1.0.0&title=x");
        for (headers, body) in [(own, "form=guessed"), (own, ""), (foreign, fields.as_str())] {
            let seen = ada.send(Method::POST, &path, &headers, body).await;
            assert_eq!(seen.status, StatusCode::FORBIDDEN, "{path} {body}");
            asked += 1;
        }
        let seen = ada.send(Method::POST, &path, &own, &fields).await;
        assert!(
            !seen.status.is_success() && seen.status != StatusCode::INTERNAL_SERVER_ERROR,
            "{path}: {}",
            seen.status
        );
    }
    assert!(asked > 40, "{asked}");
    assert_eq!(door.world.kinds().await, before, "something was written");
}
