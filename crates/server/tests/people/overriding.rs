//! What goes past the rules, or changes them, is said by signed words where somebody has a key; and nobody takes
//! a key out alone.

use axum::http::StatusCode;
use serde_json::{Value, json};
use towpath_core::ids::{Digest, LaneId, PromotionNumber};
use towpath_core::journal::Event;
use towpath_core::matrix::Matrix;
use towpath_core::people::Verb;
use towpath_core::project::Project;
use towpath_core::promotion::decide;
use towpath_core::promotion::input::Input;
use towpath_core::release::ReleaseRef;
use towpath_core::speaking::{Signed, Statement};
use towpath_core::units::{Span, Timestamp};

use crate::keys::{journal, line, said};
use crate::signed::{digest_of, moment, with};
use crate::words::{name, order, person};
use crate::world::{Answered, As, World};

const BOB: u8 = 7;
const CARL: u8 = 8;
const OTHER: u8 = 9;

fn key(matrix: &mut Matrix, who: &str, seed: u8) {
    matrix.people.get_mut(&person(who)).unwrap().key = Some(line(seed));
}

async fn world(keys: &[(&str, u8)]) -> World {
    let words = "
        people: lead lead developer; ada lead; bob developer; carl developer
        staging: root, tier staging, steps 100%/1m, approvals all developer 2
        production: root, tier production, steps 100%/1m";
    World::new(words, |matrix| {
        for (who, seed) in keys {
            key(matrix, who, *seed);
        }
        matrix.who_may.insert(Verb::BreakGlass, vec![name("developer")]);
    })
    .await
}

/// Words with all that each has, as they would be signed now.
async fn words(world: &World, by: &str, says: &str, about: Value) -> Value {
    let journal = journal(world).await;
    let mut all = json!({
        "towpath": 1, "project": "project at 60x", "journal": journal, "by": by, "says": says,
    });
    for (field, value) in about.as_object().unwrap() {
        all[field] = value.clone();
    }
    all["at"] = json!(moment(world, Span::ZERO));
    all["until"] = json!(moment(world, Span::minutes(10)));
    all
}

async fn apply(world: &World, who: &str, matrix: &Matrix, signed: Value) -> Answered {
    let body = json!({ "matrix": matrix, "by": who, "signed": signed });
    world.post(&As::Person(who), "/v1/matrix", &body).await
}

async fn to_apply(world: &World, by: &str, matrix: &Matrix) -> Value {
    let digest = matrix.clone().rehearsed(60).digest().to_string();
    words(world, by, "apply-matrix", json!({ "matrix": digest })).await
}

fn in_force(world: &World) -> Matrix {
    world.engine.matrix().unwrap()
}

/// A matrix in which somebody may do something less.
fn narrower(world: &World) -> Matrix {
    let mut next = world.matrix.clone();
    next.who_may.insert(Verb::Signal, vec![name("developer")]);
    next
}

#[tokio::test]
async fn t2_whoever_has_a_key_signs_the_matrix_that_they_apply() {
    let world = world(&[("bob", BOB)]).await;
    let (before, next) = (in_force(&world), narrower(&world));
    let good = to_apply(&world, "bob", &next).await;
    let cases = [
        (Value::Null, "not-signed"),
        (said(&good, CARL), "not-proven"),
        (said(&with(&good, "says", json!("approve-matrix")), BOB), "signed-other-word"),
        (said(&with(&good, "by", json!("lead")), BOB), "signed-other-person"),
        (said(&to_apply(&world, "bob", &world.matrix).await, BOB), "signed-other-matrix"),
        (
            said(
                &with(&good, "journal", json!("towpath.dev/journal/project/0123456789abcdef")),
                BOB,
            ),
            "signed-other-journal",
        ),
    ];
    for (signed, code) in cases {
        let answer = apply(&world, "bob", &next, signed).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, code), "{answer:?}");
    }
    // A command that would bring the file into force by the way says so, and brings nothing.
    let body = json!({ "matrix": next, "by": "bob", "unless_asked": true });
    let answer = world.post(&As::Person("bob"), "/v1/matrix", &body).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "needs-agreement"));
    // Others do as they did, and what is in force needs nobody's word.
    assert!(apply(&world, "bob", &world.matrix, Value::Null).await.status.is_success());
    assert_eq!(in_force(&world), before);
    let answer = apply(&world, "bob", &next, said(&good, BOB)).await;
    assert!(answer.status.is_success(), "{answer:?}");
    assert_ne!(in_force(&world), before);
    assert!(apply(&world, "lead", &world.matrix, Value::Null).await.status.is_success());
    // The same words do not bring it back.
    let answer = apply(&world, "bob", &next, said(&good, BOB)).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "said-before"));
    let rows = world.engine.events(0, 1000).await.unwrap();
    let applied = rows.iter().filter(|row| row.kind == "matrix-applied");
    let signed: Vec<bool> = applied.map(|row| !row.body["signed"].is_null()).collect();
    assert_eq!(signed, [false, true, false], "the journal has the words as they were signed");
}

