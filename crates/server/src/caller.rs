//! Who is at the other end of a connection, as the system knows it. Believes nothing that a request
//! says about it, and decides nothing about what they may.

use axum::extract::FromRequestParts;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::http::request::Parts;
use axum::serve::IncomingStream;
use tokio::net::UnixListener;
use towpath_core::ids::Person;
use towpath_core::reason::{Refusal, RefusalKind};

use crate::error::ApiError;
use crate::person;

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

/// Whoever sent this request: what `by` of every order is set to, whatever its body says.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Person);

impl<State: Sync> FromRequestParts<State> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Self::Rejection> {
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
