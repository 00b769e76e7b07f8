//! The API of a real server against its own description: schemathesis, which nobody here wrote, asks all that the
//! description allows and much that it does not. How it asks stands in `.ci/contract-tools/schemathesis.toml`.

#![expect(clippy::unwrap_used, reason = "in a test program a failed expectation is the point")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use towpath_e2e::serving::Serving;
use towpath_e2e::{World, production};

/// Two who may do everything, one of whom has to agree to what the other orders.
const PEOPLE: &str = "
people:
  ada: { account: ACCOUNT, roles: [lead] }
  emil: { email: emil@example.org, roles: [lead] }
  ci: { bot: true, roles: [lead] }
who_may: { break_glass: [lead] }
notifiers:
  folder: { kind: folder, path: told }
";

/// One production that serves, with gates of its own and an approval that is waited for.
const ENVIRONMENT: &str = "
approvals: { feature: { lead: 1 } }
gate:
  prerequisites:
    - { check: attested, name: Acceptance tests, by: [lead] }
rollout: { strategy: blue-green, steps: [ { weight: 10%, bake: 1m }, { weight: 100%, bake: 1m } ] }
standby: 10m
";

/// Everything a token can be for.
const VERBS: [&str; 12] = [
    "promote",
    "approve",
    "attest",
    "rollback",
    "pause",
    "freeze",
    "thaw",
    "signal",
    "lift_quarantine",
    "break_glass",
    "create_release",
    "apply_matrix",
];

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn tool() -> Option<PathBuf> {
    let folder = std::env::var_os("TOWPATH_CONTRACT_TOOLS").map(PathBuf::from);
    let found = folder.map(|it| it.join("venv/bin/schemathesis")).filter(|it| it.is_file());
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "schemathesis is not installed");
    if found.is_none() {
        eprintln!("skipped: TOWPATH_CONTRACT_TOOLS names no folder with schemathesis");
    }
    found
}

/// A project of two people, without anything in it.
fn project() -> World {
    let whose = Command::new("id").arg("-un").output().unwrap().stdout;
    let people = PEOPLE.replace("ACCOUNT", String::from_utf8(whose).unwrap().trim());
    World::new(&(production(1, ENVIRONMENT) + &people))
}

/// Serves it, with three releases of which one waits for people, and makes a token for everything.
fn serve(world: &World) -> (Serving, String) {
    // One address asks more than any person does.
    let config = "rate: { per_second: 100000, at_once: 100000 }\n";
    std::fs::write(world.root().join("server.yaml"), config).unwrap();
    let serving = Serving::begin(world.root(), &["--config", "server.yaml", "--rehearsal", "60x"]);
    world.must(&["matrix", "apply"], 0);
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        world.release(version, &[]);
    }
    world.must(&["promote", "production", "--release", "1.0.0", "--yes", "--no-wait"], 0);
    let may = VERBS.iter().flat_map(|verb| ["--may", verb]);
    let words: Vec<&str> = ["token", "create", "contract"].into_iter().chain(may).collect();
    let token = world.must(&words, 0).out.trim().to_owned();
    (serving, token)
}

/// Asks, and hands out what was said and the lines of the record.
fn asked(tool: &Path, serving: &Serving, token: &str, record: &Path) -> (bool, String) {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap();
    let settings = own.parent().unwrap().join(".ci/contract-tools/schemathesis.toml");
    let mut command = Command::new(tool);
    command.current_dir(record.parent().unwrap()).arg("--config-file").arg(settings);
    command.args(["run", &serving.url("/v1/openapi.json"), "--url", &serving.url("/v1")]);
    command.args(["--no-color", "--report-ndjson-path"]).arg(record);
    command.env("TOWPATH_CONTRACT_TOKEN", token).stdin(Stdio::null());
    let ended = command.output().unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    (ended.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
#[ignore = "heavy"]
fn every_answer_of_a_real_server_is_as_its_description_says() {
    // Not yet in each run of CI: nobody has seen it through to its end on a machine that was busy.
    if std::env::var_os("TOWPATH_AT_LENGTH").is_none() {
        return;
    }
    let Some(tool) = tool() else { return };
    let world = project();
    let (serving, token) = serve(&world);
    let record = world.root().join("record.ndjson");
    let (well, said) = asked(&tool, &serving, &token, &record);
    eprintln!("{said}");
    assert!(well, "an answer is not as the description says");
    // A tool whose token opens nothing finds nothing either.
    let answers = statuses(&record);
    let good = answers.iter().filter(|status| (200..300).contains(*status)).count();
    assert!(answers.len() > 1_000 && good > 200, "{good} of {} were carried out", answers.len());
    let refused = answers.iter().filter(|status| **status == 401).count();
    assert!(refused * 2 < answers.len(), "{refused} of {} were refused", answers.len());
    let mine = serving.get("/v1/you", Some(&token));
    assert!(mine.starts_with("HTTP/1.1 200"), "the token was taken away meanwhile: {mine}");
}

/// The status of every answer that the tool put on record.
fn statuses(record: &Path) -> Vec<u64> {
    let mut found = Vec::new();
    for line in std::fs::read_to_string(record).unwrap().lines() {
        collect(&serde_json::from_str(line).unwrap(), &mut found);
    }
    found
}

fn collect(value: &serde_json::Value, found: &mut Vec<u64>) {
    match value {
        serde_json::Value::Object(map) => {
            found.extend(map.get("status_code").and_then(serde_json::Value::as_u64));
            map.values().for_each(|inner| collect(inner, found));
        }
        serde_json::Value::Array(all) => all.iter().for_each(|inner| collect(inner, found)),
        _ => {}
    }
}
