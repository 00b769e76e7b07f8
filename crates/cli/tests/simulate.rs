//! `towpath simulate` as it is typed: what it answers with a fixed seed, and what it refuses.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const MATRIX: &str = r#"version: 1
project: shop
environments:
  dev:
    tier: development
    target: { kind: process, command: [./app] }
  live:
    after: dev
    tier: production
    target: { kind: process, command: [./app] }
    router: { kind: towpath, listen: 127.0.0.1:3000 }
    rollout:
      strategy: canary
      steps: [ { weight: 5%, bake: 5m }, { weight: 50%, bake: 5m }, { weight: 100%, bake: 2m } ]
    rollback: { mode: automatic, when: { error_rate: "> 5%", latency_p99: "+20%" } }
"#;

/// A folder with that matrix.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("towpath.yaml"), MATRIX).expect("it is written");
    folder
}

/// Runs `simulate` there with 20 rollouts; answers code, stdout and stderr.
fn simulated(folder: &Path, words: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_towpath"));
    command.current_dir(folder).arg("simulate").args(words);
    if !words.contains(&"--runs") {
        command.args(["--runs", "20"]);
    }
    let output = command.output().expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[test]
fn the_answer_is_a_block_for_each_release_and_a_row_for_each_rule() {
    let folder = project();
    let (code, out, err) = simulated(folder.path(), &["live", "--rate", "20/s"]);
    assert_eq!(code, 0, "{err}");
    insta::assert_snapshot!(format!("{out}--- stderr\n{err}"));
}

#[test]
fn the_same_seed_is_the_same_answer_to_the_byte_and_another_one_is_not() {
    let folder = project();
    let said = |seed: &str| {
        let words = ["--rate", "20/s", "--fault", "20%", "--seed", seed, "--json"];
        simulated(folder.path(), &words).1
    };
    let first = said("7");
    assert_eq!(first, said("7"));
    assert_ne!(first, said("8"));
}

#[test]
fn two_policies_stand_side_by_side_and_the_picture_shows_both() {
    let folder = project();
    let stricter = MATRIX.replace("> 5%", "> 1%").replace("weight: 5%", "weight: 1%");
    std::fs::write(folder.path().join("st<ricter.yaml"), stricter).expect("it is written");
    let words = [
        "--policy",
        "towpath.yaml",
        "--policy",
        "st<ricter.yaml",
        "--rate",
        "20/s",
        "--fault",
        "all",
        "--onset",
        "6m",
        "--svg",
        "both.svg",
        "--json",
    ];
    let (code, out, err) = simulated(folder.path(), &words);
    let view: Value = serde_json::from_str(&out).expect("one object");
    assert_eq!((code, err.as_str()), (0, ""));
    let rows = view["scenarios"][1]["rows"].as_array().expect("rows");
    let rules: Vec<&str> = rows.iter().filter_map(|row| row["rule"].as_str()).collect();
    let rest = ["Argo Rollouts", "CodeDeploy", "Kayenta", "Flagger"];
    assert_eq!(rules, [&["towpath.yaml", "st<ricter.yaml"][..], &rest].concat());
    for row in &rows[..2] {
        assert_eq!(row["went_back"]["count"], 20, "{row}");
        assert!(row["back_after_seconds"]["value"].as_f64().is_some_and(|it| it < 10.0), "{row}");
    }
    let picture = std::fs::read_to_string(folder.path().join("both.svg")).expect("a picture");
    assert!(picture.contains("st&lt;ricter.yaml") && !picture.contains("st<ricter"), "{picture}");
    assert_eq!(picture.matches("<circle").count(), 12, "a dot for each rule and release");
}

#[test]
fn the_object_for_programs_has_every_name_and_null_for_what_is_not_known() {
    let folder = project();
    let words = ["live", "--rate", "20/s", "--fault", "20%", "--json"];
    let (_, out, _) = simulated(folder.path(), &words);
    let view: Value = serde_json::from_str(&out).expect("one object");
    insta::assert_snapshot!(format!("{:#}", shape(&view)));
}

/// The names with the kinds of their values; of a list its first entry.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(_) => "yes or no".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "text".into(),
        Value::Array(list) => list.iter().take(1).map(shape).collect(),
        Value::Object(map) => map.iter().map(|(name, it)| (name.clone(), shape(it))).collect(),
    }
}