/// Four ways in which somebody's key goes: taken out, replaced, by another name, with its owner.
fn without_bobs_key(world: &World) -> Vec<Matrix> {
    let of = |change: &dyn Fn(&mut Matrix)| {
        let mut next = world.matrix.clone();
        change(&mut next);
        next
    };
    vec![
        of(&|next| next.people.get_mut(&person("bob")).unwrap().key = None),
        of(&|next| key(next, "bob", OTHER)),
        of(&|next| {
            let bob = next.people.remove(&person("bob")).unwrap();
            next.people.insert(person("robert"), bob);
        }),
        of(&|next| drop(next.people.remove(&person("bob")))),
    ]
}

#[tokio::test]
async fn t2_nobody_takes_a_key_out_but_its_owner_or_two_of_whom_one_has_another() {
    // Nobody but bob has a key: only bob lets it go.
    let world = world(&[("bob", BOB)]).await;
    for next in without_bobs_key(&world) {
        // Whoever sits at bob's account, without bob's key, gets nowhere.
        let answer = apply(&world, "bob", &next, Value::Null).await;
        let found = (answer.status, answer.code());
        assert_eq!(found, (StatusCode::FORBIDDEN, "key-taken-out"), "{answer:?}");
        assert!(answer.text.contains("towpath matrix apply --key FILE"), "{answer:?}");
        // What somebody else wants waits for bob.
        let answer = apply(&world, "lead", &next, Value::Null).await;
        assert_eq!(answer.body["notes"], json!(["key of bob has 0 of 1 (bob)"]), "{answer:?}");
        assert_eq!(in_force(&world), world.matrix.clone().rehearsed(60));
    }
    for next in without_bobs_key(&world) {
        let good = to_apply(&world, "bob", &next).await;
        let answer = apply(&world, "bob", &next, said(&good, BOB)).await;
        assert!(answer.status.is_success(), "{answer:?}");
        assert_eq!(in_force(&world).people, next.clone().rehearsed(60).people);
        let answer = apply(&world, "lead", &world.matrix, Value::Null).await;
        assert!(answer.status.is_success(), "{answer:?}");
        if in_force(&world) == next.clone().rehearsed(60) {
            // Only the key that is there by now lets itself go again.
            let is_renamed = next.people.contains_key(&person("robert"));
            let (who, now, before) =
                if is_renamed { ("robert", BOB, OTHER) } else { ("bob", OTHER, BOB) };
            let back = to_apply(&world, who, &world.matrix).await;
            let answer = apply(&world, who, &world.matrix, said(&back, before)).await;
            assert_eq!(answer.code(), "not-proven", "{answer:?}");
            let answer = apply(&world, who, &world.matrix, said(&back, now)).await;
            assert!(answer.status.is_success(), "{answer:?}");
        }
        assert_eq!(in_force(&world), world.matrix.clone().rehearsed(60));
    }
}

