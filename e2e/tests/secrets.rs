//! Secrets reach the releases of their environment and appear nowhere else: whatever a release, a check
//! or a channel says of them, in the six forms in which programs repeat such things.

#![expect(clippy::unwrap_used, reason = "in a test program a failed expectation is the point")]

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

use towpath_e2e::{Planted, World, towpath};

const PLANTED: usize = 200;

/// What is asked of the program once three releases had their turn.
const ASKED: [&[&str]; 16] = [
    &["logs", "1", "--limit", "10000"],
    &["logs", "1", "--json"],
    &["logs", "2"],
    &["logs", "3"],
    &["status", "--json"],
    &["history", "--json"],
    &["history"],
    &["why", "production"],
    &["plan", "production", "--release", "1.0.0"],
    &["matrix", "show"],
    &["matrix", "show", "--json"],
    &["evidence", "list"],
    &["notify", "list"],
    &["audit", "export", "--format", "jsonl", "--with-secrets", "--output", "audit.jsonl"],
    &["audit", "export", "--format", "csv", "--with-secrets", "--output", "audit.csv"],
    &["validate", "production"],
];

const MATRIX: &str = r#"
version: 1
project: soundbite
services:
  api: { purpose: Takes text in and hands out audio jobs }
notifiers:
  team: { kind: command, run: [/bin/sh, -c, "cat >> told; tr -d '\\n' < said; exit 1"] }
environments:
  production:
    tier: production
    target: { kind: process, command: ["{artifact}"], crash_loop: 1 }
    router: { kind: towpath, listen: {listen} }
    health: { every: 1m, timeout: 5s, retries: 3, endpoints: [/health] }
    gate:
      validation:
        - { check: command, name: It talks, run: [/bin/sh, -c, "cat said; test ! -e broken"] }
    notify: { succeeded: [team], failed: [team], rolled_back: [team] }
    secret_store: { kind: file, path: kept }
    secrets:
"#;

/// A world in which 200 secrets are kept, and `said` has all of them in all six forms.
fn world() -> (World, Planted) {
    let planted = Planted::new(PLANTED);
    let mut matrix = MATRIX.to_owned();
    (0..PLANTED).for_each(|index| writeln!(matrix, "      S{index}: {{}}").unwrap());
    let world = World::new(&matrix);
    planted.keep(&world.root().join("kept"));
    std::fs::write(world.root().join("said"), planted.said()).unwrap();
    (world, planted)
}

/// Creates a release that says everything, shows that it has the first secret, and then does `then`.
fn release(world: &World, version: &str, then: &str) {
    let file = world.root().join(format!("app-{version}"));
    let root = world.root().display();
    let text = format!("#!/bin/sh\ncat '{root}/said'\nprintf %s \"$S0\" > '{root}/had'\n{then}\n");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let artifact = format!("api={}", file.display());
    world.must(&["release", "create", version, "--artifact", &artifact], 0);
}

