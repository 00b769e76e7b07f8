//! Channels and notices: looking at them, trying a channel, sending again what never arrived.

use axum::Json;
use axum::extract::State;
use towpath_engine::views::{NoticesView, TestView};

use crate::asked::Body;
use crate::caller::Caller;
use crate::error::Answer;
use crate::requests::{AcceptedView, NoticeRetryRequest, NoticeTestRequest};
use crate::routes::App;

pub(crate) async fn list(State(app): State<App>) -> Answer<Json<NoticesView>> {
    Ok(Json(app.engine.notices().await?))
}

pub(crate) async fn test(
    State(app): State<App>,
    Caller(by): Caller,
    Body(request): Body<NoticeTestRequest>,
) -> Answer<Json<TestView>> {
    Ok(Json(app.engine.test_channel(&request.channel, &by).await?))
}

pub(crate) async fn retry(
    State(app): State<App>,
    Caller(by): Caller,
    Body(request): Body<NoticeRetryRequest>,
) -> Answer<Json<AcceptedView>> {
    app.engine.retry_notice(&request.id, &by).await?;
    Ok(Json(AcceptedView { promotion: None, changed: true, notes: Vec::new() }))
}
