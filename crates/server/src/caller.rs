//! Who is at the other end of a connection, as the system knows it, or who came with a token or in a session.
//! Believes nothing that a request says about it, and decides nothing about what they may.

use std::convert::Infallible;

use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::serve::IncomingStream;
use tokio::net::UnixListener;
use towpath_core::ids::{Person, TokenId};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_ports::store::StoreError;

use crate::error::ApiError;
use crate::listen::Remote;
use crate::person;
use crate::routes::{self, App};
use crate::signin::{self, InSession, Vouched};

/// The user at the other end of a connection, by number; none when the system does not say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(Option<u32>);

impl Peer {
    /// The user that runs this program.
    pub(crate) fn own() -> Self {
        Self(Some(rustix::process::getuid().as_raw()))
    }
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self(stream.io().peer_cred().ok().map(|peer| peer.uid()))
    }
}

/// Whatever a request orders is put on record with the user at the other end of the connection, or the address
/// from which it came; in a session it is held against the rules of that.
pub(crate) async fn with_origin(request: Request, next: Next) -> Response {
    let peer: Option<&ConnectInfo<Peer>> = request.extensions().get();
    if let Some(InSession(visit)) = request.extensions().get() {
        let from = signin::place(request.extensions());
        let from = format!("session {} from {from}", visit.session.id);
        return towpath_engine::in_session(from, visit.as_ruled(), next.run(request)).await;
    }
    match peer {
        Some(ConnectInfo(Peer(Some(number)))) => {
            let from = format!("user {number} on the socket");
            towpath_engine::coming_from(from, next.run(request)).await
        }
        _ => match request.extensions().get() {
            Some(Remote(remote)) => {
                let from = format!("address {}", remote.ip());
                towpath_engine::coming_from(from, next.run(request)).await
            }
            None => next.run(request).await,
        },
    }
}

/// Names the person as whom a request acts in a rehearsal, where all of them can be played by one user.
/// Any other journal refuses a request that has it.
pub const ACTING_AS: &str = "towpath-acting-as";

/// Whether the journal is that of a rehearsal; where nobody says so it is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rehearsal(pub(crate) bool);

/// A request to a project that there is not: answered as by one to which whoever asks does not belong, by the
/// same routes, so that nobody tells the two apart (trust.md, T19).
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoProject;

/// The token that a request came with.
#[derive(Clone, Debug)]
struct Bearer(TokenId);

/// The token that a request came with; none: the user of the connection.
pub(crate) struct Through(pub(crate) Option<TokenId>);

impl<State: Sync> FromRequestParts<State> for Through {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().map(|Bearer(token)| token.clone())))
    }
}

/// Lets a request pass that brings no bearer, or a token that is in force. One that brings any other is
/// answered here: it is never taken for the user of the connection instead.
pub(crate) async fn admit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(first), None) = (given.next(), given.next()) else {
        let is_given = headers.contains_key(header::AUTHORIZATION);
        return if is_given { no_entry() } else { without_bearer(&app, request, next).await };
    };
    let secret = first.to_str().ok().and_then(bearer);
    let token = secret.and_then(|secret| app.engine.token(secret));
    let is_there = request.extensions().get::<NoProject>().is_none();
    if token.is_none() && is_there && request.uri().path() == EXCHANGE {
        let (secret, from) =
            (secret.unwrap_or_default().to_owned(), signin::place(request.extensions()));
        let Some(vouched) = vouched_for(&app, &secret, &from).await else { return no_entry() };
        request.extensions_mut().insert(VouchedFor(vouched));
        return next.run(request).await;
    }
    let headers = request.headers();
    let token = token.filter(|_| is_there && !headers.contains_key(ACTING_AS));
    let Some(token) = token else { return no_entry() };
    request.extensions_mut().insert(Bearer(token));
    next.run(request).await
}

/// Whether the one bearer that these headers bring is a token of this project that is in force.
pub(crate) fn opens(app: &App, headers: &HeaderMap) -> bool {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(only), None) = (given.next(), given.next()) else { return false };
    let secret = only.to_str().ok().and_then(bearer);
    secret.is_some_and(|secret| app.engine.token(secret).is_some())
}

/// Where a token of another issuer is exchanged, after the mount; anywhere else it opens nothing.
pub(crate) const EXCHANGE: &str = "/tokens/exchange";

/// The program that another issuer vouches for.
#[derive(Clone, Debug)]
struct VouchedFor(Vouched);

/// The program that another issuer vouches for, where a request brought its token; none of any other.
pub(crate) struct Exchanged(pub(crate) Option<Vouched>);

impl<State: Sync> FromRequestParts<State> for Exchanged {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().map(|VouchedFor(vouched)| vouched.clone())))
    }
}

/// Whoever `secret` proves at the one place where that counts.
async fn vouched_for(app: &App, secret: &str, from: &str) -> Option<Vouched> {
    app.sign_in.as_ref()?.workload(&app.engine, secret, from).await
}