#[test]
fn recorded_traffic_is_played_and_what_could_not_be_read_is_said() {
    let folder = project();
    let mut log = String::new();
    for second in 0..120 {
        let time = format!("[21/Nov/2026:13:{:02}:{:02} +0000]", second / 60, second % 60);
        for request in 0..20 {
            let status = if (second * 20 + request) % 100 == 0 { 503 } else { 200 };
            let _ = writeln!(log, "192.0.2.1 - - {time} \"GET / HTTP/1.1\" {status} 12");
        }
    }
    log.push_str("half a li\n\n{\"time\":1}\n");
    std::fs::write(folder.path().join("access.log"), log).expect("it is written");
    let words = ["--log", "access.log", "--fault", "20%"];
    let (code, out, err) = simulated(folder.path(), &words);
    assert_eq!(code, 0, "{err}");
    let lines: Vec<&str> = out.lines().skip(2).take(3).map(str::trim).collect();
    let said = [
        "traffic      20 requests/s, 1% of them fail today; 2,400 requests in 2m of access.log, without \
         2 lines that could not be read",
        "not read     line 2401: it has no [time]",
        "line 2403: it has no status",
    ];
    assert_eq!(lines, said);
    let counts = "time,requests,failed\n0,1200,12\n60,1300,13\n";
    std::fs::write(folder.path().join("counts.csv"), counts).expect("it is written");
    let (code, out, _) =
        simulated(folder.path(), &["--counts", "counts.csv", "--fault", "20%", "--json"]);
    let view: Value = serde_json::from_str(&out).expect("one object");
    assert_eq!((code, &view["traffic"]["source"]), (0, &"counts".into()));
    assert_eq!(
        (&view["traffic"]["recorded_requests"], &view["traffic"]["error_rate"]),
        (&2500.into(), &0.01.into())
    );
    assert_eq!(view["scenarios"][1]["rows"][0]["went_back"]["count"], 20);
}

/// What is typed, how it ends, and what is said about it.
const REFUSED: &[(&str, i32, &str)] = &[
    ("liv", 5, "there is no environment `liv`"),
    ("dev", 2, "has no router"),
    ("live --service shpo", 5, "--service shop"),
    ("live --rate 0/s", 2, "not a rate"),
    ("live --rate -5/s", 2, "not a rate"),
    ("live --errors 101%", 2, "not a share"),
    ("live --errors 100%", 2, "not a share"),
    ("live --fault errors=0%", 2, "not a fault"),
    ("live --fault errors=120%", 2, "not a fault"),
    ("live --fault 1% --errors 2%", 2, "2% of the requests fail today"),
    ("live --fault 2x --errors 60%", 2, "nothing fails 120%"),
    ("live --latency p50=1s", 2, "not a pair of times"),
    ("live --onset 12m", 2, "the rollout takes 12m"),
    ("live --onset soon", 2, "not a duration"),
    ("live --runs 19", 2, "19"),
    ("live --runs 10000 --rate 1000/s", 2, "towpath simulate live --rate 1000/s --runs 3"),
    ("live --runs 20 --rate 100000/s --latency p50=1s,p99=2s", 2, "less traffic"),
    ("live --seed -1", 2, "seed"),
    ("live --policy nowhere.yaml", 5, "nowhere.yaml could not be read"),
    ("live --policy wrong.yaml", 2, "nothing was simulated"),
    ("live --policy a --policy a --policy a --policy a --policy a", 2, "at most 4"),
    ("live --log nowhere.log", 5, "nowhere.log could not be read"),
    ("live --log empty.log", 2, "it is empty"),
    ("live --log towpath.yaml", 2, "none of its 15 lines is a request: line 1"),
    ("live --log .", 2, "could not be read"),
    ("live --log empty.log --rate 5/s", 2, "exclude each other"),
    ("live --counts broken.csv", 2, "broken.csv:3"),
    ("live --counts empty.log", 2, "must name the columns"),
    ("live --svg nowhere/a.svg --fault all --rate 1/s", 1, "could not be written"),
];

#[test]
fn what_cannot_be_simulated_is_refused_with_its_reason() {
    let folder = project();
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("it is written");
    };
    write("wrong.yaml", &MATRIX.replace("tier:", "teir:"));
    write("empty.log", "");
    write("broken.csv", "time,requests,failed\n0,10,0\n60,ten,0\n");
    for (typed, code, said) in REFUSED {
        let words: Vec<&str> = typed.split(' ').collect();
        let (ended, out, err) = simulated(folder.path(), &words);
        assert_eq!((ended, out.as_str()), (*code, ""), "{typed}: {err}");
        assert!(err.contains(said), "{typed}: {err}");
    }
}

#[test]
fn it_needs_no_project_when_a_file_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, _, err) = simulated(folder.path(), &["live"]);
    assert_eq!((code, err.contains("no matrix")), (2, true), "{err}");
    std::fs::write(folder.path().join("other.yaml"), MATRIX).expect("it is written");
    let words = ["--policy", "other.yaml", "--rate", "5/s", "--fault", "all"];
    let (code, _, err) = simulated(folder.path(), &words);
    assert_eq!(code, 0, "{err}");
    assert!(!folder.path().join(".towpath").exists(), "nothing is kept");
}
