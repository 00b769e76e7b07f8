//! Releases of a working tree, with the real binary and the real git.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use towpath_e2e::{World, towpath};

const MATRIX: &str = "
version: 1
project: tree
services:
  api: { purpose: What a working tree holds }
environments:
  dev:
    tier: development
    target: { kind: process, command: [./start] }
    health: { every: manual, timeout: 5s, retries: 3, endpoints: [/health] }
  staging:
    after: dev
    tier: staging
    target: { kind: process, command: [./start] }
    health: { every: manual, timeout: 5s, retries: 3, endpoints: [/health] }
";

fn git(folder: &Path, words: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(folder).args(["-c", "user.name=ada", "-c", "user.email=ada@example.com"]);
    let output = command.args(words).output().expect("git starts");
    assert!(output.status.success(), "git {words:?}");
}

fn newest(world: &World) -> Value {
    let listed = world.must(&["release", "list", "--json"], 0).out;
    let listed: Value = serde_json::from_str(&listed).expect("an object");
    listed["releases"].as_array().and_then(|all| all.last().cloned()).expect("a release")
}

#[test]
fn a_working_tree_is_released_as_git_sees_it_and_enters_development_only() {
    let world = World::new(MATRIX);
    let root = world.root();
    let start = format!("#!/bin/sh\nexec '{}' sample-service\n", towpath().display());
    std::fs::write(root.join("start"), start).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(root.join("start"), mode).unwrap();
    std::fs::write(root.join(".gitignore"), ".env\n.towpath/\n").unwrap();
    git(root, &["init", "--quiet"]);
    git(root, &["add", "--all"]);
    git(root, &["commit", "--quiet", "--message", "start"]);
    std::fs::write(root.join(".env"), "PASSWORD=hush").unwrap();
    world.must(&["release", "create", "--snapshot"], 0);
    let clean = newest(&world);
    let commit = clean["commit"].as_str().expect("a commit").to_owned();
    let version = clean["version"].as_str().expect("a version").to_owned();
    assert!(version.starts_with(&format!("0.0.0-snapshot.{}.", &commit[..7])), "{clean}");
    assert_eq!((&clean["snapshot"], commit.len()), (&true.into(), 40), "{clean}");
    // The ignored file changes nothing; the same tree is the same release.
    std::fs::write(root.join(".env"), "PASSWORD=other").unwrap();
    world.must(&["release", "create", "--snapshot"], 0);
    assert_eq!(newest(&world)["version"], version);
    std::fs::write(root.join("not-yet-added"), "text").unwrap();
    world.must(&["release", "create", "--snapshot"], 0);
    let changed = newest(&world);
    assert_ne!(changed["digest"], clean["digest"]);
    assert_eq!(changed["commit"], format!("{commit}-dirty"));
    world.must(&["promote", "dev", "--release", &version], 0);
    world.must(&["promote", "dev", "staging", "--release", &version], 3);
}

#[test]
fn a_snapshot_of_nothing_and_one_that_is_named_twice_are_refused() {
    let world = World::new(MATRIX);
    let said = world.must(&["release", "create", "--snapshot", "1.0.0"], 5).err;
    assert!(said.contains("towpath release create 1.0.0 --snapshot"), "{said}");
    let said =
        world.must(&["release", "create", "--snapshot", "--artifact", "api=towpath.yaml"], 2);
    assert!(said.err.contains("given twice"), "{}", said.err);
    std::os::unix::fs::symlink("/etc/passwd", world.root().join("users")).unwrap();
    let said = world.must(&["release", "create", "--snapshot"], 1).err;
    assert!(said.contains("users is a link out of the artefact"), "{said}");
}
