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
