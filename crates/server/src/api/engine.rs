//! The engine itself.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::views::time;

use crate::caller::Caller;
use crate::error::Answer;
use crate::openapi::{Gives, Operation};
use crate::requests::EngineStatus;
use crate::routes::App;

/// It is about to end.
pub(crate) struct Ending;

impl IntoResponse for Ending {
    fn into_response(self) -> Response {
        StatusCode::ACCEPTED.into_response()
    }
}

impl Gives for Ending {
    fn gives(operation: &mut Operation) {
        operation.answers_nothing(StatusCode::ACCEPTED);
    }
}

pub(crate) async fn show(State(app): State<App>) -> Json<EngineStatus> {
    Json(EngineStatus {
        since: time(app.engine.started_at()),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        idle: app.engine.is_idle(),
        speed: app.engine.setup().speed,
    })
}

/// Whoever owns the socket may stop the program that listens on it; nobody who only has a token or a session
/// may.
pub(crate) async fn stop(State(app): State<App>, Caller(by): Caller) -> Answer<Ending> {
    if by.token().is_some() || by.session().is_some() {
        let message = "the engine was not stopped";
        let cause = "a token and a session are for the project, and not for the program";
        let refusal = Refusal::new(RefusalKind::NotAllowed, "not-by-token", message, cause);
        return Err(refusal.next("unset TOWPATH_TOKEN", "act as yourself").into());
    }
    // A stop that is under way already needs no second one.
    let _ = app.stop.try_send(());
    Ok(Ending)
}
