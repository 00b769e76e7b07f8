//! How a request is read: its body, its query, its path. Owns what is said about one that cannot be read;
//! decides nothing about what it asks.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use towpath_core::ids::PromotionNumber;
use towpath_core::reason::{Refusal, RefusalKind};

use crate::error::ApiError;
use crate::listen::room::NoRoom;
use crate::requests::Fault;
use crate::routes::LARGEST_BODY;

/// The body of a request, JSON of that form and of no other.
pub(crate) struct Body<T>(pub(crate) T);

/// What stands after the `?`.
pub(crate) struct Query<T>(pub(crate) T);

/// What stands in the path.
pub(crate) struct Path<T>(pub(crate) T);

/// What was made, with 201.
pub(crate) struct Created<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, axum::Json(self.0)).into_response()
    }
}

/// What was taken in a lane and goes on, with 202 and where it can be followed.
pub(crate) struct Taken<T>(pub(crate) T, pub(crate) Option<PromotionNumber>);

impl<T: Serialize> IntoResponse for Taken<T> {
    fn into_response(self) -> Response {
        let mut answer = (StatusCode::ACCEPTED, axum::Json(self.0)).into_response();
        if let Some(number) = self.1 {
            // From `lanes/{service}/{environment}/promotions`, wherever the project is mounted.
            let place = HeaderValue::from_str(&format!("../../../promotions/{number}"));
            answer.headers_mut().insert(header::LOCATION, place.expect("digits and letters"));
        }
        answer
    }
}

impl<State: Send + Sync, T: DeserializeOwned> FromRequest<State> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &State) -> Result<Self, ApiError> {
        is_json(request.headers())?;
        let bytes = Bytes::from_request(request, state).await.map_err(|error| unread(&error))?;
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let read = serde_path_to_error::deserialize(&mut reader);
        let whole = read.and_then(|value| {
            let end = reader.end();
            end.map(|()| value).map_err(|error| {
                serde_path_to_error::Error::new(serde_path_to_error::Track::new().path(), error)
            })
        });
        whole.map(Self).map_err(|error| bad_body(&error))
    }
}

/// Nothing is unpacked: what is packed could be a thousand times as large.
fn is_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?").trim());
    let packed = text(header::CONTENT_ENCODING).filter(|it| !it.eq_ignore_ascii_case("identity"));
    if let Some(packed) = packed {
        let cause = format!(
            "its content encoding is `{}`, and none is unpacked here",
            packed.escape_debug()
        );
        return Err(not_json(cause));
    }
    let Some(given) = text(header::CONTENT_TYPE) else {
        return Err(not_json("it has no `Content-Type`".to_owned()));
    };
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(not_json(format!("its `Content-Type` is `{}`", given.escape_debug())))
}

fn not_json(cause: String) -> ApiError {
    let message = "the body of the request is no JSON";
    let refusal = Refusal::new(RefusalKind::Usage, "not-json", message, cause);
    let refusal = refusal.next("curl --header 'Content-Type: application/json'", "says that it is");
    ApiError::of(refusal, StatusCode::UNSUPPORTED_MEDIA_TYPE)
}

pub(crate) fn unread(error: &BytesRejection) -> ApiError {
    let is_long = matches!(
        error,
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_))
    );
    if is_long {
        return too_large();
    }
    if crate::error::is_caused_by::<NoRoom>(error) {
        return ApiError::busy("no-room", "the server reads as many bodies as it has room for");
    }
    let message = "the body of the request did not arrive whole";
    Refusal::new(RefusalKind::Usage, "body-broken", message, error.body_text()).into()
}

pub(crate) fn too_large() -> ApiError {
    let message = "the body of the request is too large";
    let cause = format!("{} MiB is the most that is read", LARGEST_BODY >> 20);
    let refusal = Refusal::new(RefusalKind::Usage, "too-large", message, cause);
    ApiError::of(refusal, StatusCode::PAYLOAD_TOO_LARGE)
}

fn bad_body(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let pointer = pointer(error.path());
    let said = error.inner().to_string();
    let message = "the body of the request is not what this address takes";
    let place = if pointer.is_empty() { "the whole of it" } else { &pointer };
    let refusal = Refusal::new(RefusalKind::Usage, "bad-body", message, said.clone())
        .at(format!("body: {place}"))
        .next("towpath help everything", "the commands that send what is expected");
    ApiError::from(refusal).because(Fault { detail: said, pointer: Some(pointer), parameter: None })
}

/// A path of serde as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        let step = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&step);
    }
    pointer
}

impl<State: Sync, T: DeserializeOwned> FromRequestParts<State> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, ApiError> {
        Self::of(&parts.uri)
    }
}

impl<T: DeserializeOwned> Query<T> {
    /// The query of an address.
    ///
    /// # Errors
    /// 400 `bad-query`.
    pub(crate) fn of(uri: &Uri) -> Result<Self, ApiError> {
        axum::extract::Query::try_from_uri(uri)
            .map(|axum::extract::Query(asked)| Self(asked))
            .map_err(|error| bad_query(&error.body_text()))
    }
}

/// `said` is what the reader of queries said: a sentence of its own, perhaps the parameter, and the cause.
fn bad_query(said: &str) -> ApiError {
    let said = said.split_once(": ").map_or(said, |(_, rest)| rest);
    let (parameter, detail) = match said.split_once(": ") {
        Some((name, rest)) if !name.contains(' ') => (Some(name.to_owned()), rest),
        _ => (None, said),
    };
    let message = "the query of the request is not what this address takes";
    let mut refusal = Refusal::new(RefusalKind::Usage, "bad-query", message, detail.to_owned());
    if let Some(name) = &parameter {
        refusal = refusal.at(format!("query: {}", name.escape_debug()));
    }
    let fault = Fault { detail: detail.to_owned(), pointer: None, parameter };
    ApiError::from(refusal).because(fault)
}

impl<State: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<State> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, ApiError> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(asked)| Self(asked))
            .map_err(|error: PathRejection| bad_path(&error.body_text()))
    }
}

fn bad_path(said: &str) -> ApiError {
    let said = said.split_once(": ").map_or(said, |(_, rest)| rest);
    let message = "there is no such address";
    let refusal = Refusal::new(RefusalKind::Usage, "bad-path", message, said.to_owned());
    let refusal = refusal.next("towpath status", "what there is");
    let fault = Fault { detail: said.to_owned(), pointer: None, parameter: None };
    ApiError::from(refusal).because(fault)
}
