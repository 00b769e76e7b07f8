//! Releases of a working tree, with the real binary and the real git; and those whose bytes are gone
//! or have another name.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

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
    let said = world.must(&["release", "create", "--snapshot"], 2).err;
    assert!(said.contains("users is a link out of the artefact"), "{said}");
}

#[test]
fn a_release_whose_bytes_are_gone_says_so_and_starts_again_once_they_are_kept_again() {
    let world = World::new(&MATRIX.replace("[./start]", "['{artifact}']"));
    world.release("1.0.0", &[]);
    for kept in std::fs::read_dir(world.state().join("artifacts/sha256")).unwrap().flatten() {
        std::fs::remove_file(kept.path()).unwrap();
    }
    for words in [&["release", "list"][..], &["release", "show", "1.0.0"]] {
        let said = world.must(words, 0).out;
        assert!(said.contains("its bytes are gone"), "{said}");
    }
    assert_eq!(newest(&world)["bytes_gone"], true);
    for verb in ["promote", "plan"] {
        let said = world.must(&[verb, "dev", "--release", "1.0.0"], 3).err;
        assert!(said.contains("towpath release create 1.0.0 --artifact"), "{said}");
    }
    world.release("1.0.0", &[]);
    world.must(&["promote", "dev", "--release", "1.0.0"], 0);
}

#[test]
fn the_same_content_under_another_version_is_kept_and_said_to_be_the_same() {
    let world = World::new(&MATRIX.replace("[./start]", "['{artifact}']"));
    world.release("1.0.0", &[]);
    let artifact = format!("api={}", world.root().join("app-1.0.0").display());
    let said = world.must(&["release", "create", "2.0.0", "--artifact", &artifact], 0).err;
    assert!(said.contains("2.0.0 has exactly the content of 1.0.0"), "{said}");
    world.must(&["promote", "dev", "--release", "1.0.0"], 0);
    world.must(&["promote", "dev", "--release", "2.0.0"], 0);
    let said = world.must(&["rollback", "dev"], 3).err;
    assert!(said.contains("no other release was ever verified here"), "{said}");
}

#[test]
fn what_was_left_half_written_long_ago_is_removed_when_an_engine_starts() {
    let world = World::new(MATRIX);
    let temporary = world.state().join("artifacts/temporary");
    std::fs::create_dir_all(&temporary).unwrap();
    let (left, begun) = (temporary.join("left"), temporary.join("begun"));
    for file in [&left, &begun] {
        std::fs::write(file, "half").unwrap();
    }
    let long_ago = SystemTime::now() - Duration::from_hours(25);
    std::fs::File::open(&left).unwrap().set_modified(long_ago).unwrap();
    world.must(&["status"], 0);
    world.release("1.0.0", &[]);
    world.until("the old file is gone", Duration::from_secs(20), || !left.exists());
    assert!(begun.exists(), "somebody may be writing it");
}
