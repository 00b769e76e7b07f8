//! Orders of people who may and who may not: refused before anything happens, and never in the way of
//! what runs already.

use std::collections::BTreeMap;

use towpath_core::freezing::Scope;
use towpath_core::ids::{Name, Person, Version};
use towpath_core::journal::{Freeze, Thaw};
use towpath_core::matrix::Matrix;
use towpath_core::people::{PersonSpec, Verb};
use towpath_core::promotion::input::{Input, PromotionOrder};
use towpath_core::promotion::state::Outcome;
use towpath_core::reason::RefusalKind;
use towpath_core::release::ChangeType;
use towpath_core::units::Timestamp;
use towpath_engine::{Accepted, EngineError, NewRelease, Order};
use towpath_guard::Arm;
use towpath_testkit::declared::{self, ReleaseWords};

use crate::world::{Life, SHORT, World, prod};

fn person(name: &str) -> Person {
    Person::new(name).unwrap()
}

/// People with the roles of their line: `anna: lead`, `ben as root: developer`.
fn people(lines: &[&str]) -> BTreeMap<Person, PersonSpec> {
    let one = |line: &&str| {
        let (who, roles) = line.split_once(": ").unwrap();
        let (name, account) = who.split_once(" as ").map_or((who, None), |(a, b)| (a, Some(b)));
        let roles = roles.split(' ').filter(|role| !role.is_empty());
        let spec = PersonSpec {
            account: account.map(person),
            roles: roles.map(|role| Name::new(role).unwrap()).collect(),
            ..PersonSpec::default()
        };
        (person(name), spec)
    };
    lines.iter().map(one).collect()
}

/// The matrix in force with these people, and with what only some may do.
fn with(life: &Life<'_>, lines: &[&str], rights: &[(Verb, &str)]) -> Matrix {
    let mut matrix = life.engine.matrix().unwrap();
    matrix.people = people(lines);
    let right = |(verb, role): &(Verb, &str)| (*verb, vec![Name::new(role).unwrap()]);
    matrix.who_may = rights.iter().map(right).collect();
    matrix
}

async fn apply(life: &Life<'_>, matrix: Matrix, by: &str) -> Result<Accepted, EngineError> {
    life.engine.order_project(Order::ApplyMatrix(Box::new(matrix), person(by), None)).await
}

/// Why it was refused.
fn refused(answer: Result<Accepted, EngineError>) -> (RefusalKind, String, String) {
    match answer {
        Err(EngineError::Refused(it)) => (it.kind, it.message, it.cause.unwrap_or_default()),
        other => panic!("{other:?}"),
    }
}

async fn roll_back(life: &Life<'_>, by: &str) -> Result<Accepted, EngineError> {
    let order = Input::RollbackOrdered { by: person(by), reason: None, quarantine: true };
    life.engine.order(&prod(), order).await
}

#[test]
fn whoever_may_not_is_refused_and_nothing_happens() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        let matrix = with(life, &["anna: lead", "ben: developer"], &[(Verb::Promote, "developer")]);
        apply(life, matrix, "anna").await.unwrap();
        let before = world.store.bodies().len();
        let (kind, message, cause) = refused(life.try_promote("2.0.0").await);
        assert_eq!(kind, RefusalKind::NotAllowed);
        assert_eq!(message, "anna may not promote in prod");
        assert_eq!(cause, "it needs the role developer; anna has the role lead; ben may");
        let again = refused(life.try_promote("2.0.0").await);
        assert_eq!(again.0, kind);
        let written = world.store.bodies().split_off(before);
        let [attempt] = written.as_slice() else { panic!("only the attempt is on record") };
        for (key, wanted) in [
            ("event", "order-refused"),
            ("by", "anna"),
            ("order", "promote"),
            ("code", "not-allowed"),
        ] {
            assert_eq!(attempt.body[key], wanted, "{attempt:?}");
        }
        let (own, other) = (prod().environment, Name::new("elsewhere").unwrap());
        for (environment, wanted) in [(None, 1), (Some(&own), 1), (Some(&other), 0)] {
            let told = life.engine.refused(None, environment, None, 10).await.unwrap();
            assert_eq!(told.len(), wanted, "{environment:?}");
            for told in told {
                assert_eq!((told.by.as_str(), told.order.as_str()), ("anna", "promote"));
                assert_eq!(told.why, format!("{message}: {cause}"));
                assert_eq!(told.times, 1, "the second is counted for an hour, and told then");
                let older = life.engine.refused(None, environment, Some(told.event), 10).await;
                assert!(older.unwrap().is_empty());
            }
        }
        let (_, _, cause) = refused(roll_back(life, "eve").await);
        assert!(cause.starts_with("the account eve is nobody whom `people` names"), "{cause}");
    });
}

