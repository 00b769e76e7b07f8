//! Releases: what exists, and new ones.

use axum::Json;
use axum::extract::State;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::release::Release;
use towpath_engine::{NewRelease, Order, ReleaseView};

use crate::api::accepted;
use crate::asked::{Body, Created};
use crate::caller::Caller;
use crate::error::Answer;
use crate::requests::{AcceptedView, ReleaseRequest};
use crate::routes::App;

pub(crate) async fn list(State(app): State<App>) -> Json<Vec<ReleaseView>> {
    Json(app.engine.release_views().await)
}

pub(crate) async fn create(
    State(app): State<App>,
    Caller(by): Caller,
    Body(request): Body<ReleaseRequest>,
) -> Answer<Created<AcceptedView>> {
    let ReleaseRequest { release, .. } = request;
    let digest =
        Release::content_digest(&release.artifacts, &release.settings, &release.migrations);
    if digest != release.digest {
        let message = format!("release {} was not created", release.version);
        let cause = "its digest is not that of its artefacts, settings and migrations";
        return Err(Refusal::new(RefusalKind::Usage, "wrong-digest", message, cause).into());
    }
    let done = app
        .engine
        .order_project(Order::CreateRelease(Box::new(NewRelease { release, by })))
        .await?;
    Ok(Created(accepted(done)))
}
