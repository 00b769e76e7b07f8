//! Bad input gets a clear error with its exit code, and nothing is lost.

use towpath_e2e::World;

const MATRIX: &str = r#"
version: 1
project: soundbite
services:
  api: { purpose: Takes text in and hands out audio jobs }
environments:
  dev:
    tier: development
    target: { kind: process, command: ["{artifact}"] }
    router: { kind: towpath, listen: {listen} }
    health: { every: manual, timeout: 5s, retries: 3, endpoints: [/health] }
  production:
    after: dev
    tier: production
    target: { kind: process, command: ["{artifact}"] }
    health: { every: manual, timeout: 5s, retries: 3, endpoints: [/health] }
"#;

#[test]
fn every_refusal_has_its_exit_code() {
    let world = World::new(MATRIX);
    world.release("1.0.0", &[]);
    world.must(&["promote", "nowhere", "--release", "1.0.0"], 5);
    world.must(&["promote", "dev", "--release", "9.9.9"], 5);
    world.must(&["promote", "production", "--release", "1.0.0", "--yes"], 3);
    world.must(&["promote", "dev", "--release", "1.0.0", "--plan", "0123456789ab"], 6);
    world.must(&["rollback", "production"], 3);
    world.must(&["deploy", "production"], 2);
    world.must(&["promote", "dev", "--release", "-1;ls"], 2);
    // Production asks for its name to be typed, and this is no terminal.
    world.must(&["promote", "dev", "--release", "1.0.0"], 0);
    world.must(&["promote", "dev", "production"], 2);
    world.must(&["promote", "dev", "production", "--yes"], 0);
    // What is so already is an answer, not a failure.
    world.must(&["promote", "dev", "production", "--yes"], 0);
}

#[test]
fn the_same_version_with_other_bytes_is_refused() {
    let world = World::new(MATRIX);
    world.release("1.0.0", &[]);
    let file = world.root().join("other");
    std::fs::write(&file, "#!/bin/sh\nexit 0\n").unwrap();
    let artifact = format!("api={}", file.display());
    let refused = world.must(&["release", "create", "1.0.0", "--artifact", &artifact], 6);
    assert!(refused.err.contains("1.0.0"), "{}", refused.err);
    // The very same again is no mistake.
    world.release("1.0.0", &[]);
}

#[test]
fn a_second_engine_on_one_folder_is_refused() {
    let world = World::new(MATRIX);
    world.release("1.0.0", &[]);
    let refused = world.must(&["serve"], 6);
    assert!(refused.err.contains("another engine"), "{}", refused.err);
}

#[test]
fn a_matrix_with_mistakes_stops_everything_and_says_all_of_them() {
    let world =
        World::new(&MATRIX.replace("after: dev", "after: dvv").replace("retries: 3", "retrys: 3"));
    let checked = world.must(&["matrix", "check"], 2);
    let said = format!("{}{}", checked.out, checked.err);
    assert!(said.contains("dvv") && said.contains("retrys"), "{said}");
    world.must(&["plan", "dev", "--release", "1.0.0"], 2);
}
