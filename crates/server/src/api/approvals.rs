//! A person's yes or no to a plan.

use axum::Json;
use axum::extract::State;
use towpath_core::ids::{LaneId, Person, PromotionNumber};
use towpath_core::journal::Event;
use towpath_core::promotion::input::{ApprovalOrder, Input};
use towpath_core::reason::{Refusal, RefusalKind};

use crate::api::lanes::lane_id;
use crate::api::promotions::lane_of;
use crate::asked::{Body, Path};
use crate::caller::Caller;
use crate::error::Answer;
use crate::requests::{ApprovalAnswer, ApprovalRequest};
use crate::routes::App;

/// Longest note or link, in characters: a sentence that people read, and not a report.
const LONGEST: usize = 2_000;

/// To a promotion that waits.
pub(crate) async fn of_promotion(
    State(app): State<App>,
    Caller(by): Caller,
    Path(number): Path<u64>,
    Body(request): Body<ApprovalRequest>,
) -> Answer<Json<ApprovalAnswer>> {
    let number = PromotionNumber(number);
    let lane = lane_of(&app, number).await?;
    said(&app, &lane, by, Some(number), request).await
}

/// To a plan that somebody may order.
pub(crate) async fn of_plan(
    State(app): State<App>,
    Caller(by): Caller,
    Path((service, environment)): Path<(String, String)>,
    Body(request): Body<ApprovalRequest>,
) -> Answer<Json<ApprovalAnswer>> {
    let lane = lane_id(&service, &environment)?;
    said(&app, &lane, by, None, request).await
}

/// Refuses what people add when nobody would read it whole.
pub(crate) fn not_too_long(message: &str, texts: &[(&str, Option<&String>)]) -> Answer<()> {
    for (name, text) in texts {
        if text.is_some_and(|text| text.chars().count() > LONGEST) {
            let cause = format!("the {name} is longer than {LONGEST} characters");
            return Err(Refusal::new(RefusalKind::Usage, "too-long", message, cause).into());
        }
    }
    Ok(())
}

async fn said(
    app: &App,
    lane: &LaneId,
    by: Person,
    number: Option<PromotionNumber>,
    request: ApprovalRequest,
) -> Answer<Json<ApprovalAnswer>> {
    let ApprovalRequest { agrees, plan, release, note, link, signed, .. } = request;
    if plan.is_none() && (agrees || number.is_none()) {
        let message = "nothing was approved or rejected";
        let cause = "a word is about a plan that was looked at, and none is named";
        return Err(Refusal::new(RefusalKind::Usage, "plan-needed", message, cause)
            .next(format!("towpath plan {}", lane.environment), "shows the plan and its hash")
            .into());
    }
    let texts = [("note", note.as_ref()), ("link", link.as_ref())];
    not_too_long("nothing was approved or rejected", &texts)?;
    let order = ApprovalOrder { by, agrees, number, plan, release, note, link, signed };
    let done = app.engine.order(lane, Input::ApprovalOrdered(order)).await?;
    let given = done.events.iter().find_map(|event| match event {
        Event::ApprovalGiven { number, approval } => Some((*number, approval)),
        _ => None,
    });
    let Some((promotion, approval)) = given else {
        let cause = done.notes.join("; ");
        let message = "nothing was approved or rejected";
        return Err(Refusal::new(RefusalKind::Conflict, "nothing-said", message, cause).into());
    };
    Ok(Json(ApprovalAnswer {
        by: approval.by.to_string(),
        agrees,
        plan: approval.plan.short().to_owned(),
        promotion,
        notes: done.notes.clone(),
    }))
}
