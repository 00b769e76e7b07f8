//! Promotions by number: looking at them, holding and ending them.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use towpath_core::ids::{LaneId, Name, PromotionNumber};
use towpath_core::promotion::input::{DebtOrder, Input};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::views::{PromotionView, time};

use crate::api::lanes::{Page, lane_id};
use crate::api::{accepted, approvals};
use crate::asked::{Body, Path, Query};
use crate::caller::Caller;
use crate::error::{Answer, ApiError};
use crate::requests::{
    AcceptedView, HoldRequest, LogView, PlanHashView, ReasonRequest, ResumeRequest, SettleRequest,
};
use crate::routes::App;

/// Most lines of a log that one answer holds.
const MOST_LINES: usize = 10_000;

/// How many lines.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lines {
    /// How many, the last ones; 200 where nobody says.
    #[schemars(range(max = 10_000))]
    limit: Option<usize>,
}

pub(crate) async fn list(
    State(app): State<App>,
    Query(page): Query<Page>,
) -> Answer<Json<Vec<PromotionView>>> {
    Ok(Json(app.engine.promotions(None, page.before(), page.limit()).await?))
}

pub(crate) async fn show(
    State(app): State<App>,
    Path(number): Path<u64>,
) -> Answer<Json<PromotionView>> {
    let found = app.engine.promotion(PromotionNumber(number)).await?;
    found.map(Json).ok_or_else(|| none(number))
}

/// The plan of one that has not ended.
pub(crate) async fn plan(
    State(app): State<App>,
    Path(number): Path<u64>,
) -> Answer<Json<PlanHashView>> {
    let lane = lane_of(&app, PromotionNumber(number)).await?;
    let lane = app.engine.lane_state(&lane);
    let found = lane.promotion(PromotionNumber(number)).map(|one| one.plan.hash());
    found.map(|plan| Json(PlanHashView { plan })).ok_or_else(|| none(number))
}

fn none(number: u64) -> ApiError {
    ApiError::not_found(&format!("there is no promotion {number}"), "towpath history")
}

pub(crate) async fn pause(
    State(app): State<App>,
    Caller(by): Caller,
    Path(number): Path<u64>,
    Body(request): Body<HoldRequest>,
) -> Answer<Json<AcceptedView>> {
    let HoldRequest { reason, .. } = request;
    let number = PromotionNumber(number);
    hold(&app, number, Input::PauseOrdered { number, by, reason }).await
}

pub(crate) async fn resume(
    State(app): State<App>,
    Caller(by): Caller,
    Path(number): Path<u64>,
    Body(request): Body<ResumeRequest>,
) -> Answer<Json<AcceptedView>> {
    let (number, signed) = (PromotionNumber(number), request.signed);
    hold(&app, number, Input::ResumeOrdered { number, by, signed }).await
}

pub(crate) async fn abort(
    State(app): State<App>,
    Caller(by): Caller,
    Path(number): Path<u64>,
    Body(request): Body<HoldRequest>,
) -> Answer<Json<AcceptedView>> {
    let HoldRequest { reason, .. } = request;
    let number = PromotionNumber(number);
    hold(&app, number, Input::AbortOrdered { number, by, reason }).await
}

/// The reason that a rollback owes; it may have ended long ago.
pub(crate) async fn give_reason(
    State(app): State<App>,
    Caller(by): Caller,
    Path(number): Path<u64>,
    Body(request): Body<ReasonRequest>,
) -> Answer<Json<AcceptedView>> {
    let reason = request.reason.trim().to_owned();
    if reason.is_empty() {
        let cause = "a reason is a sentence that people can read later";
        return Err(Refusal::new(RefusalKind::Usage, "reason-empty", "nothing was kept", cause)
            .next(format!("towpath rollback --amend {number} --reason \"REASON\""), "keeps it")
            .into());
    }
    let number = PromotionNumber(number);
    let found = app.engine.promotion(number).await?.ok_or_else(|| none(number.0))?;
    let lane = lane_id(&found.service, &found.to)?;
    let input = Input::ReasonGiven { number, by, reason };
    Ok(Json(accepted(app.engine.order(&lane, input).await?)))
}

/// A word that a review or a backport is done, for a promotion that ended long ago perhaps.
pub(crate) async fn settle(
    State(app): State<App>,
    Caller(by): Caller,
    Path(number): Path<u64>,
    Body(request): Body<SettleRequest>,
) -> Answer<Json<AcceptedView>> {
    let SettleRequest { kind, note, link, signed, .. } = request;
    let note = note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    let command = format!("towpath settle {number} {} --note \"NOTE\"", kind.as_str());
    let refused = |code, cause: &str| {
        let refusal = Refusal::new(RefusalKind::Usage, code, "nothing was settled", cause);
        refusal.next(command.clone(), "says what was looked at, or where it is")
    };
    let Some(note) = note else {
        return Err(refused("note-needed", "a note says what was looked at, or where it is").into());
    };
    approvals::not_too_long(
        "nothing was settled",
        &[("note", Some(&note)), ("link", link.as_ref())],
    )?;
    let number = PromotionNumber(number);
    let found = app.engine.promotion(number).await?.ok_or_else(|| none(number.0))?;
    let lane = lane_id(&found.service, &found.to)?;
    let order = DebtOrder { by, number, kind, note: Some(note), link, found_in: None, signed };
    Ok(Json(accepted(app.engine.order(&lane, Input::DebtSettled(order)).await?)))
}

async fn hold(app: &App, number: PromotionNumber, input: Input) -> Answer<Json<AcceptedView>> {
    let lane = lane_of(app, number).await?;
    Ok(Json(accepted(app.engine.order(&lane, input).await?)))
}

/// The lane of a promotion that has not ended.
pub(crate) async fn lane_of(app: &App, number: PromotionNumber) -> Answer<LaneId> {
    let Some(lane) = app.engine.lane_of(number) else {
        let ended = app.engine.promotion(number).await?;
        let ended = ended.ok_or_else(|| none(number.0))?;
        let message = format!("promotion {number} has ended: {}", ended.state);
        let cause = "what has ended stays as it ended";
        let command = format!("towpath rollback {}", ended.to);
        let refusal = Refusal::new(RefusalKind::Conflict, "ended", message, cause)
            .next(command, "puts the last good release back");
        let several = app.engine.matrix().is_some_and(|matrix| matrix.services.len() > 1);
        return Err(match Name::new(&ended.service) {
            Ok(service) if several => refusal.of_service(&service).into(),
            _ => refusal.into(),
        });
    };
    Ok(lane)
}

pub(crate) async fn logs(
    State(app): State<App>,
    Path(number): Path<u64>,
    Query(lines): Query<Lines>,
) -> Answer<Json<Vec<LogView>>> {
    let limit = lines.limit.unwrap_or(200).min(MOST_LINES);
    let found = app.engine.logs(PromotionNumber(number), limit).await;
    let found = found.map_err(|sentence| ApiError::not_found(&sentence, "towpath history"))?;
    let views = found.into_iter().map(|line| LogView {
        instance: line.instance,
        at: line.at.map(time),
        text: line.text,
    });
    Ok(Json(views.collect()))
}
