//! Talks to an engine: HTTP/1.1 over its unix socket. Owns limits and the way back from a problem
//! document to an error; knows no command and starts no engine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use towpath_server::requests::Problem;

use crate::exit_code::{CliError, ExitCode};

/// How long an engine may take to answer an ordinary question. It answers from memory; a second is
/// long, and half a minute means that the machine is in trouble.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How long checks and probes that the engine asks on our behalf may take together.
const CHECKED_WITHIN: Duration = Duration::from_mins(30);
/// How long connecting to a socket of this machine may take.
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);
/// Largest answer that is read: a thousand promotions with their checks take some 10 MiB.
const LARGEST_ANSWER: usize = 64 << 20;
/// Longest line of a stream: one event with the largest matrix in it.
const LONGEST_LINE: usize = 16 << 20;

/// A way to one engine. Every question opens a connection of its own.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    socket: PathBuf,
    within: Duration,
}

impl Client {
    /// A client of the engine that listens on `socket`.
    pub(crate) fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into(), within: ANSWER_WITHIN }
    }

    /// The same, for orders that ask checks or probes before they answer.
    #[must_use]
    pub(crate) fn patient(&self) -> Self {
        Self { socket: self.socket.clone(), within: CHECKED_WITHIN }
    }

    /// Where the engine listens.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Asks. Safe to repeat.
    ///
    /// # Errors
    /// What the engine refuses with; `engine-silent` when it does not answer in time or at all.
    pub(crate) async fn get<Answer: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Answer, CliError> {
        self.exchange(Method::GET, path, Bytes::new()).await
    }

    /// Orders. Whether it is safe to repeat is said where the order is documented.
    ///
    /// # Errors
    /// As [`Client::get`]; after `engine-silent` it is not known whether the order was taken.
    pub(crate) async fn post<Body: Serialize, Answer: DeserializeOwned>(
        &self,
        path: &str,
        body: &Body,
    ) -> Result<Answer, CliError> {
        let body = serde_json::to_vec(body).expect("requests have text keys and no failing parts");
        self.exchange(Method::POST, path, body.into()).await
    }

    /// Opens a stream of lines of JSON that ends when either side hangs up.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(crate) async fn lines(&self, path: &str) -> Result<Lines, CliError> {
        let answer = tokio::time::timeout(self.within, self.send(Method::GET, path, Bytes::new()))
            .await
            .map_err(|_| self.late())??;
        let status = answer.status();
        let body = answer.into_body();
        if !status.is_success() {
            return Err(problem(status, &self.collected(body).await?));
        }
        Ok(Lines { body, buffer: BytesMut::new() })
    }

    async fn exchange<Answer: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Answer, CliError> {
        let both = async {
            let answer = self.send(method, path, body).await?;
            let status = answer.status();
            Ok::<_, CliError>((status, self.collected(answer.into_body()).await?))
        };
        let (status, bytes) =
            tokio::time::timeout(self.within, both).await.map_err(|_| self.late())??;
        if !status.is_success() {
            return Err(problem(status, &bytes));
        }
        let bytes: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        serde_json::from_slice(bytes).map_err(|error| {
            CliError::new(ExitCode::Failed, "engine-unclear", "the engine answered something else")
                .because(format!("{path}: {error}"))
                .next("towpath engine status", "whether it is of another version")
        })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<hyper::Response<Incoming>, CliError> {
        let connecting = UnixStream::connect(&self.socket);
        let stream = tokio::time::timeout(CONNECTED_WITHIN, connecting)
            .await
            .map_err(|_| self.late())?
            .map_err(|error| self.silent(&error))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.silent(&error))?;
        // Ends by itself: when the answer is read or dropped, or the engine hangs up.
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            // The socket has no name; HTTP/1.1 demands the field (RFC 9112, section 3.2).
            .header(header::HOST, "towpath")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(Full::new(body))
            .expect("paths are built from checked names and numbers");
        sender.send_request(request).await.map_err(|error| self.silent(&error))
    }

    async fn collected(&self, body: Incoming) -> Result<Bytes, CliError> {
        let limited = Limited::new(body, LARGEST_ANSWER).collect().await;
        limited.map(http_body_util::Collected::to_bytes).map_err(|error| {
            CliError::new(ExitCode::Failed, "engine-silent", "the engine's answer broke off")
                .because(error.to_string())
                .at(self.socket.display().to_string())
                .next("towpath doctor", "why")
        })
    }

    fn silent(&self, error: &dyn std::fmt::Display) -> CliError {
        CliError::new(ExitCode::Failed, "engine-silent", "the engine does not answer")
            .because(error.to_string())
            .at(self.socket.display().to_string())
            .next("towpath doctor", "why the engine is silent")
    }

    fn late(&self) -> CliError {
        self.silent(&format!("nothing came within {}s", self.within.as_secs()))
    }
}

/// From a problem document (RFC 9457) to the error that carries its refusal.
fn problem(status: StatusCode, body: &[u8]) -> CliError {
    if let Ok(problem) = serde_json::from_slice::<Problem>(body) {
        return problem.refusal.into();
    }
    let said: String = String::from_utf8_lossy(body).chars().take(200).collect();
    let error = CliError::new(
        if status == StatusCode::NOT_FOUND { ExitCode::NotFound } else { ExitCode::Failed },
        "engine-unclear",
        format!("the engine answered {status}"),
    )
    .next("towpath engine status", "whether it is of another version");
    if said.trim().is_empty() { error } else { error.because(said) }
}

/// Lines of JSON as they come.
pub(crate) struct Lines {
    body: Incoming,
    buffer: BytesMut,
}

impl Lines {
    /// The next line; none when the stream has ended. Waits without limit; safe to drop while it
    /// waits, nothing that was received is lost.
    ///
    /// # Errors
    /// When the connection breaks, a line is too long, or is not what was expected. Ask again with
    /// a new stream, after the last line that was read.
    pub(crate) async fn next<Line: DeserializeOwned>(&mut self) -> anyhow::Result<Option<Line>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(end + 1);
                if line.trim_ascii().is_empty() {
                    continue; // an empty line says only that the connection lives
                }
                return Ok(Some(serde_json::from_slice(&line)?));
            }
            anyhow::ensure!(self.buffer.len() <= LONGEST_LINE, "a line of the stream is too long");
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            if let Ok(data) = frame?.into_data() {
                self.buffer.extend_from_slice(&data);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixListener;

    use super::*;

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
        let accepted: towpath_server::requests::AcceptedView = client
            .post("/v1/promotions/148/abort", &json!({ "by": "ada" }))
            .await
            .expect("accepted");
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
}
