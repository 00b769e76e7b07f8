//! Requests to issuers: few, short, bounded and without redirects. Owns these bounds; knows no token.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Response, Url, header, redirect};
use serde::de::DeserializeOwned;

use crate::signin::public::is_safe_way;

/// How long an answer may take, whole: somebody waits for it in a browser.
const WITHIN: Duration = Duration::from_secs(10);
/// How long a connection may take.
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);
/// Largest answer, in bytes: hundreds of keys with their certificates.
const LARGEST: usize = 1 << 20;

/// Asks issuers.
#[derive(Clone, Debug)]
pub(crate) struct Web(Client);

/// Why there is no answer, for the log: it names the place, and nothing that was sent.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {cause}")]
pub(crate) struct NoAnswer {
    place: String,
    cause: String,
}

impl NoAnswer {
    fn of(url: &Url, cause: &str) -> Self {
        let place = format!("{}{}", url.origin().ascii_serialization(), url.path());
        Self { place, cause: cause.to_owned() }
    }
}

impl Web {
    /// A client of its own: no redirect is followed, because an issuer is where it says that it is.
    ///
    /// # Errors
    /// The machine has no roots of TLS, or the like.
    pub(crate) fn new() -> Result<Self, String> {
        let client = Client::builder()
            .timeout(WITHIN)
            .connect_timeout(CONNECTED_WITHIN)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("towpath/", env!("CARGO_PKG_VERSION")))
            .build();
        client.map(Self).map_err(|error| error.to_string())
    }

    /// An address that may be asked: over TLS, or on this machine.
    pub(crate) fn place(text: &str) -> Option<Url> {
        Url::parse(text).ok().filter(|url| is_safe_way(url) && url.host().is_some())
    }

    /// What is at an address, as JSON.
    pub(super) async fn get<T: DeserializeOwned>(&self, url: &Url) -> Result<T, NoAnswer> {
        let request = self.0.get(url.clone()).header(header::ACCEPT, "application/json");
        let answer = request.send().await.map_err(|error| NoAnswer::of(url, &told(&error)))?;
        read(url, answer).await
    }

    /// What is answered to a form, as JSON; with a name and a secret where there is one (RFC 6749, 2.3.1).
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        fields: &[(&str, &str)],
        basic: Option<(&str, &str)>,
    ) -> Result<T, NoAnswer> {
        let encoded =
            |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request = self.0.post(url.clone()).header(header::ACCEPT, "application/json");
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some((name, secret)) = basic {
            let both = STANDARD.encode(format!("{}:{}", encoded(name), encoded(secret)));
            request = request.header(header::AUTHORIZATION, format!("Basic {both}"));
        }
        let answer = request.body(body).send().await;
        let answer = answer.map_err(|error| NoAnswer::of(url, &told(&error)))?;
        read(url, answer).await
    }
}

/// What the client says, without the address that it adds, whose query may hold something secret.
fn told(error: &reqwest::Error) -> String {
    use std::error::Error as _;
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    let kind = match () {
        () if error.is_timeout() => "no answer in time",
        () if error.is_connect() => "no connection",
        () => "the request failed",
    };
    cause.map_or_else(|| kind.to_owned(), |cause| format!("{kind}: {cause}"))
}

async fn read<T: DeserializeOwned>(url: &Url, mut answer: Response) -> Result<T, NoAnswer> {
    let status = answer.status();
    if !status.is_success() {
        return Err(NoAnswer::of(url, &format!("it answers {status}")));
    }
    let mut body = Vec::new();
    while let Some(piece) =
        answer.chunk().await.map_err(|error| NoAnswer::of(url, &told(&error)))?
    {
        if body.len() + piece.len() > LARGEST {
            return Err(NoAnswer::of(url, &format!("the answer is larger than {LARGEST} bytes")));
        }
        body.extend_from_slice(&piece);
    }
    // What was read is not repeated: it may hold a token.
    serde_json::from_slice(&body)
        .map_err(|error| NoAnswer::of(url, &format!("line {}: no such JSON", error.line())))
}
