//! Whether the journal is as it was written, having its end signed, and the journal as lines that prove it. What holds
//! secrets is withheld from these lines: whoever may read the journal's folder exports that too.

use axum::Json;
use axum::body::Body as Sent;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use towpath_audit::export::Format;
use towpath_core::ids::PromotionNumber;
use towpath_engine::{CheckpointView, SignedAccount, SignedEnd};
use towpath_ports::store::ChainReport;

use crate::asked::{Body, Path, Query};
use crate::caller::{Caller, Through};
use crate::error::Answer;
use crate::exporting::{Exporting, Reader};
use crate::openapi::{Gives, Operation};
use crate::routes::App;
use crate::signin::Pass;

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

/// Which signed end.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Covering {
    /// The first that covers this event.
    covers: u64,
}

pub(crate) async fn covering(
    State(app): State<App>,
    Query(wanted): Query<Covering>,
) -> Answer<Json<SignedEnd>> {
    Ok(Json(app.engine.covering(wanted.covers).await?))
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

/// From where.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Only events after this one; none: all.
    #[serde(default)]
    after: u64,
}

/// Lines of an export.
pub(crate) struct Exported(Sent);

/// Lines of JSON.
const LINES: &str = "application/x-ndjson";

impl IntoResponse for Exported {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, LINES),
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (headers, self.0).into_response()
    }
}

impl Gives for Exported {
    fn gives(operation: &mut Operation) {
        operation.streams(LINES);
    }
}

/// All events that there are now, as lines of an export. It ends as broken when whoever asks may not look any more.
pub(crate) async fn export(
    State(app): State<App>,
    Through(token): Through,
    pass: Pass,
    Query(wanted): Query<Wanted>,
) -> Answer<Exported> {
    let bounds = (wanted.after, app.engine.last_event().await?.saturating_add(1));
    let (reader, all) = (Reader { pass, token }, Box::new(|_: &_| true));
    let sending = Exporting::new(&app.engine, reader, bounds, Format::Jsonl, all).await?;
    Ok(Exported(sending.into_body()))
}
