//! The seeds' scripts are thin: each hands its words to `towpath` in the example's folder and
//! passes the exit code on. Here a stand-in notes what it was called with; what `towpath` then
//! does is tested elsewhere.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Asked for when the test runs: clones that share a target directory share what is compiled in.
fn example() -> PathBuf {
    PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap())
}

/// A link, because a file that was just written may still be open for writing in a process that
/// another test starts, and cannot be executed then.
fn stand_in() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    // A blank in the path shows that the scripts quote it.
    let path = directory.path().join("tow path");
    symlink(example().join("tests/stand_in.sh"), &path).unwrap();
    (directory, path)
}

fn run(words: &[&str], exit: &str) -> Output {
    let (directory, towpath) = stand_in();
    Command::new(example().join("scripts").join(words[0]))
        .args(&words[1..])
        .env("TOWPATH", towpath)
        .env("STAND_IN_EXIT", exit)
        .current_dir(directory.path())
        .output()
        .unwrap()
}

#[test]
fn every_script_hands_its_words_to_towpath_in_the_examples_folder() {
    for (script, expected) in [
        ("promote-environment.sh staging production", "promote --yes staging production"),
        ("promote-environment.sh a b --release 1.2.0", "promote --yes a b --release 1.2.0"),
        ("rollback-environment.sh production staging", "rollback production staging"),
        ("validate-environment.sh staging", "validate staging"),
        ("environment-health-check.sh staging --json", "health staging --json"),
        ("promote-to-staging.sh", "promote --yes dev-aws-deployed staging"),
        ("promote-to-production.sh --no-wait", "promote --yes staging production --no-wait"),
        ("soundbite.sh dev localstack --release 1", "promote --yes dev-localstack --release 1"),
        ("soundbite.sh dev aws", "promote --yes dev-aws"),
        ("soundbite.sh dev aws-deployed", "promote --yes dev-aws-deployed"),
        ("soundbite.sh deploy staging", "promote --yes staging"),
        ("soundbite.sh deploy production", "promote --yes production"),
        ("soundbite.sh status", "status"),
        ("soundbite.sh rollback production staging", "rollback production staging"),
        ("soundbite.sh health staging", "health staging"),
        ("soundbite.sh validate staging", "validate staging"),
    ] {
        let words: Vec<&str> = script.split(' ').collect();
        let output = run(&words, "0");
        let noted = String::from_utf8(output.stdout).unwrap();
        let folder = example().canonicalize().unwrap();
        let expected: Vec<&str> =
            [folder.to_str().unwrap()].into_iter().chain(expected.split(' ')).collect();
        assert_eq!(noted.lines().collect::<Vec<_>>(), expected, "{script}");
        assert_eq!(output.status.code(), Some(0), "{script}");
    }
}

#[test]
fn words_with_blanks_stay_whole_and_exit_codes_are_passed_on() {
    let output = run(&["rollback-environment.sh", "production", "--reason", "too slow"], "3");
    assert!(String::from_utf8(output.stdout).unwrap().ends_with("\n--reason\ntoo slow\n"));
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(run(&["soundbite.sh", "deploy", "staging"], "6").status.code(), Some(6));
}

#[test]
fn an_entry_that_does_not_exist_shows_the_usage() {
    for words in
        [&["soundbite.sh"][..], &["soundbite.sh", "deploy", "dev"], &["soundbite.sh", "rollback"]]
    {
        let output = run(words, "0");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("usage: soundbite.sh dev"));
        assert!(output.stdout.is_empty(), "{words:?}");
    }
    // What it leaves for environments that there are is read where the example's README is followed.
    for words in [&["test-environment.sh"][..], &["test-environment.sh", "production"]] {
        let output = run(words, "0");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(
            String::from_utf8(output.stderr).unwrap().starts_with("usage: test-environment.sh")
        );
    }
}

#[test]
fn every_script_is_executable_and_tested_here() {
    let own = include_str!("scripts.rs");
    for entry in fs::read_dir(example().join("scripts")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        assert!(own.contains(&format!("\"{name}")), "{name} is not tested");
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o111, 0o111, "{name}");
    }
}
