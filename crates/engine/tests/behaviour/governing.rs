//! A changed matrix in the real engine: it waits for people, also over a restart, and brings its rights
//! with it only once it counts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use towpath_core::approvals::Need;
use towpath_core::governing::MatrixWord;
use towpath_core::ids::{Name, Person};
use towpath_core::matrix::Matrix;
use towpath_core::notices::Occasion;
use towpath_core::people::{PersonSpec, Verb};
use towpath_core::reason::RefusalKind;
use towpath_core::units::Span;
use towpath_engine::{Accepted, EngineError, Order};

use crate::notices;
use crate::world::{Life, World};

fn person(name: &str) -> Person {
    Person::new(name).unwrap()
}

fn role(name: &str) -> Name {
    Name::new(name).unwrap()
}

/// `anna` and `bert` lead, of whom one agrees to what the other proposes.
fn governed(matrix: &mut Matrix) {
    let spec = || PersonSpec { roles: BTreeSet::from([role("lead")]), ..PersonSpec::default() };
    matrix.people = ["anna", "bert"].into_iter().map(|name| (person(name), spec())).collect();
    matrix.approvals = vec![Need { role: role("lead"), people: 1 }];
}

async fn apply(life: &Life<'_>, matrix: &Matrix) -> Result<Accepted, EngineError> {
    let order = Order::ApplyMatrix(Box::new(matrix.clone()), person("anna"), None);
    life.engine.order_project(order).await
}

async fn agree(life: &Life<'_>, by: &str) -> Result<Accepted, EngineError> {
    let plan = life.engine.proposal().unwrap().plan;
    let word = MatrixWord { by: person(by), plan, agrees: true, note: None, signed: None };
    life.engine.order_project(Order::AgreeToMatrix(word)).await
}

#[test]
fn a_changed_matrix_waits_for_people_and_brings_its_rights_with_it_once_it_counts() {
    let world = World::new("prod: root, steps 100%/2s").changed_by(governed);
    world.live(async |life| {
        life.prepare().await;
        let mut next = life.engine.matrix().unwrap();
        next.approvals.clear();
        next.who_may.insert(Verb::Promote, vec![role("nobody-has-this")]);
        let proposed = apply(life, &next).await.unwrap();
        assert_eq!(proposed.notes, ["lead has 0 of 1 (bert)"]);
        let again = apply(life, &next).await.unwrap();
        assert_eq!(again.events, [], "the same a second time changes nothing");
        assert_eq!(life.engine.matrix().unwrap().approvals.len(), 1, "it does not count yet");
        let first = life.promote("1.0.0").await;
        life.end_of(first).await;
    });
    world.live(async |life| {
        let waiting = life.engine.proposal().expect("it outlives the engine");
        assert_eq!(waiting.changes, ["matrix_approvals", "who_may"]);
        let Err(EngineError::Refused(own)) = agree(life, "anna").await else { panic!("its own") };
        assert_eq!(own.kind, RefusalKind::NotAllowed);
        agree(life, "bert").await.unwrap();
        assert!(life.engine.matrix().unwrap().approvals.is_empty());
        assert!(life.engine.proposal().is_none());
        let refused = life.try_promote("2.0.0").await;
        let Err(EngineError::Refused(refusal)) = refused else { panic!("{refused:?}") };
        assert_eq!(refusal.kind, RefusalKind::NotAllowed, "the new rights bind at once");
    });
    assert_eq!(world.store.count("matrix-proposed"), 1);
    assert_eq!(world.store.count("matrix-word-given"), 1);
    assert_eq!(world.store.count("matrix-applied"), 2);
}

/// `slack` hears of what waits in `prod`, and nobody of its end by itself.
fn governed_and_told(matrix: &mut Matrix) {
    notices::told(matrix);
    governed(matrix);
    for environment in &mut matrix.environments {
        let slack = vec![role("slack"), role("phone")];
        environment.notify.on = BTreeMap::from([(Occasion::Waiting, slack)]);
    }
}

/// A new engine, until it has told what is due.
fn next_engine(world: &World) {
    world.live(async |life| {
        tokio::time::sleep(Duration::from_secs(90)).await;
        notices::all_settled(life).await;
    });
}

#[test]
fn a_proposed_matrix_is_told_at_once_again_each_day_and_once_more_when_its_time_is_over() {
    let world = World::new("prod: root, steps 100%/2s").changed_by(governed_and_told);
    world.live(async |life| {
        life.prepare().await;
        let mut next = life.engine.matrix().unwrap();
        next.approvals.clear();
        apply(life, &next).await.unwrap();
        notices::all_settled(life).await;
        assert!(!life.engine.is_idle(), "it waits for people");
    });
    let waits = "[project] a changed matrix waits for people";
    let still = "[project] a changed matrix still waits for people";
    let lapsed = "[project] a changed matrix has lapsed: nobody agreed in time";
    assert_eq!(world.notifiers.subjects("slack"), [waits]);
    world.pass(Span::hours(24));
    next_engine(&world);
    assert_eq!(world.notifiers.subjects("slack"), [waits, still]);
    world.pass(Span::hours(23));
    next_engine(&world);
    assert_eq!(world.notifiers.subjects("slack"), [waits, still], "a restart repeats nothing");
    world.pass(Span::hours(25));
    next_engine(&world);
    next_engine(&world);
    assert_eq!(world.notifiers.subjects("slack"), [waits, still, lapsed]);
    assert_eq!(world.store.count("matrix-reminded"), 1);
    assert_eq!(world.store.count("matrix-lapsed"), 1);
    assert_eq!(world.notifiers.subjects("email"), [] as [&str; 0], "no rule names it");
}
