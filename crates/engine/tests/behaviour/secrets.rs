//! What a release is handed, what the journal says of it, and that no value is in anything that is kept.

use towpath_core::journal::Event;
use towpath_core::matrix::{AdapterSpec, Matrix};
use towpath_core::promotion::state::Outcome;
use towpath_core::units::Span;

use crate::fakes::{Answer, SECRET, TargetManner};
use crate::world::{Life, SHORT, World};

fn with(matrix: &mut Matrix, names: &[&str]) {
    let store =
        AdapterSpec { kind: "vault".to_owned(), settings: serde_json::json!({ "at": "db" }) };
    for environment in &mut matrix.environments {
        for lane in environment.lanes.values_mut() {
            lane.secrets = names.iter().map(|name| ((*name).to_owned(), store.clone())).collect();
            lane.standby = Span::hours(1);
        }
    }
}

fn world() -> World {
    World::new(SHORT).changed_by(|matrix| with(matrix, &["API_KEY", "DB_PASSWORD"]))
}

/// Whatever is kept, as one text.
fn kept(life: &Life<'_>) -> String {
    life.world.store.bodies().into_iter().map(|row| row.body.to_string()).collect()
}

#[test]
fn a_release_is_handed_its_secrets_after_the_journal_says_so() {
    world().live(async |life| {
        life.prepare().await;
        let first = life.promote("1.0.0").await;
        assert_eq!(life.end_of(first).await, Outcome::Succeeded);
        let story = life.story_of(first);
        let at = |kind: &str| story.iter().position(|own| own == kind).unwrap();
        assert!(at("promotion-started") < at("secrets-read"), "{story:?}");
        assert!(at("secrets-read") < at("instances-ready"), "{story:?}");
        let rows = life.world.store.bodies();
        let row = rows.into_iter().find(|row| row.kind == "secrets-read").unwrap();
        assert_eq!(row.lane, Some(crate::world::prod()));
        let Event::SecretsRead(read) = serde_json::from_value(row.body).unwrap() else { panic!() };
        assert_eq!(read.by.to_string(), "anna");
        let names: Vec<_> = read.secrets.keys().collect();
        assert_eq!(names, ["API_KEY", "DB_PASSWORD"]);
        assert_eq!(read.secrets["API_KEY"].settings["at"], "db");
        assert_eq!(life.world.target.handed_to(first), [SECRET, SECRET]);
        assert!(!kept(life).contains(SECRET));
    });
}

#[test]
fn a_secret_that_cannot_be_read_fails_the_start_and_names_it() {
    let world = World::new(SHORT).changed_by(|matrix| with(matrix, &["API_KEY", "GONE"]));
    world.live(async |life| {
        life.prepare().await;
        let first = life.promote("1.0.0").await;
        assert_eq!(life.end_of(first).await, Outcome::Failed);
        let sentence = life.sentence_of(first);
        let expected = "the secret GONE of app/prod cannot be read: the vault is sealed";
        assert!(sentence.contains(expected), "{sentence}");
        assert_eq!(life.world.target.most_starts(), 0, "nothing was started");
        assert!(life.story_of(first).contains(&"secrets-read".to_owned()), "one of them was");
    });
}

#[test]
fn a_secret_that_could_not_be_masked_is_not_handed_over() {
    let world = World::new(SHORT).changed_by(|matrix| with(matrix, &["SHORT"]));
    world.live(async |life| {
        life.prepare().await;
        let first = life.promote("1.0.0").await;
        assert_eq!(life.end_of(first).await, Outcome::Failed);
        let sentence = life.sentence_of(first);
        assert!(
            sentence.contains("the secret SHORT of app/prod, in vault, has fewer than 6"),
            "{sentence}"
        );
        assert!(!sentence.contains("abc"), "{sentence}");
    });
}

#[test]
fn what_releases_checks_and_people_say_is_kept_without_secrets() {
    world().live(async |life| {
        life.begin().await;
        life.world.checks.answers("tests", Answer::Reads("it said hunter2-hunter2"));
        life.world.target.behaves(TargetManner::Fails("no login with hunter2-hunter2"));
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Failed);
        let reason = Some("hunter2-hunter2 was leaked".to_owned());
        let by = towpath_core::ids::Person::new("anna").unwrap();
        let order =
            towpath_core::promotion::input::Input::RollbackOrdered { by, reason, quarantine: true };
        let _there_is_nothing_to_go_back_to = life.engine.order(&crate::world::prod(), order).await;
        let all = kept(life);
        assert!(all.contains("no login with ***"), "{all}");
        assert!(!all.contains(SECRET) && !life.world.evidence.holds(SECRET));
        assert!(life.world.evidence.holds("it said ***"));
    });
}

#[test]
fn what_runs_is_masked_by_the_next_engine_too_and_a_standby_needs_no_store() {
    let world = world();
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
    });
    world.live(async |life| {
        life.world.checks.answers("tests", Answer::Reads("it said hunter2-hunter2"));
        let back = life.roll_back().await.unwrap().promotion.unwrap();
        assert_eq!(life.end_of(back).await, Outcome::Succeeded);
        assert!(!life.story_of(back).contains(&"secrets-read".to_owned()), "it has them");
        assert_eq!(life.serves().as_deref(), Some("1.0.0"));
        assert_eq!(life.engine.setup().known.mask(SECRET), "***", "nobody read it in this life");
    });
}
