//! Asks GitHub's REST API. Owns the requests, their bounds and what an error means for a check; reads
//! no meaning into answers.
//!
//! As described at docs.github.com/rest, version 2022-11-28.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, LINK, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use towpath_core::check::CheckAnswer;
use towpath_core::units::{Span, Timestamp};
use towpath_ports::evidence::Keeper;

use crate::outgoing::{self, Redirects};
use crate::reports::short;
use crate::token;

const VERSION: &str = "2022-11-28";
const JSON: &str = "application/vnd.github+json";
const RAW: &str = "application/vnd.github.raw+json";
/// How much of one answer is read, in bytes: a hundred changed files with their differences.
const ANSWER_MOST: usize = 16 * 1024 * 1024;
/// How much one question reads in all, in bytes.
const ALL_MOST: usize = 64 * 1024 * 1024;
/// Pages of one list: 3,000 changed files, the most that GitHub lists, on pages of a hundred.
const PAGES_MOST: usize = 30;
/// What GitHub asks to wait where it does not say how long ("best practices for using the REST API").
const WAIT: Span = Span::minutes(1);

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It can be asked again then: the limit of requests is reached.
    Later(Timestamp, String),
    /// GitHub knows no such thing, or does not show it; its own words.
    Missing(String),
    /// GitHub does not allow it; its own words.
    Forbidden(String),
    /// It is not what it is asked for; its own words.
    Unfit(String),
    /// Everything else, as a sentence.
    Unknown(String),
}

impl Trouble {
    /// The answer of a check that could not find out about `what`.
    pub(super) fn answer(self, what: &str) -> CheckAnswer {
        match self {
            Self::Later(at, why) => CheckAnswer::pending(at, why),
            Self::Missing(said) => CheckAnswer::inconclusive(format!(
                "GitHub shows no {what} ({said}); correct `repository`, or let `token_file` hold a \
                 token that may read it"
            )),
            Self::Forbidden(said) => CheckAnswer::inconclusive(format!(
                "GitHub refuses to show the {what} ({said}); let `token_file` hold a token that may \
                 read it"
            )),
            Self::Unfit(said) => {
                CheckAnswer::inconclusive(format!("GitHub cannot tell of the {what}: {said}"))
            }
            Self::Unknown(why) => CheckAnswer::inconclusive(why),
        }
    }
}

/// Where GitHub is asked, and as whom.
pub(super) struct Server {
    client: Client,
    base: Url,
    token_file: Option<PathBuf>,
}

impl Server {
    /// The API at `url`.
    ///
    /// # Errors
    /// One sentence: as of [`address`].
    pub(super) fn new(url: &str, token_file: Option<PathBuf>) -> Result<Self, String> {
        // GitHub refuses requests that do not say who asks.
        let client = outgoing::client(Redirects::SameHost).user_agent("towpath").build();
        let client =
            client.map_err(|error| format!("no HTTP client: {}", outgoing::reason(&error)))?;
        let base = address(url, token_file.is_some())?;
        Ok(Self { client, base, token_file })
    }

    /// One question, asked at `now`; what is answered goes to `keeper`.
    pub(super) fn asking(&self, now: Timestamp, keeper: Keeper) -> Asking<'_> {
        Asking { server: self, now, keeper, read: AtomicUsize::new(0), closed: Mutex::new(None) }
    }
}

/// The address of an API; else one sentence, which holds no password.
pub(super) fn address(url: &str, with_token: bool) -> Result<Url, String> {
    let address = Url::parse(url).map_err(|error| error.to_string())?;
    if !address.username().is_empty() || address.password().is_some() {
        return Err("it holds a name or a password; `token_file` keeps them out".to_owned());
    }
    outgoing::ensure_allowed(&address)?;
    if address.query().is_some() || address.fragment().is_some() {
        return Err("it ends in a query".to_owned());
    }
    let host = address.host_str().unwrap_or_default();
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    if with_token && address.scheme() == "http" && !is_here {
        return Err("it is not https, so that the token could be read on its way".to_owned());
    }
    Ok(address)
}

/// One question of a check, and what it has read so far.
pub(super) struct Asking<'a> {
    server: &'a Server,
    now: Timestamp,
    keeper: Keeper,
    read: AtomicUsize,
    /// Until when the limit of requests is reached: who asks on all the same is shut out for longer.
    closed: Mutex<Option<(Timestamp, String)>>,
}

