//! Questions and orders over a real socket.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use super::*;
use crate::project::MATRIX_FILE;

/// Answers one request with `answer` and gives back what was asked.
fn answering(folder: &Path, answer: String) -> (Client, tokio::task::JoinHandle<String>) {
    let socket = folder.join("engine.sock");
    let listener = UnixListener::bind(&socket).expect("a folder of our own");
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let mut asked = Vec::new();
        let mut buffer = [0; 4096];
        // The requests of these tests end with their body, which is JSON or nothing.
        while !asked.ends_with(b"}") && !asked.ends_with(b"\r\n\r\n") {
            let read = stream.read(&mut buffer).await.expect("a request");
            asked.extend_from_slice(&buffer[..read]);
        }
        stream.write_all(answer.as_bytes()).await.expect("a client that listens");
        String::from_utf8(asked).expect("a request in UTF-8")
    });
    (Client::new(socket), server)
}

fn response(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_question_is_asked_by_its_path_and_its_answer_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let (client, server) = answering(folder.path(), response("200 OK", r#"{"idle":true}"#));
    let answer: Value = client.get("/v1/engine").await.expect("an answer");
    assert_eq!(answer, json!({ "idle": true }));
    let asked = server.await.expect("a server that ended well");
    assert!(asked.starts_with("GET /v1/engine HTTP/1.1\r\n"), "{asked}");
}

#[tokio::test]
async fn an_order_carries_its_body() {
    let folder = tempfile::tempdir().expect("a folder");
    let answer = response("202 Accepted", r#"{"promotion":148,"changed":true,"notes":[]}"#);
    let (client, server) = answering(folder.path(), answer);
    let accepted: towpath_server::requests::AcceptedView =
        client.post("/v1/promotions/148/abort", &json!({ "by": "ada" })).await.expect("accepted");
    assert_eq!(accepted.promotion.map(|number| number.0), Some(148));
    let asked = server.await.expect("a server that ended well");
    assert!(asked.ends_with(r#"{"by":"ada"}"#), "{asked}");
}

#[tokio::test]
async fn a_problem_document_becomes_the_refusal_that_it_carries() {
    let folder = tempfile::tempdir().expect("a folder");
    let body = json!({
        "type": "https://towpath.dev/problems/quarantined", "title": "no", "status": 409,
        "code": "quarantined",
        "refusal": {
            "code": "quarantined", "kind": "gate", "message": "1.5.0 may not enter production",
            "cause": "quarantined", "place": null,
            "next": [{ "command": "towpath why production", "what": "" }],
        },
    });
    let answer = response("409 Conflict", &body.to_string());
    let (client, _server) = answering(folder.path(), answer);
    let error = client.get::<Value>("/v1/status").await.expect_err("a refusal");
    assert_eq!(error.trouble().exit, ExitCode::Refused);
    assert_eq!(error.trouble().code, "quarantined");
    assert_eq!(error.trouble().next[0].command, "towpath why production");
}

#[tokio::test]
async fn an_answer_that_is_no_problem_document_is_told_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let (client, _server) = answering(folder.path(), response("502 Bad Gateway", "upstream"));
    let error = client.get::<Value>("/v1/status").await.expect_err("no problem document");
    assert_eq!(error.trouble().exit, ExitCode::Failed);
    assert_eq!(error.trouble().cause.as_deref(), Some("upstream"));
}

#[tokio::test]
async fn nobody_on_the_socket_is_said_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let client = Client::new(folder.path().join("engine.sock"));
    let error = client.get::<Value>("/v1/status").await.expect_err("nobody there");
    assert_eq!(error.trouble().code, "engine-silent");
    assert!(error.trouble().place.as_deref().is_some_and(|it| it.ends_with("engine.sock")));
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_never_answers_is_left_after_the_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("engine.sock");
    let _listener = UnixListener::bind(&socket).expect("a folder of our own");
    let error = Client::new(socket).get::<Value>("/v1/status").await.expect_err("silence");
    assert_eq!(error.trouble().code, "engine-silent");
    assert_eq!(error.trouble().cause.as_deref(), Some("nothing came within 30s"));
}

#[tokio::test]
async fn a_stream_is_read_line_by_line_wherever_it_is_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let chunks = ["{\"seq\":1}\n{\"se", "q\":2}\n", "\n", "{\"seq\":3}\n"];
    let mut answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    for chunk in chunks {
        let _ = writeln!(answer, "{:x}\r\n{chunk}\r", chunk.len());
    }
    answer.push_str("0\r\n\r\n");
    let (client, _server) = answering(folder.path(), answer);
    let mut lines = client.lines("/v1/events?follow=true").await.expect("a stream");
    let mut seen = Vec::new();
    while let Some(line) = lines.next::<Value>().await.expect("a line") {
        seen.push(line["seq"].as_u64().expect("a number"));
    }
    assert_eq!(seen, [1, 2, 3]);
}

fn project() -> (tempfile::TempDir, Arc<ProjectFolder>) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(MATRIX_FILE), "version: 1\n").expect("a file");
    let project = ProjectFolder::find(folder.path(), None).expect("a project");
    project.prepare().expect("a folder of our own");
    (folder, Arc::new(project))
}

