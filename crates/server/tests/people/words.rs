//! Whose word counts, by the real routes: every route asks for its right (T2, B01, B02, B18), nobody agrees
//! to their own (T3), and no word outlives what it was about (T4).

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use towpath_core::ids::{Name, Person};
use towpath_core::matrix::Matrix;
use towpath_core::people::{PersonSpec, Verb};
use towpath_core::units::Span;

use crate::world::{ASIDE, Answered, As, World};

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn person(text: &str) -> Person {
    Person::new(text).unwrap()
}

/// A role's name of a verb.
pub(crate) fn role(verb: Verb) -> String {
    verb.key().replace('_', "-")
}

/// Each verb has a role of its own, and each role a person who is called as it is.
pub(crate) fn one_for_each(matrix: &mut Matrix) {
    for verb in Verb::ALL {
        let spec = PersonSpec { roles: [name(&role(verb))].into(), ..PersonSpec::default() };
        matrix.people.insert(person(&role(verb)), spec);
        let mut roles = vec![name(&role(verb))];
        if matches!(verb, Verb::ApplyMatrix | Verb::CreateRelease) {
            roles.push(name("lead"));
        }
        if verb == Verb::CreateRelease {
            roles.push(name("developer"));
        }
        matrix.who_may.insert(verb, roles);
    }
}

pub(crate) fn order(release: &str) -> Value {
    json!({
        "by": "lead", "release": release, "from": null, "plan": null, "accept_unenforced": [],
        "override_window": false, "reason": null, "offered_by": null,
    })
}

fn word(agrees: bool, plan: &str) -> Value {
    json!({ "by": "lead", "agrees": agrees, "plan": plan, "note": "so it is", "link": null })
}

const PLAN: &str = "0123456789abcdef";
pub(crate) const LANE: &str = "/v1/lanes/app/staging";

/// Every order of the API with the verb that it needs, and a body that says somebody else sent it.
pub(crate) fn orders(world: &World) -> Vec<(Verb, String, Value)> {
    let by = json!({ "by": "lead", "reason": "x" });
    let at = |rest: &str| format!("{LANE}{rest}");
    let looser = Matrix { who_may: [].into(), ..world.matrix.clone() };
    vec![
        (Verb::Promote, at("/promotions"), order("2.0.0")),
        (
            Verb::Rollback,
            at("/rollback"),
            json!({ "by": "lead", "reason": null, "back_to": null, "quarantine": true, "dry_run": false }),
        ),
        (
            Verb::Signal,
            at("/signal"),
            json!({ "signal": "security-incident", "by": "lead", "reason": "x" }),
        ),
        (
            Verb::Attest,
            at("/attestations"),
            json!({ "release": "1.0.0", "title": "tried", "by": "lead", "note": null, "link": null }),
        ),
        (Verb::Approve, at("/approvals"), word(true, PLAN)),
        (Verb::Approve, "/v1/promotions/1/approval".to_owned(), word(false, PLAN)),
        (
            Verb::Freeze,
            "/v1/freezes".to_owned(),
            json!({ "environment": "staging", "service": null, "by": "lead", "reason": "x", "for": 1000, "until": null }),
        ),
        (
            Verb::Thaw,
            "/v1/freezes/thaw".to_owned(),
            json!({ "environment": "staging", "service": null, "by": "lead", "reason": null }),
        ),
        (Verb::Pause, "/v1/promotions/1/pause".to_owned(), by.clone()),
        (Verb::Pause, "/v1/promotions/1/resume".to_owned(), by.clone()),
        (Verb::Pause, "/v1/promotions/1/abort".to_owned(), by.clone()),
        (Verb::Rollback, "/v1/promotions/1/reason".to_owned(), by),
        (
            Verb::Approve,
            "/v1/promotions/1/settle".to_owned(),
            json!({ "kind": "review", "note": "read it", "by": "lead" }),
        ),
        (Verb::ApplyMatrix, "/v1/matrix".to_owned(), json!({ "matrix": looser, "by": "lead" })),
        (Verb::Signal, "/v1/notices/test".to_owned(), json!({ "channel": "ops", "by": "lead" })),
        (Verb::Signal, "/v1/notices/retry".to_owned(), json!({ "id": "x", "by": "lead" })),
        (Verb::Signal, "/v1/notices/replay".to_owned(), json!({ "id": "x", "by": "lead" })),
    ]
}

/// Two places, and somebody for each verb.
pub(crate) const WORLD: &str = "
    people: lead lead apply-matrix create-release; ada developer; bot robot promote approve
    staging: root, tier staging, steps 100%/1m, approvals all approve 1
    production: root, tier production, steps 100%/1m";

