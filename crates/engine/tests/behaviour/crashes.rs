//! An engine that dies between any commit and its effect, or just before a commit. The next one on the
//! same journal carries the promotion through, once.

use towpath_core::promotion::state::{Lane, Outcome};
use towpath_core::units::Span;
use towpath_ports::store::StateRow;

use crate::fakes::{CommitFault, TargetManner};
use crate::stores::plain_story;
use crate::world::{Life, SHORT, World, prod};

/// A crash at any of the first so many turns: more than a whole story has.
const TURNS: usize = 40;

/// Lives until the engine dies or the story is over; answers whether it died.
async fn until_crash(life: &Life<'_>, story: impl AsyncFnOnce(&Life<'_>)) -> bool {
    tokio::select! {
        () = life.world.store.crashed.notified() => true,
        () = story(life) => false,
    }
}

async fn second_release(life: &Life<'_>) {
    let second = life.promote("2.0.0").await;
    life.end_of(second).await;
    life.until("all is quiet", Lane::is_quiet).await;
}

/// A second release goes in, and the engine dies at the turn after `well` others.
fn crash_at(well: usize, fault: CommitFault) -> (World, bool) {
    let world = World::new(SHORT);
    let died = world.live(async |life| {
        life.begin().await;
        world.store.fail_after(well, fault);
        until_crash(life, second_release).await
    });
    world.store.mend();
    (world, died)
}

fn went_through_once(world: &World, well: usize) {
    world.live(async |life| {
        if life.lane().is_quiet() && life.serves().as_deref() == Some("1.0.0") {
            // The order itself was not written: whoever gave it gives it again.
            second_release(life).await;
        }
        life.until("2.0.0 serves", |lane| {
            lane.is_quiet() && lane.serving.as_ref().is_some_and(|one| one.promotion.0 == 2)
        })
        .await;
        let ended = life.lane().ended;
        assert_eq!(ended.len(), 2, "turn {well}: {ended:?}");
        assert!(
            ended.iter().all(|one| one.outcome == Outcome::Succeeded),
            "turn {well}: {ended:?}"
        );
        assert_eq!(world.target.most_starts(), 1, "turn {well}");
        assert_eq!(world.target.running(), [2], "turn {well}");
        assert_eq!(world.router.default_of(&prod()), Some(2), "turn {well}");
        assert_eq!(world.store.pending(), 0, "turn {well}");
        let observed = world.router.look(&prod()).unwrap();
        assert_eq!(observed.candidate, None, "turn {well}");
    });
}

#[test]
fn a_crash_between_any_commit_and_its_effect_leaves_one_promotion_that_succeeds() {
    let mut crashes = 0;
    for well in 0..TURNS {
        let (world, died) = crash_at(well, CommitFault::CrashAfter);
        if !died {
            break;
        }
        crashes += 1;
        went_through_once(&world, well);
    }
    assert!((8..TURNS).contains(&crashes), "{crashes} crashes");
}

#[test]
fn a_crash_before_any_commit_leaves_one_promotion_that_succeeds() {
    let mut crashes = 0;
    for well in 0..TURNS {
        let (world, died) = crash_at(well, CommitFault::CrashBefore);
        if !died {
            break;
        }
        crashes += 1;
        world.pass(Span::seconds(5));
        went_through_once(&world, well);
    }
    assert!((8..TURNS).contains(&crashes), "{crashes} crashes");
}

#[test]
fn a_command_in_the_outbox_is_carried_out_by_the_next_engine() {
    let plain = plain_story();
    let world = World::new(SHORT);
    let number = world.live(async |life| {
        life.prepare().await;
        world.target.behaves(TargetManner::Hangs);
        let number = life.promote("1.0.0").await;
        life.until("it starts", |lane| lane.active.is_some()).await;
        number
    });
    assert_eq!((world.store.pending(), world.target.most_starts()), (1, 0));
    world.target.behaves(TargetManner::Ready);
    world.live(async |life| {
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
        assert_eq!(life.story_of(number), plain);
        assert_eq!(world.target.most_starts(), 1);
    });
}

#[test]
fn a_promotion_writes_no_release_and_no_matrix_again() {
    let world = World::new(SHORT);
    world.live(async |life| life.begin().await);
    let saved = world.store.saved();
    let kept = saved.values().filter(|row| row.key.starts_with("release:"));
    assert_eq!(kept.map(|row| row.version).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(saved["project:matrix"].version, 1);
}

#[test]
fn a_journal_that_kept_everything_in_one_row_is_taken_over_and_given_rows() {
    let world = World::new(SHORT);
    world.live(async |life| life.begin().await);
    let new = world.store.saved();
    let releases = ["1.0.0", "2.0.0", "3.0.0"]
        .map(|version| new[&format!("release:app/{version}")].body["value"].clone());
    let old = serde_json::json!({
        "epoch": new["project"].body["epoch"],
        "matrix": new["project:matrix"].body,
        "releases": releases,
        "attestations": [],
        "last_promotion": 1,
    });
    let lane = new[&prod().to_string()].clone();
    let row = StateRow { key: "project".to_owned(), version: 9, body: old };
    world.store.replace_states(vec![row, lane]);
    world.live(async |life| {
        assert_eq!(life.engine.releases(None).len(), 3);
        let second = life.promote("2.0.0").await;
        assert_eq!(second.0, 2, "the numbers go on");
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
    });
    let keys: Vec<_> = world.store.saved().into_keys().collect();
    assert_eq!(keys, new.into_keys().collect::<Vec<_>>());
    world.live(async |life| assert_eq!(life.engine.releases(None).len(), 3));
}

#[test]
fn a_state_that_another_program_wrote_is_refused_and_nothing_happens() {
    let world = World::new(SHORT);
    world.live(async |life| life.begin().await);
    let mut rows: Vec<_> = world.store.saved().into_values().collect();
    let lane = rows.iter_mut().find(|row| row.key == prod().to_string()).unwrap();
    lane.body = serde_json::json!({ "id": "app/prod", "shape": "of the future" });
    world.store.replace_states(rows);
    let error = world.does_not_start();
    assert!(error.to_string().contains("`app/prod` cannot be read"), "{error}");
}
