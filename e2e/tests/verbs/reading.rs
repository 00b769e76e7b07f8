//! Verbs that look: the matrix, releases, health, validation and the journal.

use std::io::Write as _;

use serde_json::Value;
use sqlx::Connection as _;
use towpath_e2e::World;

use crate::{AT_ONCE, PIPELINE, json, release_as, routing};

#[test]
fn a_matrix_is_shown_with_its_defaults_and_has_a_schema() {
    let world = World::new(PIPELINE);
    let tables = world.must(&["matrix", "show"], 0).out;
    assert!(tables.starts_with("Environment overview\n"), "{tables}");
    let one = world.must(&["matrix", "show", "--table", "overview", "--as", "markdown"], 0).out;
    assert!(one.starts_with("### Environment overview\n\n|  | "), "{one}");
    world.must(&["matrix", "show", "--table", "costs"], 5);
    world.must(&["matrix", "show", "--table", "cots"], 5);
    let written = world.must(&["matrix", "show", "--as", "file"], 0).out;
    let file = std::fs::read_to_string(world.root().join("towpath.yaml")).unwrap();
    assert_eq!(written, file, "nothing is left out of the file");
    let resolved = world.must(&["matrix", "show", "--resolved"], 0).out;
    assert!(resolved.contains("strategy") && resolved.contains("all-at-once"), "{resolved}");
    // What was filled in means the same when it is written.
    std::fs::write(world.root().join("resolved.yaml"), &resolved).unwrap();
    world.must(&["matrix", "check", "resolved.yaml"], 0);
    let before = json(&world, &["matrix", "show"]);
    std::fs::copy(world.root().join("resolved.yaml"), world.root().join("towpath.yaml")).unwrap();
    let after = json(&world, &["matrix", "show"]);
    assert_eq!(before["digest"], after["digest"], "{resolved}");
    let schema = world.must(&["matrix", "schema"], 0).out;
    let schema: Value = serde_json::from_str(&schema).expect("it is JSON");
    assert!(schema["$schema"].is_string() && schema["properties"]["environments"].is_object());
    world.must(&["matrix", "check", "nowhere.yaml"], 5);
}

#[test]
fn a_matrix_that_init_writes_into_an_empty_folder_passes() {
    let world = World::new("");
    std::fs::remove_file(world.root().join("towpath.yaml")).unwrap();
    let none = world.must(&["status"], 2);
    assert!(none.err.contains("towpath init"), "{}", none.err);
    world.must(&["init"], 0);
    let checked = world.must(&["matrix", "check"], 0);
    let text = std::fs::read(world.root().join("towpath.yaml")).unwrap();
    world.must(&["init"], 6);
    assert_eq!(std::fs::read(world.root().join("towpath.yaml")).unwrap(), text, "{}", checked.out);
    world.must(&["status"], 0);
}

#[test]
fn releases_are_listed_shown_and_compared() {
    let world = World::new(PIPELINE);
    world.release("1.0.0", &[]);
    world.release("1.1.0", &["TTS_VOICE=bea"]);
    let listed = json(&world, &["release", "list"]);
    assert_eq!(listed["releases"].as_array().map(Vec::len), Some(2));
    let shown = json(&world, &["release", "show", "1.1.0"]);
    assert_eq!((&shown["version"], &shown["service"]), (&"1.1.0".into(), &"api".into()));
    assert!(shown["digest"].is_string(), "{shown}");
    assert!(world.must(&["release", "show", "1.1.0"], 0).out.contains("TTS_VOICE"));
    let differ = json(&world, &["release", "diff", "1.0.0", "1.1.0"]);
    assert_eq!(differ["same"], false, "{differ}");
    assert!(world.must(&["release", "diff", "1.0.0", "1.1.0"], 0).out.contains("TTS_VOICE"));
    assert_eq!(json(&world, &["release", "diff", "1.0.0", "1.0.0"])["same"], true);
    let missing = world.must(&["release", "show", "1.1.9"], 5);
    assert!(missing.err.contains("towpath release show 1.1.0"), "{}", missing.err);
    world.must(&["release", "diff", "1.0.0", "9.9.9"], 5);
}

