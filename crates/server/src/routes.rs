//! Every URL, once.

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Extension, Router, middleware};
use towpath_engine::Engine;

use crate::api::{
    approvals, audit, engine, events, evidence, freezes, lanes, matrix, notices, promotions,
    refused, releases, tokens,
};
use crate::caller::{self, Rehearsal};

/// Largest body that is read: a resolved matrix of hundreds of lanes is far below it.
const LARGEST_BODY: usize = 8 * 1024 * 1024;

/// What the handlers share.
#[derive(Clone)]
pub struct App {
    /// The engine.
    pub engine: Engine,
    /// Ends the process that holds the engine.
    pub stop: tokio::sync::mpsc::Sender<()>,
}

/// The whole API.
pub fn router(app: App) -> Router {
    let lane = "/v1/lanes/{service}/{environment}";
    let at = |rest: &str| format!("{lane}{rest}");
    Router::new()
        .route("/v1/status", get(lanes::status))
        .route("/v1/waiting", get(lanes::waiting))
        .route("/v1/you", get(lanes::you))
        .route(lane, get(lanes::show))
        .route(&at("/plan"), post(lanes::plan))
        .route(&at("/promotions"), get(lanes::promotions).post(lanes::promote))
        .route(&at("/rollback"), post(lanes::rollback))
        .route(&at("/signal"), post(lanes::signal))
        .route(&at("/quarantine/lift"), post(lanes::lift))
        .route(&at("/attestations"), post(lanes::attest))
        .route(&at("/approvals"), post(approvals::of_plan))
        .route(&at("/validate"), post(lanes::validate))
        .route(&at("/probe"), post(lanes::probe))
        .route("/v1/freezes", get(freezes::list).post(freezes::freeze))
        .route("/v1/freezes/thaw", post(freezes::thaw))
        .route("/v1/evidence", get(evidence::list))
        .route("/v1/evidence/withdraw", post(evidence::withdraw))
        .route("/v1/evidence/{digest}", get(evidence::show))
        .route("/v1/promotions", get(promotions::list))
        .route("/v1/promotions/{number}", get(promotions::show))
        .route("/v1/promotions/{number}/plan", get(promotions::plan))
        .route("/v1/promotions/{number}/pause", post(promotions::pause))
        .route("/v1/promotions/{number}/resume", post(promotions::resume))
        .route("/v1/promotions/{number}/abort", post(promotions::abort))
        .route("/v1/promotions/{number}/approval", post(approvals::of_promotion))
        .route("/v1/promotions/{number}/settle", post(promotions::settle))
        .route("/v1/promotions/{number}/reason", post(promotions::give_reason))
        .route("/v1/promotions/{number}/attestation", post(audit::attest))
        .route("/v1/promotions/{number}/logs", get(promotions::logs))
        .route("/v1/events", get(events::list))
        .route("/v1/refused", get(refused::list))
        .route("/v1/releases", get(releases::list).post(releases::create))
        .route("/v1/matrix", get(matrix::show).post(matrix::apply))
        .route("/v1/matrix/asked", post(matrix::asked))
        .route("/v1/matrix/proposal", get(matrix::proposal).post(matrix::word))
        .route("/v1/audit/verify", get(audit::verify))
        .route("/v1/audit/checkpoint", post(audit::checkpoint))
        .route("/v1/notices", get(notices::list))
        .route("/v1/notices/test", post(notices::test))
        .route("/v1/notices/retry", post(notices::retry))
        .route("/v1/tokens", get(tokens::list).post(tokens::create))
        .route("/v1/tokens/{id}/revoke", post(tokens::revoke))
        .route("/v1/engine", get(engine::show))
        .route("/v1/engine/stop", post(engine::stop))
        .fallback(crate::error::no_such_route)
        .layer(middleware::from_fn(caller::with_origin))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        // Around every route, also those that ask for nobody and those that there are not: a bearer that
        // opens nothing learns nothing.
        .layer(middleware::from_fn_with_state(app.clone(), caller::admit))
        .layer(Extension(Rehearsal(app.engine.setup().speed > 1)))
        .with_state(app)
}
