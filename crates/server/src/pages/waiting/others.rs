//! What waits for others, for checks, or for a time: what it is, who could end it, until when. Has no buttons, because none of
//! it is the visitor's to end.

use maud::{Markup, html};
use towpath_engine::views::{ProposalView, WaitView};

use super::proposal;
use crate::pages::frame::Look;
use crate::pages::marks::{As, sentence, time};
use crate::pages::words;

/// Most that are listed: the matrix page shows the lanes of all of them.
const LISTED: usize = 100;

/// A list of these, and the changed matrix, where it waits for others.
pub(super) fn list(look: &Look, waits: &[WaitView], changed: Option<&ProposalView>) -> Markup {
    if waits.is_empty() && changed.is_none() {
        return Markup::default();
    }
    html! {
        section.sec id="others" {
            h2 { "Waits for others" }
            @if let Some(changed) = changed { (proposal::article(look, changed)) }
            @if !waits.is_empty() { (table(look, waits)) }
            @if waits.len() > LISTED { p.q { "And " (waits.len() - LISTED) " more: " a href=(look.to("/?show=waiting")) { "the matrix" } " shows where." } }
        }
    }
}

fn table(look: &Look, waits: &[WaitView]) -> Markup {
    html! {
        table.tab.cards {
            thead { tr { th scope="col" { "What" } th scope="col" { "Why it waits" } th scope="col" { "Who could end it" } th.r scope="col" { "Until" } } }
            tbody {
                @for wait in waits.iter().take(LISTED) {
                    tr {
                        th scope="row" { a href=(look.to(&place(wait))) data-line { (words::of_wait(wait)) } }
                        td { (sentence(&wait.blocker.sentence)) }
                        td data-k="Who:" { @if wait.blocker.who.is_empty() { span.q { "nobody has to" } } @else { (wait.blocker.who.join(", ")) } }
                        td.r data-k="Until:" { @if let Some(until) = &wait.blocker.until { (time(until, As::Clock, look.now())) } @else { span.q { "no limit" } } }
                    }
                }
            }
        }
    }
}

fn place(wait: &WaitView) -> String {
    match wait.promotion {
        Some(number) => format!("/promotions/{number}"),
        None => words::lane_place(&wait.service, &wait.environment),
    }
}
