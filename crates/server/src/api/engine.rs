//! The engine itself.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use towpath_engine::views::time;

use crate::requests::EngineStatus;
use crate::routes::App;

pub(crate) async fn show(State(app): State<App>) -> Json<EngineStatus> {
    Json(EngineStatus {
        since: time(app.engine.started_at()),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        idle: app.engine.is_idle(),
        speed: app.engine.setup().speed,
    })
}

pub(crate) async fn stop(State(app): State<App>) -> StatusCode {
    // A stop that is under way already needs no second one.
    let _ = app.stop.try_send(());
    StatusCode::ACCEPTED
}
