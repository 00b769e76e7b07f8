//! The binary itself, without an engine. Everything deeper is tested where it lives, or in `e2e`.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

fn said(words: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_towpath")).args(words).output();
    let output = output.expect("the binary starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code().unwrap_or(-1), text)
}

#[test]
fn it_says_its_version_and_what_it_can_do() {
    let (code, version) = said(&["--version"]);
    assert_eq!((code, version.contains(env!("CARGO_PKG_VERSION"))), (0, true), "{version}");
    let (code, overview) = said(&[]);
    assert_eq!((code, overview.contains("towpath rollback production")), (0, true), "{overview}");
}

#[test]
fn every_adapter_that_is_built_is_listed() {
    let (code, listed) = said(&["adapters", "--json"]);
    assert_eq!(code, 0);
    for kind in ["process", "towpath", "http", "tcp", "command", "attested", "soak"] {
        assert!(listed.contains(&format!("\"{kind}\"")), "{kind} is missing in {listed}");
    }
}

/// The router shows the last line of what a proxy said that could not start.
#[test]
fn a_proxy_that_cannot_start_says_why_in_its_last_line() {
    let file = env!("CARGO_BIN_EXE_towpath");
    let output = Command::new(file).args(["proxy", "--dir", file]).output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = text.lines().last().unwrap_or_default();
    assert_eq!(output.status.code(), Some(1));
    assert!(last.starts_with(&format!("proxy {file}: ")) && last.contains("File exists"), "{text}");
}

/// A key that comes from a secret store is a name, and refuses until somebody can read the secret.
#[test]
fn a_whole_matrix_whose_keys_are_secrets_is_right_and_refuses_only_there() {
    let (code, text) = said(&["matrix", "check", "fixtures/matrix/ferry.yaml", "--json"]);
    let view: Value = serde_json::from_str(&text).expect("one object");
    assert_eq!((code, &view["errors"]), (0, &serde_json::json!([])), "{text}");
    let open: Vec<&str> = view["not_enforced"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .filter(|path| path.ends_with(".router"))
        .collect();
    assert_eq!(open, ["environments.crossing.router", "environments.trial-run.router"], "{text}");
    let (_, told) = said(&["matrix", "check", "fixtures/matrix/ferry.yaml"]);
    assert!(
        told.contains("router `towpath` needs `key_secret`, and nothing hands it over yet"),
        "{told}"
    );
}

const MATRIX: &str = "version: 1\nproject: shop\nenvironments:\n  live:\n    tier: production\n    \
                      target: { kind: process, command: [./app] }\n    standby: 24h\n    \
                      router: { kind: towpath, listen: 127.0.0.1:3000 }\n";

/// Runs `matrix diff` in a folder with this on standard input; answers code, stdout and stderr.
fn compared(folder: &Path, words: &[&str], input: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_towpath"));
    command.current_dir(folder).args(["matrix", "diff"]).args(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    // One that reads nothing may have ended before.
    let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[test]
fn two_matrices_are_compared_and_a_pipeline_may_refuse_what_is_looser() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    std::fs::write(folder.join("old.yaml"), MATRIX).expect("it is written");
    let new = MATRIX.replace("24h", "1h");
    std::fs::write(folder.join("towpath.yaml"), new).expect("it is written");
    let said = "! live: standby of the old release 24h -> 1h (looser)\n\n1 change, 1 looser\n";
    for words in [&["old.yaml", "towpath.yaml"][..], &["old.yaml"], &["-"]] {
        assert_eq!(compared(folder, words, MATRIX), (0, said.to_owned(), String::new()));
    }
    let (code, out, err) = compared(folder, &["old.yaml", "--deny-looser"], "");
    assert_eq!((code, out.as_str(), err.as_str()), (3, said, "refused: 1 change is looser\n"));
    let (code, _, _) = compared(folder, &["towpath.yaml", "old.yaml", "--deny-looser"], "");
    assert_eq!(code, 0, "stricter is no reason to refuse");
    let (code, out, err) = compared(folder, &["old.yaml", "--deny-looser", "--json"], "");
    let view: Value = serde_json::from_str(&out).expect("one object");
    assert_eq!((code, &view["looser"], err.as_str()), (3, &1.into(), ""));
    assert_eq!(view["changes"][0]["path"], "environments.live.standby");
}

#[test]
fn a_matrix_with_errors_is_not_compared_and_its_errors_are_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    std::fs::write(folder.join("towpath.yaml"), MATRIX).expect("it is written");
    let wrong = MATRIX.replace("tier:", "teir:");
    let (code, out, err) = compared(folder, &["-"], &wrong);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("standard input:5:") && err.contains("`teir`"), "{err}");
    assert!(err.contains("nothing was compared"), "{err}");
    let (code, out, _) = compared(folder, &["-", "--json"], &wrong);
    let view: Value = serde_json::from_str(&out).expect("one object");
    assert_eq!((code, &view["wrong"][0]["errors"][0]["code"]), (2, &"unknown-key".into()));
    let (code, _, _) = compared(folder, &["-", "-"], MATRIX);
    assert_eq!(code, 2, "standard input cannot be both");
    let (code, _, _) = compared(folder, &["nowhere.yaml"], "");
    assert_eq!(code, 5);
}
