//! A changed matrix in the real engine: it waits for people, also over a restart, and brings its rights
//! with it only once it counts.

use std::collections::BTreeSet;

use towpath_core::approvals::Need;
use towpath_core::governing::MatrixWord;
use towpath_core::ids::{Name, Person};
use towpath_core::matrix::Matrix;
use towpath_core::people::{PersonSpec, Verb};
use towpath_core::reason::RefusalKind;
use towpath_engine::{Accepted, EngineError, Order};

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
