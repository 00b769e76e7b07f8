//! Owners of what a promotion changes, in the real engine: the repository is asked once, asked again when it
//! could not tell, and before a word that depends on it.

use std::collections::BTreeSet;

use towpath_core::code_owners::{Change, OwnedFiles};
use towpath_core::ids::{Name, Person, PromotionNumber, Version};
use towpath_core::matrix::Matrix;
use towpath_core::people::PersonSpec;
use towpath_core::promotion::input::{ApprovalOrder, Input, PromotionOrder};
use towpath_core::promotion::state::Outcome;
use towpath_core::units::Timestamp;
use towpath_engine::{Accepted, EngineError, NewRelease, Order};
use towpath_testkit::declared::{self, ReleaseWords};

use crate::world::{Life, World, prod};

const OWNED: &str = "prod: root, steps 100%/2s, approvals owners";

fn person(name: &str) -> Person {
    Person::new(name).unwrap()
}

/// Anna orders, and Dora owns what the page looks like.
fn of_two(matrix: &mut Matrix) {
    let spec = || PersonSpec {
        roles: BTreeSet::from([Name::new("developer").unwrap()]),
        ..PersonSpec::default()
    };
    let dora = PersonSpec { handle: Some("Dora-L".to_owned()), ..spec() };
    matrix.people = [(person("anna"), spec()), (person("dora"), dora)].into();
    for lane in matrix.environments.iter_mut().flat_map(|it| it.lanes.values_mut()) {
        lane.approvals.as_mut().unwrap().all = Some(Vec::new());
    }
}

fn of_dora() -> Vec<OwnedFiles> {
    let owners = vec!["@dora-l".to_owned()];
    vec![OwnedFiles { owners, file: "web.css".to_owned(), files: 1 }]
}

async fn create(life: &Life<'_>, version: &str, commit: &str) {
    let words = ReleaseWords {
        content: version.to_owned(),
        commit: Some(commit.to_owned()),
        ..ReleaseWords::default()
    };
    let release = declared::release(&prod().service, version, &words, Timestamp(0)).unwrap();
    let new = NewRelease { release, by: person("anna") };
    life.engine.order_project(Order::CreateRelease(Box::new(new))).await.unwrap();
}

async fn approve(
    life: &Life<'_>,
    number: Option<PromotionNumber>,
    plan: Option<&str>,
) -> Result<Accepted, EngineError> {
    let order = ApprovalOrder {
        by: person("dora"),
        agrees: true,
        number,
        plan: plan.map(str::to_owned),
        release: number.is_none().then(|| Version::new("1.1.0").unwrap()),
        note: None,
        link: None,
        signed: None,
    };
    life.engine.order(&prod(), Input::ApprovalOrdered(order)).await
}

fn asked(world: &World) -> Vec<Change> {
    world.history.asked.lock().unwrap().clone()
}

#[test]
fn what_a_promotion_changes_is_asked_until_it_is_told_and_then_no_more() {
    let world = World::new(OWNED).changed_by(of_two);
    world.live(async |life| {
        life.prepare().await;
        create(life, "1.1.0", &"2".repeat(40)).await;
        let number = life.promote("1.1.0").await;
        let is_told = |lane: &towpath_core::promotion::state::Lane| lane.owned.len() == 1;
        life.until("the trouble is told", is_told).await;
        let why = life.engine.lane(&prod()).unwrap().promotion.unwrap().waits_for;
        assert!(why[0].sentence.contains("run `git fetch` there"), "{}", why[0].sentence);
        *world.history.owned.lock().unwrap() = Some(of_dora());
        let known = |lane: &towpath_core::promotion::state::Lane| lane.owned[0].trouble.is_none();
        life.until("the owners are told", known).await;
        let before = asked(&world).len();
        assert!(before >= 2);
        let why = life.engine.lane(&prod()).unwrap().promotion.unwrap().waits_for;
        assert_eq!(why[0].sentence, "owners of web.css (@dora-l): none of them agreed");
        assert_eq!(why[0].who, ["dora"]);
        tokio::time::sleep(std::time::Duration::from_mins(2)).await;
        approve(life, Some(number), None).await.unwrap();
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
        assert_eq!(asked(&world).len(), before, "what is known is not asked again");
        assert_eq!(asked(&world)[0], Change { before: None, commit: "2".repeat(40), file: None });
    });
}

#[test]
fn an_owner_may_agree_before_anybody_orders_it_and_a_plan_names_the_owners() {
    let world = World::new(OWNED).changed_by(of_two);
    *world.history.owned.lock().unwrap() = Some(of_dora());
    world.live(async |life| {
        life.prepare().await;
        create(life, "1.1.0", &"2".repeat(40)).await;
        let release = Some(Version::new("1.1.0").unwrap());
        let order = PromotionOrder { release, ..PromotionOrder::of(person("anna")) };
        let events = world.store.bodies().len();
        let plan = life.engine.whole_plan(&prod(), &order).await.unwrap();
        assert_eq!(plan.approvals[0].whom(), "owners of web.css (@dora-l)");
        assert_eq!(plan.approvals[0].who, ["dora"]);
        assert_eq!(world.store.bodies().len(), events, "to look at a plan writes nothing");
        approve(life, None, Some(&plan.hash)).await.unwrap();
        let number = life.promote("1.1.0").await;
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
    });
}

#[test]
fn where_no_owner_is_asked_no_repository_is() {
    let world = World::new("prod: root, steps 100%/2s").changed_by(|matrix| {
        matrix.people.insert(person("anna"), PersonSpec::default());
    });
    world.live(async |life| {
        life.prepare().await;
        create(life, "1.1.0", &"2".repeat(40)).await;
        let number = life.promote("1.1.0").await;
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
        assert!(asked(&world).is_empty());
    });
}
