//! Freezes and windows in the real engine: they bind what runs and what waits at once, outlive the engine,
//! and are ordered and gone past by whoever may.

use towpath_core::freezing::{Freeze, Scope, Thaw};
use towpath_core::ids::{Name, Person, Version};
use towpath_core::matrix::Matrix;
use towpath_core::people::{PersonSpec, Verb};
use towpath_core::promotion::input::{Input, PromotionOrder};
use towpath_core::promotion::state::Outcome;
use towpath_core::reason::RefusalKind;
use towpath_core::units::{Span, Timestamp};
use towpath_engine::{Accepted, EngineError, Order};

use crate::world::{Life, World, prod};

const STEPS: &str = "prod: root, steps 10%/1m 100%/2s";

fn person(name: &str) -> Person {
    Person::new(name).unwrap()
}

fn scope() -> Scope {
    Scope { environment: Some(prod().environment), service: None }
}

pub(crate) async fn freeze(
    life: &Life<'_>,
    by: &str,
    scope: Scope,
    lasts: Option<Span>,
) -> Result<Accepted, EngineError> {
    let freeze = Freeze {
        scope,
        by: person(by),
        reason: "an audit".to_owned(),
        until: lasts.map(|lasts| life.now().plus(lasts)),
        except: Vec::new(),
        since: Timestamp(0),
    };
    life.engine.order_project(Order::Freeze(freeze)).await
}

pub(crate) async fn thaw(life: &Life<'_>, by: &str, scope: Scope) -> Result<Accepted, EngineError> {
    let thaw = Thaw { scope, by: person(by), reason: None, signed: None };
    life.engine.order_project(Order::Thaw(thaw)).await
}

async fn is_frozen(life: &Life<'_>) {
    life.until("the rollout is held", |lane| {
        lane.active.as_ref().is_some_and(|one| one.held.is_some())
    })
    .await;
}

fn refused(answer: Result<Accepted, EngineError>) -> (RefusalKind, String) {
    match answer {
        Err(EngineError::Refused(it)) => (it.kind, it.message),
        other => panic!("{other:?}"),
    }
}

/// What the status says of the open promotion: what each wait is of, and until when.
fn waits(life: &Life<'_>) -> Vec<(String, bool)> {
    let view = life.engine.lane(&prod()).unwrap();
    let waits = view.promotion.map(|one| one.waits_for).unwrap_or_default();
    waits.into_iter().map(|one| (one.what, one.until.is_some())).collect()
}

#[test]
fn a_freeze_holds_a_rollout_until_it_is_thawed() {
    let world = World::new(STEPS);
    world.live(async |life| {
        let (second, _) = life.begin_second().await;
        freeze(life, "anna", scope(), None).await.unwrap();
        is_frozen(life).await;
        let said = [("freeze".to_owned(), false), ("step".to_owned(), true)];
        assert_eq!(waits(life), said);
        let status = life.engine.status();
        assert_eq!(status.frozen.len(), 1);
        assert_eq!(status.frozen[0].environment.as_deref(), Some("prod"));
        thaw(life, "anna", scope()).await.unwrap();
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        assert!(life.engine.status().frozen.is_empty());
        let story = life.story_of(second);
        let held = story.iter().position(|event| event == "rollout-held").unwrap();
        assert_eq!(story[held + 1], "rollout-released");
        assert!(story[..held].iter().filter(|event| *event == "weight-ordered").count() == 1);
    });
}

#[test]
fn a_freeze_outlives_the_engine_and_ends_by_itself() {
    let world = World::new(STEPS);
    let waiting = world.live(async |life| {
        life.begin().await;
        freeze(life, "anna", scope(), Some(Span::hours(2))).await.unwrap();
        life.promote("2.0.0").await
    });
    world.live(async |life| {
        tokio::time::sleep(std::time::Duration::from_mins(5)).await;
        assert_eq!(waits(life), [("freeze".to_owned(), true)], "nothing has started");
    });
    world.pass(Span::hours(2));
    world.live(async |life| {
        assert_eq!(life.end_of(waiting).await, Outcome::Succeeded);
    });
}

#[test]
fn a_rollback_passes_whatever_is_frozen() {
    let world = World::new("prod: root, steps 100%/2s, standby 1h");
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        freeze(life, "anna", Scope::default(), None).await.unwrap();
        let back = life.roll_back().await.unwrap().promotion.unwrap();
        assert_eq!(life.end_of(back).await, Outcome::Succeeded);
        assert_eq!(life.serves().as_deref(), Some("1.0.0"));
    });
}

