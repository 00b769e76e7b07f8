//! What checks keep of what they read, for each kind that reads something. Judges no answer.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use towpath_core::check::CheckResult::Pass;
use towpath_ports::evidence::{EvidenceStore as _, Keeper};
use towpath_ports::secret::Known;

use crate::evidence::KeptEvidence;
use crate::git_of_tests::git;
use crate::question::testing::{Evidence, check, request, site};
use crate::reports::testing::project;

/// Names, kinds and bytes of what the check keeps when it passes.
async fn kept(root: &Path, name: &str, settings: &Value, known: Evidence) -> Vec<[String; 3]> {
    let store = Arc::new(KeptEvidence::new(&root.join("state")));
    let mut request = request(&[], known);
    request.keeper = Keeper::of(store.clone(), Known::default());
    let answer = check(name, settings, &site(root, 1)).ask(&request).await;
    assert_eq!(answer.result, Pass, "{answer:?}");
    let keeper = request.keeper.clone();
    let pieces = keeper.finish().unwrap().into_iter().map(|piece| {
        let bytes = store.read(&piece.digest).unwrap().unwrap();
        [piece.name, piece.media_type, String::from_utf8(bytes).unwrap()]
    });
    pieces.collect()
}

#[tokio::test]
async fn reports_are_kept_byte_for_byte_under_their_path() {
    let junit = "<testsuite tests='1'><testcase name='a'/></testsuite>";
    let sarif = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[]}]}"#;
    let lcov = "SF:a.rs\nDA:1,1\nend_of_record\n";
    let folder = project(&[
        ("reports/r.xml", junit.as_bytes()),
        ("scan.sarif", sarif.as_bytes()),
        ("lcov.info", lcov.as_bytes()),
    ]);
    for (name, settings, piece) in [
        ("junit", json!({ "path": "reports/*.xml" }), ["reports/r.xml", "application/xml", junit]),
        (
            "sarif",
            json!({ "path": "scan.sarif", "allow": { "high": 0 } }),
            ["scan.sarif", "application/json", sarif],
        ),
        (
            "coverage",
            json!({ "path": "lcov.info", "at_least": "80%" }),
            ["lcov.info", "text/plain", lcov],
        ),
    ] {
        let kept = kept(folder.path(), name, &settings, Evidence::default()).await;
        assert_eq!(kept, [piece.map(str::to_owned)], "{name}");
    }
}

#[tokio::test]
async fn what_a_program_printed_is_kept_with_the_question_it_answers() {
    let folder = tempfile::tempdir().unwrap();
    let settings = json!({ "run": ["/bin/sh", "-c", "echo 12 passed"] });
    let kept = kept(folder.path(), "command", &settings, Evidence::default()).await;
    let [[name, _, text]] = kept.as_slice() else { panic!("{kept:?}") };
    let told: Value = serde_json::from_str(text).unwrap();
    assert_eq!(name, "command.json");
    assert_eq!(told["told"]["output"], "12 passed\n");
    assert_eq!((&told["told"]["status"], &told["title"]), (&json!(0), &json!("A question")));
    assert_eq!(told["release"]["version"], "1.2.0");
}

#[tokio::test]
async fn a_page_is_kept_with_its_address_and_status() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/health", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let _request = connection.read(&mut [0; 4096]).await;
        let page = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nwell";
        connection.write_all(page).await.unwrap();
    });
    let folder = tempfile::tempdir().unwrap();
    let kept = kept(folder.path(), "http", &json!({ "url": url }), Evidence::default()).await;
    let told: Value = serde_json::from_str(&kept[0][2]).unwrap();
    let wanted = json!({ "url": url, "status": 200, "body": "well", "cut": false });
    assert_eq!((kept.len(), &told["told"]), (1, &wanted));
}

#[tokio::test]
async fn what_git_was_asked_and_said_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let git = |words: &[&str]| git(folder.path(), words);
    git(&["init", "--quiet", "--initial-branch=main"]);
    git(&["commit", "--quiet", "--allow-empty", "-m", "first"]);
    let head = git(&["rev-parse", "HEAD"]);
    let known = Evidence { commit: Some(head.clone()), ..Evidence::default() };
    let kept = kept(folder.path(), "git", &json!({ "contained_in": "main" }), known).await;
    let told: Value = serde_json::from_str(&kept[0][2]).unwrap();
    assert_eq!(told["told"]["commit"], head.as_str());
    let asked = told["told"]["asked"].as_array().unwrap();
    assert!(asked.iter().any(|one| one["git"][0] == "merge-base"), "{asked:?}");
    assert!(asked.iter().all(|one| one["status"].is_i64()), "{asked:?}");
}

#[tokio::test]
async fn a_statement_is_kept_as_it_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let said = towpath_ports::check::Attestation {
        by: towpath_core::ids::Person::new("ann").unwrap(),
        roles: None,
        at: crate::question::testing::NOW,
        note: None,
        link: None,
        statement: "{\"by\":\"ann\"}".to_owned(),
    };
    let known = Evidence { attestations: vec![said], ..Evidence::default() };
    let kept = kept(folder.path(), "attested", &json!({ "by": ["qa"] }), known).await;
    let wanted = ["statement of ann", "application/json", "{\"by\":\"ann\"}"];
    assert_eq!(kept, [wanted.map(str::to_owned)]);
}

#[test]
fn a_failed_write_leaves_no_evidence_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("evidence"), "a file where the folder should be").unwrap();
    let keeper = Keeper::of(Arc::new(KeptEvidence::new(folder.path())), Known::default());
    keeper.keep("a", "text/plain", b"x");
    assert!(keeper.finish().unwrap_err().contains("evidence"));
}