pub(crate) async fn world() -> World {
    World::new(WORLD, one_for_each).await
}

#[tokio::test]
async fn t2_every_route_that_orders_asks_for_its_right_and_believes_no_body() {
    let world = world().await;
    let orders = orders(&world);
    for (method, path) in World::routes().into_iter().filter(|(method, _)| method == Method::POST) {
        let is_known = orders.iter().any(|(_, own, _)| *own == path);
        let is_aside = ASIDE.iter().any(|(own, _)| *own == path);
        assert!(is_known != is_aside, "{method} {path} has no row in this test");
    }
    let started =
        world.post(&As::Person("promote"), &format!("{LANE}/promotions"), &order("1.0.0")).await;
    assert_eq!(started.status, StatusCode::ACCEPTED, "{started:?}");
    let before = world.kinds().await;
    let mut asked = 0;
    let people = Verb::ALL.map(role);
    let everybody = people.iter().map(String::as_str).chain(["stranger", "ada"]);
    for who in everybody {
        for (verb, path, body) in orders.iter().filter(|(verb, _, _)| role(*verb) != who) {
            let answer = world.post(&As::Person(who), path, body).await;
            let kinds = (answer.status, answer.code());
            // An attestation is about a check that there must be, and an unknown channel is none; what is
            // not there is said to those alone who may.
            let is_refused = kinds == (StatusCode::FORBIDDEN, "not-allowed");
            let is_nowhere = *verb == Verb::Attest && answer.status == StatusCode::NOT_FOUND;
            assert!(is_refused || is_nowhere, "{who} {path} {answer:?}");
            asked += 1;
        }
    }
    assert_eq!(world.kinds().await, before, "something was written");
    assert!(world.refusals().await > 60, "who was refused what is on record");
    assert!(asked > 180, "{asked}");
    for (verb, path, body) in &orders {
        let answer = world.post(&As::Person(&role(*verb)), path, body).await;
        assert_ne!(answer.code(), "not-allowed", "{path} {answer:?}");
        if *verb == Verb::ApplyMatrix {
            world.apply(&world.matrix).await;
        }
    }
}

#[tokio::test]
async fn t2_a_program_gives_no_word_whatever_its_roles() {
    let world = world().await;
    let robot = As::Person("robot");
    let started = world.post(&robot, &format!("{LANE}/promotions"), &order("1.0.0")).await;
    assert_eq!(started.status, StatusCode::ACCEPTED, "{started:?}");
    let plan = started_plan(&world, 1).await;
    for agrees in [true, false] {
        let answer = world.post(&robot, "/v1/promotions/1/approval", &word(agrees, &plan)).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "not-allowed"));
    }
}

async fn started_plan(world: &World, number: u64) -> String {
    let path = format!("/v1/promotions/{number}");
    world.get(&As::Person("lead"), &path).await.body["plan"].as_str().unwrap().to_owned()
}

/// Kargo CVE-2026-27111: whoever may create and agree, and not promote, could promote by three routes.
#[tokio::test]
async fn cve_b01_whoever_may_create_and_agree_does_not_promote_thereby() {
    let world = world().await;
    for who in ["create-release", "approve", "attest", "rollback"] {
        for place in ["staging", "production"] {
            let path = format!("/v1/lanes/app/{place}/promotions");
            let answer = world.post(&As::Person(who), &path, &order("1.0.0")).await;
            assert_eq!(answer.code(), "not-allowed", "{who} {place} {answer:?}");
        }
    }
    let started =
        world.post(&As::Person("promote"), &format!("{LANE}/promotions"), &order("1.0.0")).await;
    assert_eq!(started.status, StatusCode::ACCEPTED);
    let plan = started_plan(&world, 1).await;
    for who in ["create-release", "promote", "attest"] {
        let answer =
            world.post(&As::Person(who), "/v1/promotions/1/approval", &word(true, &plan)).await;
        assert_eq!(answer.code(), "not-allowed", "{who} {answer:?}");
    }
}

