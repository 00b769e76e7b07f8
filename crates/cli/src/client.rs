//! Talks to an engine: HTTP/1.1 over its unix socket, or by way of a server. Owns limits, what is asked
//! again, and the way back from a problem document to an error; knows no command.

mod lines;
mod ordering;
mod pages;
mod remote;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::time::Instant;
use towpath_core::ids::Person;
use towpath_core::trace_context::TraceContext;
use towpath_server::requests::Problem;
use towpath_server::{ACTING_AS, KEY_OF_ORDER};

use crate::background;
pub(crate) use crate::client::lines::Lines;
use crate::client::remote::Remote;
pub(crate) use crate::client::remote::Sent;
use crate::exit_code::{CliError, ExitCode};
use crate::journal::Journal;
use crate::project::ProjectFolder;
use crate::token::Token;

/// How long an engine may take to answer an ordinary question. It answers from memory; a second is
/// long, and half a minute means that the machine is in trouble.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The same for what the journal can answer as well: as long as a person waits before wondering.
const READ_WITHIN: Duration = Duration::from_secs(5);
/// How long checks and probes that the engine asks on our behalf may take together.
const CHECKED_WITHIN: Duration = Duration::from_mins(30);
/// How long connecting to a socket of this machine may take.
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);
/// How long a question is asked again: an engine that is being replaced is back within a second.
const ASKED_AGAIN_FOR: Duration = Duration::from_secs(2);
/// Pause between two attempts.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
/// Largest answer that is read: a thousand promotions with their checks take some 10 MiB.
const LARGEST_ANSWER: usize = 64 << 20;

/// A way to one engine. Every question opens a connection of its own.
#[derive(Clone)]
pub(crate) struct Client {
    way: Way,
    within: Duration,
    silence: Silence,
    /// As whom to act; none: as whoever types.
    acting: Acting,
}

/// As whom a request is sent.
#[derive(Clone, Default)]
struct Acting {
    /// Another person, which only a rehearsal allows.
    person: Option<Person>,
    /// The owner of a token.
    token: Option<Token>,
    /// What an order is told from others by, however often it is sent.
    key: Option<String>,
}

impl Acting {
    fn of(project: &ProjectFolder) -> Self {
        Self { person: project.acting.clone(), token: project.token.clone(), key: None }
    }

    /// What every request says about who sends it, whichever way it goes.
    fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let person =
            self.person.as_ref().and_then(|person| HeaderValue::from_str(person.as_str()).ok());
        let token = self.token.as_ref().map(Token::header);
        let key = self.key.as_ref().and_then(|key| HeaderValue::from_str(key).ok());
        let person = person.map(|person| (HeaderName::from_static(ACTING_AS), person));
        let token = token.map(|token| (header::AUTHORIZATION, token));
        let key = key.map(|key| (KEY_OF_ORDER, key));
        // A build that traces itself hands on where it is, and what it orders joins its trace.
        let trace = std::env::var("TRACEPARENT").ok();
        let trace = trace.and_then(|text| TraceContext::read(&text));
        let trace = trace.and_then(|trace| HeaderValue::try_from(trace.to_string()).ok());
        let trace = trace.map(|trace| (HeaderName::from_static("traceparent"), trace));
        person.into_iter().chain(token).chain(key).chain(trace)
    }
}

#[derive(Clone)]
enum Way {
    Socket(PathBuf),
    Journal(Journal),
    Server(Remote),
}

/// What is done when the engine does not answer.
#[derive(Clone)]
enum Silence {
    /// It is said at once.
    Said,
    /// Questions are asked again for a moment; an order that never left is sent to the engine that
    /// is started then.
    Overcome(Arc<ProjectFolder>),
    /// Questions are asked again for a moment, and then the journal answers them.
    Read(Arc<ProjectFolder>),
}

/// A whole answer.
struct Heard {
    status: StatusCode,
    /// Where more of it is.
    link: Option<String>,
    bytes: Bytes,
}

impl Heard {
    fn new(status: StatusCode, headers: &HeaderMap, bytes: Bytes) -> Self {
        let link = headers.get(header::LINK).and_then(|link| link.to_str().ok());
        Self { status, link: link.map(str::to_owned), bytes }
    }

    fn of((status, headers, bytes): (StatusCode, HeaderMap, Bytes)) -> Self {
        Self::new(status, &headers, bytes)
    }
}

/// Why there is no answer.
enum Failure {
    /// Nothing was sent.
    Unsent(CliError),
    /// What was sent may have been taken, and nobody said so.
    Unanswered(CliError),
    /// It was answered.
    Answered(CliError),
}

impl From<Failure> for CliError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unsent(error) | Failure::Unanswered(error) | Failure::Answered(error) => error,
        }
    }
}

impl Client {
    /// A client of the engine that listens on `socket`. It says at once when nobody answers.
    pub(crate) fn new(socket: impl Into<PathBuf>) -> Self {
        let way = Way::Socket(socket.into());
        Self { way, within: ANSWER_WITHIN, silence: Silence::Said, acting: Acting::default() }
    }

