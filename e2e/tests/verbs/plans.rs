//! `plan`, and a promotion that does exactly what was planned or nothing.

use serde_json::json;
use towpath_e2e::World;

use crate::{PIPELINE, release_as};

fn hash(world: &World, version: &str) -> String {
    let plan = crate::json(world, &["plan", "staging", "--release", version]);
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
    let dry = crate::json(&world, &[&words[..], &["--dry-run"]].concat());
    assert_eq!(
        dry["hash"],
        crate::json(&world, &["plan", "staging", "--release", "1.0.0"])["hash"]
    );
    assert!(world.status()["lanes"][0]["promotion"].is_null());
    assert!(world.status()["lanes"][0]["serves"].is_null());
    world.must(&["plan", "production", "--release", "1.0.0"], 3);
    world.must(&["plan", "staging", "production"], 3);
}

#[test]
fn a_comment_in_the_matrix_changes_neither_the_plan_nor_what_was_agreed_to() {
    let asks = "    tier: staging\n    approvals: { all: { developer: 2 } }\n";
    let people = ["ada", "bob", "carl"].map(|who| format!("  {who}: {{ roles: [developer] }}\n"));
    let matrix = PIPELINE.replacen("    tier: staging\n", asks, 1);
    let world = World::new(&format!("{matrix}people:\n{}", people.concat()));
    release_as(&world, "1.0.0", "feature", &["--author", "ada", "--act-as", "ada"]);
    let promote = ["promote", "staging", "--release", "1.0.0", "--no-wait", "--act-as", "ada"];
    world.must(&promote, 0);
    world.must(&["approve", "staging", "--act-as", "bob"], 0);
    let promotion = || world.status()["lanes"][0]["promotion"].clone();
    let before = promotion();
    assert_eq!(before["approvals"][0]["by"], json!(["bob"]), "{before}");
    for (old, new) in [
        ("version: 1\n", "# What we agreed on in May.\nversion: 1\n\n"),
        ("tier: staging\n", "tier: staging # before the world sees it\n"),
        ("developer: 2 } }\n", "developer: 2 } } # of two teams\n"),
    ] {
        matrix_with(&world, old, new);
        world.must(&["matrix", "apply", "--act-as", "ada"], 0);
        let after = promotion();
        assert_eq!(after["plan"], before["plan"], "{new}");
        assert_eq!(after["approvals"], before["approvals"], "{new}");
    }
    // What is no comment changes both.
    matrix_with(&world, "timeout: 5s", "timeout: 6s");
    world.must(&["matrix", "apply", "--act-as", "ada"], 0);
    let after = promotion();
    assert_ne!(after["plan"], before["plan"]);
    assert_eq!(after["approvals"][0]["by"], json!([]), "{after}");
}