/// Kargo CVE-2026-27112: a batch with something of another project in it was written as a whole.
#[tokio::test]
async fn cve_b02_what_is_another_projects_is_refused_whole() {
    let world = world().await;
    let before = world.kinds().await;
    let lead = As::Person("lead");
    let foreign = Matrix { project: name("elsewhere"), ..world.matrix.clone() };
    let both =
        json!([{ "matrix": world.matrix, "by": "lead" }, { "matrix": foreign, "by": "lead" }]);
    for body in [json!({ "matrix": foreign, "by": "lead" }), both] {
        let answer = world.post(&lead, "/v1/matrix", &body).await;
        assert!(answer.status.is_client_error(), "{answer:?}");
    }
    let two = json!([order("1.0.0"), order("2.0.0")]);
    for path in ["/v1/lanes/app/staging/promotions", "/v1/lanes/elsewhere/staging/promotions"] {
        let answer = world.post(&As::Person("promote"), path, &two).await;
        assert!(answer.status.is_client_error(), "{path} {answer:?}");
    }
    let lane = "/v1/lanes/elsewhere/staging/promotions";
    let answer = world.post(&As::Person("promote"), lane, &order("1.0.0")).await;
    assert!(answer.status.is_client_error(), "{answer:?}");
    assert_eq!(world.kinds().await, before, "something was written");
}

/// Jenkins Input Step before 2.7: whoever could only read answered an approval.
#[tokio::test]
async fn cve_b18_a_reader_answers_no_approval() {
    let world = world().await;
    world.post(&As::Person("promote"), &format!("{LANE}/promotions"), &order("1.0.0")).await;
    let plan = started_plan(&world, 1).await;
    for (who, path) in [
        ("ada", "/v1/promotions/1/approval".to_owned()),
        ("stranger", "/v1/promotions/1/approval".to_owned()),
        ("ada", format!("{LANE}/approvals")),
    ] {
        assert_eq!(world.get(&As::Person(who), "/v1/promotions/1").await.status, StatusCode::OK);
        for agrees in [true, false] {
            let answer = world.post(&As::Person(who), &path, &word(agrees, &plan)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{who} {path} {answer:?}");
        }
    }
    let shown = world.get(&As::Person("lead"), "/v1/promotions/1").await;
    assert_eq!(shown.body["state"], "waiting");
}

/// What somebody has to do with a release that they are asked about.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Nothing,
    AuthorByName,
    AuthorByAccount,
    AuthorByAddress,
    Created,
    Ordered,
}

const PARTS: [Part; 6] = [
    Part::Nothing,
    Part::AuthorByName,
    Part::AuthorByAccount,
    Part::AuthorByAddress,
    Part::Created,
    Part::Ordered,
];

/// Where two developers must agree, and whether one of them may be the author.
const PLACES: [(&str, bool); 5] =
    [("dev", true), ("qa", true), ("staging", false), ("production", false), ("open", true)];

#[tokio::test]
async fn t3_nobody_agrees_to_what_is_their_own_in_sixty_combinations() {
    let asks = "steps 100%/1m, approvals all developer 2";
    let words = format!(
        "people: lead lead; ada developer; bob developer; carl developer
        dev: root, tier development, {asks}
        qa: root, tier testing, {asks}
        staging: root, tier staging, {asks}
        production: root, tier production, {asks}
        open: root, tier production, {asks}, approvals by the author"
    );
    let world = World::new(&words, |matrix| {
        let ada = matrix.people.get_mut(&person("bob")).unwrap();
        ada.account = Some(person("b.rown"));
        ada.email = Some("bobby@example.com".to_owned());
    })
    .await;
    let body = json!({ "name": "word", "may": ["approve", "promote", "create_release"] });
    let token = world.post(&As::Person("b.rown"), "/v1/tokens", &body).await;
    let token = token.body["token"].as_str().unwrap().to_owned();
    let channels = [As::Person("b.rown"), As::Token(&token)];
    let (mut number, mut cases, mut own) = (0, 0, 0);
    for part in PARTS {
        for channel in &channels {
            for (place, author_may) in PLACES {
                number += 1;
                let version = format!("3.0.{number}");
                let made = made(&world, part, &version, channel).await;
                assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
                let orderer = if part == Part::Ordered { channel } else { &As::Person("carl") };
                let path = format!("/v1/lanes/app/{place}/promotions");
                let ordered = world.post(orderer, &path, &order(&version)).await;
                assert_eq!(ordered.status, StatusCode::ACCEPTED, "{ordered:?}");
                let promotion = ordered.body["promotion"].as_u64().unwrap();
                let plan = started_plan(&world, promotion).await;
                let path = format!("/v1/promotions/{promotion}/approval");
                let answer = world.post(channel, &path, &word(true, &plan)).await;
                let may = author_may || part == Part::Nothing;
                let expected = if may { StatusCode::OK } else { StatusCode::FORBIDDEN };
                assert_eq!(answer.status, expected, "{part:?} {channel:?} {place} {answer:?}");
                cases += 1;
                own += u32::from(!may);
            }
        }
    }
    assert_eq!((cases, own), (60, 20));
}