/// Every file below `folder` but those that hold what a release is started with, with its path.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            files(&path, found);
        } else if kind.is_file() && entry.file_name() != "secrets.json" {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

/// What the engine answers by itself to each URL that is only asked: those of its table, of each promotion.
fn answers(world: &World) -> Vec<(String, Vec<u8>)> {
    let table = include_str!("../../crates/server/src/routes.rs");
    let asked = table.lines().filter(|line| line.trim_start().starts_with("get \""));
    let paths: Vec<String> =
        asked.filter_map(|line| line.split('"').nth(1)).map(|path| format!("/v1{path}")).collect();
    // One that never ends is asked for elsewhere; its events are those of the journal.
    let paths: Vec<String> = paths.into_iter().filter(|path| path != "/v1/stream").collect();
    assert!(paths.len() > 20, "{paths:?}");
    let evidence = world.must(&["evidence", "list", "--json"], 0).out;
    let evidence: serde_json::Value = serde_json::from_str(&evidence).unwrap();
    let mut digests = Vec::new();
    digests_in(&evidence, &mut digests);
    assert!(!digests.is_empty(), "{evidence}");
    let mut answers = Vec::new();
    for path in paths {
        let path = path.replace("{service}", "api").replace("{environment}", "production");
        let each: Vec<String> = match &*path {
            one if one.contains("{number}") => {
                ["1", "2", "3"].map(|number| one.replace("{number}", number)).to_vec()
            }
            one if one.contains("{digest}") => {
                digests.iter().map(|digest| one.replace("{digest}", digest)).collect()
            }
            one => vec![one.to_owned()],
        };
        for path in each {
            let mut stream = UnixStream::connect(world.state().join("engine.sock")).unwrap();
            let head = format!("GET {path} HTTP/1.1\r\nhost: towpath\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            assert!(answer.starts_with(b"HTTP/1.1 "), "{path}");
            answers.push((format!("GET {path}"), answer));
        }
    }
    answers
}

fn digests_in(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Array(items) => items.iter().for_each(|item| digests_in(item, found)),
        serde_json::Value::Object(fields) => {
            let digest = fields.get("digest").and_then(serde_json::Value::as_str);
            found.extend(digest.map(str::to_owned));
            fields.values().for_each(|field| digests_in(field, found));
        }
        _ => {}
    }
}

#[test]
fn t1_two_hundred_secrets_in_six_forms_appear_in_no_output() {
    let (world, planted) = world();
    let mut outputs: Vec<(String, Vec<u8>)> = Vec::new();
    let mut run = |words: &[&str], code: i32| {
        let ended = world.must(words, code);
        outputs.push((words.join(" "), [ended.out, ended.err].concat().into_bytes()));
    };
    let serves = format!("exec '{}' sample-service", towpath().display());
    for (version, then) in [("1.0.0", &*serves), ("1.1.0", "exit 3"), ("1.2.0", &serves)] {
        release(&world, version, then);
    }
    run(&["promote", "production", "--release", "1.0.0", "--yes"], 0);
    let had = std::fs::read_to_string(world.root().join("had")).unwrap();
    assert_eq!(had, Planted::value(0), "the release itself has its secrets");
    run(&["promote", "production", "--release", "1.1.0", "--yes"], 1);
    std::fs::write(world.root().join("broken"), "").unwrap();
    run(&["promote", "production", "--release", "1.2.0", "--yes"], 3);
    for words in ASKED {
        let ended = world.run(words);
        assert_ne!(ended.code, 2, "towpath {} {}", words.join(" "), ended.err);
        outputs.push((words.join(" "), [ended.out, ended.err].concat().into_bytes()));
    }
    for name in ["audit.jsonl", "audit.csv", "told"] {
        outputs.push((name.to_owned(), std::fs::read(world.root().join(name)).unwrap()));
    }
    let asked = answers(&world);
    assert!(asked.len() > 20, "{}", asked.len());
    outputs.extend(asked);
    let before = outputs.len();
    files(&world.state(), &mut outputs);
    assert!(outputs.len() > before + 5, "the journal, the logs and the evidence are among them");
    assert_eq!(planted.shown(&outputs), [], "in {} outputs", outputs.len());

    // Each of these would have held them.
    let has = |name: &str, text: &str| {
        let own = outputs.iter().filter(|(own, _)| own.contains(name));
        own.into_iter().any(|(_, bytes)| String::from_utf8_lossy(bytes).contains(text))
    };
    for name in [
        "/log",
        "GET /v1/promotions/1/logs",
        "GET /v1/evidence/",
        "logs 1 --limit 10000",
        "audit.jsonl",
    ] {
        assert!(has(name, "S199 raw ***;"), "{name} has what was said");
    }
    // Pages of the database, or of its log, cut a long text into pieces.
    assert!(has("journal.db", "S0 raw ***;"), "the journal has what was said");
    assert!(has("audit.jsonl", "secrets-read"), "and which secrets were read");
    let all = world.state().join("evidence");
    let mut evidence = Vec::new();
    files(&all, &mut evidence);
    let told =
        |(_, bytes): &(String, Vec<u8>)| String::from_utf8_lossy(bytes).contains("S7 hex ***;");
    assert!(evidence.iter().any(told), "the evidence has what the check printed");
}

#[test]
fn a_secret_that_is_missing_fails_the_start_and_what_serves_stays() {
    let (world, _) = world();
    let serves = format!("exec '{}' sample-service", towpath().display());
    release(&world, "1.0.0", &serves);
    release(&world, "1.1.0", &serves);
    world.must(&["promote", "production", "--release", "1.0.0", "--yes"], 0);
    std::fs::remove_file(world.root().join("kept/S7")).unwrap();
    let failed = world.must(&["promote", "production", "--release", "1.1.0", "--yes"], 1);
    let said = [failed.out, failed.err].concat();
    assert!(said.contains("the secret S7 of api/production cannot be read"), "{said}");
    assert_eq!(world.lane()["serves"]["release"], "1.0.0", "{}", world.lane());
}

#[test]
fn a_store_that_is_one_file_is_handed_to_no_release() {
    let (world, planted) = world();
    let serves = format!("exec '{}' sample-service", towpath().display());
    release(&world, "1.0.0", &serves);
    let kept = world.root().join("kept");
    std::fs::remove_dir_all(&kept).unwrap();
    // What nobody could read nobody can know again, so that nothing here may say it.
    std::fs::write(world.root().join("said"), "").unwrap();
    std::fs::write(&kept, format!("S0={}\n", Planted::value(0))).unwrap();
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o600)).unwrap();
    let failed = world.must(&["promote", "production", "--release", "1.0.0", "--yes"], 1);
    let said = [failed.out, failed.err].concat();
    assert!(said.contains("is a folder with one file for each secret"), "{said}");
    assert!(!world.root().join("had").exists(), "it was not started");
    assert_eq!(planted.shown(&[("said".to_owned(), said.into_bytes())]), []);
}
