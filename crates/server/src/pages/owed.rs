//! What people owe for a promotion: a review, a backport, the reason of a rollback; each with the form that
//! settles it. Owns these forms and what they become; who may settle what is the engine's to decide.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_core::debts::DebtKind;
use towpath_core::ids::PromotionNumber;
use towpath_core::promotion::input::{DebtOrder, Input};
use towpath_core::promotion::state::Lane;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::views::LaneView;

use crate::api::approvals::not_too_long;
use crate::api::lanes::lane_id;
use crate::error::Answer;
use crate::pages::action::word;
use crate::pages::frame::Look;
use crate::pages::posted::{Posted, answered, given, reason_given};
use crate::pages::promotion::{blocked, none};

/// What a form brings that settles something.
#[derive(Deserialize)]
pub(super) struct Sent {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    link: String,
}

type Form = Posted<u64, Sent>;

/// Everything that is owed in a lane, or for one promotion of it, each with its form.
pub(super) fn all(look: &Look, view: &LaneView, lane: &Lane, only: Option<u64>) -> Markup {
    let reasons = lane.owed.iter().map(|owed| (owed.number.0, DebtKind::Reason, None));
    let debts = lane.debts.iter();
    let debts = debts.map(|open| (open.debt.number.0, open.debt.kind, open.debt.branch.as_deref()));
    let own = reasons.chain(debts).filter(|(number, ..)| only.is_none_or(|only| only == *number));
    let said = |number: u64, kind: DebtKind| {
        let command = match kind {
            DebtKind::Reason => format!("towpath rollback --amend {number} "),
            kind => format!("towpath settle {number} {} ", kind.as_str()),
        };
        view.owes.iter().find(|one| one.next.iter().any(|it| it.command.starts_with(&command)))
    };
    html! {
        @for (number, kind, branch) in own {
            @if let Some(owed) = said(number, kind) {
                div { (blocked(look, owed)) (settling(look, number, kind, branch)) }
            }
        }
    }
}

fn settling(look: &Look, number: u64, kind: DebtKind, branch: Option<&str>) -> Markup {
    let place = look.to(&format!(
        "/promotions/{number}/{}",
        if kind == DebtKind::Reason { "reason" } else { "settle" }
    ));
    let branch = branch.unwrap_or("the branch");
    let (button, full, label) = match kind {
        DebtKind::Review => (
            "It was reviewed",
            "Says in your name that you looked at what was done. Whoever ordered it or made the release cannot.".to_owned(),
            "What was looked at",
        ),
        DebtKind::Backport => (
            "It reached the branch",
            format!("Says in your name that what was repaired reached {branch}. A release of it that has the fix settles this by itself."),
            "Where it is: a commit, or a request to merge",
        ),
        DebtKind::Reason => (
            "Give the reason",
            "Is kept with the rollback in the journal. What was done stays as it was done.".to_owned(),
            "Why it was rolled back",
        ),
    };
    // The blocker above says the command already.
    let signs = kind != DebtKind::Reason && look.engine.you(&look.acting).key.is_some();
    html! {
        @if signs { p.sm.q { "You speak by your key, and sign it on the command line." } } @else {
            div.ask { div.do {
                details data-act id={ "owed-" (number) "-" (kind.as_str()) } {
                    summary.btn { (button) }
                    form method="post" action=(place) {
                        (word(look))
                        input type="hidden" name="kind" value=(kind.as_str());
                        p { (full) }
                        label { (label) input.in name="reason" required maxlength="2000" autocomplete="off"; }
                        @if kind != DebtKind::Reason {
                            label { "Link, optional" input.in name="link" type="url" maxlength="2000" autocomplete="off"; }
                        }
                        button.btn.main { (button) }
                    }
                }
            } }
        }
    }
}

/// Somebody says that it is done.
pub(super) async fn settle(form: Form) -> Response {
    let settled = async {
        let Posted { look, at, sent, .. } = &form;
        let nothing = "nothing was settled";
        not_too_long(nothing, &[("note", Some(&sent.reason)), ("link", Some(&sent.link))])?;
        let kind = DebtKind::ALL.into_iter().find(|kind| kind.as_str() == sent.kind);
        let Some(kind) = kind else {
            let cause = format!("`{}` is nothing that is owed", sent.kind.escape_debug());
            let refusal = Refusal::new(RefusalKind::Usage, "no-such-debt", nothing, cause);
            return Err(refusal.next("towpath waiting", "what is owed").into());
        };
        let note =
            reason_given(&sent.reason, nothing, "it says what was looked at, or where it is")?;
        let (by, link, number) = (look.acting.clone(), given(&sent.link), PromotionNumber(*at));
        let lane = lane_of_any(look, number).await?;
        let order =
            DebtOrder { by, number, kind, note: Some(note), link, found_in: None, signed: None };
        look.engine.order(&lane, Input::DebtSettled(order)).await?;
        Ok((format!("/promotions/{at}"), "settled"))
    };
    let settled = settled.await;
    answered(&form.look, settled)
}

/// The reason that a rollback owes.
pub(super) async fn explain(form: Form) -> Response {
    let given = async {
        let Posted { look, at, sent, .. } = &form;
        not_too_long("nothing was kept", &[("reason", Some(&sent.reason))])?;
        let cause = "a reason is a sentence that people can read later";
        let reason = reason_given(&sent.reason, "nothing was kept", cause)?;
        let (by, number) = (look.acting.clone(), PromotionNumber(*at));
        let lane = lane_of_any(look, number).await?;
        look.engine.order(&lane, Input::ReasonGiven { number, by, reason }).await?;
        Ok((format!("/promotions/{at}"), "given"))
    };
    let given = given.await;
    answered(&form.look, given)
}

/// The lane of a promotion, which may have ended long ago.
async fn lane_of_any(look: &Look, number: PromotionNumber) -> Answer<towpath_core::ids::LaneId> {
    let found = look.engine.promotion(number).await?.ok_or_else(|| none(number.0))?;
    lane_id(&found.service, &found.to)
}
