//! The matrix in force.

mod source;

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use towpath_core::governing::MatrixWord;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::Order;
use towpath_engine::conditions::Subject;
use towpath_engine::views::ProposalView;

use crate::api::accepted;
use crate::api::approvals::not_too_long;
use crate::asked::Body;
use crate::caller::Caller;
use crate::conditions::Versioned;
use crate::error::{Answer, ApiError};
use crate::requests::{AcceptedView, MatrixRequest, MatrixWordRequest};
use crate::routes::App;

pub(crate) async fn show(State(app): State<App>) -> Answer<Versioned<Value>> {
    // Looked at before what is shown: a condition is then about what was seen, or older.
    let version = app.engine.version(&Subject::Matrix);
    let matrix = app
        .engine
        .matrix()
        .ok_or_else(|| ApiError::not_found("no matrix was applied yet", "towpath matrix check"))?;
    let mut shown = serde_json::json!(matrix);
    towpath_config::hide_secrets(&mut shown);
    Ok(Versioned(shown, version))
}

pub(crate) async fn apply(
    State(app): State<App>,
    Caller(by): Caller,
    Body(request): Body<MatrixRequest>,
) -> Answer<Json<AcceptedView>> {
    let setup = app.engine.setup();
    if request.matrix.project != setup.project {
        let message = format!("the matrix of {} was not applied", request.matrix.project);
        let cause = format!("this journal belongs to {}", setup.project);
        return Err(Refusal::new(RefusalKind::Conflict, "other-project", message, cause).into());
    }
    let matrix = Box::new(request.matrix.rehearsed(setup.speed));
    let mut asked = app.engine.asked_before(&matrix, &by);
    if app.engine.must_sign(&matrix, &by) {
        asked.push("you, by your key".to_owned());
    }
    if request.unless_asked && !asked.is_empty() {
        let cause =
            format!("it differs from the one in force, and these must agree: {}", asked.join(", "));
        let message = "the matrix was not applied";
        let refusal = Refusal::new(RefusalKind::Conflict, "needs-agreement", message, cause);
        return Err(refusal.next("towpath matrix apply", "proposes it").into());
    }
    let source = match request.source {
        Some(source) => source::checked(&app.engine, source, &matrix).await?,
        None => None,
    };
    let ordered = app.engine.order_project(Order::ApplyMatrix(matrix, by, request.signed));
    let done = match source {
        Some(source) => towpath_engine::written_in(source, ordered).await?,
        None => ordered.await?,
    };
    Ok(Json(accepted(done)))
}

/// Who would have to agree to a matrix; changes nothing.
pub(crate) async fn asked(
    State(app): State<App>,
    Caller(by): Caller,
    Body(request): Body<MatrixRequest>,
) -> Json<Vec<String>> {
    let matrix = request.matrix.rehearsed(app.engine.setup().speed);
    Json(app.engine.asked_before(&matrix, &by))
}

/// The changed matrix that waits for people.
pub(crate) async fn proposal(State(app): State<App>) -> Answer<Versioned<ProposalView>> {
    let version = app.engine.version(&Subject::Matrix);
    let found = app.engine.proposal().ok_or_else(|| {
        ApiError::not_found("no change of the matrix waits for anybody", "towpath matrix apply")
    })?;
    Ok(Versioned(found, version))
}

/// A person's yes or no to it.
pub(crate) async fn word(
    State(app): State<App>,
    Caller(by): Caller,
    Body(request): Body<MatrixWordRequest>,
) -> Answer<Json<AcceptedView>> {
    let MatrixWordRequest { plan, agrees, note, signed, .. } = request;
    not_too_long("nothing was said", &[("note", note.as_ref())])?;
    let word = MatrixWord { by, plan, agrees, note, signed };
    Ok(Json(accepted(app.engine.order_project(Order::AgreeToMatrix(word)).await?)))
}
