//! Forms of a promotion, which the door of the pages has let in: each becomes the order that the API gives for
//! the same wish, and leads back to the page. Refuses what was meant for a state that is past; everything else is the engine's to refuse.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use towpath_core::ids::{Person, PromotionNumber, Version};
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
use crate::pages::posted::{Posted, answered, given, reason_given};
use crate::requests::AttestRequest;

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

/// A form about one promotion.
type Form = Posted<u64, Sent>;

/// A form that was sent by whoever it was made for, about a promotion as it still is.
struct Meant {
    view: PromotionView,
    number: PromotionNumber,
    by: Person,
    sent: Sent,
}

async fn meant(look: &Look, number: u64, sent: Sent) -> Answer<Meant> {
    let texts = [("note", Some(&sent.reason)), ("link", Some(&sent.link))];
    not_too_long("nothing was ordered", &texts)?;
    let view = look.engine.promotion(PromotionNumber(number)).await?.ok_or_else(|| none(number))?;
    if sent.seen != stamp(&view) {
        return Err(moved_on(&view, &sent.seen));
    }
    Ok(Meant { number: PromotionNumber(number), by: look.acting.clone(), view, sent })
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
async fn ordered(form: Form, done: &str, input: impl FnOnce(&Meant) -> Answer<Input>) -> Response {
    let Posted { app, look, at: number, sent } = form;
    let given = async {
        let lane = lane_of(&app, PromotionNumber(number)).await?;
        let meant = meant(&look, number, sent).await?;
        look.engine.order(&lane, input(&meant)?).await?;
        Ok((format!("/promotions/{number}"), done))
    };
    let given = given.await;
    answered(&look, given)
}

pub(in crate::pages) async fn pause(form: Form) -> Response {
    ordered(form, "paused", |meant| {
        let (number, by, reason) = (meant.number, meant.by.clone(), meant.sent.reason());
        Ok(Input::PauseOrdered { number, by, reason })
    })
    .await
}

pub(in crate::pages) async fn resume(form: Form) -> Response {
    ordered(form, "resumed", |meant| {
        Ok(Input::ResumeOrdered { number: meant.number, by: meant.by.clone(), signed: None })
    })
    .await
}

pub(in crate::pages) async fn abort(form: Form) -> Response {
    ordered(form, "aborted", |meant| {
        let (number, by, reason) = (meant.number, meant.by.clone(), meant.sent.reason());
        Ok(Input::AbortOrdered { number, by, reason })
    })
    .await
}

pub(in crate::pages) async fn rollback(form: Form) -> Response {
    ordered(form, "rolled-back", |meant| {
        let (by, reason) = (meant.by.clone(), meant.sent.reason());
        Ok(Input::RollbackOrdered { by, reason, quarantine: true })
    })
    .await
}

pub(in crate::pages) async fn approve(form: Form) -> Response {
    ordered(form, "approved", |meant| Ok(word(meant, true))).await
}

pub(in crate::pages) async fn reject(form: Form) -> Response {
    ordered(form, "rejected", |meant| {
        let cause = "whoever made the release reads why";
        reason_given(&meant.sent.reason, "nothing was rejected", cause)?;
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

pub(in crate::pages) async fn attest(form: Form) -> Response {
    let Posted { app, look, at: number, sent } = form;
    let attested = async {
        let Meant { view, by, sent, .. } = meant(&look, number, sent).await?;
        let request = AttestRequest {
            release: Version::new(&view.release).ok(),
            title: sent.title.clone(),
            by: by.clone(),
            note: sent.reason(),
            link: given(&sent.link),
            signed: None,
        };
        let place = asked::Path((view.service, view.to));
        let done = lanes::attest(State(app), Caller(by), place, asked::Body(request)).await;
        done.map(|_| (format!("/promotions/{number}"), "attested"))
    };
    let attested = attested.await;
    answered(&look, attested)
}
