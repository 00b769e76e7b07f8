//! Every URL of the service and what it answers. How the service starts and ends is elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::config::Config;
use crate::faults::{Pattern, interfere};
use crate::jobs::{Job, Jobs};
use crate::metrics::Metrics;
use crate::tone::TEXT_CHARACTERS_MAX;

/// Largest body in bytes: the longest text, every character escaped as `\uXXXX\uXXXX`, and room.
const BODY_BYTES_MAX: usize = 4096;

/// Jobs in one listing; a screen of them.
const LISTED_MAX: usize = 20;

/// Names the release that answered, on every answer.
const X_RELEASE: HeaderName = HeaderName::from_static("x-release");

/// Says whether audio was still in memory.
const X_AUDIO_CACHE: HeaderName = HeaderName::from_static("x-audio-cache");

/// What all requests share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

struct Shared {
    config: Config,
    release_header: HeaderValue,
    jobs: Jobs,
    metrics: Metrics,
    pattern: Pattern,
    started: Instant,
    is_stopping: AtomicBool,
}

impl App {
    /// The state of a service that starts now. `seed` must differ between instances.
    pub(crate) fn new(config: Config, seed: u64) -> Self {
        let release_header =
            HeaderValue::from_str(&config.release).expect("values are printable ASCII");
        Self(Arc::new(Shared {
            jobs: Jobs::new(config.settings.clone(), seed),
            config,
            release_header,
            metrics: Metrics::default(),
            pattern: Pattern::default(),
            started: Instant::now(),
            is_stopping: AtomicBool::new(false),
        }))
    }

    /// What the service runs with.
    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    /// Which requests fail.
    pub(crate) fn pattern(&self) -> &Pattern {
        &self.0.pattern
    }

    /// From now on `/ready` says no. Safe to repeat.
    pub(crate) fn begin_stop(&self) {
        self.0.is_stopping.store(true, Ordering::Relaxed);
    }
}

/// Every URL, once.
pub(crate) fn router(app: App) -> Router {
    let sounds = Router::new()
        .route("/v1/sounds", get(list_sounds).post(accept_sound))
        .route("/v1/sounds/{id}", get(show_sound))
        .route("/v1/sounds/{id}/audio", get(play_sound))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(app.clone(), interfere));
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/aws", get(aws))
        .route("/status", get(status))
        .route("/metrics", get(metrics))
        .merge(sounds)
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(app.clone(), account))
        .with_state(app)
}

/// An answer that says no: a stable code for programs, a sentence for people.
pub(crate) fn refusal(status: StatusCode, code: &str, message: &str) -> (StatusCode, Json<Value>) {
    (status, Json(json!({ "error": { "code": code, "message": message } })))
}

/// Counts every answer and names the release on it.
async fn account(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let start = Instant::now();
    let mut response = next.run(request).await;
    app.0.metrics.record(&path, response.status().as_u16(), start.elapsed());
    response.headers_mut().insert(X_RELEASE, app.0.release_header.clone());
    response
}

async fn health(State(app): State<App>) -> Response {
    let Config { release, faults, .. } = app.config();
    if faults.health_fails {
        let message = "the service says of itself that it is unwell";
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "unhealthy", message).into_response();
    }
    Json(json!({ "status": "ok", "release": release })).into_response()
}

async fn ready(State(app): State<App>) -> Response {
    let refuse = |message| refusal(StatusCode::SERVICE_UNAVAILABLE, "not_ready", message);
    if app.0.is_stopping.load(Ordering::Relaxed) {
        return refuse("the service is stopping").into_response();
    }
    if app.0.started.elapsed() < app.config().faults.slow_load {
        return refuse("voices are still being loaded").into_response();
    }
    Json(json!({ "status": "ready", "release": app.config().release })).into_response()
}

/// The stores that the real service stands on. The example has none; it says so.
async fn aws(State(app): State<App>) -> Response {
    let Config { settings, faults, .. } = app.config();
    if faults.aws_fails {
        let message = "dynamodb cannot be reached";
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "aws_unreachable", message)
            .into_response();
    }
    let services = json!({ "dynamodb": "ok", "s3": "ok", "sqs": "ok" });
    let answer = json!({ "simulated": true, "node_env": settings.node_env, "services": services });
    Json(answer).into_response()
}

async fn status(State(app): State<App>) -> Json<Value> {
    let Config { release, settings, faults, .. } = app.config();
    let (requests, errors) = app.0.metrics.totals();
    Json(json!({
        "release": release,
        "uptime_seconds": app.0.started.elapsed().as_secs(),
        "requests": requests,
        "errors": errors,
        "jobs": app.0.jobs.count(),
        "settings": {
            "NODE_ENV": settings.node_env,
            "LOG_LEVEL": settings.log_level.name(),
            "AUDIO_CACHE": settings.audio_cache,
            "AUDIO_BITRATE": settings.audio_bitrate_kbps,
            "TTS_VOICE": settings.tts_voice,
        },
        "faults": faults.to_string(),
    }))
}

async fn metrics(State(app): State<App>) -> Response {
    let text = app.0.metrics.render(&app.config().release, app.0.jobs.count());
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// The body of a request for audio.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    text: String,
}

#[derive(Debug, Serialize)]
struct Listing {
    sounds: Vec<Job>,
}

async fn list_sounds(State(app): State<App>) -> Json<Listing> {
    Json(Listing { sounds: app.0.jobs.newest(LISTED_MAX) })
}

/// Takes `{"text": "..."}`, or plain text when the request does not call itself JSON.
async fn accept_sound(State(app): State<App>, headers: HeaderMap, body: String) -> Response {
    let is_json = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"));
    let text = if is_json {
        serde_json::from_str(&body).map(|Order { text }| text).map_err(|error| error.to_string())
    } else {
        Ok(body)
    };
    let text = match text.and_then(check_text) {
        Ok(text) => text,
        Err(problem) => {
            return refusal(StatusCode::BAD_REQUEST, "bad_text", &problem).into_response();
        }
    };
    let job = app.0.jobs.accept(text);
    let location = format!("/v1/sounds/{}", job.id);
    (StatusCode::ACCEPTED, [(LOCATION, location)], Json(job)).into_response()
}

fn check_text(text: String) -> Result<String, String> {
    let characters = text.chars().count();
    if text.trim().is_empty() {
        return Err("there is no text to speak".to_owned());
    }
    if characters > TEXT_CHARACTERS_MAX {
        return Err(format!("{characters} characters, at most {TEXT_CHARACTERS_MAX} are spoken"));
    }
    Ok(text)
}

async fn show_sound(State(app): State<App>, Path(id): Path<String>) -> Response {
    match app.0.jobs.find(&id) {
        Some(job) => Json(job).into_response(),
        None => no_such_sound(),
    }
}

async fn play_sound(State(app): State<App>, Path(id): Path<String>) -> Response {
    let Some(audio) = app.0.jobs.audio(&id) else { return no_such_sound() };
    let cache = if audio.was_kept { "hit" } else { "miss" };
    let kind = HeaderValue::from_static("audio/wav");
    let headers = [(CONTENT_TYPE, kind), (X_AUDIO_CACHE, HeaderValue::from_static(cache))];
    (headers, audio.bytes.to_vec()).into_response()
}

fn no_such_sound() -> Response {
    refusal(StatusCode::NOT_FOUND, "not_found", "there is no such sound here").into_response()
}

async fn unknown() -> Response {
    refusal(StatusCode::NOT_FOUND, "not_found", "there is nothing at this address").into_response()
}

#[cfg(test)]
mod tests;