/// Anna may freeze `prod` and nothing else, ben may thaw and break the glass in it, and chen may freeze
/// everything.
fn with_rights(life: &Life<'_>) -> Matrix {
    let mut matrix = life.engine.matrix().unwrap();
    let role = |name: &str| Name::new(name).unwrap();
    for (who, account, own) in
        [("anna", None, "watch"), ("ben", Some("ben-s-account"), "lead"), ("chen", None, "boss")]
    {
        let spec = PersonSpec {
            account: account.map(person),
            roles: [role(own)].into(),
            ..PersonSpec::default()
        };
        matrix.people.insert(person(who), spec);
    }
    matrix.who_may.insert(Verb::Freeze, vec![role("boss")]);
    let here = &mut matrix.environments[0].who_may;
    here.insert(Verb::Freeze, vec![role("watch")]);
    here.insert(Verb::Thaw, vec![role("lead")]);
    here.insert(Verb::BreakGlass, vec![role("lead")]);
    matrix
}

#[test]
fn who_may_freeze_thaw_and_go_past_windows_is_decided_by_the_matrix() {
    // The world begins on a Friday or not: all days are frozen.
    let world = World::new("prod: root, steps 100%/2s, freeze mon-sun");
    world.live(async |life| {
        life.prepare().await;
        let matrix = Box::new(with_rights(life));
        life.engine.order_project(Order::ApplyMatrix(matrix, person("anna"), None)).await.unwrap();
        let everything = Scope::default;
        let not_allowed = |answer| assert_eq!(refused(answer).0, RefusalKind::NotAllowed);
        not_allowed(freeze(life, "anna", everything(), None).await);
        not_allowed(freeze(life, "ben-s-account", scope(), None).await);
        not_allowed(freeze(life, "mallory", scope(), None).await);
        freeze(life, "anna", scope(), None).await.unwrap();
        not_allowed(thaw(life, "anna", scope()).await);
        thaw(life, "ben-s-account", scope()).await.unwrap();
        freeze(life, "chen", everything(), None).await.unwrap();
        let (kind, message) = refused(thaw(life, "ben-s-account", scope()).await);
        assert_eq!(kind, RefusalKind::Conflict);
        assert_eq!(message, "prod has no freeze of its own; nothing was thawed");
        // Where the environment asks for another role, meaning all of them does not get round it.
        not_allowed(thaw(life, "chen", everything()).await);
        thaw(life, "ben-s-account", everything()).await.unwrap();

        let order = |by: &str, reason: Option<&str>| {
            Input::PromotionOrdered(PromotionOrder {
                release: Some(Version::new("1.0.0").unwrap()),
                reason: reason.map(str::to_owned),
                override_window: true,
                ..PromotionOrder::of(person(by))
            })
        };
        not_allowed(life.engine.order(&prod(), order("anna", Some("it is urgent"))).await);
        let (kind, _) = refused(life.engine.order(&prod(), order("ben-s-account", None)).await);
        assert_eq!(kind, RefusalKind::Usage, "a reason is needed");
        let urgent = order("ben-s-account", Some("it is urgent"));
        let first = life.engine.order(&prod(), urgent).await.unwrap().promotion.unwrap();
        assert_eq!(life.end_of(first).await, Outcome::Succeeded);
        assert_eq!(waits(life), []);
    });
}

#[test]
fn a_plan_says_what_would_hold_it_and_when_it_could_start() {
    let world = World::new("prod: root, steps 100%/2s, freeze mon-sun except hotfix");
    world.live(async |life| {
        life.prepare().await;
        freeze(life, "anna", scope(), Some(Span::hours(1))).await.unwrap();
        let order = |past: bool| PromotionOrder {
            release: Some(Version::new("1.0.0").unwrap()),
            reason: Some("it is urgent".to_owned()),
            override_window: past,
            ..PromotionOrder::of(person("anna"))
        };
        let held = life.engine.plan(&prod(), &order(false)).unwrap();
        assert_eq!(held.held.len(), 2, "a person's freeze and that of the matrix");
        assert_eq!(held.opens, None, "every day is frozen");
        assert_eq!(held.windows, ["never mon-sun UTC"]);
        let past = life.engine.plan(&prod(), &order(true)).unwrap();
        assert_eq!(past.held.len(), 1, "what a person froze is thawed, and not gone past");
        assert!(past.opens.is_some());
        assert_eq!(past.hash, held.hash, "neither is part of what will be done");
    });
}
