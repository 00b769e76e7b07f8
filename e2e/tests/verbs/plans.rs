//! `plan`, and a promotion that does exactly what was planned or nothing.

use towpath_e2e::World;

use crate::{PIPELINE, json};

fn hash(world: &World, version: &str) -> String {
    let plan = json(world, &["plan", "staging", "--release", version]);
    let hash = plan["hash"].as_str().expect("a plan has a hash");
    hash.trim_start_matches("sha256:").to_owned()
}

fn matrix_with(world: &World, old: &str, new: &str) {
    let file = world.root().join("towpath.yaml");
    let text = std::fs::read_to_string(&file).expect("the matrix is there");
    let changed = text.replacen(old, new, 1);
    assert_ne!(text, changed, "the matrix has {old}");
    std::fs::write(&file, changed).expect("the matrix is written");
}

fn promote(world: &World, version: &str, plan: &str, code: i32) -> String {
    world.must(&["promote", "staging", "--release", version, "--plan", plan], code).err
}

#[test]
fn a_plan_is_carried_out_exactly_or_not_at_all() {
    let world = World::new(PIPELINE);
    world.release("1.0.0", &[]);
    world.release("1.1.0", &["TTS_VOICE=bea"]);
    let first = hash(&world, "1.0.0");
    assert_eq!(first, hash(&world, "1.0.0"), "the same question has the same answer");
    let stale = promote(&world, "1.1.0", &first[..12], 6);
    assert!(stale.contains("towpath plan"), "{stale}");
    assert!(world.status()["lanes"][0]["promotion"].is_null(), "nothing was started");
    promote(&world, "1.0.0", &first[..12], 0);
    // What serves is part of a plan: the next one is another after a promotion in between.
    let second = hash(&world, "1.1.0");
    matrix_with(&world, "timeout: 5s", "timeout: 6s");
    promote(&world, "1.1.0", &second, 6);
    matrix_with(&world, "timeout: 6s", "timeout: 5s");
    promote(&world, "1.1.0", &second, 0);
    assert_eq!(world.status()["lanes"][0]["serves"]["release"], "1.1.0");
}

#[test]
fn a_dry_run_says_what_would_happen_and_does_nothing() {
    let world = World::new(PIPELINE);
    world.release("1.0.0", &[]);
    let words = ["promote", "staging", "--release", "1.0.0"];
    let dry = json(&world, &[&words[..], &["--dry-run"]].concat());
    assert_eq!(dry["hash"], json(&world, &["plan", "staging", "--release", "1.0.0"])["hash"]);
    assert!(world.status()["lanes"][0]["promotion"].is_null());
    assert!(world.status()["lanes"][0]["serves"].is_null());
    world.must(&["plan", "production", "--release", "1.0.0"], 3);
    world.must(&["plan", "staging", "production"], 3);
}
