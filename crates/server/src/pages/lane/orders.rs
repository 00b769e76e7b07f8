//! Going back in one click, and letting a condemned release in again. Owns these forms and what they become;
//! whether an order is taken is the engine's to decide.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_core::ids::Version;
use towpath_core::promotion::input::Input;
use towpath_core::promotion::state::Lane;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::views::{LaneView, QuarantineView};

use super::found;
use crate::api::approvals::not_too_long;
use crate::error::Answer;
use crate::pages::frame::Look;
use crate::pages::marks::{As, icon, sentence, tag, time};
use crate::pages::promotion::orders::{given, led_to};
use crate::pages::words;
use crate::routes::App;

/// What is seen of a lane when a button is shown.
fn stamp(view: &LaneView) -> String {
    let serves = view.serves.as_ref().map_or("-", |serves| serves.release.as_str());
    let moving =
        view.promotion.as_ref().filter(|it| it.state != "waiting").map_or(0, |it| it.number);
    format!("{serves}/{moving}")
}

/// The plan of a rollback, and the button that orders it.
pub(super) fn acts(look: &Look, view: &LaneView, lane: &Lane) -> Markup {
    let Some(serves) = &view.serves else { return Markup::default() };
    let target = lane.rollback_target().map(|to| to.release.version.to_string());
    let stands_by =
        target.is_some() && target == view.standby.as_ref().map(|one| one.release.clone());
    let moving = view.promotion.as_ref().filter(|it| it.state != "waiting");
    html! {
        div.acts id="acts" data-live {
            div {
                @match (&target, moving) {
                    (Some(to), None) => {
                        details data-act id="act-rollback" {
                            summary.btn.bad { (icon("back")) "Roll back" }
                            form method="post" action=(look.to(&format!("{}/rollback", words::lane_place(&view.service, &view.environment)))) {
                                input type="hidden" name="form" value=(look.visitor.form);
                                input type="hidden" name="seen" value=(stamp(view));
                                p {
                                    "All traffic goes to " b { (to) } ", "
                                    @if stands_by { "which stands by at full capacity. " } @else { "which is started anew from its kept artefact. " }
                                    (serves.release) " may not enter " (view.service) ", " (view.environment)
                                    " until a person lifts its quarantine. Freezes, windows and approvals do not hold it."
                                }
                                label.sm { "Reason, kept in the audit" input.in name="reason" maxlength="2000" autocomplete="off"; }
                                button.btn.main.bad { "Roll back to " (to) }
                            }
                        }
                        p { (to) " serves all; " (serves.release) " is quarantined." }
                    }
                    (_, Some(promotion)) => {
                        button.btn type="button" aria-disabled="true" { (icon("back")) "Roll back" }
                        p { "Promotion " (promotion.number) " is on its way: " a href=(look.to(&format!("/promotions/{}", promotion.number))) { "it has the buttons" } "." }
                    }
                    (None, None) => {
                        button.btn type="button" aria-disabled="true" { (icon("back")) "Roll back" }
                        p { "There is nothing to go back to: no other release was verified here, or it is quarantined." }
                    }
                }
            }
        }
    }
}

/// What may not enter, and the button that lets it in again.
pub(super) fn quarantined(look: &Look, view: &LaneView, one: &QuarantineView) -> Markup {
    let key = look.engine.you(&look.visitor.person).key;
    html! {
        p { (tag("ban", "held", &html! { (one.release) " may not enter" })) }
        p.sm.q {
            (sentence(&one.reason)) " Since " (time(&one.since, As::Clock, look.now())) ", by "
            a href=(look.to(&format!("/promotions/{}", one.promotion))) { "promotion " (one.promotion) } "."
        }
        @if key.is_some() {
            p.sm.q { "You speak by your key: " code { "towpath quarantine lift " (view.environment) " " (one.release) } }
        } @else {
            div.ask { div.do {
                details data-act id={ "lift-" (one.promotion) } {
                    summary.btn { "Lift the quarantine" }
                    form method="post" action=(look.to(&format!("{}/lift", words::lane_place(&view.service, &view.environment)))) {
                        input type="hidden" name="form" value=(look.visitor.form);
                        input type="hidden" name="release" value=(one.release);
                        p { (one.release) " may enter " (view.service) ", " (view.environment) " again, as any other release." }
                        label { "Reason, kept in the audit" input.in name="reason" required maxlength="2000" autocomplete="off"; }
                        button.btn.main { "Lift it" }
                    }
                }
            } }
        }
    }
}

/// What these forms bring.
#[derive(Deserialize)]
pub(in crate::pages) struct Sent {
    #[serde(default)]
    seen: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    release: String,
}

pub(in crate::pages) async fn rollback(
    look: Look,
    Path((service, environment)): Path<(String, String)>,
    Form(sent): Form<Sent>,
) -> Response {
    let place = words::lane_place(&service, &environment);
    match roll_back(&look, (&service, &environment), &sent).await {
        Ok(place_of_it) => led_to(&look, &place_of_it.unwrap_or(place), "rolled-back"),
        Err(refused) => look.refuse(refused),
    }
}

async fn roll_back(
    look: &Look,
    (service, environment): (&str, &str),
    sent: &Sent,
) -> Answer<Option<String>> {
    not_too_long("nothing was ordered", &[("reason", Some(&sent.reason))])?;
    let (id, view) = found(look, service, environment)?;
    if sent.seen != stamp(&view) {
        let cause = format!(
            "what serves in {environment}, or what is on its way there, is another than when the page was made"
        );
        let message = format!("{environment} has moved on; nothing was ordered");
        return Err(Refusal::new(RefusalKind::Conflict, "moved-on", message, cause)
            .next(format!("towpath status {environment}"), "look at it, then decide again")
            .into());
    }
    let (by, reason) = (look.acting.clone(), given(&sent.reason));
    let done =
        look.engine.order(&id, Input::RollbackOrdered { by, reason, quarantine: true }).await?;
    Ok(done.promotion.map(|number| format!("/promotions/{number}")))
}

pub(in crate::pages) async fn lift(
    State(_): State<App>,
    look: Look,
    Path((service, environment)): Path<(String, String)>,
    Form(sent): Form<Sent>,
) -> Response {
    match lifted(&look, (&service, &environment), &sent).await {
        Ok(()) => led_to(&look, &words::lane_place(&service, &environment), "lifted"),
        Err(refused) => look.refuse(refused),
    }
}

async fn lifted(look: &Look, (service, environment): (&str, &str), sent: &Sent) -> Answer<()> {
    not_too_long("nothing was lifted", &[("reason", Some(&sent.reason))])?;
    let (id, _) = found(look, service, environment)?;
    let Some(reason) = given(&sent.reason) else {
        let cause = "whoever reads the audit later asks why";
        let message = "nothing was lifted: a reason is needed";
        return Err(Refusal::new(RefusalKind::Usage, "reason-empty", message, cause).into());
    };
    let version = Version::new(&sent.release).ok();
    let lane = look.engine.lane_state(&id);
    let found = lane.quarantined.iter().find(|one| Some(&one.release.version) == version.as_ref());
    let Some(found) = found else {
        let message = format!("{} is not quarantined in {environment}", sent.release);
        let cause = "somebody may have lifted it meanwhile";
        return Err(Refusal::new(RefusalKind::Conflict, "not-quarantined", message, cause).into());
    };
    let (digest, by) = (found.release.digest.clone(), look.acting.clone());
    look.engine
        .order(&id, Input::QuarantineLiftOrdered { digest, by, reason, signed: None })
        .await?;
    Ok(())
}
