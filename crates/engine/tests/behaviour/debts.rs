//! What is owed, in the real engine: a backport is found in the releases that come from its branch, the
//! glass is broken and a review given by whoever may.

use std::collections::{BTreeMap, BTreeSet};

use towpath_core::debts::DebtKind;
use towpath_core::ids::{Name, Person, PromotionNumber, Version};
use towpath_core::matrix::{AdapterSpec, Matrix};
use towpath_core::notices::{Channel, Occasion};
use towpath_core::people::{PersonSpec, Verb};
use towpath_core::promotion::input::{DebtOrder, Input, PromotionOrder};
use towpath_core::promotion::state::Outcome;
use towpath_core::reason::RefusalKind;
use towpath_core::release::ChangeType;
use towpath_core::units::Timestamp;
use towpath_engine::{Accepted, EngineError, NewRelease, Order};
use towpath_testkit::declared::{self, ReleaseWords};

use crate::world::{Life, World, prod};

const OWING: &str =
    "prod: root, steps 100%/2s, type hotfix backported develop, type hotfix reviewed 24h";

fn person(name: &str) -> Person {
    Person::new(name).unwrap()
}

async fn create(life: &Life<'_>, version: &str, change_type: ChangeType, commit: &str) {
    let words =
        ReleaseWords { content: version.to_owned(), change_type, ..ReleaseWords::default() };
    let release = declared::release(&prod().service, version, &words, Timestamp(0)).unwrap();
    let release = towpath_core::release::Release { commit: Some(commit.to_owned()), ..release };
    let new = NewRelease { release, by: person("anna") };
    life.engine.order_project(Order::CreateRelease(Box::new(new))).await.unwrap();
}

async fn settle(
    life: &Life<'_>,
    by: &str,
    number: PromotionNumber,
) -> Result<Accepted, EngineError> {
    let order = DebtOrder {
        by: person(by),
        number,
        kind: DebtKind::Review,
        note: Some("read it".to_owned()),
        link: None,
        found_in: None,
        signed: None,
    };
    life.engine.order(&prod(), Input::DebtSettled(order)).await
}

async fn break_glass(life: &Life<'_>, by: &str) -> Result<Accepted, EngineError> {
    let order = PromotionOrder {
        release: Some(Version::new("2.0.0").unwrap()),
        reason: Some("checkout is down".to_owned()),
        break_glass: true,
        ..PromotionOrder::of(person(by))
    };
    life.engine.order(&prod(), Input::PromotionOrdered(order)).await
}

fn owed(life: &Life<'_>) -> Vec<DebtKind> {
    life.engine.lane_state(&prod()).debts.iter().map(|open| open.debt.kind).collect()
}

#[test]
fn a_backport_is_found_in_a_later_release_also_by_the_next_engine() {
    let world = World::new(OWING);
    world.live(async |life| {
        life.begin().await;
        create(life, "1.0.1", ChangeType::Hotfix, "fix").await;
        let hotfix = life.promote("1.0.1").await;
        assert_eq!(life.end_of(hotfix).await, Outcome::Succeeded);
        assert_eq!(owed(life), [DebtKind::Review, DebtKind::Backport]);
        create(life, "1.1.0", ChangeType::Feature, "without").await;
        tokio::time::sleep(std::time::Duration::from_mins(1)).await;
        assert_eq!(owed(life), [DebtKind::Review, DebtKind::Backport]);
        create(life, "1.2.0", ChangeType::Feature, "with").await;
    });
    world.history.having.lock().unwrap().push("with".to_owned());
    world.live(async |life| {
        life.until("it is found", |lane| lane.debts.len() == 1).await;
        assert_eq!(owed(life), [DebtKind::Review]);
    });
}

/// Two people, of whom one may break the glass.
fn of_two(matrix: &mut Matrix) {
    let role = |name: &str| Name::new(name).unwrap();
    let spec = |of: &str| PersonSpec { roles: BTreeSet::from([role(of)]), ..PersonSpec::default() };
    matrix.people = [("anna", "on-call"), ("bert", "developer")]
        .into_iter()
        .map(|(name, of)| (person(name), spec(of)))
        .collect();
    matrix.who_may.insert(Verb::BreakGlass, vec![role("on-call")]);
}

#[test]
fn the_glass_is_broken_by_whoever_may_and_looked_at_by_somebody_else() {
    let world = World::new("prod: root, steps 100%/2s, check audit").changed_by(of_two);
    world.live(async |life| {
        life.prepare().await;
        let kind = |answer: Result<Accepted, EngineError>| match answer {
            Err(EngineError::Refused(refusal)) => refusal.kind,
            other => panic!("{other:?}"),
        };
        assert_eq!(kind(break_glass(life, "bert").await), RefusalKind::NotAllowed);
        let number = break_glass(life, "anna").await.unwrap().promotion.unwrap();
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
        let seen = life.engine.promotion(number).await.unwrap().unwrap();
        assert!(seen.broke_glass, "it is marked for ever");
        assert_eq!(owed(life), [DebtKind::Review]);
        assert_eq!(kind(settle(life, "anna", number).await), RefusalKind::NotAllowed);
        assert_eq!(kind(settle(life, "mallory", number).await), RefusalKind::NotAllowed);
        settle(life, "bert", number).await.unwrap();
        assert_eq!(owed(life), []);
    });
}

/// `ops` hears of hotfixes alone, `chat` of what ends well.
fn told(matrix: &mut Matrix) {
    of_two(matrix);
    let name = |text: &str| Name::new(text).unwrap();
    let adapter = AdapterSpec { kind: "fake".to_owned(), settings: serde_json::json!({}) };
    let channel = Channel { adapter, secrets: BTreeMap::new(), missing: None };
    matrix.notifiers = ["ops", "chat"].map(|one| (name(one), channel.clone())).into();
    for environment in &mut matrix.environments {
        environment.notify.on = BTreeMap::from([(Occasion::Succeeded, vec![name("chat")])]);
        for lane in environment.lanes.values_mut() {
            let rules = lane.change_types.entry(ChangeType::Hotfix).or_default();
            rules.notify = vec![name("ops")];
        }
    }
}

#[test]
fn a_hotfix_is_told_to_its_own_channels_and_broken_glass_to_everybody() {
    let world = World::new("prod: root, steps 100%/2s").changed_by(told);
    world.live(async |life| {
        life.begin().await;
        create(life, "1.0.1", ChangeType::Hotfix, "fix").await;
        let hotfix = life.promote("1.0.1").await;
        assert_eq!(life.end_of(hotfix).await, Outcome::Succeeded);
        let broken = break_glass(life, "anna").await.unwrap().promotion.unwrap();
        assert_eq!(life.end_of(broken).await, Outcome::Succeeded);
        while !life.engine.notices().await.unwrap().pending.is_empty() {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    });
    let hotfix =
        ["[project] the hotfix 1.0.1 is on its way into prod", "[project] prod serves 1.0.1"];
    assert_eq!(world.notifiers.subjects("ops"), hotfix);
    let chat = [
        "[project] prod serves 1.0.0",
        "[project] prod serves 1.0.1",
        "[project] GLASS BROKEN: 2.0.0 into prod",
        "[project] prod serves 2.0.0",
    ];
    assert_eq!(world.notifiers.subjects("chat"), chat);
}
