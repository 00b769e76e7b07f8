//! A changed matrix that waits for people: who sees what of it, whose word counts, and what is refused.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use towpath_core::approvals::Need;
use towpath_core::ids::{Name, Person};
use towpath_core::matrix::Matrix;
use towpath_core::people::{PersonSpec, Verb};
use towpath_engine::Order;

use crate::look::Browser;
use crate::people::{field, word};
use crate::world::{Life, World};

fn person(name: &str) -> Person {
    Person::new(name).unwrap()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// `anna` and `bert` lead, of whom one agrees to what the other proposes; `carl` does not.
pub(crate) fn governed(matrix: &mut Matrix) {
    let lead = || PersonSpec { roles: BTreeSet::from([name("lead")]), ..PersonSpec::default() };
    matrix.people = ["anna", "bert"].into_iter().map(|name| (person(name), lead())).collect();
    let developer =
        PersonSpec { roles: BTreeSet::from([name("developer")]), ..PersonSpec::default() };
    matrix.people.insert(person("carl"), developer);
    matrix.approvals = vec![Need { role: name("lead"), people: 1 }];
}

/// `anna` wants another rule for who may promote, another title, and another password.
async fn propose(life: &Life<'_>) {
    let mut next = life.engine.matrix().unwrap();
    next.who_may.insert(Verb::Promote, vec![name("lead")]);
    next.environments[0].title = Some("<b>The real one</b>".to_owned());
    let lane = next.environments[0].lanes.values_mut().next().unwrap();
    lane.settings.insert("DB_PASSWORD".to_owned(), "hunter2-and-more".to_owned());
    let order = Order::ApplyMatrix(Box::new(next), person("anna"), None);
    life.engine.order_project(order).await.unwrap();
}

#[test]
fn a_changed_matrix_is_shown_with_what_it_changes_and_answered_in_two_actions() {
    let world = World::new("prod: root, steps 100%/2s").changed_by(governed);
    world.live(async |life| {
        life.prepare().await;
        let bert = Browser::of(&life.engine, "bert");
        bert.get("/waiting").await.says("Nothing waits for you").says_not("A changed matrix");
        propose(life).await;
        let page = bert.get("/waiting").await;
        page.says("1 waits for you").says("A changed matrix, by anna").says("who_may");
        page.says("&lt;b&gt;The real one&lt;/b&gt;").says_not("hunter2").says("1</span>");
        let plan = field(&page, "plan");
        for other in ["anna", "carl"] {
            let seen = Browser::of(&life.engine, other).get("/waiting").await;
            seen.says("Nothing waits for you").says("Waits for others").says("A changed matrix");
            seen.says_not("Approve the change");
        }
        let yes = format!("form={}&plan={plan}&word=yes", word());
        for other in ["anna", "carl"] {
            let refused = Browser::of(&life.engine, other).post("/waiting/matrix", &yes).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{other}: {}", refused.readable());
        }
        let stale = format!("form={}&plan=000000000000&word=yes", word());
        let refused = bert.post("/waiting/matrix", &stale).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.readable());
        let silent = format!("form={}&plan={plan}&word=no", word());
        bert.post("/waiting/matrix", &silent).await.says("a reason is needed");
        assert!(life.engine.proposal().is_some(), "nothing of that counted");
        let done = bert.post("/waiting/matrix", &yes).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.readable());
        bert.get("/waiting?done=agreed").await.says("Approved: your word about this change");
        assert!(life.engine.matrix().unwrap().who_may.contains_key(&Verb::Promote));
        let again = bert.post("/waiting/matrix", &yes).await;
        assert_eq!(again.status, StatusCode::NOT_FOUND, "{}", again.readable());
    });
}

#[test]
fn whoever_proposed_a_change_takes_it_back_with_a_reason() {
    let world = World::new("prod: root, steps 100%/2s").changed_by(governed);
    world.live(async |life| {
        life.prepare().await;
        propose(life).await;
        let anna = Browser::of(&life.engine, "anna");
        let page = anna.get("/waiting").await;
        page.says("Take it back").says_not("Approve the change");
        let back =
            format!("form={}&plan={}&word=no&reason=too+early", word(), field(&page, "plan"));
        let done = anna.post("/waiting/matrix", &back).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.readable());
        assert!(life.engine.proposal().is_none());
        anna.get("/waiting").await.says("Nothing waits for you").says_not("A changed matrix");
    });
}
