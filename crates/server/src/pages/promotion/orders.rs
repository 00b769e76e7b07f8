//! Forms of a promotion, which the door of the pages has let in: each becomes the order that the API gives for the same wish, and leads back to the page.
//! Refuses what was meant for a state that is past; everything else is the engine's to refuse.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use towpath_core::ids::{LaneId, Person, PromotionNumber, Version};
use towpath_core::promotion::input::{ApprovalOrder, Input};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::views::PromotionView;

use super::actions::stamp;
use super::none;
use crate::api::approvals::not_too_long;
use crate::api::lanes;
use crate::api::promotions::lane_of;
use crate::asked;
use crate::caller::Caller;
use crate::error::{Answer, ApiError};
use crate::pages::frame::Look;
use crate::pages::marks::percent;
use crate::requests::AttestRequest;
use crate::routes::App;

/// What any form of a promotion brings.
#[derive(Deserialize)]
pub(in crate::pages) struct Sent {
    seen: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    link: String,
    #[serde(default)]
    plan: String,
    #[serde(default)]
    title: String,
}

impl Sent {
    fn reason(&self) -> Option<String> {
        given(&self.reason)
    }
}

/// What was typed, if anything was.
pub(in crate::pages) fn given(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Leads back to a page with a word about what was done.
pub(in crate::pages) fn led_to(look: &Look, place: &str, done: &str) -> Response {
    let place = look.to(&format!("{place}?done={done}"));
    match HeaderValue::from_str(&place) {
        Ok(place) => (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response(),
        Err(_) => StatusCode::NO_CONTENT.into_response(),
    }
}

/// A form that was sent by whoever it was made for, about a promotion as it still is.
struct Meant {
    view: PromotionView,
    lane: LaneId,
    number: PromotionNumber,
    by: Person,
    sent: Sent,
}

async fn meant(app: &App, look: &Look, number: u64, sent: Sent) -> Answer<Meant> {
    let texts = [("note", Some(&sent.reason)), ("link", Some(&sent.link))];
    not_too_long("nothing was ordered", &texts)?;
    let view = look.engine.promotion(PromotionNumber(number)).await?.ok_or_else(|| none(number))?;
    let lane = lane_of(app, PromotionNumber(number)).await?;
    let is_same = sent.seen == stamp(&view);
    if !is_same {
        return Err(moved_on(&view, &sent.seen));
    }
    Ok(Meant { lane, number: PromotionNumber(number), by: look.acting.clone(), view, sent })
}

/// It is not what it was when the button was shown.
fn moved_on(view: &PromotionView, seen: &str) -> ApiError {
    let before: Vec<&str> = seen.split('/').collect();
    let was = match before.as_slice() {
        [state, _, _, weight] => format!("it was {state} at {weight} when the page was made"),
        _ => "the form says nothing of what was seen".to_owned(),
    };
    let cause = format!("{was}, and is {} at {} now", view.state, percent(view.weight));
    let message = format!("promotion {} has moved on; nothing was ordered", view.number);
    Refusal::new(RefusalKind::Conflict, "moved-on", message, cause)
        .next(format!("towpath watch {}", view.number), "look at it, then decide again")
        .into()
}

/// Gives the order that `input` makes of a form, and leads back.
async fn ordered(
    (app, look): (&App, &Look),
    number: u64,
    sent: Sent,
    done: &str,
    input: impl FnOnce(&Meant) -> Answer<Input>,
) -> Response {
    let meant = match meant(app, look, number, sent).await {
        Ok(meant) => meant,
        Err(refused) => return look.refuse(refused),
    };
    let input = match input(&meant) {
        Ok(input) => input,
        Err(refused) => return look.refuse(refused),
    };
    match look.engine.order(&meant.lane, input).await {
        Ok(_) => led_to(look, &format!("/promotions/{number}"), done),
        Err(refused) => look.refuse(refused.into()),
    }
}

pub(in crate::pages) async fn pause(
    State(app): State<App>,
    look: Look,
    Path(number): Path<u64>,
    Form(sent): Form<Sent>,
) -> Response {
    ordered((&app, &look), number, sent, "paused", |meant| {
        let (number, by, reason) = (meant.number, meant.by.clone(), meant.sent.reason());
        Ok(Input::PauseOrdered { number, by, reason })
    })
    .await
}

pub(in crate::pages) async fn resume(
    State(app): State<App>,
    look: Look,
    Path(number): Path<u64>,
    Form(sent): Form<Sent>,
) -> Response {
    ordered((&app, &look), number, sent, "resumed", |meant| {
        Ok(Input::ResumeOrdered { number: meant.number, by: meant.by.clone(), signed: None })
    })
    .await
}

pub(in crate::pages) async fn abort(
    State(app): State<App>,
    look: Look,
    Path(number): Path<u64>,
    Form(sent): Form<Sent>,
) -> Response {
    ordered((&app, &look), number, sent, "aborted", |meant| {
        let (number, by, reason) = (meant.number, meant.by.clone(), meant.sent.reason());
        Ok(Input::AbortOrdered { number, by, reason })
    })
    .await
}

pub(in crate::pages) async fn rollback(
    State(app): State<App>,
    look: Look,
    Path(number): Path<u64>,
    Form(sent): Form<Sent>,
) -> Response {
    ordered((&app, &look), number, sent, "rolled-back", |meant| {
        let (by, reason) = (meant.by.clone(), meant.sent.reason());
        Ok(Input::RollbackOrdered { by, reason, quarantine: true })
    })
    .await
}

pub(in crate::pages) async fn approve(
    State(app): State<App>,
    look: Look,
    Path(number): Path<u64>,
    Form(sent): Form<Sent>,
) -> Response {
    ordered((&app, &look), number, sent, "approved", |meant| Ok(word(meant, true))).await
}

pub(in crate::pages) async fn reject(
    State(app): State<App>,
    look: Look,
    Path(number): Path<u64>,
    Form(sent): Form<Sent>,
) -> Response {
    ordered((&app, &look), number, sent, "rejected", |meant| {
        if meant.sent.reason().is_none() {
            let cause = "whoever made the release reads why";
            let message = "nothing was rejected: a reason is needed";
            return Err(Refusal::new(RefusalKind::Usage, "reason-empty", message, cause).into());
        }
        Ok(word(meant, false))
    })
    .await
}

/// A word about the plan that was shown, and no other: the engine refuses it where that has changed.
fn word(meant: &Meant, agrees: bool) -> Input {
    Input::ApprovalOrdered(ApprovalOrder {
        by: meant.by.clone(),
        agrees,
        number: Some(meant.number),
        plan: Some(meant.sent.plan.clone()),
        release: None,
        note: meant.sent.reason(),
        link: given(&meant.sent.link),
        signed: None,
    })
}

pub(in crate::pages) async fn attest(
    State(app): State<App>,
    look: Look,
    Path(number): Path<u64>,
    Form(sent): Form<Sent>,
) -> Response {
    let meant = match meant(&app, &look, number, sent).await {
        Ok(meant) => meant,
        Err(refused) => return look.refuse(refused),
    };
    let request = AttestRequest {
        release: Version::new(&meant.view.release).ok(),
        title: meant.sent.title.clone(),
        by: meant.by.clone(),
        note: meant.sent.reason(),
        link: given(&meant.sent.link),
        signed: None,
    };
    let place = asked::Path((meant.view.service.clone(), meant.view.to.clone()));
    match lanes::attest(State(app), Caller(meant.by), place, asked::Body(request)).await {
        Ok(_) => led_to(&look, &format!("/promotions/{number}"), "attested"),
        Err(refused) => look.refuse(refused),
    }
}
