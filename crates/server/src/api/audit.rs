//! Whether the journal is as it was written, and having its end signed. An export is no URL's business:
//! it may hold what readers of the API are not shown.

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use towpath_core::ids::PromotionNumber;
use towpath_engine::{CheckpointView, SignedAccount};
use towpath_ports::store::ChainReport;

use crate::asked::{Body, Path};
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
    Body(_): Body<Value>,
) -> Answer<Json<CheckpointView>> {
    Ok(Json(app.engine.checkpoint().await?))
}

/// Whoever may look may have signed what they see.
pub(crate) async fn attest(
    State(app): State<App>,
    Caller(_): Caller,
    Path(number): Path<u64>,
    Body(_): Body<Value>,
) -> Answer<Json<SignedAccount>> {
    Ok(Json(app.engine.attest(PromotionNumber(number)).await?))
}
