//! Signed words (T2), by the real routes and with real signatures: whoever has a key is heard by it alone,
//! and about nothing but what was signed.

use axum::http::StatusCode;
use serde_json::{Value, json};
use towpath_core::ids::Digest;
use towpath_core::matrix::Matrix;
use towpath_core::people::Verb;
use towpath_core::speaking::Statement;
use towpath_core::units::{Span, Timestamp};

use crate::keys::{journal, line, said, signature};
use crate::words::{lane, name, order, person};
use crate::world::{Answered, As, World};

const BOB: u8 = 7;
const CARL: u8 = 8;
const PROMOTION: &str = "/v1/promotions/1/approval";

fn keys(matrix: &mut Matrix) {
    for (who, seed) in [("bob", BOB), ("carl", CARL)] {
        matrix.people.get_mut(&person(who)).unwrap().key = Some(line(seed));
    }
    matrix.who_may.insert(Verb::BreakGlass, vec![name("developer")]);
    let check = &mut lane(matrix, 1).gate.prerequisites[0];
    "tried".clone_into(&mut check.title);
    let check = &mut check.check;
    "attested".clone_into(&mut check.kind);
    check.settings = json!({ "name": "tried" });
}

async fn world() -> World {
    let words = "
        people: lead lead developer; ada lead; bob developer; carl developer
        staging: root, tier staging, steps 100%/1m, approvals all developer 2
        production: root, tier production, steps 100%/1m, check attested tried";
    let world = World::new(words, keys).await;
    let path = "/v1/lanes/app/staging/promotions";
    let ordered = world.post(&As::Person("lead"), path, &order("1.0.0")).await;
    assert_eq!(ordered.status, StatusCode::ACCEPTED, "{ordered:?}");
    world
}

pub(crate) async fn digest_of(world: &World, version: &str) -> String {
    let all = world.get(&As::Person("lead"), "/v1/releases").await.body;
    let all = all.as_array().unwrap().clone();
    let found = all.iter().map(|one| one.get("release").unwrap_or(one));
    let found = found.clone().find(|one| one["version"] == version).unwrap().clone();
    found["digest"].as_str().unwrap().to_owned()
}

pub(crate) fn moment(world: &World, ahead: Span) -> String {
    Statement::moment(world.now().plus(ahead))
}

/// Bob's yes to promotion 1, as he would sign it now.
async fn yes(world: &World) -> Value {
    let plan = world.get(&As::Person("bob"), "/v1/promotions/1/plan").await.body["plan"].clone();
    json!({
        "towpath": 1, "project": "project at 60x", "journal": journal(world).await, "by": "bob", "says": "approve",
        "service": "app", "environment": "staging", "promotion": 1,
        "release": digest_of(world, "1.0.0").await, "plan": plan, "note": "so it is",
        "at": moment(world, Span::ZERO), "until": moment(world, Span::minutes(10)),
    })
}

async fn approve(world: &World, who: &str, statement: &Value, signed: &Value) -> Answered {
    let body = json!({
        "by": who, "agrees": true, "plan": statement["plan"], "note": "so it is", "link": null,
        "signed": signed,
    });
    world.post(&As::Person(who), PROMOTION, &body).await
}

/// A statement with one field changed.
pub(crate) fn with(statement: &Value, field: &str, value: Value) -> Value {
    let mut changed = statement.clone();
    changed[field] = value;
    changed
}