#[test]
fn health_and_validation_answer_with_their_exit_codes() {
    let gate = "\ngate:\n  validation: \
                [ { check: command, name: Prices are right, run: [test, -e, prices] } ]";
    let world = World::new(&routing(&format!("{AT_ONCE}{gate}")));
    let prices = world.root().join("prices");
    std::fs::write(&prices, "").unwrap();
    world.release("1.0.0", &[]);
    world.must(&["promote", "production", "--release", "1.0.0", "--yes"], 0);
    let healthy = json(&world, &["health", "production"]);
    assert_eq!(healthy["health"]["state"], "healthy", "{healthy}");
    assert_eq!(json(&world, &["validate", "production"])["passed"], true);
    std::fs::remove_file(&prices).unwrap();
    let refused = world.must(&["validate", "production", "--json"], 3);
    let view: Value = serde_json::from_str(&refused.out).expect("it is JSON");
    assert_eq!((&view["passed"], &view["checks"][0]["state"]), (&false.into(), &"fail".into()));
    assert!(world.must(&["validate", "production"], 3).out.contains("Prices are right"));
    world.must(&["validate", "nowhere"], 5);
    world.must(&["health", "nowhere"], 5);
}

#[test]
fn what_does_not_answer_its_probes_is_unhealthy() {
    let matrix = routing(AT_ONCE).replace("[/health]", "[/health, /nothing]");
    let world = World::new(&matrix.replace("every: 1m", "every: manual"));
    world.release("1.0.0", &[]);
    world.must(&["promote", "production", "--release", "1.0.0", "--yes"], 0);
    let refused = world.must(&["health", "production", "--json"], 1);
    let view: Value = serde_json::from_str(&refused.out).expect("it is JSON");
    assert_eq!(view["health"]["failing"], serde_json::json!(["/nothing"]), "{view}");
}

#[test]
fn a_journal_that_was_changed_by_hand_does_not_verify() {
    let world = World::new(PIPELINE);
    world.release("1.0.0", &[]);
    world.must(&["promote", "staging", "--release", "1.0.0"], 0);
    let good = json(&world, &["audit", "verify"]);
    assert!(good["broken"].is_null(), "{good}");
    world.must(&["engine", "stop"], 0);
    tamper(&world, "UPDATE events SET actor = 'mallory' WHERE seq = 3");
    let bad = world.must(&["audit", "verify", "--json"], 1);
    let view: Value = serde_json::from_str(&bad.out).expect("it is JSON");
    assert_eq!(view["broken"]["seq"], 3, "{view}");
    let said = world.must(&["audit", "verify"], 1);
    assert!(said.out.contains("event 3"), "{}", said.out);
}

#[test]
fn an_export_is_for_its_owner_alone_and_a_part_of_it_is_proven_by_the_ordinary_list() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new(PIPELINE);
    world.release("1.0.0", &[]);
    world.must(&["promote", "staging", "--release", "1.0.0"], 0);
    let first = json(&world, &["audit", "checkpoint"])["events"].as_u64().expect("a number");
    world.release("1.1.0", &[]);
    world.must(&["promote", "staging", "--release", "1.1.0"], 0);
    world.must(&["audit", "checkpoint"], 0);
    let from = (first + 2).to_string();
    let export = ["audit", "export", "--from", &from, "--output", "part.jsonl"];
    world.must(&export, 0);
    let file = world.root().join("part.jsonl");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let before = std::fs::read(&file).unwrap();
    let refused = world.must(&export, 1);
    assert!(refused.err.contains("part.jsonl"), "{}", refused.err);
    assert_eq!(std::fs::read(&file).unwrap(), before, "it is not written over");
    let key = world.state().join("audit.pub").display().to_string();
    let list = world.state().join("checkpoints").display().to_string();
    let verify = ["audit", "verify", "part.jsonl", "--from", &from, "--key", &key];
    let said = world.must(&[&verify[..], &["--checkpoints", &list]].concat(), 0);
    assert!(said.out.contains("before the first event here"), "{}", said.out);
    // A list without any checkpoint proves nothing, and nobody is to believe that it does.
    std::fs::write(world.root().join("empty"), "\n").unwrap();
    for words in [&verify[..], &["audit", "verify"]] {
        let refused = world.must(&[words, &["--checkpoints", "empty"]].concat(), 1);
        assert!(refused.err.contains("there is no checkpoint in it"), "{}", refused.err);
    }
    // What leads to no export leaves no file that would be in the way of the next.
    world.must(&["audit", "export", "--from", "1000000", "--output", "none.jsonl"], 5);
    assert!(!world.root().join("none.jsonl").exists());
}

