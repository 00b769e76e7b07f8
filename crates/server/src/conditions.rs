//! Requests with a condition (RFC 9110, section 13): answers that whoever asks has already, and orders about what
//! they looked at. Decides nothing about an order, and keeps no answer.
//!
//! The tag of an answer has up to two halves: what the journal knows of its subject, and all that the answer
//! says. An answer is the same only if both are; an order is about the first, so that what is measured meanwhile
//! does not hold it up.

use std::collections::HashMap;

use axum::Json;
use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use towpath_core::ids::{Digest, LaneId, Name, PromotionNumber};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::conditions::{Condition, Subject, only_while};

use crate::error::ApiError;
use crate::openapi::{Gives, JSON, Operation};
use crate::requests::Fault;

/// Largest answer of which a tag is made: all but the longest lists.
const LARGEST_TAGGED: u64 = 4 << 20;
/// Digits of a half of a tag.
const DIGITS: usize = 16;

/// An answer about something of which the journal knows the state.
pub(crate) struct Versioned<T>(pub(crate) T, pub(crate) Option<String>);

/// The state of what an answer is about.
#[derive(Clone)]
struct Version(String);

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut answer = Json(self.0).into_response();
        if let Some(version) = self.1 {
            answer.extensions_mut().insert(Version(version));
        }
        answer
    }
}

impl<T: JsonSchema> Gives for Versioned<T> {
    fn gives(operation: &mut Operation) {
        operation.answers::<T>(StatusCode::OK);
    }
}

/// Whether the orders at a path of the table take a condition: those about something that has a state.
pub(crate) fn are_taken(path: &str) -> bool {
    let of_promotion = ["/pause", "/resume", "/abort", "/approval"];
    path.starts_with("/lanes/")
        || path.starts_with("/matrix")
        || (path.starts_with("/promotions/") && of_promotion.iter().any(|end| path.ends_with(end)))
}

/// Gives an answer its tag, and says only that nothing has changed to whoever has it. Around what looks.
pub(crate) async fn unless_known(request: Request, next: Next) -> Response {
    let known = every(request.headers(), &header::IF_NONE_MATCH);
    let answer = next.run(request).await;
    let is_json = answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == JSON);
    let size = answer.body().size_hint().exact();
    if answer.status() != StatusCode::OK || !is_json || size.is_none_or(|it| it > LARGEST_TAGGED) {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let most = usize::try_from(LARGEST_TAGGED).unwrap_or(usize::MAX);
    let Ok(bytes) = axum::body::to_bytes(body, most).await else {
        return ApiError::broken().into_response();
    };
    let said: String = Digest::of(&bytes).hex().chars().take(DIGITS).collect();
    let tag = match parts.extensions.remove::<Version>() {
        Some(Version(version)) => format!("\"{version}-{said}\""),
        None => format!("\"{said}\""),
    };
    let is_known = known.iter().any(|it| it == "*" || it.trim_start_matches("W/") == tag);
    parts.headers.insert(header::ETAG, HeaderValue::try_from(tag).expect("digits and quotes"));
    if !is_known {
        return Response::from_parts(parts, Body::from(bytes));
    }
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

/// Lets an order be taken only while its subject is as it was looked at, where whoever gives it says so. Around
/// the handler of each order, inside of what says from where it comes.
pub(crate) async fn only_while_so(request: Request, next: Next) -> Response {
    let wanted = every(request.headers(), &header::IF_MATCH);
    if wanted.is_empty() || wanted.iter().any(|tag| tag == "*") {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let subject = match RawPathParams::from_request_parts(&mut parts, &()).await {
        Ok(names) => subject(&parts.method, parts.uri.path(), &names),
        Err(_) => None,
    };
    let Some(subject) = subject else { return not_taken().into_response() };
    // Compared strongly (RFC 9110, section 13.1.1): a weak tag is the name of no state.
    let halves = wanted.iter().filter_map(|tag| tag.strip_prefix('"')?.strip_suffix('"'));
    let versions =
        halves.filter_map(|tag| tag.split_once('-')).map(|(version, _)| version.to_owned());
    let condition = Condition { subject, versions: versions.collect() };
    only_while(condition, next.run(Request::from_parts(parts, body))).await
}

/// What an order is about, by its path inside the mount.
fn subject(method: &Method, path: &str, names: &RawPathParams) -> Option<Subject> {
    if method != Method::POST || !are_taken(path) {
        return None;
    }
    let names: HashMap<&str, &str> = names.iter().collect();
    let name = |key: &str| names.get(key).and_then(|text| Name::new(text).ok());
    if path.starts_with("/matrix") {
        return Some(Subject::Matrix);
    }
    if let Some(number) = names.get("number") {
        // What is no number is said by whoever reads the path.
        return Some(Subject::Promotion(PromotionNumber(number.parse().unwrap_or_default())));
    }
    let lane = LaneId { service: name("service")?, environment: name("environment")? };
    Some(Subject::Lane(lane))
}

/// All tags of a header, however many times it stands there.
fn every(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?"));
    // Our tags have no comma; what others put between quotes is the name of nothing here.
    values.flat_map(|value| value.split(',')).map(|tag| tag.trim().to_owned()).collect()
}

fn not_taken() -> ApiError {
    let message = "nothing was ordered: this order takes no condition";
    let cause =
        "`If-Match` is for what has a state: a lane, a promotion that has not ended, the matrix";
    let refusal = Refusal::new(RefusalKind::Usage, "no-condition", message, cause)
        .at("header: If-Match")
        .next("curl", "the same without `If-Match`");
    let parameter = Some("If-Match".to_owned());
    ApiError::from(refusal).because(Fault { detail: cause.to_owned(), pointer: None, parameter })
}