    /// A client of the project's engine that overcomes its being replaced, or its end in this moment; of its
    /// server, where it has one.
    pub(crate) fn of_engine(project: &Arc<ProjectFolder>) -> Self {
        if let Some(server) = &project.server {
            let way = Way::Server(Remote::new(server.clone()));
            let acting = Acting::of(project);
            return Self { way, within: ANSWER_WITHIN, silence: Silence::Said, acting };
        }
        let silence = Silence::Overcome(Arc::clone(project));
        Self { silence, acting: Acting::of(project), ..Self::new(project.socket()) }
    }

    /// The same for reading: what the engine does not answer in a moment, the journal does.
    pub(crate) fn of_engine_or_journal(project: &Arc<ProjectFolder>) -> Self {
        let silence = Silence::Read(Arc::clone(project));
        let acting = Acting::of(project);
        Self { silence, within: READ_WITHIN, acting, ..Self::new(project.socket()) }
    }

    /// Asks the journal itself.
    pub(crate) fn of_journal(journal: Journal) -> Self {
        let way = Way::Journal(journal);
        Self { way, within: READ_WITHIN, silence: Silence::Said, acting: Acting::default() }
    }

    /// The same, for orders that ask checks or probes before they answer.
    #[must_use]
    pub(crate) fn patient(&self) -> Self {
        Self { within: CHECKED_WITHIN, ..self.clone() }
    }

    /// The same, for a caller that asks again itself.
    #[must_use]
    pub(crate) fn at_once(&self) -> Self {
        Self { silence: Silence::Said, ..self.clone() }
    }

    /// The journal that is asked, if no engine is.
    pub(crate) fn journal(&self) -> Option<&Journal> {
        match &self.way {
            Way::Journal(journal) => Some(journal),
            Way::Socket(_) | Way::Server(_) => None,
        }
    }

    /// Asks. Safe to repeat, and repeated where that helps.
    ///
    /// # Errors
    /// What the engine refuses with; `engine-silent` when it does not answer in time or at all.
    pub(crate) async fn get<Answer: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Answer, CliError> {
        self.question(Method::GET, path, Bytes::new()).await
    }

    /// Asks for bytes that are no object. Safe to repeat, and repeated where that helps.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(crate) async fn bytes(&self, path: &str) -> Result<Bytes, CliError> {
        Ok(self.answered(Method::GET, path, Bytes::new()).await?.bytes)
    }

    /// Asks with a body: what would be, not what shall be. Safe to repeat, and repeated where that
    /// helps.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(crate) async fn ask<Body: Serialize, Answer: DeserializeOwned>(
        &self,
        path: &str,
        body: &Body,
    ) -> Result<Answer, CliError> {
        self.keyed()?.question(Method::POST, path, bytes_of(body)).await
    }

    /// Sends bytes to a server, which may take as long as they need. Safe to repeat.
    ///
    /// # Errors
    /// As [`Client::get`]; `not-kept` when the file cannot be read.
    pub(crate) async fn send<Answer: DeserializeOwned>(
        &self,
        path: &str,
        sent: Sent,
    ) -> Result<Answer, CliError> {
        let Way::Server(remote) = &self.way else {
            let message = "nothing was sent: the engine of this machine keeps what is here";
            return Err(CliError::new(ExitCode::Failed, "of-server", message));
        };
        let (status, bytes) = remote.sent(path, sent, &self.acting).await?;
        if !status.is_success() {
            return Err(problem(status, &bytes));
        }
        Ok(read(path, &bytes)?)
    }

    /// Opens a stream of lines of JSON that ends when either side hangs up.
    ///
    /// # Errors
    /// As [`Client::get`]; it is not asked again.
    pub(crate) async fn lines(&self, path: &str) -> Result<Lines, CliError> {
        if let Way::Server(remote) = &self.way {
            let sent = remote.send(Method::GET, path, Bytes::new(), &self.acting);
            let answer = tokio::time::timeout(self.within, sent).await;
            let answer = answer.map_err(|_| self.late(Path::new(&remote.shown())))??;
            let status = answer.status();
            if !status.is_success() {
                let said = answer.bytes().await.unwrap_or_default();
                return Err(problem(status, &said));
            }
            return Ok(Lines::new(reqwest::Body::from(answer)));
        }
        let Way::Socket(socket) = &self.way else {
            let message = "the journal is only read: nothing new can be followed in it";
            return Err(CliError::new(ExitCode::Failed, "no-engine", message)
                .next("towpath engine start", "runs one in the background"));
        };
        let asked = request(Method::GET, path, Bytes::new(), &self.acting);
        let sent = send(socket, asked);
        let answer =
            tokio::time::timeout(self.within, sent).await.map_err(|_| self.late(socket))??;
        let status = answer.status();
        let body = answer.into_body();
        if !status.is_success() {
            return Err(problem(status, &collected(socket, body).await?));
        }
        Ok(Lines::new(reqwest::Body::wrap(body)))
    }

    async fn question<Answer: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Answer, CliError> {
        Ok(read(path, &self.answered(method, path, body).await?.bytes)?)
    }

    async fn answered(&self, method: Method, path: &str, body: Bytes) -> Result<Heard, CliError> {
        let until = Instant::now() + ASKED_AGAIN_FOR;
        let silent = loop {
            match self.exchanged(method.clone(), path, body.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(Failure::Answered(error)) => return Err(error),
                Err(Failure::Unsent(_))
                    if Instant::now() < until && self.starts_again().await? => {}
                Err(silent) => {
                    let again = !matches!(self.silence, Silence::Said);
                    if !again || Instant::now() >= until {
                        break silent;
                    }
                }
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        };
        let Silence::Read(project) = &self.silence else { return Err(silent.into()) };
        // An engine that was there has noted whose journal it is.
        let journal = Journal::open(project, || Err(silent.into())).await?;
        Ok(Self::of_journal(journal).exchanged(method, path, body).await?)
    }

    /// Starts the engine again for a client that orders; one that only asks starts none.
    async fn starts_again(&self) -> Result<bool, CliError> {
        let Silence::Overcome(project) = &self.silence else { return Ok(false) };
        background::ensure_engine(project, true).await?;
        Ok(true)
    }

    async fn exchange<Answer: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Answer, Failure> {
        read(path, &self.exchanged(method, path, body).await?.bytes)
    }

    async fn exchanged(&self, method: Method, path: &str, body: Bytes) -> Result<Heard, Failure> {
        let heard = match &self.way {
            Way::Journal(journal) => Heard::of(journal.answer(method, path, body).await),
            Way::Server(remote) => {
                remote.exchanged(method, path, body, &self.acting, self.within).await?
            }
            Way::Socket(socket) => {
                let both = async {
                    let request = request(method, path, body, &self.acting);
                    let (head, body) = send(socket, request).await?.into_parts();
                    let bytes = collected(socket, body).await?;
                    Ok::<_, Failure>(Heard::new(head.status, &head.headers, bytes))
                };
                tokio::time::timeout(self.within, both)
                    .await
                    .map_err(|_| Failure::Unanswered(self.late(socket)))??
            }
        };
        if !heard.status.is_success() {
            return Err(Failure::Answered(problem(heard.status, &heard.bytes)));
        }
        Ok(heard)
    }

    fn late(&self, socket: &Path) -> CliError {
        silent(socket, &format!("nothing came within {}s", self.within.as_secs()))
    }
}

