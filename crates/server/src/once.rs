//! Orders with a key are carried out once (IETF draft-ietf-httpapi-idempotency-key-header-07): the same
//! request of the same caller is answered from what is kept. Knows no order.
//!
//! The key is noted durably before the order is given, and its answer after. One that ended in between, with
//! the process or because the journal could not be written, is not carried out again under that key: nobody
//! knows whether it was taken, and whoever asks is told so. The work goes on when whoever asked hangs up.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use towpath_core::ids::Digest;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_ports::answers::{AskedOnce, Claim, KeptAnswer, LARGEST_KEPT};
use towpath_ports::store::StoreError;

use crate::asked;
use crate::caller::Caller;
use crate::error::{ApiError, PROBLEM};
use crate::listen::panics;
use crate::requests::{Fault, Problem};
use crate::routes::App;

/// The header that holds the key.
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says of an answer that it was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Longest key: a UUID has 36 characters, and names of jobs with their numbers some more.
const LONGEST_KEY: usize = 255;

/// A key that nobody gave before: 32 hexadecimal digits by chance.
///
/// # Errors
/// When the system has no chance to give.
pub fn new_key() -> Result<String, aws_lc_rs::error::Unspecified> {
    let mut chance = [0; 16];
    aws_lc_rs::rand::fill(&mut chance)?;
    Ok(format!("{:032x}", u128::from_be_bytes(chance)))
}

/// What stands around an order.
#[derive(Clone)]
pub(crate) struct Once {
    pub(crate) app: App,
    /// Whether it is never held up: a second one finds nothing to do.
    pub(crate) is_safe: bool,
}

/// Carries an order out once. Around the handler of each order.
pub(crate) async fn once(
    State(once): State<Once>,
    Caller(by): Caller,
    request: Request,
    next: Next,
) -> Response {
    let answer = match asked_once(&once.app, by.as_str(), request).await {
        Ok((asked, request)) => answered(once, asked, request, next).await,
        Err(error) => Err(error),
    };
    answer.unwrap_or_else(ApiError::into_response)
}

/// The request with its body read, and what it is known by.
async fn asked_once(
    app: &App,
    by: &str,
    request: Request,
) -> Result<(AskedOnce, Request), ApiError> {
    let key = key(request.headers())?.to_owned();
    let (parts, body) = request.into_parts();
    let mut limited = Request::new(body);
    *limited.extensions_mut() = parts.extensions.clone();
    let bytes = Bytes::from_request(limited, &()).await.map_err(|error| asked::unread(&error))?;
    let project = app.engine.setup().project.as_str();
    let condition = parts.headers.get(header::IF_MATCH).map(HeaderValue::as_bytes);
    let asked = AskedOnce {
        id: digest(&[project.as_bytes(), by.as_bytes(), key.as_bytes()]),
        request: digest(&[
            parts.method.as_str().as_bytes(),
            // Inside its mount: the same order under both addresses of a project is one.
            parts.uri.path().as_bytes(),
            parts.uri.query().unwrap_or_default().as_bytes(),
            condition.unwrap_or_default(),
            &bytes,
        ]),
        at: app.engine.now(),
    };
    Ok((asked, Request::from_parts(parts, Body::from(bytes))))
}

/// Of several texts, each with its length, so that none can be taken for two.
fn digest(texts: &[&[u8]]) -> Digest {
    let mut all = Vec::new();
    for text in texts {
        all.extend_from_slice(&(text.len() as u64).to_be_bytes());
        all.extend_from_slice(text);
    }
    Digest::of(&all)
}

fn key(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut given = headers.get_all(KEY).iter();
    let (Some(key), None) = (given.next(), given.next()) else {
        return Err(no_key("it has none, or several"));
    };
    let key = key.to_str().unwrap_or_default();
    // The draft has it between quotes; most clients send it without.
    let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    let is_good = (1..=LONGEST_KEY).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    if is_good {
        Ok(key)
    } else {
        Err(no_key("it is empty, longer than 255, or has other characters"))
    }
}

fn no_key(cause: &str) -> ApiError {
    let message = "nothing was ordered: an order needs a key of its own";
    let refusal = Refusal::new(RefusalKind::Usage, "key-needed", message, cause)
        .at("header: Idempotency-Key")
        .next("uuidgen", "makes one; send it again with the same order, and never with another");
    let parameter = Some("Idempotency-Key".to_owned());
    ApiError::from(refusal).because(Fault { detail: cause.to_owned(), pointer: None, parameter })
}