#[tokio::test]
async fn t2_whoever_has_a_key_is_heard_by_signed_words_about_this_alone() {
    let world = world().await;
    let good = yes(&world).await;
    let other = json!(Digest::of(b"another").to_string());
    let at = |span| json!(Statement::moment(Timestamp(world.now().0).plus(span)));
    let ago = |span| json!(Statement::moment(Timestamp(world.now().0).minus(span)));
    let changed = [
        ("project", json!("project"), "signed-other-project"),
        ("project", json!("elsewhere at 60x"), "signed-other-project"),
        (
            "journal",
            json!("towpath.dev/rehearsal-60x/project/0000000000000000"),
            "signed-other-journal",
        ),
        ("journal", json!("towpath.dev/journal/project/0000000000000000"), "signed-other-journal"),
        ("by", json!("carl"), "signed-other-person"),
        ("says", json!("reject"), "signed-other-word"),
        ("says", json!("break-glass"), "signed-other-word"),
        ("service", json!("api"), "signed-other-lane"),
        ("environment", json!("production"), "signed-other-lane"),
        ("promotion", json!(2), "signed-other-promotion"),
        ("plan", other.clone(), "signed-other-plan"),
        ("release", other, "signed-other-release"),
        ("title", json!("tried"), "not-a-statement"),
        ("note", json!("another"), "signed-other-note"),
        ("at", at(Span::minutes(6)), "signed-ahead"),
        ("at", ago(Span::hours(2)), "signed-too-long"),
        ("until", at(Span::hours(2)), "signed-too-long"),
        ("until", at(Span::ZERO), "signed-expired"),
        ("until", json!("tomorrow"), "signed-no-time"),
        ("towpath", json!(2), "not-a-statement"),
        ("more", json!(true), "not-a-statement"),
    ];
    for (field, value, code) in changed {
        let statement = with(&good, field, value);
        let answer = approve(&world, "bob", &good, &said(&statement, BOB)).await;
        let found = (answer.status, answer.code());
        assert_eq!(found, (StatusCode::FORBIDDEN, code), "{field} {statement} {answer:?}");
    }
    older_words_name_no_journal(&world, &good).await;
    let signed = said(&good, BOB);
    nobody_else_signs_them(&world, &good).await;
    let answer = approve(&world, "bob", &good, &Value::Null).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "not-signed"));
    // Another person does not speak by these words, with a key or without.
    for (who, code) in [("carl", "not-proven"), ("lead", "no-key")] {
        let answer = approve(&world, who, &good, &signed).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, code), "{who}");
    }
    assert!(!world.kinds().await.contains(&"approval-given".to_owned()));
    let answer = approve(&world, "bob", &good, &signed).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    // The same words count once.
    let answer = approve(&world, "bob", &good, &signed).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "said-before"));
    // The journal has the words as they were signed.
    let rows = world.engine.events(0, 1000).await.unwrap();
    let given = rows.iter().find(|row| row.kind == "approval-given").unwrap();
    assert_eq!(given.body["approval"]["signed"], signed);
}

async fn nobody_else_signs_them(world: &World, good: &Value) {
    let (text, signed) = (good.to_string(), said(good, BOB));
    let unproven = [
        said(good, CARL),
        json!({ "statement": text, "signature": signature(BOB, "git", &text) }),
        json!({ "statement": text, "signature": signature(BOB, "towpath", "another text") }),
        json!({ "statement": text.replace("so it is", "so it was"), "signature": signed["signature"] }),
        json!({ "statement": text, "signature": "" }),
        json!({ "statement": text, "signature": "-----BEGIN SSH SIGNATURE-----\n" }),
    ];
    for signed in &unproven {
        let answer = approve(world, "bob", good, signed).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::FORBIDDEN, "not-proven"),
            "{answer:?}"
        );
    }
}

async fn older_words_name_no_journal(world: &World, good: &Value) {
    let mut old = good.clone();
    old.as_object_mut().unwrap().shift_remove("journal");
    let answer = approve(world, "bob", good, &said(&old, BOB)).await;
    assert_eq!(answer.code(), "signed-other-journal", "{answer:?}");
}

