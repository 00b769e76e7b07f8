//! What happened, newest first, in sentences. Owns their words; what happened is the journal's.

use maud::{Markup, html};
use towpath_core::check::CheckResult;
use towpath_core::journal::Event;
use towpath_ports::store::EventRow;

use super::Told;
use crate::pages::frame::Look;
use crate::pages::marks::{As, link, percent, sentence, time};
use towpath_engine::views::{VerdictView, time as written};

/// Lines that are shown before the rest is folded.
const FIRST: usize = 12;

pub(super) fn log(look: &Look, told: &Told) -> Markup {
    let lines: Vec<(&EventRow, Markup)> = told
        .story
        .events
        .iter()
        .rev()
        .filter_map(|(row, event)| Some((row, of(event, row)?)))
        .collect();
    let line = |(row, said): &(&EventRow, Markup)| {
        let at = time(&written(row.at), As::Exact, look.now());
        html! { li { (at) span { (said) } } }
    };
    html! {
        @if lines.is_empty() { p.q { "Nothing is on record yet." } }
        ol.log reversed { @for one in lines.iter().take(FIRST) { (line(one)) } }
        @if lines.len() > FIRST {
            details id="all-events" {
                summary.sm { "All " (lines.len()) " events" }
                ol.log { @for one in lines.iter().skip(FIRST) { (line(one)) } }
            }
        }
    }
}

fn of(event: &Event, row: &EventRow) -> Option<Markup> {
    Some(match event {
        Event::PromotionRequested(requested) => {
            html! { "Asked for " (by(row)) "." @if let Some(why) = &requested.reason { " " (sentence(why)) } }
        }
        Event::PlanChanged { plan, .. } => {
            html! { "The plan changed to " span.mono { (plan.hash().short()) } ": who agreed is asked again." }
        }
        Event::CheckAnswered { key, answer, .. } => {
            let word = match answer.result {
                CheckResult::Pass => "passed",
                CheckResult::Fail => "failed",
                CheckResult::Pending { .. } => "not yet",
                CheckResult::Inconclusive => "cannot tell",
            };
            html! { (key.slug) ": " b { (word) } ". " (sentence(&answer.sentence)) }
        }
        Event::AnswerWithdrawn { key, sentence: why, .. } => {
            html! { (key.slug) " is asked again: " (sentence(why)) }
        }
        Event::ApprovalGiven { approval, .. } => {
            html! {
                @if approval.agrees { "Approved" } @else { b { "Rejected" } }
                " " span.who { "by " (approval.by) } "."
                @if let Some(note) = &approval.note { " " (sentence(note)) }
                @if let Some(to) = &approval.link { " " (link(to)) }
            }
        }
        Event::PromotionStarted { .. } => html! { "Started: the lane is taken." },
        Event::InstancesReady { green, .. } => {
            html! { (green.endpoints.len()) " of " (green.capacity) " instances of " (green.release.version) " are ready." }
        }
        Event::WeightOrdered { weight, why, .. } => {
            html! { "Weight " (percent(weight.share())) " ordered." @if let Some(why) = why { " " (sentence(why)) } }
        }
        Event::WeightObserved { weight, .. } => {
            html! { "Weight " b { (percent(weight.share())) } " observed." }
        }
        Event::StepHeld { sentence: why, .. } => html! { "The step holds: " (sentence(why)) },
        Event::StepPassed { verdict, .. } => match verdict.as_ref().map(VerdictView::from) {
            Some(verdict) if verdict.standing == "healthy" => {
                html! { "The step passed, " b { "healthy" } ": " (sentence(&verdict.sentence)) }
            }
            Some(verdict) => {
                html! { "The step passed, " b { "not proven" } ": " (sentence(&verdict.sentence)) }
            }
            None => html! { "The step passed." },
        },
        _ => return turned(event, row),
    })
}

/// What interrupts a promotion, or ends it.
fn turned(event: &Event, row: &EventRow) -> Option<Markup> {
    Some(match event {
        Event::Condemned { verdict, .. } => {
            html! { "Guard: " b { "unhealthy" } ". " (sentence(&verdict.sentence)) }
        }
        Event::RolloutHeld { sentence: why, .. } => html! { "Held: " (sentence(why)) },
        Event::RolloutReleased { .. } => html! { "Held no longer." },
        Event::ReconciliationBegan { sentence: why, .. } => {
            html! { "Reconciling: " (sentence(why)) }
        }
        Event::BlueLost { sentence: why, .. } => {
            html! { "What serves lost its health: " (sentence(why)) }
        }
        Event::PromotionPaused { reason, .. } => {
            html! { "Paused " (by(row)) ". " (sentence(reason)) }
        }
        Event::PromotionResumed { .. } => html! { "Resumed " (by(row)) "." },
        Event::PromotionDoubted { sentence: why, .. } => {
            html! { "A person is wanted: " (sentence(why)) }
        }
        Event::PersonCalled { reason, .. } => html! { "A person is called: " (sentence(reason)) },
        Event::Reminded { .. } => html! { "Those whose word is missing were told again." },
        Event::StandbyGivenUp { sentence: why, .. } => {
            html! { "What stood by was given up: " (sentence(why)) }
        }
        Event::CommitOrdered { .. } => html! { "Commit ordered." },
        Event::Committed { deployment, .. } => {
            html! { b { (deployment.release.version) } " is the default: it serves everything." }
        }
        Event::ReturnOrdered { ending, .. } => {
            html! { "All traffic is to go back: " (sentence(&ending.sentence)) }
        }
        Event::TrafficReturned { .. } => html! { "All traffic is back." },
        Event::RouteRetried { sentence: why, .. } => html! { "Ordered again: " (sentence(why)) },
        Event::StopFailed { sentence: why, .. } => {
            html! { "Copies could not be stopped: " (sentence(why)) }
        }
        Event::InstancesStopped { .. } => {
            html! { "Copies that are not needed any more have stopped." }
        }
        Event::ReleaseQuarantined { release, reason, .. } => {
            html! { (release.version) " is " b { "quarantined" } ": " (sentence(reason)) }
        }
        Event::PromotionEnded { outcome, sentence: why, .. } => {
            html! { b { (outcome.as_str().replace('_', " ")) } ". " (sentence(why)) }
        }
        Event::DebtIncurred(debt) => html! { "Owed from now on: " (debt.kind.as_str()) "." },
        Event::DebtSettled(settled) => {
            html! { "Settled " (by(row)) ": " (settled.kind.as_str()) "." }
        }
        _ => return None,
    })
}

fn by(row: &EventRow) -> Markup {
    html! { span.who { "by " (row.actor) } }
}