/// Lets a request pass that brings a session which opens what it asks for, or comes from the machine itself.
async fn without_bearer(app: &App, mut request: Request, next: Next) -> Response {
    let found = {
        let (method, headers) = (request.method().clone(), request.headers().clone());
        signin::session_of_api(app, &method, &headers, request.extensions()).await
    };
    match found {
        Ok(Some(session)) => {
            request.extensions_mut().insert(session);
        }
        // Over the network nobody is known without either.
        Ok(None)
            if request.extensions().get::<Remote>().is_some()
                && !routes::is_public(request.uri().path()) =>
        {
            return ApiError::nobody().into_response();
        }
        Ok(None) => {}
        Err(()) => {
            let sentence = "what is kept of sessions cannot be read".to_owned();
            return ApiError::from(StoreError::Unavailable(sentence)).into_response();
        }
    }
    next.run(request).await
}

fn no_entry() -> Response {
    ApiError::no_entry().into_response()
}

/// What stands after the scheme (RFC 6750, section 2.1), whose name has no case (RFC 9110, 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim_start_matches(' '))
}

/// Whoever sent this request: what `by` of every order is set to, whatever its body says.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Person);

impl<State: Sync> FromRequestParts<State> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Self::Rejection> {
        if let Some(Bearer(token)) = parts.extensions.get() {
            return Ok(Self(Person::with_token(token)));
        }
        if let Some(VouchedFor(vouched)) = parts.extensions.get() {
            return Ok(Self(vouched.program.clone()));
        }
        if parts.headers.contains_key(header::AUTHORIZATION) {
            return Err(ApiError::no_entry());
        }
        if let Some(InSession(visit)) = parts.extensions.get() {
            return Ok(Self(visit.acting()));
        }
        // Nobody plays another person from elsewhere, not even in a rehearsal.
        if parts.extensions.get::<Remote>().is_some() {
            return Err(ApiError::nobody());
        }
        if let Some(name) = parts.headers.get(ACTING_AS) {
            let is_rehearsal = parts.extensions.get().is_some_and(|Rehearsal(is_one)| *is_one);
            return acting_as(name.as_bytes(), is_rehearsal).map(Self);
        }
        match parts.extensions.get() {
            Some(ConnectInfo(Peer(Some(number)))) => Ok(Self(person::of_user(*number))),
            _ => Err(Refusal::new(
                RefusalKind::NotAllowed,
                "nobody",
                "nothing was ordered",
                "the system does not say who is asking",
            )
            .next("towpath doctor", "what is wrong with this machine")
            .into()),
        }
    }
}

/// Nobody acts as the program itself, not even in a rehearsal.
fn acting_as(name: &[u8], is_rehearsal: bool) -> Result<Person, ApiError> {
    let refused = |kind, code, cause: &str| {
        let refusal = Refusal::new(kind, code, "nothing was ordered", cause.to_owned());
        Err(refusal
            .at("--act-as, or TOWPATH_ACT_AS")
            .next("unset TOWPATH_ACT_AS", "act as yourself")
            .into())
    };
    if !is_rehearsal {
        let cause = "only in a rehearsal may somebody act as another person";
        return refused(RefusalKind::NotAllowed, "no-rehearsal", cause);
    }
    let person = std::str::from_utf8(name).ok().and_then(|name| Person::new(name).ok());
    match person.filter(|person| !person.is_program()) {
        Some(person) => Ok(person),
        None => refused(RefusalKind::Usage, "nobody", "that is the name of no person"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_caller_is_the_user_of_the_connection_and_nobody_without_one() {
        let (mut parts, ()) = axum::http::Request::new(()).into_parts();
        assert!(Caller::from_request_parts(&mut parts, &()).await.is_err());
        parts.extensions.insert(ConnectInfo(Peer(None)));
        assert!(Caller::from_request_parts(&mut parts, &()).await.is_err());
        parts.extensions.insert(ConnectInfo(Peer(Some(4_294_967_000))));
        let caller = Caller::from_request_parts(&mut parts, &()).await.unwrap();
        assert_eq!(caller.0.as_str(), "uid-4294967000");
    }

    #[tokio::test]
    async fn another_person_is_played_in_a_rehearsal_alone() {
        let asked = async |name: &str, rehearsal: Option<bool>| {
            let request = axum::http::Request::builder().header(ACTING_AS, name);
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            parts.extensions.insert(ConnectInfo(Peer::own()));
            if let Some(rehearsal) = rehearsal {
                parts.extensions.insert(Rehearsal(rehearsal));
            }
            Caller::from_request_parts(&mut parts, &()).await.map(|caller| caller.0.to_string())
        };
        assert_eq!(asked("ada", Some(true)).await.ok().as_deref(), Some("ada"));
        for (name, rehearsal) in
            [("ada", Some(false)), ("ada", None), ("guard", Some(true)), ("a b", Some(true))]
        {
            assert!(asked(name, rehearsal).await.is_err(), "{name} {rehearsal:?}");
        }
    }

    #[tokio::test]
    async fn the_system_says_who_connected_to_the_socket() {
        use axum::routing::get;
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let routes =
            axum::Router::new().route("/", get(async |Caller(who): Caller| who.to_string()));
        let service = routes.into_make_service_with_connect_info::<Peer>();
        let server = tokio::spawn(async move { axum::serve(listener, service).await });
        let mut client = tokio::net::UnixStream::connect(&path).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        server.abort();
        assert!(answer.ends_with(person::current().as_str()), "{answer}");
    }
}
