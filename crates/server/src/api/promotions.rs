//! Promotions by number: looking at them, holding and ending them.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::Deserialize;
use towpath_core::ids::{LaneId, Name, PromotionNumber};
use towpath_core::promotion::input::{DebtOrder, Input};
use towpath_core::promotion::state::Kind;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::conditions::Subject;
use towpath_engine::views::{PromotionView, time};

use crate::api::lanes::lane_id;
use crate::api::{accepted, approvals};
use crate::asked::{Body, Path, Query};
use crate::caller::Caller;
use crate::conditions::Versioned;
use crate::ends::{Awaited, Ends, Patience};
use crate::error::{Answer, ApiError};
use crate::paging::{Listed, Paged, Part};
use crate::requests::{
    AcceptedView, HoldRequest, LogView, PlanHashView, ReasonRequest, ResumeRequest, SettleRequest,
};
use crate::routes::App;

/// Most lines of a log that one answer holds.
const MOST_LINES: usize = 10_000;
/// Promotions among which those that are chosen are looked for, for one answer.
const MOST_LOOKED_AT: usize = 2_000;

/// How many lines.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lines {
    /// How many, the last ones; 200 where nobody says.
    #[schemars(range(max = 10_000))]
    limit: Option<usize>,
}

/// Which promotions of a lane.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chosen {
    /// Only those with a smaller number.
    before: Option<u64>,
    /// Only those of this release.
    release: Option<String>,
    /// Only those in this state: `waiting` and so on, or the outcome of one that has ended.
    state: Option<String>,
    /// Only those of this kind.
    kind: Option<Kind>,
}

impl Chosen {
    fn is(&self, one: &PromotionView) -> bool {
        self.release.as_ref().is_none_or(|release| *release == one.release)
            && self.state.as_ref().is_none_or(|state| *state == one.state)
            && self.kind.is_none_or(|kind| kind == one.kind)
    }
}

/// Which promotions of all lanes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChosenOfAll {
    /// Only those of this service.
    service: Option<Name>,
    /// Only those into this environment.
    environment: Option<Name>,
    /// Only those with a smaller number.
    before: Option<u64>,
    /// Only those of this release.
    release: Option<String>,
    /// Only those in this state: `waiting` and so on, or the outcome of one that has ended.
    state: Option<String>,
    /// Only those of this kind.
    kind: Option<Kind>,
}

pub(crate) async fn list(
    State(app): State<App>,
    Paged { wanted, part }: Paged<ChosenOfAll>,
) -> Answer<Listed<Vec<PromotionView>>> {
    let ChosenOfAll { service, environment, before, release, state, kind } = wanted;
    let chosen = Chosen { before, release, state, kind };
    if let (Some(service), Some(environment)) = (&service, &environment) {
        let id = LaneId { service: service.clone(), environment: environment.clone() };
        return listed(&app, Some(&id), &chosen, part).await;
    }
    let is_there = |one: &PromotionView| {
        service.as_ref().is_none_or(|own| own.as_str() == one.service)
            && environment.as_ref().is_none_or(|own| own.as_str() == one.to)
            && chosen.is(one)
    };
    page(&app, None, chosen.before, is_there, part).await
}

/// A page of the promotions of a lane, or of all.
pub(crate) async fn listed(
    app: &App,
    lane: Option<&LaneId>,
    chosen: &Chosen,
    part: Part,
) -> Answer<Listed<Vec<PromotionView>>> {
    page(app, lane, chosen.before, |one| chosen.is(one), part).await
}

/// A page may be shorter than was asked for, even empty, where few of many are chosen: what is looked at for
/// one answer is bounded, and the next one goes on from there.
async fn page(
    app: &App,
    lane: Option<&LaneId>,
    before: Option<u64>,
    is_chosen: impl Fn(&PromotionView) -> bool,
    part: Part,
) -> Answer<Listed<Vec<PromotionView>>> {
    let after: Option<u64> = part.after()?;
    let mut at = [before, after].into_iter().flatten().min();
    let (mut found, mut looked_at): (Vec<PromotionView>, usize) = (Vec::new(), 0);
    // One more than is shown tells whether there are more.
    let step = u32::try_from(part.limit() + 1).unwrap_or(u32::MAX);
    loop {
        let rows = app.engine.promotions(lane, at.map(PromotionNumber), step).await?;
        let is_end = rows.len() <= part.limit();
        looked_at += rows.len();
        at = rows.last().map(|one| one.number).or(at);
        found.extend(rows.into_iter().filter(&is_chosen));
        let goes_on = if found.len() > part.limit() {
            found.truncate(part.limit());
            found.last().map(|one| one.number)
        } else if is_end {
            None
        } else if looked_at >= MOST_LOOKED_AT {
            at
        } else {
            continue;
        };
        return Ok(part.listed(found, goes_on.as_ref()));
    }
}

pub(crate) async fn show(
    State(app): State<App>,
    Extension(ends): Extension<Arc<Ends>>,
    Path(number): Path<u64>,
    patience: Patience,
) -> Answer<Awaited<Versioned<PromotionView>>> {
    let number = PromotionNumber(number);
    ends.wait(number, &patience).await;
    // Looked at before what is shown: a condition is then about what was seen, or older.
    let version = app.engine.version(&Subject::Promotion(number));
    let found = app.engine.promotion(number).await?.ok_or_else(|| none(number.0))?;
    Ok(patience.awaited(Versioned(found, version)))
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
