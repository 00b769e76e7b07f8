//! The matrix in force.

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::Order;

use crate::api::accepted;
use crate::caller::Caller;
use crate::error::{Answer, ApiError};
use crate::requests::{AcceptedView, MatrixRequest};
use crate::routes::App;

pub(crate) async fn show(State(app): State<App>) -> Answer<Json<Value>> {
    let matrix = app
        .engine
        .matrix()
        .ok_or_else(|| ApiError::not_found("no matrix was applied yet", "towpath matrix check"))?;
    let mut shown = serde_json::json!(matrix);
    towpath_config::hide_secrets(&mut shown);
    Ok(Json(shown))
}

pub(crate) async fn apply(
    State(app): State<App>,
    Caller(by): Caller,
    Json(request): Json<MatrixRequest>,
) -> Answer<Json<AcceptedView>> {
    let setup = app.engine.setup();
    if request.matrix.project != setup.project {
        let message = format!("the matrix of {} was not applied", request.matrix.project);
        let cause = format!("this journal belongs to {}", setup.project);
        return Err(Refusal::new(RefusalKind::Conflict, "other-project", message, cause).into());
    }
    let matrix = Box::new(request.matrix.rehearsed(setup.speed));
    let done = app.engine.order_project(Order::ApplyMatrix(matrix, by)).await?;
    Ok(Json(accepted(done)))
}
