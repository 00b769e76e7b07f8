//! Checks that say no, or nothing at all, and what checks learn of visitors and probes. What is not a pass
//! opens no gate.

use std::time::Duration;

use towpath_core::ids::Digest;
use towpath_core::promotion::state::{Outcome, State};
use towpath_core::units::Span;

use towpath_ports::check::SoakRecord;
use towpath_ports::evidence::EvidenceStore as _;

use crate::fakes::Answer;
use crate::world::{Life, SHORT, World, prod};

#[test]
fn a_check_that_hangs_beyond_its_timeout_is_inconclusive_and_asked_again() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.prepare().await;
        world.checks.answers("tests", Answer::Hangs);
        let number = life.promote("1.0.0").await;
        tokio::time::sleep(Duration::from_mins(4)).await;
        let lane = life.lane();
        let waiting = lane.waiting.first().unwrap();
        assert!(matches!(waiting.state, State::Waiting { .. }), "{:?}", waiting.state);
        let view = life.engine.promotion(number).await.unwrap().unwrap();
        let (state, sentence) = (&view.checks[0].state, view.checks[0].sentence.as_deref());
        assert_eq!((state.as_str(), sentence), ("inconclusive", Some("no answer within 1m")));
        assert!(world.checks.asked("tests") >= 3, "{}", world.checks.asked("tests"));
        assert_eq!(world.target.most_starts(), 0, "nothing happens before its gate");
        world.checks.answers("tests", Answer::Pass);
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
    });
}

#[test]
fn a_check_that_says_no_keeps_the_release_out() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        world.checks.answers("tests", Answer::Fail);
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Rejected);
        assert_eq!(world.target.running(), [1]);
        assert_eq!(life.serves().as_deref(), Some("1.0.0"));
    });
}

#[test]
fn what_a_pass_rests_on_is_kept_and_a_pass_whose_evidence_cannot_be_kept_is_none() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.prepare().await;
        world.checks.answers("tests", Answer::Reads("10 passed"));
        world.evidence.is_full(true);
        let number = life.promote("1.0.0").await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        let view = life.engine.promotion(number).await.unwrap().unwrap();
        let sentence = view.checks[0].sentence.clone().unwrap();
        assert_eq!(view.checks[0].state, "inconclusive");
        assert!(sentence.contains("could not be kept (the disk is full)"), "{sentence}");
        assert_eq!(world.target.most_starts(), 0);
        world.evidence.is_full(false);
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
        let rows = life.engine.events(0, 1000).await.unwrap();
        let answers = rows.iter().filter(|row| row.kind == "check-answered");
        let named: Vec<_> = answers.filter_map(|row| row.body["answer"].get("evidence")).collect();
        assert_eq!(named.len(), 1, "{named:?}");
        let digest: Digest = serde_json::from_value(named[0][0]["digest"].clone()).unwrap();
        assert_eq!(world.evidence.read(&digest), Ok(Some(b"10 passed".to_vec())));
    });
}

/// Ten minutes of 1.0.0, then what a soak finds in them.
async fn soak_for_ten_minutes(
    life: &Life<'_>,
    meanwhile: impl AsyncFnOnce(&Life<'_>),
) -> SoakRecord {
    life.world.checks.answers("soak", Answer::LooksAtSoak);
    life.begin().await;
    meanwhile(life).await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    life.engine.validate(&prod()).await.unwrap();
    life.world.checks.soak()
}

const SOAKED: &str = "prod: root, steps 100%/2s, validate soak";

#[test]
fn time_without_visitors_is_no_gap_while_somebody_counts() {
    let world = World::new(SOAKED).probed_every(Span::minutes(3));
    world.live(async |life| {
        let soak = soak_for_ten_minutes(life, async |_| ()).await;
        assert_eq!((soak.visitor_gaps, soak.probe_gaps), (Span::ZERO, Span::ZERO));
        assert!(soak.probes >= 3, "{soak:?}");
    });
}

#[test]
fn probes_do_not_hide_that_nobody_counted_visitors() {
    let world = World::new(SOAKED).probed_every(Span::seconds(10));
    world.live(async |life| {
        let soak = soak_for_ten_minutes(life, async |life| {
            let from = life.now().plus(Span::minutes(2));
            world.router.ran_not(from, from.plus(Span::minutes(5)));
        })
        .await;
        assert_eq!(soak.probe_gaps, Span::ZERO);
        assert_eq!(soak.visitor_gaps, Span::minutes(3), "five, and two are always tolerated");
    });
}

#[test]
fn visitors_do_not_hide_that_nobody_probed() {
    let world = World::new(SOAKED).probed_every(Span::seconds(10));
    world.live(async |life| {
        let soak = soak_for_ten_minutes(life, async |life| {
            let until = life.now();
            tokio::time::sleep(Duration::from_secs(1)).await;
            world.store.keep_no_probes_after(until);
        })
        .await;
        assert_eq!(soak.visitor_gaps, Span::ZERO);
        assert!(soak.probe_gaps >= Span::minutes(5), "{soak:?}");
    });
}

#[test]
fn an_offer_that_is_superseded_at_once_can_be_looked_at() {
    let world = World::new("prod: root, steps 100%/2s, check tests");
    world.live(async |life| {
        life.prepare().await;
        world.checks.answers("tests", Answer::Hangs);
        tokio::time::sleep(Duration::from_secs(1)).await;
        life.create("4.0.0").await.unwrap();
        let waits = life.promote("4.0.0").await;
        let offered = life.offer("2.0.0", 77).await.unwrap().promotion.unwrap();
        assert_eq!(life.end_of(offered).await, Outcome::Superseded);
        let view = life.engine.promotion(offered).await.unwrap().unwrap();
        assert!(view.sentence.unwrap().contains("newer"), "the reason is kept");
        assert!(life.lane().promotion(waits).is_some(), "the newer one still waits");
    });
}