fn read<Answer: DeserializeOwned>(path: &str, bytes: &[u8]) -> Result<Answer, Failure> {
    let bytes = if bytes.is_empty() { b"null" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| Failure::Answered(unclear(path, &error)))
}

fn bytes_of(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("requests have text keys and no failing parts").into()
}

fn request(method: Method, path: &str, body: Bytes, acting: &Acting) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        // The socket has no name; HTTP/1.1 demands the field (RFC 9112, section 3.2).
        .header(header::HOST, "towpath")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json");
    for (name, value) in acting.headers() {
        request = request.header(name, value);
    }
    request
        .body(Full::new(body))
        .expect("paths and people are built from checked names and numbers")
}

async fn send(
    socket: &Path,
    request: Request<Full<Bytes>>,
) -> Result<hyper::Response<Incoming>, Failure> {
    let unsent = |cause: &dyn std::fmt::Display| Failure::Unsent(silent(socket, cause));
    let stream = tokio::time::timeout(CONNECTED_WITHIN, UnixStream::connect(socket))
        .await
        .map_err(|_| unsent(&"it takes no connection"))?
        .map_err(|error| unsent(&error))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| unsent(&error))?;
    // Ends by itself: when the answer is read or dropped, or the engine hangs up.
    tokio::spawn(connection);
    sender.try_send_request(request).await.map_err(|mut failed| {
        // The request comes back only when not a byte of it was written.
        let whole = failed.take_message().is_some();
        let error = silent(socket, failed.error());
        if whole { Failure::Unsent(error) } else { Failure::Unanswered(error) }
    })
}

async fn collected(socket: &Path, body: Incoming) -> Result<Bytes, Failure> {
    let limited = Limited::new(body, LARGEST_ANSWER).collect().await;
    limited.map(http_body_util::Collected::to_bytes).map_err(|error| {
        Failure::Unanswered(
            CliError::new(ExitCode::Failed, "engine-silent", "the engine's answer broke off")
                .because(error.to_string())
                .at(socket.display().to_string())
                .next("towpath doctor", "why"),
        )
    })
}

fn silent(socket: &Path, cause: &dyn std::fmt::Display) -> CliError {
    CliError::new(ExitCode::Failed, "engine-silent", "the engine does not answer")
        .because(cause.to_string())
        .at(socket.display().to_string())
        .next("towpath doctor", "why the engine is silent")
}

fn unclear(path: &str, error: &serde_json::Error) -> CliError {
    CliError::new(ExitCode::Failed, "engine-unclear", "the engine answered something else")
        .because(format!("{path}: {error}"))
        .next("towpath engine status", "whether it is of another version")
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

#[cfg(test)]
mod tests;
