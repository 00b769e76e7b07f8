//! Whether the journal is as it was written, and having its end signed. An export is no URL's business:
//! it may hold what readers of the API are not shown.

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use towpath_engine::CheckpointView;
use towpath_ports::store::ChainReport;

use crate::caller::Caller;
use crate::error::Answer;
use crate::routes::App;

pub(crate) async fn verify(State(app): State<App>) -> Answer<Json<ChainReport>> {
    Ok(Json(app.engine.verify().await?))
}

/// Whoever may ask may have it signed: it changes nothing but what can be proven.
pub(crate) async fn checkpoint(
    State(app): State<App>,
    Caller(_): Caller,
    Json(_): Json<Value>,
) -> Answer<Json<CheckpointView>> {
    Ok(Json(app.engine.checkpoint().await?))
}