/// Whoever makes a token for a program is behind what is done by it, also by what came from that token.
#[tokio::test]
async fn t3_nobody_agrees_to_what_a_program_did_by_their_token() {
    let asks = "steps 100%/1m, approvals all developer 2";
    let words = format!(
        "people: lead lead developer; ada lead; bob developer; carl developer; bot ci builder
        dev: root, tier development, {asks}, approvals by the author
        staging: root, tier staging, {asks}
        production: root, tier production, {asks}"
    );
    let world = World::new(&words, |_| {}).await;
    let lead = As::Person("lead");
    let body = json!({ "name": "ci", "program": "ci", "may": ["promote", "create_release"] });
    let token = world.post(&lead, "/v1/tokens", &body).await.body["token"].clone();
    let token = token.as_str().unwrap();
    let body = json!({ "name": "job", "may": ["promote", "create_release"] });
    let child = world.post(&As::Token(token), "/v1/tokens", &body).await.body["token"].clone();
    let child = child.as_str().unwrap();
    let (carl, mut number) = (As::Person("carl"), 0);
    for (place, own_may) in [("dev", true), ("staging", false), ("production", false)] {
        for by in [As::Token(token), As::Token(child)] {
            for (creator, orderer) in [(&by, &carl), (&carl, &by), (&by, &by)] {
                number += 1;
                let version = format!("4.0.{number}");
                let made = world.release_of(&version, "zoe", creator).await;
                assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
                // What the request says of it is not believed.
                let mut body = order(&version);
                body["behind"] = json!(["bob"]);
                let path = format!("/v1/lanes/app/{place}/promotions");
                let ordered = world.post(orderer, &path, &body).await;
                let promotion = ordered.body["promotion"].as_u64().unwrap();
                let plan = started_plan(&world, promotion).await;
                let path = format!("/v1/promotions/{promotion}/approval");
                let answer = world.post(&lead, &path, &word(true, &plan)).await;
                let expected = if own_may { StatusCode::OK } else { StatusCode::FORBIDDEN };
                assert_eq!(answer.status, expected, "{place} {by:?} {answer:?}");
                let other = world.post(&As::Person("bob"), &path, &word(true, &plan)).await;
                assert_eq!(other.status, StatusCode::OK, "{place} {by:?} {other:?}");
            }
        }
    }
}

/// A release in which bob, who has the account `b.rown`, has that part.
async fn made(world: &World, part: Part, version: &str, bob: &As<'_>) -> Answered {
    let (author, creator) = match part {
        Part::Nothing | Part::Ordered => ("zoe", &As::Person("carl")),
        Part::AuthorByName => ("Bob", &As::Person("carl")),
        Part::AuthorByAccount => ("B.Rown", &As::Person("carl")),
        Part::AuthorByAddress => ("bobby", &As::Person("carl")),
        Part::Created => ("zoe", bob),
    };
    world.release_of(version, author, creator).await
}

/// How many have agreed to promotion `number`, as everybody sees it.
async fn agreed(world: &World, number: u64) -> usize {
    let shown = world.get(&As::Person("lead"), &format!("/v1/promotions/{number}")).await;
    let roles = shown.body["approvals"].as_array().cloned().unwrap_or_default();
    roles.iter().filter_map(|role| role["by"].as_array()).map(Vec::len).sum()
}

type Change = fn(&mut Matrix);

/// What becomes of a yes when the matrix changes, and whether it counts still.
const CHANGES: [(&str, bool, Change); 14] = [
    ("nothing", true, |_| {}),
    ("a title", true, |matrix| matrix.environments[0].title = Some("Staging".to_owned())),
    ("a purpose", true, |matrix| matrix.environments[0].purpose = Some("to try".to_owned())),
    ("a full name", true, |matrix| someone(matrix, "bob").name = Some("Bob Brown".to_owned())),
    ("another lane", true, |matrix| lane(matrix, 1).standby = Span::hours(9)),
    ("one more person", true, |matrix| {
        matrix.people.insert(person("dora"), PersonSpec::default());
    }),
    ("standby", false, |matrix| lane(matrix, 0).standby = Span::hours(9)),
    ("the lease", false, |matrix| lane(matrix, 0).rollout.lease = Span::seconds(17)),
    ("fewer are asked", false, |matrix| needs(matrix, 1)),
    ("more are asked", false, |matrix| needs(matrix, 3)),
    ("the author may", false, |matrix| {
        lane(matrix, 0).approvals.as_mut().unwrap().author_may_approve = true;
    }),
    ("a shorter expiry", false, |matrix| {
        lane(matrix, 0).approvals.as_mut().unwrap().expires = Span::hours(1);
    }),
    ("the role is gone", false, |matrix| someone(matrix, "bob").roles.clear()),
    ("the person is a program", false, |matrix| someone(matrix, "bob").bot = true),
];