#[test]
fn nobody_thaws_an_environment_by_thawing_all_of_them() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        let mut matrix = with(life, &["anna: lead", "ben: developer"], &[]);
        let own = matrix.environments.iter_mut().find(|one| one.name == prod().environment);
        let lead = vec![Name::new("lead").unwrap()];
        own.unwrap().who_may.insert(Verb::Thaw, lead);
        apply(life, matrix, "anna").await.unwrap();
        let freeze = Freeze {
            scope: Scope::default(),
            by: person("anna"),
            reason: "the provider is down".to_owned(),
            until: None,
            except: Vec::new(),
            since: Timestamp::default(),
        };
        life.engine.order_project(Order::Freeze(freeze)).await.unwrap();
        let thaw = |by: &str| {
            let scope = Scope::default();
            Order::Thaw(Thaw { scope, by: person(by), reason: None, signed: None })
        };
        let (kind, message, _) = refused(life.engine.order_project(thaw("ben")).await);
        assert_eq!((kind, message.as_str()), (RefusalKind::NotAllowed, "ben may not thaw in prod"));
        life.engine.order_project(thaw("anna")).await.unwrap();
    });
}

#[test]
fn a_release_is_not_said_to_be_something_else_later() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        let words = |change_type| ReleaseWords {
            content: "4.0.0".to_owned(),
            change_type,
            ..ReleaseWords::default()
        };
        let create = async |change_type| {
            let release = declared::release(
                &prod().service,
                "4.0.0",
                &words(change_type),
                Timestamp::default(),
            );
            let new = NewRelease { release: release.unwrap(), by: person("anna") };
            life.engine.order_project(Order::CreateRelease(Box::new(new))).await
        };
        create(ChangeType::Feature).await.unwrap();
        let again = create(ChangeType::Feature).await.unwrap();
        assert!(again.events.is_empty(), "the same is nothing new");
        let (kind, _, cause) = refused(create(ChangeType::Hotfix).await);
        assert_eq!(kind, RefusalKind::Conflict);
        assert_eq!(cause, "it has the same bytes and another type");
    });
}

#[test]
fn a_right_that_is_taken_away_ends_at_once_and_what_runs_goes_on() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        let all = ["anna: lead developer", "cleo: lead"];
        let rights = [(Verb::Promote, "developer"), (Verb::Pause, "developer")];
        apply(life, with(life, &all, &rights), "anna").await.unwrap();
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        let fewer = with(life, &["anna: lead", "cleo: lead"], &rights);
        apply(life, fewer, "cleo").await.unwrap();
        let (kind, ..) = refused(life.abort(second).await);
        assert_eq!(kind, RefusalKind::NotAllowed);
        assert_eq!(life.end_of(second).await, Outcome::Succeeded, "nobody had to say it again");
    });
}

#[test]
fn the_journal_names_the_person_behind_the_account() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        let matrix = with(life, &["anna: lead", "ben as root: developer"], &[]);
        apply(life, matrix, "anna").await.unwrap();
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        roll_back(life, "root").await.unwrap();
        let actors: Vec<_> = world.store.bodies().into_iter().map(|row| row.actor).collect();
        assert!(actors.iter().any(|actor| actor == "ben"), "{actors:?}");
        assert!(actors.iter().all(|actor| actor != "root"), "{actors:?}");
        let (_, _, cause) = refused(roll_back(life, "ben").await);
        assert!(cause.starts_with("the account ben is nobody"), "{cause}");
    });
}

#[test]
fn the_guard_goes_back_though_no_person_may() {
    let world = World::new("prod: root, steps 10%/10m 100%/2s");
    world.live(async |life| {
        let (second, _) = life.begin_second().await;
        let matrix = with(life, &["anna: lead"], &[(Verb::Rollback, "nobody-has-it")]);
        apply(life, matrix, "anna").await.unwrap();
        let (kind, ..) = refused(roll_back(life, "anna").await);
        assert_eq!(kind, RefusalKind::NotAllowed);
        world.router.visit(&prod(), Arm::Blue, 500, 0);
        world.router.visit(&prod(), Arm::Green, 50, 2);
        assert_eq!(life.end_of(second).await, Outcome::RolledBack);
        assert_eq!(life.serves().as_deref(), Some("1.0.0"));
    });
}

