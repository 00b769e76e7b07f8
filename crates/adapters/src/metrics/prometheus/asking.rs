//! Asks a Prometheus server one question. Owns the request and its bounds; reads no answer.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Response, Url};
use towpath_core::units::{Span, Timestamp};
use towpath_ports::metrics::{Blind, Measured};

use super::answer;
use crate::outgoing::{self, Redirects};
use crate::token;

/// How much of an answer is read, in bytes: one sample has a few hundred, and a query that finds
/// hundreds of series is told so.
const ANSWER_MOST: usize = 256 * 1024;

/// How one server is asked.
pub(super) struct Asking {
    client: Client,
    address: Url,
    token_file: Option<PathBuf>,
    timeout: Duration,
    lookback: Span,
}

impl Asking {
    /// Asks the server at `url`, which is told to leave samples out that are older than `lookback`.
    pub(super) fn new(
        url: &str,
        token_file: Option<PathBuf>,
        timeout: Span,
        lookback: Span,
    ) -> Result<Self, String> {
        let client = outgoing::client(Redirects::SameHost).build();
        Ok(Self {
            client: client
                .map_err(|error| format!("no HTTP client: {}", outgoing::reason(&error)))?,
            address: address(url)?,
            token_file,
            timeout: timeout.into(),
            lookback,
        })
    }

    /// What `query` stands for, now by the clock of the server or at `time`: one finite number.
    pub(super) async fn ask(
        &self,
        query: &str,
        time: Option<Timestamp>,
    ) -> Result<Measured, Blind> {
        let mut form = vec![
            ("query", query.to_owned()),
            ("timeout", format!("{}ms", self.timeout.as_millis())),
            // Without it, a sample of five minutes ago is handed out as one of now. In seconds; servers
            // that do not know it (2.42 is one) pass over it.
            ("lookback_delta", milliseconds(self.lookback)),
        ];
        form.extend(time.map(|time| ("time", seconds(time))));
        let mut request = self
            .client
            .post(self.address.clone())
            .timeout(self.timeout)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(encoded(&form));
        if let Some(path) = &self.token_file {
            request = request
                .header(AUTHORIZATION, token::bearer(path).await.map_err(Blind::Unavailable)?);
        }
        let response = request.send().await.map_err(|error| self.silent(&error))?;
        let status = response.status().as_u16();
        let body = self.read(response).await?;
        answer::read(status, &body).map_err(|blind| match blind {
            Blind::Unavailable(what) => Blind::Unavailable(format!("{} {what}", self.address)),
            other => other,
        })
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, Blind> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.silent(&error))? {
            if body.len() + chunk.len() > ANSWER_MOST {
                return Err(Blind::Unavailable(format!(
                    "{} answers more than {} KiB where one figure is needed",
                    self.address,
                    ANSWER_MOST / 1024
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn silent(&self, error: &reqwest::Error) -> Blind {
        let address = &self.address;
        Blind::Unavailable(if error.is_timeout() {
            let waited = Span(u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX));
            format!("{address} did not answer within {waited}")
        } else {
            format!("{address} did not answer: {}", outgoing::reason(error))
        })
    }
}

/// Where the server that is declared as `url` answers queries; else one sentence, which holds no
/// password.
pub(super) fn address(url: &str) -> Result<Url, String> {
    let mut address = Url::parse(url).map_err(|error| error.to_string())?;
    if !address.username().is_empty() || address.password().is_some() {
        return Err("it holds a name or a password; `token_file` keeps them out".to_owned());
    }
    outgoing::ensure_allowed(&address)?;
    if address.query().is_some() || address.fragment().is_some() {
        return Err("it ends in a query, and the query is declared elsewhere".to_owned());
    }
    let path = format!("{}/api/v1/query", address.path().trim_end_matches('/'));
    address.set_path(&path);
    Ok(address)
}

/// Seconds since 1970, to the microsecond, without the rounding of a float.
fn seconds(time: Timestamp) -> String {
    let (whole, part) = (time.0.div_euclid(1_000_000), time.0.rem_euclid(1_000_000));
    format!("{whole}.{part:06}")
}

/// Seconds, to the millisecond.
fn milliseconds(span: Span) -> String {
    format!("{}.{:03}", span.milliseconds() / 1000, span.milliseconds() % 1000)
}

fn encoded(form: &[(&str, String)]) -> String {
    let mut carrier = Url::parse("http://localhost/").expect("a fixed address");
    carrier.query_pairs_mut().extend_pairs(form);
    carrier.query().unwrap_or_default().to_owned()
}
