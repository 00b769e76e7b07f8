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
fn after_everything_was_ended_status_says_that_nothing_runs_until_a_release_enters() {
    let world = unattended();
    world.must(&["engine", "stop", "--everything"], 0);
    let status = world.must(&["status"], 0);
    assert!(status.out.contains("everything here was ended"), "{}", status.out);
    assert_eq!(status.out.matches("x nothing runs").count(), 2, "{}", status.out);
    assert!(status.err.contains("towpath promote "), "{}", status.err);
    nothing_was_started(&world, &["engine", "stop", "--everything"]);
    world.release("1.2.0", &["TTS_VOICE=cle"]);
    world.must(&["promote", "staging", "--release", "1.2.0"], 0);
    world.must(&["engine", "stop"], 0);
    let status = world.must(&["status"], 0);
    assert_eq!(status.out.matches("x nothing runs").count(), 1, "{}", status.out);
}

/// Whatever runs for the world, by what was typed: in its folder, or with a path of it.
fn runs_for(world: &World) -> Vec<String> {
    let folder = world.root().canonicalize().expect("it is there");
    let within = |entry: &std::fs::DirEntry| {
        std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&folder))
    };
    let named = folder.display().to_string();
    let entries = std::fs::read_dir("/proc").expect("a Linux machine").flatten();
    let typed = entries.filter_map(|entry| {
        let typed = std::fs::read(entry.path().join("cmdline")).ok()?;
        let typed = String::from_utf8_lossy(&typed).replace('\0', " ");
        // One that has ended and was not waited for has no command line any more.
        (!typed.is_empty() && (within(&entry) || typed.contains(&named))).then_some(typed)
    });
    typed.collect()
}

#[test]
fn a_damaged_matrix_does_not_keep_everything_from_being_ended() {
    for attended in [true, false] {
        let world = routed(AT_ONCE);
        world.must(&["promote", "production", "--release", "1.1.0", "--yes"], 0);
        if !attended {
            world.must(&["engine", "stop"], 0);
        }
        // The proxy, and of both releases a supervisor and what it looks after.
        let before = runs_for(&world);
        assert!(before.len() >= 3, "{before:?}");
        std::fs::write(world.root().join("towpath.yaml"), "environments: [").expect("written");
        let ended = world.must(&["engine", "stop", "--everything"], 0);
        assert!(ended.out.contains("nothing runs any more"), "{}", ended.out);
        assert_eq!(runs_for(&world), Vec::<String>::new(), "attended: {attended}");
        world.must(&["engine", "stop", "--everything"], 0);
    }
}

/// Moves the database whole: what was not written back yet stands in files beside it.
fn move_journal(from: &std::path::Path, to: &std::path::Path) {
    for file in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        match std::fs::rename(from.join(file), to.join(file)) {
            Err(error) if file == "journal.db" => panic!("{error}"),
            Ok(()) | Err(_) => {}
        }
    }
}

#[test]
fn without_a_journal_that_opens_nothing_is_ended_and_that_is_said() {
    let world = routed(AT_ONCE);
    world.must(&["engine", "stop"], 0);
    let before = runs_for(&world);
    assert!(before.len() >= 2, "{before:?}");
    let journal = world.state().join("journal.db");
    let aside = tempfile::tempdir_in(world.root()).expect("a folder");
    move_journal(&world.state(), aside.path());
    for text in [None, Some("this was a journal\n".repeat(100))] {
        if let Some(text) = text {
            std::fs::write(&journal, text).expect("written");
        }
        let refused = world.must(&["engine", "stop", "--everything"], 1);
        assert_eq!(refused.out, "");
        for said in ["no release was ended", "no engine runs", "towpath doctor", "--everything"] {
            assert!(refused.err.contains(said), "{said}\n{}", refused.err);
        }
        assert_eq!(runs_for(&world), before);
        std::net::TcpStream::connect(world.address).expect("the proxy listens as before");
    }
    move_journal(aside.path(), &world.state());
    world.must(&["engine", "stop", "--everything"], 0);
    assert_eq!(runs_for(&world), Vec::<String>::new());
}

#[test]
fn an_environment_that_the_matrix_no_longer_has_is_ended_as_well() {
    let world = World::new(PIPELINE);
    world.release("1.0.0", &[]);
    world.must(&["promote", "staging", "--release", "1.0.0"], 0);
    let renamed =
        PIPELINE.replace("  staging:", "  trial:").replace("after: staging", "after: trial");
    std::fs::write(world.root().join("towpath.yaml"), renamed).expect("written");
    world.must(&["promote", "trial", "--release", "1.0.0"], 0);
    let matrix = json(&world, &["status"])["lanes"].to_string();
    assert!(!matrix.contains(r#""environment":"staging""#), "{matrix}");
    world.must(&["engine", "stop"], 0);
    let before = runs_for(&world);
    for lane in ["staging", "trial"] {
        assert!(before.iter().any(|typed| typed.contains(lane)), "{lane} {before:?}");
    }
    world.must(&["engine", "stop", "--everything"], 0);
    assert_eq!(runs_for(&world), Vec::<String>::new());
}

#[test]
fn a_release_that_cannot_be_ended_is_named_and_keeps_its_proxy() {
    let world = routed(AT_ONCE);
    world.must(&["engine", "stop"], 0);
    let fence = world.state().join("instances/epoch");
    let kept = std::fs::read_to_string(&fence).expect("the newest owner that was obeyed");
    std::fs::write(&fence, "1000000\n").expect("written");
    let before = runs_for(&world);
    assert!(!before.iter().any(|typed| typed.contains(" serve ")), "it has gone: {before:?}");
    let refused = world.must(&["engine", "stop", "--everything"], 1);
    for said in ["1 of 1 deployments were left behind", "api/production", "left as it is"] {
        assert!(refused.err.contains(said), "{said}\n{}", refused.err);
    }
    assert_eq!((refused.out.as_str(), runs_for(&world)), ("", before));
    std::fs::write(&fence, kept).expect("written");
    world.must(&["engine", "stop", "--everything"], 0);
    assert_eq!(runs_for(&world), Vec::<String>::new());
}

#[test]
fn where_nothing_was_ever_started_there_is_nothing_to_end_and_no_file_is_made() {
    let world = World::new(PIPELINE);
    let ended = world.must(&["engine", "stop", "--everything"], 0);
    assert!(ended.out.contains("nothing was ever started here"), "{}", ended.out);
    assert!(!world.state().exists());
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