/// Reads a request, says as much as `said` and hangs up; then answers the next with `answer`. Gives
/// back how many requests came.
fn dying(
    project: &ProjectFolder,
    said: &'static str,
    answer: String,
) -> tokio::task::JoinHandle<usize> {
    let listener = UnixListener::bind(project.socket()).expect("a folder of our own");
    tokio::spawn(async move {
        let mut requests = 0;
        for answer in [said.to_owned(), answer] {
            let next = tokio::time::timeout(Duration::from_secs(10), listener.accept());
            let Ok(Ok((mut stream, _))) = next.await else { break };
            requests += 1;
            let mut buffer = [0; 4096];
            assert!(stream.read(&mut buffer).await.expect("a request") > 0);
            stream.write_all(answer.as_bytes()).await.expect("a client that listens");
        }
        requests
    })
}

/// What an engine says when it is killed in the middle of an answer.
const HALF: &str = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"idle\":";

#[tokio::test]
async fn a_question_is_asked_again_when_the_engine_ends_in_its_answer() {
    for said in ["", HALF] {
        let (_folder, project) = project();
        let server = dying(&project, said, response("200 OK", r#"{"idle":true}"#));
        let client = Client::of_engine(&project);
        let answer: Value = client.get("/v1/engine").await.expect("an answer");
        assert_eq!(answer, json!({ "idle": true }));
        assert_eq!(server.await.expect("a server that ended well"), 2);
    }
}

/// Reads requests, says each of `answers` to one and hangs up. Gives back the keys of the requests.
fn keyed(project: &ProjectFolder, answers: Vec<String>) -> tokio::task::JoinHandle<Vec<String>> {
    let listener = UnixListener::bind(project.socket()).expect("a folder of our own");
    tokio::spawn(async move {
        let mut keys = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut asked = Vec::new();
            while !asked.ends_with(b"}") {
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).await.expect("a request");
                asked.extend_from_slice(&buffer[..read]);
            }
            let asked = String::from_utf8(asked).expect("a request in UTF-8");
            let key = asked.lines().find_map(|line| line.strip_prefix("idempotency-key: "));
            keys.push(key.expect("an order has a key").to_owned());
            stream.write_all(answer.as_bytes()).await.expect("a client that listens");
        }
        keys
    })
}

/// What an engine answers to an order that it does not take a second time.
fn refused(code: &str) -> String {
    let body = json!({
        "type": "https://towpath.dev/problems/x", "title": "no", "status": 409, "code": code,
        "refusal": {
            "code": code, "kind": "conflict", "message": "not a second time", "cause": "so it is",
            "place": null, "next": [],
        },
    });
    response("409 Conflict", &body.to_string())
}

#[tokio::test]
async fn an_order_that_nobody_answered_is_sent_again_under_its_key() {
    for said in ["", HALF] {
        let (_folder, project) = project();
        let taken = response("200 OK", r#"{"changed":true}"#);
        let server = keyed(&project, vec![said.to_owned(), refused("under-way"), taken]);
        let client = Client::of_engine(&project);
        let ordered: Value =
            client.post("/v1/promotions/1/abort", &json!({})).await.expect("it was taken");
        assert_eq!(ordered, json!({ "changed": true }));
        let keys = server.await.expect("a server that ended well");
        assert!(keys.len() == 3 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }
}

#[tokio::test]
async fn what_became_of_an_order_stays_open_where_its_engine_ended_before_it_answered() {
    let (_folder, project) = project();
    let server = keyed(&project, vec![HALF.to_owned(), refused("outcome-lost")]);
    let client = Client::of_engine(&project);
    let ordered = client.post::<_, Value>("/v1/promotions/1/abort", &json!({})).await;
    let trouble = ordered.expect_err("nobody said what became of it").trouble().clone();
    assert_eq!(trouble.code, "order-unanswered");
    assert_eq!(trouble.next[0].command, "towpath history");
    assert_eq!(server.await.expect("a server that ended well").len(), 2);
}

#[tokio::test]
async fn an_order_that_is_refused_is_not_sent_again() {
    for code in ["under-way", "outcome-lost", "frozen"] {
        let (_folder, project) = project();
        let server = keyed(&project, vec![refused(code)]);
        let client = Client::of_engine(&project);
        let ordered = client.post::<_, Value>("/v1/promotions/1/abort", &json!({})).await;
        assert_eq!(ordered.expect_err("it was refused").trouble().code, code);
        assert_eq!(server.await.expect("a server that ended well").len(), 1);
    }
}

#[tokio::test]
async fn what_no_engine_answers_the_journal_does() {
    let (_folder, project) = project();
    let name = towpath_core::ids::Name::new("shop").expect("a name");
    let identity = towpath_ports::store::StoreIdentity { project: name.clone(), speed: 1 };
    let location = project.database(None).expect("a place");
    let store = towpath_store::SqlStore::open(&location, &identity).await.expect("a journal");
    store.close().await;
    project.note_journal_of(&name).expect("a note");
    let client = Client::of_engine_or_journal(&project);
    let status: Value = client.get("/v1/status").await.expect("an answer of the journal");
    assert_eq!((&status["project"], &status["engine"]["running"]), (&json!("shop"), &json!(false)));
    let refused = client.get::<Value>("/v1/promotions/7").await.expect_err("no promotion");
    assert_eq!(refused.trouble().exit, ExitCode::NotFound);
}

#[tokio::test]
async fn a_question_that_nobody_can_answer_ends_with_the_silence_of_the_engine() {
    let (_folder, project) = project();
    let error = Client::of_engine_or_journal(&project).get::<Value>("/v1/status").await;
    assert_eq!(error.expect_err("nobody there").trouble().code, "engine-silent");
    let left: Vec<_> = std::fs::read_dir(&project.state).expect("it is there").collect();
    assert!(left.is_empty(), "a question leaves no file: {left:?}");
}