impl Asking<'_> {
    /// What is at the path of these parts, each of which is escaped.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Trouble> {
        let address = self.at(path, query)?;
        let (body, _) = self.fetch(&address, JSON).await?;
        parse(&address, &body)
    }

    /// A file's text.
    pub(super) async fn text(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<String, Trouble> {
        let address = self.at(path, query)?;
        let (body, _) = self.fetch(&address, RAW).await?;
        String::from_utf8(body).map_err(|_| {
            Trouble::Unknown(format!("{} holds a file that is not UTF-8", shown(&address)))
        })
    }

    /// A list, all pages of it; `items` takes what one page holds.
    pub(super) async fn pages<P: DeserializeOwned, T>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        items: impl Fn(P) -> Vec<T>,
    ) -> Result<Vec<T>, Trouble> {
        let mut address = self.at(path, query)?;
        let mut all = Vec::new();
        for _ in 0..PAGES_MOST {
            let (body, headers) = self.fetch(&address, JSON).await?;
            all.extend(items(parse(&address, &body)?));
            match next(&headers) {
                None => return Ok(all),
                Some(link) => address = self.following(&address, &link)?,
            }
        }
        Err(Trouble::Unknown(format!(
            "{} has more than {PAGES_MOST} pages, which is more than is read",
            shown(&address)
        )))
    }

    fn at(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, Trouble> {
        let mut address = self.server.base.clone();
        let parts = address.path_segments_mut();
        let mut parts =
            parts.map_err(|()| Trouble::Unknown(format!("`{}` has no path", self.server.base)))?;
        parts.pop_if_empty().extend(path);
        drop(parts);
        if !query.is_empty() {
            address.query_pairs_mut().extend_pairs(query);
        }
        Ok(address)
    }

    /// The next page: of the same server, as nobody else gets the token.
    fn following(&self, from: &Url, link: &str) -> Result<Url, Trouble> {
        let next = from.join(link).ok().filter(|next| next.origin() == self.server.base.origin());
        next.ok_or_else(|| Trouble::Unknown(format!("{} goes on at another server", shown(from))))
    }

    async fn fetch(&self, address: &Url, accept: &str) -> Result<(Vec<u8>, HeaderMap), Trouble> {
        if let Some((at, why)) = self.closed.lock().expect("nobody panics with it").clone() {
            return Err(Trouble::Later(at, why));
        }
        let mut request = self
            .server
            .client
            .get(address.clone())
            .header(ACCEPT, accept)
            .header("x-github-api-version", VERSION);
        if let Some(path) = &self.server.token_file {
            let token = token::bearer(path).await.map_err(Trouble::Unknown)?;
            request = request.header(AUTHORIZATION, token);
        }
        let response = request.send().await.map_err(|error| silent(address, &error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.body(address, response).await?;
        if status == StatusCode::OK {
            let media_type = if accept == JSON { "application/json" } else { "text/plain" };
            self.keeper.keep(shown(address), media_type, &body);
            return Ok((body, headers));
        }
        Err(self.refused(address, status, &headers, &body))
    }

    async fn body(&self, address: &Url, mut response: Response) -> Result<Vec<u8>, Trouble> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| silent(address, &error))? {
            let all = self.read.fetch_add(chunk.len(), Ordering::Relaxed) + chunk.len();
            if body.len() + chunk.len() > ANSWER_MOST || all > ALL_MOST {
                let why = format!("{} answers more than is read", shown(address));
                return Err(Trouble::Unknown(why));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn refused(
        &self,
        address: &Url,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Trouble {
        let said = message(body, status);
        let is_limit = matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
        if is_limit && let Some(at) = self.reopens(status, headers, &said) {
            let token = match self.server.token_file {
                Some(_) => "",
                None => "; with `token_file` it allows more",
            };
            let why = format!("GitHub's limit of requests is reached ({said}){token}");
            *self.closed.lock().expect("nobody panics with it") = Some((at, why.clone()));
            return Trouble::Later(at, why);
        }
        match status {
            StatusCode::NOT_FOUND => Trouble::Missing(said),
            StatusCode::FORBIDDEN => Trouble::Forbidden(said),
            StatusCode::UNPROCESSABLE_ENTITY => Trouble::Unfit(said),
            StatusCode::UNAUTHORIZED => Trouble::Unknown(format!(
                "GitHub does not accept the token ({said}); put a valid one into `token_file`"
            )),
            _ => Trouble::Unknown(format!("{} answered {status}: {said}", shown(address))),
        }
    }

    /// When GitHub may be asked again, if it is a limit that was reached: both of its kinds tell it
    /// in headers ("rate limits for the REST API").
    fn reopens(&self, status: StatusCode, headers: &HeaderMap, said: &str) -> Option<Timestamp> {
        /// Two days: no limit of GitHub lasts longer than an hour, and nobody shall be able to name a
        /// moment that never comes.
        const LONGEST: Span = Span::hours(48);
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let after = |seconds: u64| self.now.plus(Span(seconds.saturating_mul(1000)).min(LONGEST));
        if let Some(seconds) = number(RETRY_AFTER.as_str()) {
            return Some(after(seconds.max(1)));
        }
        if number("x-ratelimit-remaining") == Some(0) {
            let second = u64::try_from(self.now.0 / 1_000_000).unwrap_or(0);
            let reset = number("x-ratelimit-reset").map(|reset| reset.saturating_sub(second) + 1);
            return Some(reset.map_or(self.now.plus(WAIT), after));
        }
        let is_limit =
            status == StatusCode::TOO_MANY_REQUESTS || said.to_lowercase().contains("rate limit");
        is_limit.then(|| self.now.plus(WAIT))
    }
}

fn parse<T: DeserializeOwned>(address: &Url, body: &[u8]) -> Result<T, Trouble> {
    serde_json::from_slice(body).map_err(|error| {
        let (place, error) = (shown(address), short(&error.to_string()));
        Trouble::Unknown(format!("{place} answers what the API of GitHub never does: {error}"))
    })
}

/// What GitHub says of an error, or the name of its status.
fn message(body: &[u8], status: StatusCode) -> String {
    #[derive(Deserialize)]
    struct Said {
        message: String,
    }
    let said = serde_json::from_slice::<Said>(body).map(|said| short(&said.message));
    let named = || status.canonical_reason().unwrap_or("no reason given").to_owned();
    said.ok().filter(|said| !said.is_empty()).unwrap_or_else(named)
}

fn silent(address: &Url, error: &reqwest::Error) -> Trouble {
    Trouble::Unknown(format!("{} did not answer: {}", shown(address), outgoing::reason(error)))
}

/// An address without its query, which says nothing to people.
fn shown(address: &Url) -> String {
    let mut address = address.clone();
    address.set_query(None);
    short(address.as_str())
}

/// Where the list goes on: `<https://…>; rel="next"` among others (RFC 8288).
fn next(headers: &HeaderMap) -> Option<String> {
    let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    links.flat_map(|links| links.split('<').skip(1)).find_map(|link| {
        let (target, parameters) = link.split_once('>')?;
        let is_next =
            |it: &str| matches!(it.trim().trim_end_matches(','), "rel=\"next\"" | "rel=next");
        parameters.split(';').any(is_next).then(|| target.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_the_link_that_is_called_so() {
        let link = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(LINK, text.parse().unwrap());
            next(&headers)
        };
        let both = "<https://a/x?page=1>; rel=\"prev\", <https://a/x?a=1,2&page=3>; rel=\"next\", \
                    <https://a/x?page=9>; rel=\"last\"";
        assert_eq!(link(both).as_deref(), Some("https://a/x?a=1,2&page=3"));
        assert_eq!(link("<https://a/x?page=9>; rel=\"last\""), None);
        assert_eq!(link("rel=\"next\""), None);
    }

    #[test]
    fn a_token_goes_nowhere_where_it_could_be_read() {
        assert!(address("https://github.example.com/api/v3", true).is_ok());
        assert!(address("http://127.0.0.1:3000", true).is_ok());
        assert!(address("http://github.example.com/api/v3", false).is_ok());
        for wrong in ["http://github.example.com", "https://a:b@github.com", "https://a/?b=c"] {
            assert!(address(wrong, true).is_err(), "{wrong}");
        }
        assert!(address("http://169.254.169.254/", false).is_err());
    }
}