#[tokio::test]
async fn t2_a_lost_key_goes_with_the_signed_word_of_somebody_else_who_has_one() {
    for proposer in ["lead", "bob", "carl"] {
        let world = world(&[("bob", BOB), ("carl", CARL)]).await;
        let before = in_force(&world);
        let next = without_bobs_key(&world).swap_remove(1);
        let signed = match proposer {
            "carl" => said(&to_apply(&world, "carl", &next).await, CARL),
            _ => Value::Null,
        };
        let answer = apply(&world, proposer, &next, signed).await;
        assert!(answer.status.is_success(), "{answer:?}");
        assert_eq!(in_force(&world), before, "{proposer} alone");
        let lead = As::Person("lead");
        let waits = world.get(&lead, "/v1/matrix/proposal").await.body;
        assert_eq!(waits["approvals"][0]["role"], "key of bob", "{waits}");
        let plan = waits["plan"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
        world.pass(Span::seconds(1));
        let word = |signed: Value| json!({ "by": "x", "plan": plan, "agrees": true, "note": null, "signed": signed });
        // A yes without a key is none, nor is that of whoever proposed it.
        for who in ["lead", "ada", proposer] {
            let answer =
                world.post(&As::Person(who), "/v1/matrix/proposal", &word(Value::Null)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{who} {answer:?}");
        }
        let (who, seed) = if proposer == "carl" { ("bob", BOB) } else { ("carl", CARL) };
        let about = json!({ "plan": format!("sha256:{plan}") });
        let yes = words(&world, who, "approve-matrix", about).await;
        let answer =
            world.post(&As::Person(who), "/v1/matrix/proposal", &word(said(&yes, seed))).await;
        assert!(answer.status.is_success(), "{answer:?}");
        assert_eq!(in_force(&world).people[&person("bob")].key, Some(line(OTHER)), "{proposer}");
    }
}

#[tokio::test]
async fn t2_what_goes_past_the_rules_is_signed() {
    let world = world(&[("bob", BOB)]).await;
    let bob = As::Person("bob");
    let release = digest_of(&world, "1.0.0").await;
    let path = "/v1/lanes/app/production/promotions";
    let cases = [("override_window", json!(true), "override-window")];
    for (field, value, says) in cases {
        let mut past = order("1.0.0");
        (past[field], past["reason"]) = (value, json!("the shop is closed"));
        let plan = world.post(&bob, "/v1/lanes/app/production/plan", &past).await;
        let hash = plan.body["hash"].as_str().unwrap().to_owned();
        let good = words(&world, "bob", says, json!({
            "service": "app", "environment": "production", "release": release,
            "plan": format!("sha256:{}", hash.trim_start_matches("sha256:")), "note": "the shop is closed",
        })).await;
        assert_eq!(world.post(&bob, path, &past).await.code(), "not-signed");
        past["signed"] = said(&with(&good, "says", json!("break-glass")), BOB);
        assert_eq!(world.post(&bob, path, &past).await.code(), "signed-other-word");
        past["signed"] = said(&good, CARL);
        assert_eq!(world.post(&bob, path, &past).await.code(), "not-proven");
        past["signed"] = said(&good, BOB);
        let answer = world.post(&bob, path, &past).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    }
    let rows = world.engine.events(0, 1000).await.unwrap();
    let asked = rows.iter().find(|row| row.kind == "promotion-requested").unwrap();
    assert!(asked.body["signed"]["statement"].as_str().unwrap().contains("override-window"));
}

#[tokio::test]
async fn t2_what_is_accepted_as_not_enforced_is_signed_and_kept() {
    let declared = "
        people: lead lead developer; ada lead; bob developer
        production: root, tier production, steps 100%/1m, unenforced environments.production.cost_limit";
    let world = World::new(declared, |matrix| key(matrix, "bob", BOB)).await;
    let bob = As::Person("bob");
    let release = digest_of(&world, "1.0.0").await;
    let path = "/v1/lanes/app/production/promotions";
    let why = "nobody measures it yet";
    let refused = world.post(&bob, path, &order("1.0.0")).await;
    assert_eq!(refused.code(), "not-enforced", "{refused:?}");
    let mut past = order("1.0.0");
    (past["accept_unenforced"], past["reason"]) = (json!(["cost_limit"]), json!(why));
    let plan = world.post(&bob, "/v1/lanes/app/production/plan", &past).await;
    let hash = plan.body["hash"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
    let about = json!({
        "service": "app", "environment": "production", "release": release,
        "plan": format!("sha256:{hash}"), "note": why,
    });
    let good = words(&world, "bob", "accept-unenforced", about).await;
    for (signed, code) in [
        (Value::Null, "not-signed"),
        (said(&with(&good, "says", json!("override-window")), BOB), "signed-other-word"),
        (said(&with(&good, "note", json!("it is measured")), BOB), "signed-other-note"),
        (said(&with(&good, "plan", json!(Digest::of(b"x"))), BOB), "signed-other-plan"),
        (said(&good, CARL), "not-proven"),
    ] {
        past["signed"] = signed;
        let answer = world.post(&bob, path, &past).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, code), "{answer:?}");
    }
    assert!(!world.kinds().await.contains(&"promotion-requested".to_owned()));
    past["signed"] = said(&good, BOB);
    let answer = world.post(&bob, path, &past).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    let rows = world.engine.events(0, 1000).await.unwrap();
    let asked = rows.iter().find(|row| row.kind == "promotion-requested").unwrap();
    assert_eq!(asked.body["plan"]["accepted"], json!(["environments.production.cost_limit"]));
    assert_eq!(asked.body["signed"], said(&good, BOB), "byte for byte as it was signed");
}

#[tokio::test]
async fn t2_a_thaw_and_going_on_are_signed_and_stopping_never_is() {
    let world = world(&[("bob", BOB)]).await;
    let bob = As::Person("bob");
    let freeze = json!({ "environment": "staging", "service": null, "by": "bob", "reason": "x", "for": 100_000, "until": null });
    assert!(world.post(&bob, "/v1/freezes", &freeze).await.status.is_success());
    let thaw = |signed: Value| json!({ "environment": "staging", "service": null, "by": "bob", "reason": "over", "signed": signed });
    let path = "/v1/freezes/thaw";
    let good =
        words(&world, "bob", "thaw", json!({ "environment": "staging", "note": "over" })).await;
    let elsewhere =
        words(&world, "bob", "thaw", json!({ "environment": "production", "note": "over" })).await;
    for (signed, code) in [
        (Value::Null, "not-signed"),
        (said(&elsewhere, BOB), "signed-other-lane"),
        (said(&good, CARL), "not-proven"),
    ] {
        assert_eq!(world.post(&bob, path, &thaw(signed)).await.code(), code);
    }
    assert!(world.post(&bob, path, &thaw(said(&good, BOB))).await.status.is_success());
    assert!(world.post(&bob, "/v1/freezes", &freeze).await.status.is_success());
    assert_eq!(world.post(&bob, path, &thaw(said(&good, BOB))).await.code(), "said-before");
    let started = world.post(&bob, "/v1/lanes/app/staging/promotions", &order("1.0.0")).await;
    assert_eq!(started.status, StatusCode::ACCEPTED, "{started:?}");
    let why = json!({ "by": "bob", "reason": "look" });
    assert!(world.post(&bob, "/v1/promotions/1/pause", &why).await.status.is_success());
    let resume = |signed: Value| json!({ "by": "bob", "reason": null, "signed": signed });
    let about = json!({ "service": "app", "environment": "staging", "promotion": 1 });
    let good = words(&world, "bob", "resume", about).await;
    let path = "/v1/promotions/1/resume";
    assert_eq!(world.post(&bob, path, &resume(Value::Null)).await.code(), "not-signed");
    let other = with(&good, "promotion", json!(2));
    assert_eq!(
        world.post(&bob, path, &resume(said(&other, BOB))).await.code(),
        "signed-other-promotion"
    );
    assert!(world.post(&bob, path, &resume(said(&good, BOB))).await.status.is_success());
    assert!(world.post(&bob, "/v1/promotions/1/pause", &why).await.status.is_success());
    assert_eq!(world.post(&bob, path, &resume(said(&good, BOB))).await.code(), "said-before");
    assert!(world.post(&bob, "/v1/promotions/1/abort", &why).await.status.is_success());
}

#[tokio::test]
async fn t2_what_is_owed_is_settled_by_signed_words() {
    let world = world(&[("bob", BOB)]).await;
    let bob = As::Person("bob");
    let mut broken = order("1.0.0");
    (broken["break_glass"], broken["reason"]) = (json!(true), json!("it burns"));
    let path = "/v1/lanes/app/production/promotions";
    let answer = world.post(&As::Person("carl"), path, &broken).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    let about = json!({
        "service": "app", "environment": "production", "promotion": 1, "title": "review",
        "note": "read it",
    });
    let good = words(&world, "bob", "settle", about).await;
    let settle = |signed: Value| json!({ "kind": "review", "note": "read it", "by": "bob", "signed": signed });
    let path = "/v1/promotions/1/settle";
    for (signed, code) in [
        (Value::Null, "not-signed"),
        (said(&with(&good, "title", json!("backport")), BOB), "signed-other-check"),
        (said(&with(&good, "note", json!("skimmed it")), BOB), "signed-other-note"),
        (said(&good, CARL), "not-proven"),
    ] {
        assert_eq!(world.post(&bob, path, &settle(signed)).await.code(), code);
    }
    let answer = world.post(&bob, path, &settle(said(&good, BOB))).await;
    assert!(answer.status.is_success(), "{answer:?}");
}

/// Words that a clock which is ahead signed are from after whatever ends here in the next minutes.
#[tokio::test]
async fn t2_words_of_a_clock_that_is_ahead_count_once_as_well() {
    let world = world(&[("bob", BOB)]).await;
    let (lead, bob) = (As::Person("lead"), As::Person("bob"));
    let lane = "/v1/lanes/app/staging";
    let plan = world.post(&lead, &format!("{lane}/plan"), &order("1.0.0")).await;
    let hash = plan.body["hash"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
    let release = digest_of(&world, "1.0.0").await;
    let mut yes = words(&world, "bob", "approve", json!({
        "service": "app", "environment": "staging", "release": release, "plan": format!("sha256:{hash}"),
    })).await;
    yes["at"] = json!(moment(&world, Span::minutes(4)));
    yes["until"] = json!(moment(&world, Span::minutes(14)));
    let body = json!({
        "by": "bob", "agrees": true, "plan": hash, "release": "1.0.0", "note": null, "link": null,
        "signed": said(&yes, BOB),
    });
    let path = format!("{lane}/approvals");
    let first = world.post(&bob, &path, &body).await;
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
    let started = world.post(&lead, &format!("{lane}/promotions"), &order("1.0.0")).await;
    assert_eq!(started.status, StatusCode::ACCEPTED, "{started:?}");
    world.pass(Span::seconds(1));
    let no = json!({ "by": "lead", "reason": "no" });
    assert!(world.post(&lead, "/v1/promotions/1/abort", &no).await.status.is_success());
    let answer = world.post(&bob, &path, &body).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "said-before"));
    // Farther ahead than that they are not taken at all.
    yes["at"] = json!(moment(&world, Span::minutes(6)));
    let body = json!({
        "by": "bob", "agrees": true, "plan": hash, "release": "1.0.0", "note": null, "link": null,
        "signed": said(&yes, BOB),
    });
    assert_eq!(world.post(&bob, &path, &body).await.code(), "signed-ahead");
}