#[test]
fn the_journal_says_of_an_order_and_of_a_refused_one_from_where_it_came() {
    let people = "people:\n  ada: { roles: [lead] }\n  eve: { roles: [guest] }\n";
    let world = World::new(&format!("{PIPELINE}{people}who_may: {{ freeze: [lead] }}\n"));
    release_as(&world, "1.0.0", "feature", &["--act-as", "ada"]);
    world.must(&["promote", "staging", "--release", "1.0.0", "--act-as", "ada"], 0);
    world.must(&["freeze", "staging", "--reason", "no", "--act-as", "eve"], 4);
    world.must(&["audit", "export", "--format", "jsonl", "--output", "all.jsonl"], 0);
    let text = std::fs::read_to_string(world.root().join("all.jsonl")).expect("it is there");
    // A body is kept as the text that was hashed.
    let body = |kind: &str| -> Value {
        let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let row = rows.into_iter().find(|row| row["kind"] == kind).expect(kind);
        serde_json::from_str(row["body"].as_str().expect("a text")).expect("an object")
    };
    let from = format!("user {} on the socket", rustix::process::getuid().as_raw());
    for kind in ["release-created", "promotion-requested"] {
        assert_eq!(body(kind)["origin"], from.as_str(), "{}", body(kind));
    }
    assert_eq!(body("order-refused")["from"], from.as_str(), "{}", body("order-refused"));
    // What the program did by itself came from nowhere.
    assert!(body("promotion-ended")["origin"].is_null(), "{}", body("promotion-ended"));
}

#[test]
fn what_is_signed_while_the_journal_is_verified_is_no_false_alarm() {
    let world = World::new(PIPELINE);
    world.release("1.0.0", &[]);
    world.must(&["promote", "staging", "--release", "1.0.0"], 0);
    world.must(&["audit", "checkpoint"], 0);
    let pipe = world.root().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo is there").success());
    let own = world.state().join("checkpoints");
    let ended = std::thread::scope(|scope| {
        let verify = scope.spawn(|| world.run(&["audit", "verify", "--checkpoints", "pipe"]));
        // It opens when the lists are being read.
        let mut list = std::fs::OpenOptions::new().write(true).open(&pipe).expect("it opens");
        world.release("1.1.0", &[]);
        world.must(&["promote", "staging", "--release", "1.1.0"], 0);
        world.must(&["audit", "checkpoint"], 0);
        list.write_all(&std::fs::read(&own).expect("it is there")).expect("it is read");
        drop(list);
        verify.join().expect("it ends")
    });
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
}

fn tamper(world: &World, sql: &'static str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let url = format!("sqlite://{}?mode=rw", world.state().join("journal.db").display());
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let mut connection = sqlx::AnyConnection::connect(&url).await.expect("it opens");
        let done = sqlx::raw_sql(sql).execute(&mut connection).await.expect("it can be written");
        assert_eq!(done.rows_affected(), 1, "{sql}");
        connection.close().await.expect("it closes");
    });
}
