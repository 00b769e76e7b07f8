//! What a type of change demands of a release and of people before it enters.

use towpath_e2e::World;

use crate::{AT_ONCE, SOON, release_as, routing};

/// What the release itself must bring, and who must know before it starts.
const INFRASTRUCTURE: &str = "
change_types:
  infrastructure: { evidence: [infrastructure-plan], coordinate_with: [operations] }
approvals: { infrastructure: { developer: 1 }, remind_every: 1m }
notify: { waiting: [team] }";
const PEOPLE: &str = "
people:
  ada:  { roles: [developer] }
  bea:  { roles: [developer] }
  olga: { roles: [operations] }
notifiers:
  team: { kind: command, run: [/bin/sh, -c, \"cat >> told\"] }
";
const PLAN: &str = "infrastructure-plan";

fn world() -> World {
    World::new(&format!("{}{PEOPLE}", routing(&format!("{AT_ONCE}{INFRASTRUCTURE}"))))
}

/// Creates a release of the type, with more words.
fn infrastructure(world: &World, version: &str, more: &[&str]) {
    release_as(
        world,
        version,
        "infrastructure",
        &[&["--author", "ada", "--act-as", "ada"], more].concat(),
    );
}

fn promote(world: &World, version: &str) {
    let words = ["promote", "production", "--release", version, "--yes", "--no-wait"];
    world.must(&[&words[..], &["--act-as", "ada"]].concat(), 0);
}

#[test]
fn what_a_release_must_bring_nobody_attests_in_its_place() {
    let world = world();
    infrastructure(&world, "1.0.0", &[]);
    let title = format!("Brings {PLAN}");
    let attest = ["attest", "production", &title, "--release", "1.0.0", "--act-as", "olga"];
    for number in ["1", "2"] {
        let refused = world.must(&attest, 5);
        assert!(refused.err.contains("nothing in production asks for"), "{}", refused.err);
        promote(&world, "1.0.0");
        let ended = world.must(&["watch", number], 3);
        assert!(ended.out.contains("brings no infrastructure-plan"), "{}", ended.out);
        assert!(world.lane()["serves"].is_null(), "nothing may have started");
    }
    // The file itself, brought by another release, is what counts.
    let file = world.root().join("plan.txt");
    std::fs::write(&file, "1 to add").unwrap();
    let brings = format!("{PLAN}={}", file.display());
    infrastructure(&world, "1.1.0", &["--evidence", &brings]);
    promote(&world, "1.1.0");
    for who in ["bea", "olga"] {
        world.must(&["approve", "production", "--release", "1.1.0", "--act-as", who], 0);
    }
    world.until("1.1.0 serves", SOON, || world.lane()["serves"]["release"] == "1.1.0");
}

#[test]
fn whoever_must_know_of_a_change_is_reminded_until_they_say_that_they_do() {
    let world = world();
    let file = world.root().join("plan.txt");
    std::fs::write(&file, "1 to add").unwrap();
    infrastructure(&world, "1.0.0", &["--evidence", &format!("{PLAN}={}", file.display())]);
    promote(&world, "1.0.0");
    world.must(&["approve", "production", "--act-as", "bea"], 0);
    let told = || {
        let told = std::fs::read_to_string(world.root().join("told")).unwrap_or_default();
        let notices =
            told.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        notices.filter(|one| one["text"].to_string().contains("operations")).count()
    };
    // Beside the first one, when it began to wait.
    world.until("operations is reminded", SOON, || told() > 2);
    assert!(world.lane()["serves"].is_null(), "nobody who must know of it knows yet");
    let why = world.must(&["why", "production"], 0).out;
    assert!(why.contains("operations") && why.contains("olga"), "{why}");
    world.must(&["approve", "production", "--act-as", "olga"], 0);
    world.until("1.0.0 serves", SOON, || world.lane()["serves"]["release"] == "1.0.0");
}
