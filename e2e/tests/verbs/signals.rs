//! Signals, rollbacks and quarantine.

use towpath_e2e::World;

use crate::{AT_ONCE, PIPELINE, SLOW, SOON, json, routed, under_way};

const LEAK: [&str; 5] =
    ["signal", "production", "security-incident", "--reason", "a token was in the logs"];

#[test]
fn a_signal_during_a_rollout_takes_it_back_and_quarantines_it() {
    let world = routed(SLOW);
    let (watcher, _) = under_way(&world, "1.1.0");
    world.must(&LEAK, 0);
    let ended = watcher.end();
    let last = ended.last();
    assert_eq!((ended.code, &last["outcome"]), (3, &"rolled_back".into()), "{}", ended.out);
    assert!(last["reason"].to_string().contains("a token was in the logs"), "{last}");
    assert_eq!(last["quarantined"], true, "{last}");
    let lane = world.lane();
    assert_eq!(lane["serves"]["release"], "1.0.0");
    assert_eq!(lane["weights"]["blue"].as_f64(), Some(1.0), "{lane}");
    assert_eq!(lane["quarantined"][0]["release"], "1.1.0");
}

#[test]
fn a_signal_in_standby_rolls_back_by_itself() {
    let world = routed(AT_ONCE);
    world.must(&["promote", "production", "--release", "1.1.0", "--yes"], 0);
    assert_eq!(world.lane()["standby"]["release"], "1.0.0");
    let accepted = json(&world, &LEAK);
    let number = accepted["promotion"].as_u64().expect("a promotion follows");
    world.must(&["watch", &number.to_string()], 0);
    let lane = world.lane();
    assert_eq!(lane["serves"]["release"], "1.0.0", "{lane}");
    assert_eq!(lane["quarantined"][0]["release"], "1.1.0", "{lane}");
    // Nothing is left to go back to, so a second signal asks a person.
    world.must(&LEAK, 0);
    assert!(world.lane()["asks"].to_string().contains("a token was in the logs"));
    assert!(world.must(&["waiting"], 0).out.contains("a token was in the logs"));
}

#[test]
fn what_the_matrix_does_not_declare_as_a_signal_changes_nothing() {
    let world = routed(AT_ONCE);
    let undeclared = ["signal", "production", "business-impact", "--reason", "orders fell"];
    let refused = world.must(&undeclared, 2);
    assert!(refused.err.contains("towpath rollback production"), "{}", refused.err);
    world.must(&["signal", "production", "fire", "--reason", "smoke"], 2);
    world.must(&["signal", "production", "security-incident"], 2);
    world.must(&["signal", "nowhere", "security-incident", "--reason", "x"], 5);
    crate::is_untouched(&world, "1.0.0");
}

#[test]
fn a_quarantine_is_listed_and_lifted_by_a_person_who_means_it() {
    let world = routed(AT_ONCE);
    let promote = ["promote", "production", "--release", "1.1.0", "--yes"];
    world.must(&promote, 0);
    let none = json(&world, &["quarantine", "list"]);
    assert_eq!(none["quarantined"].as_array().map(Vec::len), Some(0));
    world.must(&["rollback", "production", "--reason", "wrong prices"], 0);
    let listed = json(&world, &["quarantine", "list", "production"]);
    let found = &listed["quarantined"][0];
    assert_eq!((&found["release"], &found["environment"]), (&"1.1.0".into(), &"production".into()));
    assert!(found["reason"].to_string().contains("wrong prices"), "{found}");
    assert!(world.must(&["quarantine", "list"], 0).out.contains("1.1.0"));
    world.must(&["quarantine", "list", "nowhere"], 5);
    assert!(world.must(&promote, 3).err.contains("towpath quarantine lift"));
    let lift = ["quarantine", "lift", "production", "1.1.0", "--reason", "prices are right"];
    // Production asks for its name to be typed, and this is no terminal.
    let refused = world.must(&lift, 2);
    assert!(refused.err.contains("--yes"), "{}", refused.err);
    world.must(&["quarantine", "lift", "production", "1.1.0", "--yes"], 2);
    world.must(&[&lift[..], &["--yes"]].concat(), 0);
    world.must(&[&lift[..], &["--yes"]].concat(), 5);
    world.must(&promote, 0);
}

#[test]
fn a_rollback_takes_a_second_name_only_if_it_is_the_environment_before() {
    let world = World::new(PIPELINE);
    for version in ["1.0.0", "1.1.0"] {
        world.release(version, &[&format!("TTS_VOICE=voice{version}")]);
        world.must(&["promote", "staging", "--release", version], 0);
        world.must(&["promote", "staging", "production", "--yes"], 0);
    }
    let wrong = world.must(&["rollback", "production", "production"], 2);
    assert!(wrong.err.contains("staging"), "it names the right one: {}", wrong.err);
    world.must(&["rollback", "production", "nowhere"], 5);
    world.must(&["rollback", "staging", "production"], 2);
    let planned = json(&world, &["rollback", "production", "staging", "--dry-run"]);
    assert_eq!((&planned["from"], &planned["to"]), (&"1.1.0".into(), &"1.0.0".into()));
    assert_eq!(world.lane()["serves"]["release"], "1.1.0", "a dry run changes nothing");
    let words = ["rollback", "production", "staging", "--no-quarantine", "--no-wait"];
    world.must(&words, 0);
    world.until("1.0.0 serves again", SOON, || world.lane()["serves"]["release"] == "1.0.0");
    let status = world.status();
    let staging = status["lanes"].as_array().and_then(|lanes| lanes.first()).expect("two lanes");
    assert_eq!(staging["serves"]["release"], "1.1.0", "staging is not touched");
    assert_eq!(world.lane()["quarantined"].as_array().map(Vec::len), Some(0));
    world.must(&["rollback", "production", "staging"], 3);
}

#[test]
fn a_rollback_while_a_release_starts_ends_that_first_and_its_reason_may_come_later() {
    let world = routed(AT_ONCE);
    world.must(&["promote", "production", "--release", "1.1.0", "--yes"], 0);
    world.release("1.2.0", &["START_DELAY_MS=3600000"]);
    let promote = ["promote", "production", "--release", "1.2.0", "--yes", "--no-wait"];
    world.must(&promote, 0);
    world.until("1.2.0 starts", SOON, || world.lane()["promotion"]["state"] == "starting");
    let ended = world.must(&["rollback", "production"], 0);
    let lane = world.lane();
    assert_eq!(lane["serves"]["release"], "1.0.0", "{}\n{lane}", ended.out);
    let quarantined = lane["quarantined"].as_array().expect("a list");
    assert_eq!(quarantined.len(), 1, "no visitor had met 1.2.0: {lane}");
    assert_eq!(quarantined[0]["release"], "1.1.0", "{lane}");

    let number = lane["serves"]["promotion"].to_string();
    let amend = ["rollback", "--amend", &number, "--reason", "wrong prices"];
    let owed = format!("towpath rollback --amend {number}");
    assert!(world.must(&["waiting"], 0).out.contains(&owed), "{}", ended.out);
    world.must(&["rollback", "--amend", &number], 2);
    world.must(&["rollback", "--amend", &number, "--reason", " "], 2);
    world.must(&["rollback", "--amend", "1", "--reason", "wrong prices"], 6);
    world.must(&["rollback", "--amend", "99", "--reason", "wrong prices"], 5);
    world.must(&amend, 0);
    world.must(&amend, 6);
    assert!(!world.must(&["waiting"], 0).out.contains(&owed));
}
