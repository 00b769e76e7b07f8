//! One issuer: where its keys are, and which these are at present. Owns how long both are kept, and how seldom it is
//! asked again; believes nothing that it signed.

use std::sync::{Arc, RwLock};

use reqwest::Url;
use serde::Deserialize;
use tokio::sync::Mutex;
use towpath_core::units::{Span, Timestamp};
use towpath_ports::clock::Clock;

use super::keys::{Keys, Listed};
use super::verifying::{Claims, Expected, Untrue, key_named_in, verified};
use super::web::{NoAnswer, Web};

/// How long what an issuer says of itself, and its keys, are kept before they are asked for again.
const FRESH: Span = Span::hours(1);
/// How long they count where the issuer does not answer: a day without it locks nobody out.
const STALE: Span = Span::hours(24);
/// How seldom keys are fetched for one that is not known, so that made-up names of keys cost an issuer nothing.
const AGAIN: Span = Span::minutes(1);
/// How long one that did not answer is left alone.
const PAUSE: Span = Span::seconds(10);

/// What an issuer says of itself (OpenID Connect Discovery 1.0, section 3).
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Discovered {
    issuer: String,
    jwks_uri: String,
    /// Where people sign in.
    pub(crate) authorization_endpoint: Option<String>,
    /// Where a code is exchanged.
    pub(crate) token_endpoint: Option<String>,
    /// Where people sign out.
    pub(crate) end_session_endpoint: Option<String>,
    /// How whoever exchanges a code says who they are.
    #[serde(default)]
    pub(crate) token_endpoint_auth_methods_supported: Vec<String>,
    /// Whether each answer says whose it is (RFC 9207).
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

/// Why nothing can be known of an issuer now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Silent {
    /// It was asked, in vain.
    #[error("{0}")]
    Asked(#[from] NoAnswer),
    /// It was asked in vain a moment ago.
    #[error("{0}: it did not answer a moment ago")]
    Paused(String),
    /// What it says of itself is not what was asked for.
    #[error("{0}: {1}")]
    Wrong(String, &'static str),
}

/// Why a token of an issuer does not count.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotVouched {
    /// The token.
    #[error("{0}")]
    Untrue(#[from] Untrue),
    /// Nobody knows.
    #[error("{0}")]
    Silent(#[from] Silent),
}

#[derive(Default)]
struct Kept {
    discovered: Option<(Timestamp, Arc<Discovered>)>,
    keys: Option<(Timestamp, Arc<Keys>)>,
    failed: Option<Timestamp>,
}

/// An issuer by its address.
pub(crate) struct Issuer {
    url: String,
    web: Web,
    clock: Arc<dyn Clock>,
    kept: RwLock<Kept>,
    /// One asks at a time; those who need nothing new do not wait for it.
    asking: Mutex<()>,
}

impl Issuer {
    /// The issuer at `url`, as its tokens name it to the letter. Asks nothing yet.
    pub(crate) fn new(url: &str, web: Web, clock: Arc<dyn Clock>) -> Self {
        let (url, kept, asking) = (url.to_owned(), RwLock::default(), Mutex::default());
        Self { url, web, clock, kept, asking }
    }

    /// Its address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn read<T>(&self, read: impl FnOnce(&Kept) -> T) -> T {
        read(&self.kept.read().expect("no holder of this lock panics"))
    }

    fn keep(&self, change: impl FnOnce(&mut Kept)) {
        change(&mut self.kept.write().expect("no holder of this lock panics"));
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// Where it does not answer, and nothing is kept of what it said within a day.
    pub(crate) async fn discovered(&self) -> Result<Arc<Discovered>, Silent> {
        let kept = |within: Span| {
            let now = self.clock.now();
            let found = self.read(|kept| kept.discovered.clone());
            found.filter(|(at, _)| now.since(*at) < within).map(|(_, found)| found)
        };
        if let Some(found) = kept(FRESH) {
            return Ok(found);
        }
        let _turn = self.asking.lock().await;
        if let Some(found) = kept(FRESH) {
            return Ok(found);
        }
        match self.discover().await {
            Ok(found) => Ok(found),
            Err(error) => kept(STALE).ok_or(error),
        }
    }

    async fn discover(&self) -> Result<Arc<Discovered>, Silent> {
        self.is_not_paused()?;
        let wrong = |cause| Silent::Wrong(self.url.clone(), cause);
        let place = format!("{}/.well-known/openid-configuration", self.url.trim_end_matches('/'));
        let place = Web::place(&place).ok_or_else(|| wrong("it is no address over TLS"))?;
        let found: Discovered = self.noted(self.web.get(&place).await)?;
        if found.issuer != self.url {
            let now = self.clock.now();
            self.keep(|kept| kept.failed = Some(now));
            return Err(wrong("what is there calls itself another issuer"));
        }
        let found = Arc::new(found);
        let now = self.clock.now();
        self.keep(|kept| kept.discovered = Some((now, Arc::clone(&found))));
        Ok(found)
    }

    fn is_not_paused(&self) -> Result<(), Silent> {
        let now = self.clock.now();
        let is_paused = self.read(|kept| kept.failed.is_some_and(|at| now.since(at) < PAUSE));
        if is_paused { Err(Silent::Paused(self.url.clone())) } else { Ok(()) }
    }

    fn noted<T>(&self, answer: Result<T, NoAnswer>) -> Result<T, Silent> {
        let now = self.clock.now();
        self.keep(|kept| kept.failed = answer.is_err().then_some(now));
        Ok(answer?)
    }

    /// What a token of this issuer says, if it is true.
    ///
    /// # Errors
    /// Why it does not count.
    pub(crate) async fn verified(
        &self,
        token: &str,
        expected: &Expected<'_>,
    ) -> Result<Claims, NotVouched> {
        let name = key_named_in(token)?;
        let keys = self.keys_with(name.as_deref()).await?;
        Ok(verified(token, &keys, expected)?)
    }

    /// Its keys; asked for again where they are old, or `name` is not among them and that was not asked for within
    /// a minute: an issuer changes its keys when it likes.
    async fn keys_with(&self, name: Option<&str>) -> Result<Arc<Keys>, Silent> {
        let kept = |now: Timestamp| {
            let (at, keys) = self.read(|kept| kept.keys.clone())?;
            let age = now.since(at);
            let is_enough = age < FRESH && (age < AGAIN || keys.has(name));
            is_enough.then_some(keys)
        };
        if let Some(keys) = kept(self.clock.now()) {
            return Ok(keys);
        }
        let discovered = self.discovered().await?;
        let _turn = self.asking.lock().await;
        let now = self.clock.now();
        if let Some(keys) = kept(now) {
            return Ok(keys);
        }
        match self.fetch(&discovered).await {
            Ok(keys) => Ok(keys),
            Err(error) => {
                let kept = self.read(|kept| kept.keys.clone());
                let kept = kept.filter(|(at, keys)| now.since(*at) < STALE && keys.has(name));
                kept.map(|(_, keys)| keys).ok_or(error)
            }
        }
    }

    async fn fetch(&self, discovered: &Discovered) -> Result<Arc<Keys>, Silent> {
        self.is_not_paused()?;
        let wrong = || Silent::Wrong(self.url.clone(), "its keys are at no address over TLS");
        let place: Url = Web::place(&discovered.jwks_uri).ok_or_else(wrong)?;
        let listed: Listed = self.noted(self.web.get(&place).await)?;
        let keys = Arc::new(Keys::of(listed));
        let now = self.clock.now();
        self.keep(|kept| kept.keys = Some((now, Arc::clone(&keys))));
        Ok(keys)
    }
}
