//! Talks to a server elsewhere: HTTP over TLS. Owns what its failures mean; knows no command.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bytes::Bytes;
use http::{Method, StatusCode, header};
use tokio::time::timeout;

use super::{ANSWER_WITHIN, Acting, CONNECTED_WITHIN, Failure, Heard, LARGEST_ANSWER};
use crate::exit_code::{CliError, ExitCode};
use crate::server::Server;

/// Bytes that are sent.
pub(crate) enum Sent {
    /// These.
    Bytes(Bytes),
    /// Those of a file, as they are read.
    File(PathBuf),
}

fn not_read(path: &Path, error: &std::io::Error) -> CliError {
    CliError::new(ExitCode::Failed, "not-kept", "nothing was sent")
        .because(error.to_string())
        .at(path.display().to_string())
        .next("towpath doctor", "whether this machine is in order")
}

/// The way to one server.
#[derive(Clone)]
pub(super) struct Remote {
    server: Server,
    http: reqwest::Client,
}

impl Remote {
    /// A way to `server`. Nothing is sent yet.
    pub(super) fn new(server: Server) -> Self {
        static SHARED: OnceLock<reqwest::Client> = OnceLock::new();
        let http = SHARED.get_or_init(|| {
            let client = reqwest::Client::builder()
                .connect_timeout(CONNECTED_WITHIN)
                // A token goes to whom it was meant for, and to nobody else.
                .redirect(reqwest::redirect::Policy::none());
            client.build().expect("TLS and the system's roots are built in")
        });
        Self { server, http: http.clone() }
    }

    /// The address, as people type it.
    pub(super) fn shown(&self) -> String {
        self.server.shown()
    }

    /// Sends one request and answers when its head is there.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        acting: &Acting,
    ) -> Result<reqwest::Response, Failure> {
        let mut request = self
            .http
            .request(method, self.server.url(path))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json");
        for (name, value) in acting.headers() {
            request = request.header(name, value);
        }
        request.body(body).send().await.map_err(|error| self.failed(&error))
    }

    /// Sends bytes and answers with the whole answer. Waits for as long as they are taken.
    pub(super) async fn sent(
        &self,
        path: &str,
        sent: Sent,
        acting: &Acting,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let mut request =
            self.http.post(self.server.url(path)).header(header::ACCEPT, "application/json");
        for (name, value) in acting.headers() {
            request = request.header(name, value);
        }
        let request = match sent {
            Sent::Bytes(bytes) => request.body(bytes),
            Sent::File(path) => {
                let opened = tokio::fs::File::open(&path).await;
                request.body(opened.map_err(|error| Failure::Unsent(not_read(&path, &error)))?)
            }
        };
        let answer = request.send().await.map_err(|error| self.failed(&error))?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|error| self.failed(&error))?;
        Ok((status, bytes))
    }

    /// The whole answer.
    pub(super) async fn exchanged(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        acting: &Acting,
        within: std::time::Duration,
    ) -> Result<Heard, Failure> {
        let both = async {
            let mut answer = self.send(method, path, body, acting).await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let mut bytes = bytes::BytesMut::new();
            while let Some(piece) = answer.chunk().await.map_err(|error| self.failed(&error))? {
                bytes.extend_from_slice(&piece);
                if bytes.len() > LARGEST_ANSWER {
                    let cause = format!("its answer is larger than {LARGEST_ANSWER} bytes");
                    return Err(Failure::Unanswered(self.silent(&cause)));
                }
            }
            Ok(Heard::new(status, &headers, bytes.freeze()))
        };
        let late = || {
            let cause = format!("nothing came within {}s", within.as_secs());
            Failure::Unanswered(self.silent(&cause))
        };
        timeout(within.max(ANSWER_WITHIN), both).await.map_err(|_| late())?
    }

    fn failed(&self, error: &reqwest::Error) -> Failure {
        let mut cause = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(next) = source {
            cause = next.to_string();
            source = next.source();
        }
        let told = self.silent(&cause);
        if error.is_connect() { Failure::Unsent(told) } else { Failure::Unanswered(told) }
    }

    fn silent(&self, cause: &str) -> CliError {
        CliError::new(ExitCode::Failed, "server-silent", "the server does not answer")
            .because(cause)
            .at(self.shown())
            .next(format!("curl {}", self.server.origin_of("/readyz")), "whether it is ready")
            .next("--server none", "asks the engine of this machine instead")
    }
}