#[tokio::test]
async fn t2_signed_words_are_over_with_what_they_were_about() {
    let world = world().await;
    let good = yes(&world).await;
    let signed = said(&good, BOB);
    let mut body = json!({ "by": "lead", "reason": "no" });
    let aborted = world.post(&As::Person("lead"), "/v1/promotions/1/abort", &body).await;
    assert!(aborted.status.is_success(), "{aborted:?}");
    let answer = approve(&world, "bob", &good, &signed).await;
    assert!(answer.status.is_client_error(), "{answer:?}");
    // A yes before the order names no promotion, and is not shown again for the next one.
    world.pass(Span::seconds(1));
    let mut early = with(&good, "at", json!(moment(&world, Span::ZERO)));
    early.as_object_mut().unwrap().shift_remove("promotion");
    let path = "/v1/lanes/app/staging/approvals";
    body = json!({
        "by": "bob", "agrees": true, "plan": good["plan"], "release": "1.0.0", "note": "so it is",
        "link": null, "signed": said(&early, BOB),
    });
    let first = world.post(&As::Person("bob"), path, &body).await;
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
    let lead = As::Person("lead");
    let again = world.post(&lead, "/v1/lanes/app/staging/promotions", &order("1.0.0")).await;
    assert_eq!(again.status, StatusCode::ACCEPTED, "{again:?}");
    let answer = world.post(&As::Person("bob"), path, &body).await;
    assert_eq!(answer.code(), "signed-other-promotion", "{answer:?}");
    world.pass(Span::seconds(1));
    let no = json!({ "by": "lead", "reason": "no" });
    assert!(world.post(&lead, "/v1/promotions/2/abort", &no).await.status.is_success());
    let answer = world.post(&As::Person("bob"), path, &body).await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::FORBIDDEN, "signed-before"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn t2_every_word_of_whoever_has_a_key_is_signed_and_each_for_itself() {
    let world = world().await;
    let release = digest_of(&world, "1.0.0").await;
    let bob = As::Person("bob");
    let times = |mut statement: Value| {
        statement["at"] = json!(moment(&world, Span::ZERO));
        statement["until"] = json!(moment(&world, Span::minutes(10)));
        statement
    };
    // A statement to a check.
    let path = "/v1/lanes/app/production/attestations";
    let attest = |signed: Value| json!({ "release": "1.0.0", "title": "tried", "by": "bob", "note": null, "link": null, "signed": signed });
    let statement = times(json!({
        "towpath": 1, "project": "project at 60x", "journal": journal(&world).await, "by": "bob", "says": "attest", "service": "app",
        "environment": "production", "release": release, "title": "tried",
    }));
    let other = times(with(&statement, "title", json!("read")));
    for (signed, code) in [
        (Value::Null, "not-signed"),
        (said(&other, BOB), "signed-other-check"),
        (said(&statement, CARL), "not-proven"),
    ] {
        assert_eq!(world.post(&bob, path, &attest(signed)).await.code(), code);
    }
    let good = attest(said(&statement, BOB));
    let answer = world.post(&bob, path, &good).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(world.post(&bob, path, &good).await.code(), "said-before");
    // An order to break the glass, and a no.
    let path = "/v1/lanes/app/production/promotions";
    let mut broken = order("1.0.0");
    (broken["break_glass"], broken["reason"]) = (json!(true), json!("it burns"));
    let plan = world.post(&bob, "/v1/lanes/app/production/plan", &broken).await;
    let hash = plan.body["hash"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
    let statement = times(json!({
        "towpath": 1, "project": "project at 60x", "journal": journal(&world).await, "by": "bob", "says": "break-glass",
        "service": "app", "environment": "production", "release": release,
        "plan": format!("sha256:{hash}"), "note": "it burns",
    }));
    assert_eq!(world.post(&bob, path, &broken).await.code(), "not-signed");
    broken["signed"] = said(&with(&statement, "note", json!("for fun")), BOB);
    assert_eq!(world.post(&bob, path, &broken).await.code(), "signed-other-note");
    broken["signed"] = said(&statement, BOB);
    let answer = world.post(&bob, path, &broken).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    let good = yes(&world).await;
    let no = |signed: Value| json!({ "by": "bob", "agrees": false, "plan": good["plan"], "note": "so it is", "link": null, "signed": signed });
    assert_eq!(world.post(&bob, PROMOTION, &no(Value::Null)).await.code(), "not-signed");
    let answer = world.post(&bob, PROMOTION, &no(said(&good, BOB))).await;
    assert_eq!(answer.code(), "signed-other-word", "{answer:?}");
    let statement = with(&good, "says", json!("reject"));
    let answer = world.post(&bob, PROMOTION, &no(said(&statement, BOB))).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

#[tokio::test]
async fn t2_a_changed_matrix_is_agreed_to_by_signed_words_too() {
    let words = "
        people: lead lead; ada lead; bob developer; carl developer
        staging: root, tier staging, steps 100%/1m";
    let needs = |matrix: &mut Matrix| {
        matrix.people.get_mut(&person("bob")).unwrap().key = Some(line(BOB));
    };
    let world = World::new(words, needs).await;
    let mut next = world.matrix.clone();
    let need = json!([{ "role": "developer", "people": 1 }]);
    next.approvals = serde_json::from_value(need).unwrap();
    let body = json!({ "matrix": next, "by": "lead" });
    assert!(world.post(&As::Person("lead"), "/v1/matrix", &body).await.status.is_success());
    let bob = As::Person("bob");
    let path = "/v1/matrix/proposal";
    let plan = world.get(&bob, path).await.body["plan"].as_str().unwrap().to_owned();
    let plan = plan.trim_start_matches("sha256:").to_owned();
    world.pass(Span::seconds(1));
    let statement = json!({
        "towpath": 1, "project": "project at 60x", "journal": journal(&world).await, "by": "bob", "says": "approve-matrix",
        "plan": format!("sha256:{plan}"), "at": moment(&world, Span::ZERO),
        "until": moment(&world, Span::minutes(10)),
    });
    let word = |signed: Value| json!({ "by": "bob", "plan": plan, "agrees": true, "note": null, "signed": signed });
    assert_eq!(world.post(&bob, path, &word(Value::Null)).await.code(), "not-signed");
    let other = with(&statement, "says", json!("approve"));
    assert_eq!(world.post(&bob, path, &word(said(&other, BOB))).await.code(), "signed-other-word");
    let answer = world.post(&bob, path, &word(said(&statement, BOB))).await;
    assert!(answer.status.is_success(), "{answer:?}");
    assert_eq!(world.engine.matrix().unwrap().approvals.len(), 1);
}
