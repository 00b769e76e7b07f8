//! Answers a request without a socket, by the same routes. Owns the way from bytes to bytes; knows no
//! route.

use axum::body::{Body, Bytes};
use axum::extract::connect_info::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use tower::ServiceExt as _;

use crate::caller::Peer;
use crate::once;
use crate::routes::{App, router};

/// Largest answer that is given in one piece: as much as clients read from a socket.
const LARGEST_ANSWER: usize = 64 << 20;

/// Answers one request as whoever listens on a socket would, to the user that runs this program.
/// Whether it is safe to repeat is that of the route. A stream of events never ends: do not ask for
/// one.
///
/// The headers of the answer are given with it. `bearer` is the value of `Authorization`, if there is one.
pub async fn answer(
    app: App,
    method: Method,
    path: &str,
    body: Bytes,
    bearer: Option<header::HeaderValue>,
) -> (StatusCode, HeaderMap, Bytes) {
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = method;
    let Ok(uri) = path.parse() else {
        return (StatusCode::BAD_REQUEST, HeaderMap::new(), Bytes::new());
    };
    *request.uri_mut() = uri;
    let json = header::HeaderValue::from_static("application/json");
    request.headers_mut().insert(header::CONTENT_TYPE, json);
    // Nobody sends it again, so that nobody else needs to know its key.
    let key = once::new_key().ok().and_then(|key| header::HeaderValue::from_str(&key).ok());
    if let Some(key) = key {
        request.headers_mut().insert(once::KEY, key);
    }
    if let Some(bearer) = bearer {
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
    }
    request.extensions_mut().insert(ConnectInfo(Peer::own()));
    let answered = match router(app).oneshot(request).await {
        Ok(answered) => answered,
        Err(never) => match never {},
    };
    let (head, body) = answered.into_parts();
    match axum::body::to_bytes(body, LARGEST_ANSWER).await {
        Ok(bytes) => (head.status, head.headers, bytes),
        Err(error) => {
            let said = Bytes::from(error.to_string());
            (StatusCode::INTERNAL_SERVER_ERROR, HeaderMap::new(), said)
        }
    }
}
