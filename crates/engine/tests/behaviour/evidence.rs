//! Evidence that people withdraw: what rests on it falls, at once and for whoever comes later, and who
//! has started already keeps its plan.

use std::time::Duration;

use towpath_core::evidence::Withdrawal;
use towpath_core::ids::{Digest, Person};
use towpath_core::promotion::state::{Outcome, State};
use towpath_core::reason::RefusalKind;
use towpath_core::units::Timestamp;
use towpath_engine::kept::WantedEvidence;
use towpath_engine::{EngineError, Order, Taking};
use towpath_testkit::declared;

use crate::fakes::Answer;
use crate::world::{Life, SHORT, World, prod};

const TWO: &str = "prod: root, steps 100%/2s, check tests\nnext: after prod, steps 100%/2s";
const SLOW: &str = "prod: root, steps 10%/10m 100%/2s, check tests";

async fn withdraw(life: &Life<'_>, text: &str) -> Result<(), EngineError> {
    let withdrawal = Withdrawal {
        digest: Digest::of(text.as_bytes()),
        name: "report".to_owned(),
        by: Person::new("ada").unwrap(),
        at: Timestamp(0),
        reason: "it is of another build".to_owned(),
    };
    let taking = Taking { withdrawal, environments: vec![prod().environment] };
    life.engine.order_project(Order::Withdraw(taking)).await.map(drop)
}

async fn kinds(life: &Life<'_>) -> Vec<String> {
    let rows = life.engine.events(0, 1000).await.unwrap();
    rows.into_iter().map(|row| row.kind).collect()
}

#[test]
fn a_release_that_rested_on_withdrawn_evidence_is_verified_no_more_and_goes_no_further() {
    let world = World::new(TWO);
    world.live(async |life| {
        life.prepare().await;
        world.checks.answers("tests", Answer::Reads("10 passed"));
        let first = life.promote("1.0.0").await;
        assert_eq!(life.end_of(first).await, Outcome::Succeeded);
        let found = life.engine.evidence(&WantedEvidence::default()).await.unwrap();
        let [piece] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((piece.check.as_str(), piece.release.as_str()), ("tests", "1.0.0"));
        assert_eq!((piece.promotion, piece.withdrawn.as_ref()), (Some(first), None));
        withdraw(life, "10 passed").await.unwrap();
        assert!(life.lane().verified.is_empty());
        assert_eq!(life.serves().as_deref(), Some("1.0.0"), "nothing moves by itself");
        let next = declared::lane("next").unwrap();
        let order = towpath_core::promotion::input::PromotionOrder {
            release: Some(towpath_core::ids::Version::new("1.0.0").unwrap()),
            ..towpath_core::promotion::input::PromotionOrder::of(Person::new("ada").unwrap())
        };
        let refused = life.engine.plan(&next, &order).unwrap_err();
        assert_eq!(refused.code, "not-verified");
        let found = life.engine.evidence(&WantedEvidence::default()).await.unwrap();
        assert_eq!(found[0].withdrawn.as_ref().unwrap().reason, "it is of another build");
    });
    // What was withdrawn stays so after a restart.
    world.live(async |life| {
        assert!(life.lane().verified.is_empty());
        match withdraw(life, "10 passed").await {
            Err(EngineError::Refused(it)) => assert_eq!(it.kind, RefusalKind::AlreadySo),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_check_that_passed_by_it_is_asked_again_and_the_same_bytes_pass_no_more() {
    let world = World::new("prod: root, steps 100%/2s, check tests, check other");
    world.live(async |life| {
        life.prepare().await;
        world.checks.answers("tests", Answer::Reads("10 passed"));
        world.checks.answers("other", Answer::Hangs);
        let number = life.promote("1.0.0").await;
        life.until("tests passed", |lane| {
            lane.waiting.first().is_some_and(|one| one.rests_on().next().is_some())
        })
        .await;
        withdraw(life, "10 passed").await.unwrap();
        world.checks.answers("other", Answer::Pass);
        tokio::time::sleep(Duration::from_mins(5)).await;
        let view = life.engine.promotion(number).await.unwrap().unwrap();
        let tests = view.checks.iter().find(|check| check.title == "tests").unwrap();
        assert_eq!(tests.state, "inconclusive");
        let said = "it rests on evidence that ada withdrew (report): it is of another build";
        assert_eq!(tests.sentence.as_deref(), Some(said));
        assert_eq!(world.target.most_starts(), 0);
        world.checks.answers("tests", Answer::Reads("11 passed"));
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
        assert!(kinds(life).await.contains(&"answer-withdrawn".to_owned()));
    });
}

#[test]
fn what_has_started_keeps_its_plan_is_told_once_and_is_not_verified_by_it() {
    let world = World::new(SLOW);
    world.live(async |life| {
        life.prepare().await;
        world.checks.answers("tests", Answer::Reads("first build"));
        let first = life.promote("1.0.0").await;
        assert_eq!(life.end_of(first).await, Outcome::Succeeded);
        world.checks.answers("tests", Answer::Reads("second build"));
        let second = life.promote("2.0.0").await;
        life.bakes_at(0).await;
        withdraw(life, "second build").await.unwrap();
        let active = life.lane().active.unwrap();
        assert!(matches!(active.state, State::Baking { .. }) && active.number == second);
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        let kinds = kinds(life).await;
        let doubted = kinds.iter().filter(|kind| *kind == "promotion-doubted").count();
        assert_eq!(doubted, 1, "{kinds:?}");
        let verified: Vec<_> =
            life.lane().verified.iter().map(|one| one.release.version.to_string()).collect();
        assert_eq!(verified, ["1.0.0"]);
    });
}

#[test]
fn a_withdrawal_needs_a_reason() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.prepare().await;
        let withdrawal = Withdrawal {
            digest: Digest::of(b"x"),
            name: String::new(),
            by: Person::new("ada").unwrap(),
            at: Timestamp(0),
            reason: "  ".to_owned(),
        };
        let taking = Taking { withdrawal, environments: Vec::new() };
        match life.engine.order_project(Order::Withdraw(taking)).await {
            Err(EngineError::Refused(it)) => assert_eq!(it.code, "reason-needed"),
            other => panic!("{other:?}"),
        }
    });
}
