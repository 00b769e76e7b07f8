//! What a request brings of a session, and what the engine is told of it. Lets nobody in.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use towpath_core::ids::Person;
use towpath_core::sessions::{Factor, Session};
use towpath_core::units::{Span, Timestamp};
use towpath_engine::Engine;
use towpath_ports::accounts::KeptSession;

use super::{SignIn, SignInError, attempts, cookie};
use crate::caller::NoProject;
use crate::error::ApiError;
use crate::listen::{Encrypted, Remote};
use crate::routes::App;

/// Where a request comes from: what attempts are counted by, and what records say.
pub(crate) fn place(extensions: &Extensions) -> String {
    let remote: Option<&Remote> = extensions.get();
    remote
        .map_or_else(|| "this machine".to_owned(), |Remote(remote)| attempts::network(remote.ip()))
}

/// Whether the browser sees TLS.
pub(super) fn is_encrypted(extensions: &Extensions) -> bool {
    extensions.get().is_some_and(|Encrypted(encrypted)| *encrypted)
}

/// Whether a cookie is safe on the way: over TLS, or where it never leaves the machine.
pub(super) fn is_safe(extensions: &Extensions) -> bool {
    let remote: Option<&Remote> = extensions.get();
    is_encrypted(extensions) || remote.is_none_or(|Remote(remote)| remote.ip().is_loopback())
}

/// An open session, and the token of its forms.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) session: KeptSession,
    pub(crate) form: String,
}

impl Visit {
    /// As the rules of environments see it.
    pub(crate) fn as_ruled(&self) -> Session {
        let session = &self.session;
        let second = session.second.map(|at| (Factor::Second, at));
        let provider = (session.way == "oidc").then_some((Factor::Provider, session.first));
        let factors = [(Factor::First, session.first)].into_iter().chain(second).chain(provider);
        Session {
            person: session.person.clone(),
            started: session.started,
            ended: None,
            factors: factors.collect::<BTreeMap<_, _>>(),
        }
    }

    /// Whoever acts in it, as orders name them.
    pub(crate) fn acting(&self) -> Person {
        Person::in_session(&self.session.id, &self.session.person)
    }
}

/// The session in which a request is answered.
#[derive(Clone, Debug)]
pub(crate) struct InSession(pub(crate) Visit);

impl SignIn {
    /// The open session that a request brings, whatever project it opens.
    pub(super) async fn visit(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<Option<Visit>, SignInError> {
        match cookie::read(headers, self.is_secure(extensions)) {
            Some(secret) if is_safe(extensions) => self.find(secret).await,
            _ => Ok(None),
        }
    }

    /// The same, if it opens the project of `engine`: losing one's place among `people` ends it there.
    pub(crate) async fn visit_of(
        &self,
        engine: &Engine,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<Option<Visit>, SignInError> {
        let visit = self.visit(headers, extensions).await?;
        let is_there = extensions.get::<NoProject>().is_none();
        Ok(visit.filter(|visit| is_there && self.opens(engine, &visit.session.person)))
    }

    /// Whether a session is open still, as it was at most half a second ago: thousands of streams of one session
    /// ask the database as often as one.
    async fn is_open(&self, visit: &Visit) -> bool {
        /// Half of what a stream may outlive its session (B24).
        const FRESH: Span = Span(400);
        /// Sessions that are remembered; beyond them each asks for itself.
        const MOST: usize = 10_000;
        let (id, now) = (&visit.session.id, self.now());
        let looked_at = || self.0.looked_at.lock().expect("no holder of this lock panics");
        let known: Option<(Timestamp, bool)> = looked_at().get(id).copied();
        if let Some((at, open)) = known
            && now.since(at) < FRESH
        {
            return open;
        }
        let found = self.accounts().session(&visit.session.hash, now).await;
        // Where nobody knows nothing more is shown.
        let open = matches!(found, Ok(Some(_)));
        let mut looked_at = looked_at();
        if looked_at.len() >= MOST {
            looked_at.retain(|_, (at, _)| now.since(*at) < FRESH);
        }
        if looked_at.len() < MOST {
            looked_at.insert(id.clone(), (now, open));
        }
        open
    }
}

/// How often a stream is asked whether it goes on: it outlives its token or its session for a second at the
/// most (trust.md, T13 and B24).
pub(crate) const LOOKED_AT_EVERY: Duration = Duration::from_millis(500);

/// By what somebody came, for whoever answers longer than a moment: a stream is to be asked at least twice a
/// second whether it goes on.
#[derive(Clone)]
pub(crate) struct Pass {
    engine: Engine,
    sign_in: Option<SignIn>,
    visit: Option<Visit>,
}

impl Pass {
    /// Whether whoever came by it may still look. One by token or by the machine's socket is not asked here.
    pub(crate) async fn goes_on(&self) -> bool {
        let Some(visit) = &self.visit else { return true };
        let Some(sign_in) = &self.sign_in else { return false };
        sign_in.opens(&self.engine, &visit.session.person) && sign_in.is_open(visit).await
    }

    /// Whether there is anything that could end it.
    pub(crate) fn is_of_session(&self) -> bool {
        self.visit.is_some()
    }
}

impl FromRequestParts<App> for Pass {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let visit = parts.extensions.get().map(|InSession(visit)| visit.clone());
        Ok(Self { engine: app.engine.clone(), sign_in: app.sign_in.clone(), visit })
    }
}
