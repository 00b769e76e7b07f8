//! A changed matrix that waits for people: what it changes, who must agree, and the two buttons. Whether a word
//! counts is the engine's to decide.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_core::governing::MatrixWord;
use towpath_engine::Order;
use towpath_engine::views::ProposalView;

use crate::api::approvals::not_too_long;
use crate::error::Answer;
use crate::pages::changes;
use crate::pages::frame::Look;
use crate::pages::marks::{As, icon, time};
use crate::pages::posted::{Posted, given, led_to, reason_given};

/// Digits of the hash that people are shown, as on the command line.
const SHOWN: usize = 12;

/// The changed matrix that waits, with all that is said of it.
pub(super) fn article(look: &Look, proposal: &ProposalView) -> Markup {
    let now = look.now();
    let force = look.engine.matrix();
    let next = look.engine.proposed_matrix();
    let changed = next.map(|next| changes::between(force.as_ref(), &next));
    html! {
        article.ask id="matrix" {
            header {
                h2 data-line { "A changed matrix, by " (proposal.by) }
                span.q.sm {
                    "ends in " (time(&proposal.until, As::Left, now)) " "
                    span.qq { (time(&proposal.until, As::Clock, now)) }
                }
            }
            div { @if let Some(changed) = &changed { (changes::list(changed)) } }
            dl.facts {
                dt { "Asked" } dd { "by " (proposal.by) ", " (time(&proposal.since, As::Age, now)) " ago" }
                dt { "Agreed" }
                dd {
                    @for one in &proposal.approvals {
                        span { @if one.by.is_empty() { "Nobody yet" } @else { (one.by.join(", ")) }
                            " (" (one.whom()) ", " (one.by.len()) " of " (one.need) ")" }
                        @if one.by.len() < one.need as usize {
                            span.q { @if one.who.is_empty() { ": nobody could" } @else { ": " (one.who.join(", ")) " could" } }
                        }
                        br;
                    }
                }
                dt { "Then" } dd { "It is in force at once. Promotions that started keep the plan that they started under." }
                dt { "Change" } dd.mono { (short(proposal)) }
            }
            div.do { (buttons(look, proposal)) }
        }
    }
}

fn short(proposal: &ProposalView) -> &str {
    proposal.plan.get(..SHOWN).unwrap_or(&proposal.plan)
}

/// Both, for whoever is asked; taking it back, for whoever proposed it; why not, for everybody else.
fn buttons(look: &Look, proposal: &ProposalView) -> Markup {
    let you = look.engine.you(&look.acting);
    let name = you.you.unwrap_or_default();
    let (is_asked, is_own) = (proposal.calls(&name), proposal.by == name);
    let has_agreed = proposal.approvals.iter().any(|one| one.by.contains(&name));
    html! {
        @if you.key.is_some() && (is_asked || is_own) {
            p { "You speak by your key: " code { "towpath matrix approve " (short(proposal)) } " signs it, and "
                code { "towpath matrix reject " (short(proposal)) } " takes it off." }
        } @else if is_asked {
            (yes(look, proposal))
            (no(look, proposal, "Reject", "Takes this change off. What is in force stays."))
        } @else if is_own {
            (no(look, proposal, "Take it back", "Takes your change off. What is in force stays."))
            p { "It is your own: somebody else agrees to it." }
        } @else if has_agreed {
            p { "You agreed to this change." }
        } @else {
            p { "It is not yours to decide: your roles are not asked." }
        }
    }
}

fn yes(look: &Look, proposal: &ProposalView) -> Markup {
    html! {
        details data-act id="matrix-yes" {
            summary.btn.main { (icon("ok")) "Approve" }
            form method="post" action=(look.to("/waiting/matrix")) {
                (fields(look, proposal, "yes"))
                p { b { "For this change alone" } ", " span.mono { (short(proposal)) } ". Another one is asked about again." }
                label { "Note, optional" input.in name="reason" maxlength="2000" autocomplete="off"; }
                button.btn.main { "Approve the change" }
            }
        }
    }
}

fn no(look: &Look, proposal: &ProposalView, word: &str, does: &str) -> Markup {
    html! {
        details data-act id="matrix-no" {
            summary.btn { (icon("x")) (word) }
            form method="post" action=(look.to("/waiting/matrix")) {
                (fields(look, proposal, "no"))
                p { b { (does) } }
                label { "Reason, kept in the audit" input.in name="reason" required maxlength="2000" autocomplete="off"; }
                button.btn.main.bad { (word) }
            }
        }
    }
}

fn fields(look: &Look, proposal: &ProposalView, word: &str) -> Markup {
    html! {
        input type="hidden" name="form" value=(look.visitor.form);
        input type="hidden" name="plan" value=(proposal.plan);
        input type="hidden" name="word" value=(word);
    }
}

/// What these forms bring.
#[derive(Deserialize)]
pub(in crate::pages) struct Sent {
    plan: String,
    word: String,
    #[serde(default)]
    reason: String,
}

/// A yes or no to the change that was shown, and to no other.
pub(in crate::pages) async fn word(posted: Posted<(), Sent>) -> Response {
    let Posted { look, sent, .. } = posted;
    let agrees = sent.word == "yes";
    match said(&look, &sent, agrees).await {
        Ok(()) => led_to(&look, "/waiting", if agrees { "agreed" } else { "taken-off" }),
        Err(refused) => look.refuse(refused),
    }
}

async fn said(look: &Look, sent: &Sent, agrees: bool) -> Answer<()> {
    not_too_long("nothing was said", &[("note", Some(&sent.reason))])?;
    let why = "whoever proposed it reads why";
    let note = if agrees {
        given(&sent.reason)
    } else {
        Some(reason_given(&sent.reason, "nothing was rejected", why)?)
    };
    let (by, plan) = (look.acting.clone(), sent.plan.clone());
    let word = MatrixWord { by, plan, agrees, note, signed: None };
    look.engine.order_project(Order::AgreeToMatrix(word)).await?;
    Ok(())
}