async fn answered(
    Once { app, is_safe }: Once,
    asked: AskedOnce,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let Some(working) = app.engine.carry_out(&asked.id) else { return Err(under_way()) };
    let store = &app.engine.setup().store;
    // Who only reads a journal writes nothing into it, and orders nothing.
    if !app.engine.is_running() {
        return Ok(next.run(request).await);
    }
    let is_kept = match store.claim(&asked).await {
        Ok(Claim::Mine) => true,
        Ok(Claim::Answered(kept)) => return Ok(again(kept)),
        Ok(Claim::Unanswered) => return Err(lost()),
        Ok(Claim::Other) => return Err(other_request()),
        // Nobody who fills the notes holds up what brings traffic back.
        Ok(Claim::Full) if is_safe => false,
        Ok(Claim::Full) => return Err(too_many()),
        // What brings traffic back is carried out while the disk is full, and nothing else is: the engine
        // refuses the rest. A repeated rollback finds nothing to roll back.
        Err(StoreError::Full(_)) => false,
        Err(error) => return Err(error.into()),
    };
    // In a task of its own: whoever asked may hang up, and their key must have its answer all the same.
    let work = tokio::spawn(towpath_engine::from_here(async move {
        let answer = panics::answered(request, next).await;
        let kept = if is_kept { keep(&app, &asked, answer).await } else { answer };
        drop(working);
        kept
    }));
    work.await.map_err(|_| ApiError::broken())
}

/// Keeps the answer, or forgets the request where it certainly did nothing.
async fn keep(app: &App, asked: &AskedOnce, answer: Response) -> Response {
    let store = &app.engine.setup().store;
    let status = answer.status();
    if did_nothing(status) {
        if let Err(error) = store.release(&asked.id).await {
            tracing::warn!(%error, "the key of an order that did nothing cannot be used again");
        }
        return answer;
    }
    let (parts, body) = answer.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return ApiError::broken().into_response();
    };
    let text = |name| {
        let value = parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        value.map(str::to_owned)
    };
    // A secret is shown once, and kept nowhere.
    let may_be_kept = text(header::CACHE_CONTROL).is_none_or(|rules| !rules.contains("no-store"))
        && bytes.len() <= LARGEST_KEPT;
    let body = may_be_kept.then(|| String::from_utf8(bytes.to_vec()).ok()).flatten();
    let kept = KeptAnswer {
        status: status.as_u16(),
        media_type: text(header::CONTENT_TYPE),
        location: text(header::LOCATION),
        body,
    };
    if let Err(error) = store.keep_answer(&asked.id, &kept).await {
        tracing::warn!(%error, "an answer was not kept; its order is not carried out again");
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Whether a request that was answered so had no effect and would have none if it stayed as it is.
fn did_nothing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::UNAUTHORIZED
            // Whoever may not fills no notes with what they may not; it is refused as well the next time.
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::PRECONDITION_FAILED
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::INSUFFICIENT_STORAGE
    )
}

/// What was answered before.
fn again(kept: KeptAnswer) -> Response {
    let Some(body) = kept.body else { return shown_once(kept.status).into_response() };
    // A problem names the request that it answers, which is another one now.
    let problem: Option<Problem> = match kept.media_type.as_deref() {
        Some(PROBLEM) => serde_json::from_str(&body).ok(),
        _ => None,
    };
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = (status, body).into_response();
    let headers = answer.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, text) in [(header::CONTENT_TYPE, kept.media_type), (header::LOCATION, kept.location)]
    {
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    if let Some(problem) = problem {
        answer.extensions_mut().insert(Box::new(problem));
    }
    answer
}

fn conflict(code: &str, message: &str, cause: &str) -> Refusal {
    Refusal::new(RefusalKind::Conflict, code, message, cause)
}

fn under_way() -> ApiError {
    let cause = "a request with this key is being carried out";
    let refusal = conflict("under-way", "the order was not given a second time", cause);
    refusal.next("towpath status", "what became of it").into()
}

fn lost() -> ApiError {
    let message = "the order was not given a second time: the first may have been taken";
    let cause = "the engine ended before it answered a request with this key";
    conflict("outcome-lost", message, cause)
        .next("towpath history", "whether it was; give the order with a new key if it was not")
        .into()
}

fn other_request() -> ApiError {
    let message = "nothing was ordered: the key belongs to another request";
    let cause = "a request with this key asked for something else";
    let refusal = conflict("key-reused", message, cause).at("header: Idempotency-Key");
    let refusal = refusal.next("uuidgen", "makes a new one");
    ApiError::of(refusal, StatusCode::UNPROCESSABLE_ENTITY)
}

fn too_many() -> ApiError {
    let message = "nothing was ordered: too many orders were given within a day";
    let cause = "what was answered to each is kept for a day, and there is no room for one more";
    ApiError::too_many(conflict("too-many-orders", message, cause))
}

fn shown_once(status: u16) -> ApiError {
    let message = "the order was carried out, and its answer is not shown a second time";
    let cause = format!("it was {status}, with something that is kept nowhere");
    conflict("shown-once", message, &cause)
        .next("towpath token list", "what was made; revoke it by its id, and make another")
        .into()
}
