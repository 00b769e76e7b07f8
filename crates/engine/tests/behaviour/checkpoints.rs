//! Checkpoints in the real engine: signed every so many events and when somebody asks, over nothing that
//! was changed, and never in the way of anything.

use std::sync::Arc;
use std::time::Duration;

use towpath_core::ids::Digest;
use towpath_core::matrix::Matrix;
use towpath_core::promotion::state::Outcome;
use towpath_ports::notary::Checkpoint;
use towpath_ports::store::Store as _;

use crate::fakes::FakeNotary;
use crate::world::{Life, World};

const STEPS: &str = "prod: root, steps 100%/2s";

fn every_ten(matrix: &mut Matrix) {
    matrix.audit.every = 10;
    matrix.audit.files = vec!["outside".to_owned()];
}

fn world() -> (World, Arc<FakeNotary>) {
    let notary = Arc::new(FakeNotary::default());
    (World::new(STEPS).changed_by(every_ten).signed_by(&notary), notary)
}

/// Long enough for whatever is tried again.
async fn rest() {
    tokio::time::sleep(Duration::from_mins(10)).await;
}

async fn written(life: &Life<'_>) -> u64 {
    life.world.store.written(0, 10_000).await.unwrap().len() as u64
}

#[test]
fn the_end_is_signed_after_so_many_events_and_nobody_has_to_ask() {
    let (world, notary) = world();
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        rest().await;
        let events = written(life).await;
        let own = notary.own();
        let counts: Vec<_> = own.iter().map(|one| one.events).collect();
        assert!(counts.len() > 1 && counts.is_sorted(), "{counts:?}");
        assert!(counts.windows(2).all(|pair| pair[1] - pair[0] >= 10), "{counts:?}");
        assert!(events - counts.last().unwrap() < 10, "{events} {counts:?}");
        let all = life.world.store.written(0, 10_000).await.unwrap();
        for one in &own {
            let at = usize::try_from(one.events).unwrap() - 1;
            assert_eq!(one.hash.as_str(), all[at].hash, "event {}", one.events);
        }
        let (outside, rules) = notary.outside();
        assert_eq!(outside, own);
        assert_eq!(rules.unwrap().files, ["outside"]);
    });
}

#[test]
fn asking_signs_up_to_the_last_event_and_asking_again_signs_nothing() {
    let (world, notary) = world();
    world.live(async |life| {
        life.begin().await;
        rest().await;
        let first = life.engine.checkpoint().await.unwrap();
        assert!(first.made);
        assert_eq!(first.events, written(life).await);
        let second = life.engine.checkpoint().await.unwrap();
        assert!(!second.made);
        assert_eq!(second.events, first.events);
        assert_eq!(notary.own().iter().filter(|one| one.events == first.events).count(), 1);
    });
}

#[test]
fn a_place_that_cannot_be_reached_is_told_tried_again_and_holds_no_promotion_up() {
    let (world, notary) = world();
    world.live(async |life| {
        notary.is_cut_off(true);
        life.begin().await;
        rest().await;
        let said = life.engine.status().engine.unsigned.unwrap();
        assert!(said.contains("/mnt/audit"), "{said}");
        let view = life.engine.checkpoint().await.unwrap();
        assert_eq!(view.missing_at.len(), 1, "signed, and not kept there");
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        assert!(notary.outside().0.is_empty());
        notary.is_cut_off(false);
        rest().await;
        assert_eq!(life.engine.status().engine.unsigned, None);
        assert_eq!(notary.outside().0, notary.own(), "all of them arrived");
    });
}

#[test]
fn what_could_not_be_brought_outside_when_somebody_asked_is_tried_again() {
    let (world, notary) = world();
    world.live(async |life| {
        life.begin().await;
        rest().await;
        notary.is_cut_off(true);
        let view = life.engine.checkpoint().await.unwrap();
        assert!(view.made && view.missing_at.len() == 1, "{view:?}");
        rest().await;
        let said = life.engine.status().engine.unsigned.expect("it is still not there");
        assert!(said.contains("/mnt/audit"), "{said}");
        assert_ne!(notary.outside().0, notary.own());
        notary.is_cut_off(false);
        rest().await;
        assert_eq!(notary.outside().0, notary.own(), "nothing was written and nobody asked");
        assert_eq!(life.engine.status().engine.unsigned, None);
    });
}

#[test]
fn a_key_that_cannot_be_read_signs_nothing_and_is_told() {
    let (world, notary) = world();
    world.live(async |life| {
        notary.breaks(true);
        life.begin().await;
        rest().await;
        assert!(life.engine.status().engine.unsigned.unwrap().contains("the key"));
        assert!(life.engine.checkpoint().await.is_err());
        assert!(notary.own().is_empty());
        notary.breaks(false);
        rest().await;
        assert!(!notary.own().is_empty());
    });
}

#[test]
fn nothing_is_signed_over_a_journal_that_is_not_the_one_that_was_signed() {
    let changes: [fn(&mut Checkpoint); 3] = [
        |one| one.hash = Digest::of(b"another"),
        |one| one.events += 1_000,
        |one| one.origin.push('0'),
    ];
    for change in changes {
        let (world, notary) = world();
        world.live(async |life| {
            life.begin().await;
            life.engine.checkpoint().await.unwrap();
            notary.remembers(change);
            let before = notary.own();
            let second = life.promote("2.0.0").await;
            assert_eq!(life.end_of(second).await, Outcome::Succeeded, "nothing waits for it");
            rest().await;
            let said = life.engine.status().engine.unsigned.unwrap();
            assert!(said.contains("nothing was signed"), "{said}");
            assert!(life.engine.checkpoint().await.is_err());
            assert_eq!(notary.own(), before);
        });
    }
}

#[test]
fn nothing_is_signed_when_a_place_outside_knows_more_or_something_else() {
    type Change = fn(&FakeNotary);
    let changes: [(Change, &str); 4] = [
        (|notary| notary.forgets(1), "put back"),
        (|notary| notary.forgets(0), "put back"),
        (|notary| notary.outside_has(|one| one.hash = Digest::of(b"another")), "was changed"),
        (|notary| notary.outside_has(|one| one.origin.push('0')), "another journal"),
    ];
    for (change, why) in changes {
        let (world, notary) = world();
        world.live(async |life| {
            life.begin().await;
            life.engine.checkpoint().await.unwrap();
            let second = life.promote("2.0.0").await;
            assert_eq!(life.end_of(second).await, Outcome::Succeeded);
            rest().await;
            life.engine.checkpoint().await.unwrap();
            assert!(notary.own().len() > 1);
            change(&notary);
            let before = notary.own();
            let third = life.promote("3.0.0").await;
            assert_eq!(life.end_of(third).await, Outcome::Succeeded, "nothing waits for it");
            rest().await;
            let said = life.engine.status().engine.unsigned.unwrap();
            assert!(said.contains("nothing was signed") && said.contains(why), "{said}");
            assert!(life.engine.checkpoint().await.is_err());
            assert_eq!(notary.own(), before);
        });
    }
}