#[test]
fn a_matrix_by_which_nobody_could_apply_the_next_one_is_not_taken() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        let without_us = with(life, &["ben: developer"], &[]);
        let (kind, message, cause) = refused(apply(life, without_us, "anna").await);
        assert_eq!(kind, RefusalKind::Usage);
        assert!(message.contains("account: anna"), "{message}");
        assert!(cause.contains("the account anna may not apply the next one"), "{cause}");
        let nobody = with(life, &["anna: lead", "ben: lead"], &[]);
        apply(life, nobody.clone(), "anna").await.unwrap();
        let (_, _, cause) = refused(
            apply(life, with(life, &["anna: lead"], &[(Verb::ApplyMatrix, "x")]), "anna").await,
        );
        assert_eq!(cause, "by it nobody may apply the next one");
        // Who leaves may say so, and what changes nothing needs no right.
        apply(life, with(life, &["ben: lead"], &[]), "anna").await.unwrap();
        let (kind, ..) = refused(apply(life, nobody, "anna").await);
        assert_eq!(kind, RefusalKind::NotAllowed);
        let same = life.engine.matrix().unwrap();
        assert!(apply(life, same, "anna").await.unwrap().events.is_empty());
    });
}

#[test]
fn what_runs_in_an_environment_that_left_the_matrix_can_still_be_ended() {
    let world = World::new("prod: root, steps 10%/10m 100%/2s");
    world.live(async |life| {
        let (second, _) = life.begin_second().await;
        let mut matrix = with(life, &["anna: lead", "ben: developer"], &[]);
        matrix.who_may.insert(Verb::Pause, vec![Name::new("lead").unwrap()]);
        matrix.environments[0].name = Name::new("renamed").unwrap();
        apply(life, matrix, "anna").await.unwrap();
        let order = Input::AbortOrdered { number: second, by: person("ben"), reason: None };
        let (kind, ..) = refused(life.engine.order(&prod(), order).await);
        assert_eq!(kind, RefusalKind::NotAllowed, "what is said at the top counts");
        life.abort(second).await.unwrap();
        assert_eq!(life.end_of(second).await, Outcome::Aborted);
    });
}

#[test]
fn a_program_accepts_nothing_by_name() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        let mut matrix = with(life, &["ben: lead", "anna: developer"], &[]);
        matrix.people.get_mut(&person("anna")).unwrap().bot = true;
        refused(apply(life, matrix.clone(), "anna").await);
        apply(life, matrix, "ben").await.unwrap();
        let order = |accepted: &[&str]| PromotionOrder {
            release: Some(Version::new("2.0.0").unwrap()),
            accept_unenforced: accepted.iter().map(ToString::to_string).collect(),
            reason: Some("it is late".to_owned()),
            ..PromotionOrder::of(person("anna"))
        };
        let accepting = Input::PromotionOrdered(order(&["approvals"]));
        let (kind, message, _) = refused(life.engine.order(&prod(), accepting).await);
        assert_eq!(kind, RefusalKind::NotAllowed);
        assert_eq!(message, "anna may not accept what is not enforced");
        life.engine.order(&prod(), Input::PromotionOrdered(order(&[]))).await.unwrap();
    });
}

#[test]
fn a_matrix_that_names_nobody_any_more_is_not_taken() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        apply(life, with(life, &["anna: lead"], &[]), "anna").await.unwrap();
        let (kind, _, cause) = refused(apply(life, with(life, &[], &[]), "anna").await);
        assert_eq!(kind, RefusalKind::Usage);
        assert!(cause.starts_with("it names nobody any more"), "{cause}");
    });
}

#[test]
fn the_rights_of_the_matrix_in_force_hold_after_a_restart() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        let matrix = with(life, &["anna: lead"], &[(Verb::Promote, "developer")]);
        apply(life, matrix, "anna").await.unwrap();
    });
    world.live(async |life| {
        let (kind, ..) = refused(life.try_promote("2.0.0").await);
        assert_eq!(kind, RefusalKind::NotAllowed);
        life.create("4.0.0").await.unwrap();
    });
}
