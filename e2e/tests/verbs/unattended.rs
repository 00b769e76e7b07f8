//! Questions while no engine runs: the journal answers, and nothing is started or made.

use std::path::PathBuf;

use serde_json::Value;
use towpath_e2e::World;

use crate::{AT_ONCE, PIPELINE, SOON, json, routed};

/// Processes of our program that work in the world's folder, by what was typed.
fn processes(world: &World) -> Vec<String> {
    let folder = world.root().canonicalize().expect("it is there");
    let entries = std::fs::read_dir("/proc").expect("a Linux machine").flatten();
    let own = entries.filter(|entry| {
        std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd: PathBuf| cwd == folder)
    });
    let typed = own.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let typed = typed.map(|typed| String::from_utf8_lossy(&typed).replace('\0', " "));
    typed.filter(|typed| typed.contains(" serve ")).collect()
}

fn nothing_was_started(world: &World, by: &[&str]) {
    let started = processes(world);
    assert!(started.is_empty(), "towpath {} started {started:?}", by.join(" "));
    assert!(!world.state().join("engine.sock").exists(), "towpath {}", by.join(" "));
}

/// Two releases went through both environments; the second was taken back. No engine runs.
fn unattended() -> World {
    let world = World::new(PIPELINE);
    for version in ["1.0.0", "1.1.0"] {
        world.release(version, &[&format!("TTS_VOICE=voice{version}")]);
        world.must(&["promote", "staging", "--release", version], 0);
        world.must(&["promote", "staging", "production", "--yes"], 0);
    }
    world.must(&["rollback", "production", "--reason", "wrong prices"], 0);
    world
}

/// What is asked, and how it ends.
const QUESTIONS: [(&[&str], i32); 15] = [
    (&["status"], 0),
    (&["why", "production"], 0),
    (&["waiting"], 0),
    (&["history"], 0),
    (&["history", "production"], 0),
    (&["logs", "1"], 0),
    (&["release", "list"], 0),
    (&["release", "show", "1.1.0"], 0),
    (&["release", "diff", "1.0.0", "1.1.0"], 0),
    (&["quarantine", "list"], 0),
    (&["audit", "verify"], 0),
    (&["plan", "staging", "--release", "1.0.0"], 0),
    (&["promote", "staging", "--release", "1.0.0", "--dry-run"], 0),
    (&["rollback", "staging", "--dry-run"], 0),
    (&["matrix", "show"], 0),
];

#[test]
fn every_question_has_the_same_answer_with_an_engine_and_without_and_starts_none() {
    let world = unattended();
    let answer = |words: &[&str], code| {
        let ended = world.must(&[words, &["--json"]].concat(), code);
        let mut value: Value = serde_json::from_str(&ended.out).unwrap_or_else(|_| ended.last());
        // What passes with time is another at the next look; the engine is what differs.
        for moving in ["at", "engine"] {
            if let Some(fields) = value.as_object_mut() {
                fields.remove(moving);
            }
        }
        value
    };
    let with: Vec<Value> = QUESTIONS.iter().map(|(words, code)| answer(words, *code)).collect();
    world.must(&["engine", "stop"], 0);
    for ((words, code), with) in QUESTIONS.iter().zip(with) {
        assert_eq!(answer(words, *code), with, "towpath {}", words.join(" "));
        nothing_was_started(&world, words);
    }
    world.must(&["engine", "status"], 1);
    world.must(&["doctor"], 0);
    nothing_was_started(&world, &["doctor"]);
}

#[test]
fn a_wrong_question_is_refused_as_by_an_engine() {
    let world = unattended();
    world.must(&["engine", "stop"], 0);
    let missing = world.must(&["release", "show", "1.1.9"], 5);
    assert!(missing.err.contains("towpath release show 1.1.0"), "{}", missing.err);
    world.must(&["why", "nowhere"], 5);
    world.must(&["logs", "99"], 5);
    let refused = world.must(&["plan", "staging", "production"], 3);
    assert!(refused.err.contains("quarantine"), "{}", refused.err);
    nothing_was_started(&world, &["plan"]);
}

#[test]
fn what_waits_for_an_engine_is_said_and_an_engine_is_started_when_told() {
    // It serves with scheduled health, and the release before stands by.
    let world = routed(AT_ONCE);
    world.must(&["promote", "production", "--release", "1.1.0", "--yes"], 0);
    world.must(&["engine", "stop"], 0);
    let status = world.must(&["status"], 0);
    assert!(status.out.contains("no engine runs: nothing advances"), "{}", status.out);
    assert!(status.err.contains("towpath engine start"), "{}", status.err);
    let history = world.must(&["history"], 0);
    assert!(
        history.err.contains("nothing advances\nnext  towpath engine start"),
        "{}",
        history.err
    );
    assert_eq!(json(&world, &["status"])["engine"]["running"], false);
    nothing_was_started(&world, &["status"]);
    world.must(&["engine", "start"], 0);
    assert_eq!(processes(&world).len(), 1);
    assert_eq!(json(&world, &["status"])["engine"]["running"], true);
    assert!(!world.must(&["history"], 0).err.contains("towpath engine start"));
    world.must(&["engine", "stop"], 0);
}

#[test]
fn before_the_first_order_questions_are_answered_from_the_file_and_make_no_file() {
    let world = World::new(PIPELINE);
    for words in [&["status"][..], &["why", "staging"], &["history"], &["release", "list"]] {
        let ended = world.must(words, 0);
        let said = format!("{}{}", ended.out, ended.err);
        assert!(said.contains("no journal yet"), "towpath {}\n{said}", words.join(" "));
        assert!(!world.state().exists(), "towpath {}", words.join(" "));
    }
    let lanes = json(&world, &["status"])["lanes"].clone();
    assert_eq!(lanes.as_array().map(Vec::len), Some(2), "{lanes}");
    world.must(&["plan", "staging", "--release", "1.0.0"], 5);
    world.must(&["audit", "verify"], 0);
    assert!(!world.state().exists());
    nothing_was_started(&world, &["plan"]);
}

#[test]
fn an_engine_that_is_silent_is_told_from_one_that_does_not_run() {
    use rustix::process::{Signal, kill_process};
    let world = unattended();
    let engine = world.engine().expect("an engine runs");
    kill_process(engine, Signal::STOP).expect("it is ours");
    let tasks = format!("/proc/{}/task", engine.as_raw_nonzero());
    world.until("all its threads have stopped", SOON, || {
        let mut tasks = std::fs::read_dir(&tasks).expect("it is there").flatten();
        let stat = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("stat"));
        tasks.all(|task| stat(task).is_ok_and(|stat| stat.contains(") T ")))
    });
    let status = world.run(&["status"]);
    kill_process(engine, Signal::CONT).expect("it is ours");
    assert_eq!(status.code, 0, "{}", status.err);
    assert!(status.out.contains("the engine does not answer"), "{}", status.out);
    assert!(status.out.contains("1.0.0"), "{}", status.out);
    assert_eq!(json(&world, &["status"])["engine"]["running"], true);
}