fn someone<'a>(matrix: &'a mut Matrix, who: &str) -> &'a mut PersonSpec {
    matrix.people.get_mut(&person(who)).unwrap()
}

pub(crate) fn lane(matrix: &mut Matrix, place: usize) -> &mut towpath_core::matrix::LaneSpec {
    matrix.environments[place].lanes.values_mut().next().unwrap()
}

fn needs(matrix: &mut Matrix, people: u32) {
    let rules = lane(matrix, 0).approvals.as_mut().unwrap();
    rules.all.as_mut().unwrap()[0].people = people;
}

#[tokio::test]
async fn t4_a_word_is_void_as_soon_as_what_it_was_about_changes() {
    let asks = "steps 100%/1m, approvals all developer 2";
    let words = format!(
        "people: lead lead; ada developer; bob developer; carl developer
        staging: root, tier staging, {asks}
        production: root, tier production, {asks}"
    );
    for (what, counts, change) in CHANGES {
        let world = World::new(&words, |_| {}).await;
        world.post(&As::Person("lead"), &format!("{LANE}/promotions"), &order("1.0.0")).await;
        let plan = started_plan(&world, 1).await;
        let path = "/v1/promotions/1/approval";
        let answer = world.post(&As::Person("bob"), path, &word(true, &plan)).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(agreed(&world, 1).await, 1);
        let mut changed = world.matrix.clone();
        change(&mut changed);
        world.apply(&changed).await;
        assert_eq!(agreed(&world, 1).await, usize::from(counts), "{what}");
        // What was looked at before is not agreed to now.
        let stale = world.post(&As::Person("carl"), path, &word(true, &plan)).await;
        let same_plan = started_plan(&world, 1).await == plan;
        assert_eq!(stale.status == StatusCode::OK, same_plan, "{what} {stale:?}");
    }
}

#[tokio::test]
async fn t4_a_word_is_about_one_plan_of_one_lane_and_expires() {
    let asks = "steps 100%/1m, approvals all developer 2";
    let words = format!(
        "people: lead lead; ada developer; bob developer; carl developer
        staging: root, tier staging, {asks}
        production: root, tier production, {asks}, approvals expires 1h"
    );
    let world = World::new(&words, |_| {}).await;
    for place in ["staging", "production"] {
        let path = format!("/v1/lanes/app/{place}/promotions");
        world.post(&As::Person("lead"), &path, &order("1.0.0")).await;
    }
    let (staging, production) = (started_plan(&world, 1).await, started_plan(&world, 2).await);
    let bob = As::Person("bob");
    let longer = format!("{staging}0");
    let wrong = [
        production.as_str(),
        &staging[..7],
        "",
        "sha256:",
        "ffffffffffff",
        &staging.to_uppercase(),
        &longer,
        "../../etc",
        "%",
        " ",
        &format!("{staging} "),
        &format!(" {staging}"),
        "1.0.0",
        &format!("sha256:{production}"),
        &staging.replace(|digit: char| digit.is_ascii_digit(), "0"),
    ];
    for plan in wrong {
        for path in ["/v1/promotions/1/approval".to_owned(), format!("{LANE}/approvals")] {
            let answer = world.post(&bob, &path, &word(true, plan)).await;
            assert!(answer.status.is_client_error(), "{plan:?} {path} {answer:?}");
        }
    }
    assert_eq!(agreed(&world, 1).await, 0);
    let path = "/v1/promotions/2/approval";
    assert_eq!(world.post(&bob, path, &word(true, &production)).await.status, StatusCode::OK);
    assert_eq!((agreed(&world, 1).await, agreed(&world, 2).await), (0, 1));
    // In this rehearsal an hour takes a minute.
    world.pass(Span::seconds(59));
    assert_eq!(agreed(&world, 2).await, 1);
    world.pass(Span::seconds(1));
    assert_eq!(agreed(&world, 2).await, 0, "it expired");
    // A newer release has a plan of its own, and takes no word over.
    world.post(&As::Person("lead"), "/v1/lanes/app/production/promotions", &order("2.0.0")).await;
    assert_eq!(agreed(&world, 3).await, 0);
    let answer = world.post(&bob, "/v1/promotions/3/approval", &word(true, &production)).await;
    assert!(answer.status.is_client_error(), "{answer:?}");
}