/// Nothing is condemned where nothing runs: by the decision itself, which does not look at the signature.
#[test]
fn t2_a_quarantine_is_lifted_by_signed_words() {
    let now = Timestamp(1_800_000_000_000_000);
    let mut matrix = towpath_testkit::declared::matrix(
        "people: ada developer
         production: root, tier production, steps 100%/1m",
    )
    .unwrap();
    key(&mut matrix, "ada", BOB);
    let lane = LaneId { service: name("app"), environment: name("production") };
    let digest = towpath_core::ids::Digest::of(b"1");
    let version = towpath_core::ids::Version::new("1.0.0").unwrap();
    let release = ReleaseRef { version, digest: digest.clone() };
    let mut project = Project::default();
    let applied = Event::MatrixApplied {
        matrix: Box::new(matrix),
        by: person("ada"),
        changes: Vec::new(),
        approved: Vec::new(),
        signed: None,
    };
    project.apply(None, &applied, now);
    let number = PromotionNumber(1);
    let thrown_out =
        Event::ReleaseQuarantined { release, number, reason: "bad".to_owned(), settings: None };
    project.apply(Some(&lane), &thrown_out, now);
    let statement = |says: &str, note: &str| {
        let text = json!({
            "towpath": 1, "project": "project", "by": "ada", "says": says, "service": "app",
            "environment": "production", "release": digest, "note": note,
            "at": Statement::moment(now), "until": Statement::moment(now.plus(Span::minutes(1))),
        });
        Some(Signed { statement: text.to_string(), signature: String::new() })
    };
    let lift = |project: &Project, signed: Option<Signed>| {
        let (digest, by, reason) = (digest.clone(), person("ada"), "mended".to_owned());
        let input = Input::QuarantineLiftOrdered { digest, by, reason, signed };
        let decision = decide(project, &lane, &input, now);
        decision.refusal.map_or(Ok(decision.events), |refusal| Err(refusal.code))
    };
    for (signed, code) in [
        (None, "not-signed"),
        (statement("thaw", "mended"), "signed-other-word"),
        (statement("lift-quarantine", "because"), "signed-other-note"),
    ] {
        assert_eq!(lift(&project, signed).unwrap_err(), code);
    }
    let good = statement("lift-quarantine", "mended");
    let lifted = lift(&project, good.clone()).unwrap();
    assert!(matches!(lifted[0], Event::QuarantineLifted { .. }), "{lifted:?}");
    for event in &lifted {
        project.apply(Some(&lane), event, now);
    }
    project.apply(Some(&lane), &thrown_out, now);
    assert_eq!(lift(&project, good).unwrap_err(), "said-before");
}
