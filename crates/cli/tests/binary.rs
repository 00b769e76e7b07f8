//! The binary itself, without an engine. Everything deeper is tested where it lives, or in `e2e`.

use std::process::Command;

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
