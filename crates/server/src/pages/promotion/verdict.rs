//! The sentence before the picture: how it stands, whom it harmed, what would decide. Owns the words of the
//! page; what is said of the release is the guard's.

use maud::{Markup, html};
use towpath_core::promotion::state::{Kind, Outcome};
use towpath_engine::views::{PictureView, PromotionView};

use super::{Told, lasted, requests};
use crate::pages::marks::{grouped, percent, sentence};

pub(super) fn verdict(view: &PromotionView, picture: Option<&PictureView>) -> Markup {
    let (word, text) = said(view);
    let is_bad = matches!(view.outcome, Some(Outcome::RolledBack | Outcome::Failed))
        || view.verdict.as_ref().is_some_and(|verdict| verdict.standing == "unhealthy");
    html! {
        section id="verdict" data-live aria-live="polite" aria-label="Verdict"
            class=(if is_bad { "verdict harm" } else { "verdict" }) {
            p { b { (word) } " " (text) }
            @let more = second(view, picture).join(" ");
            @if !more.is_empty() { p { (more) } }
        }
    }
}

/// How it stands, in a word and a sentence.
fn said(view: &PromotionView) -> (String, String) {
    let judged =
        view.verdict.as_ref().map(|verdict| sentence(&verdict.sentence)).unwrap_or_default();
    let ended = || view.sentence.as_deref().map(sentence).unwrap_or_default();
    let waits = || {
        let first = view.waits_for.first();
        first.map(|blocker| sentence(&blocker.sentence)).unwrap_or_default()
    };
    let (word, text) = match view.outcome {
        Some(Outcome::Succeeded) => {
            ("Succeeded.", format!("{} serves everything. {judged}", view.release))
        }
        Some(Outcome::RolledBack) if view.kind == Kind::Promote => ("Went back.", ended()),
        Some(Outcome::RolledBack) => ("Rolled back.", ended()),
        Some(Outcome::Rejected) => ("Rejected.", ended()),
        Some(Outcome::Superseded) => ("Superseded.", ended()),
        Some(Outcome::Aborted) => ("Aborted.", ended()),
        Some(Outcome::Failed) => ("Failed.", ended()),
        None => return under_way(view, judged, waits()),
    };
    (word.to_owned(), text)
}

fn under_way(view: &PromotionView, judged: String, waits: String) -> (String, String) {
    let at = percent(view.weight);
    let (word, text) = match view.state.as_str() {
        _ if view.paused.is_some() => {
            let why = view.paused.as_deref().map(sentence).unwrap_or_default();
            (
                format!("Paused at {at}."),
                format!("{why} The guard goes on judging and may still roll back."),
            )
        }
        _ if view.frozen => (format!("Held at {at}."), waits),
        "waiting" => (
            "Waits.".to_owned(),
            if waits.is_empty() { "It starts at once.".to_owned() } else { waits },
        ),
        "starting" => (
            "Starting.".to_owned(),
            format!("Copies of {} are made ready; no visitor is on them.", view.release),
        ),
        "validating" => (
            "Validating.".to_owned(),
            format!("{} is asked at weight 0; no visitor is on it.", view.release),
        ),
        "reconciling" => (format!("Reconciling at {at}."), waits),
        "going-back" => ("Going back.".to_owned(), waits),
        "committing" => ("Committing.".to_owned(), judged),
        _ => (standing(view), judged),
    };
    (word, text)
}

fn standing(view: &PromotionView) -> String {
    let standing = view.verdict.as_ref().map_or("undecided", |verdict| verdict.standing.as_str());
    let word = match standing {
        "healthy" => "Healthy.",
        "unhealthy" => "Unhealthy.",
        "blind" => "Blind.",
        _ => "Undecided.",
    };
    word.to_owned()
}

/// Whom it harmed, and what would decide.
fn second(view: &PromotionView, picture: Option<&PictureView>) -> Vec<String> {
    let mut all = Vec::new();
    if view.replaces.is_none() && view.ended_at.is_none() {
        all.push(
            "A first release: nothing served before it, so that there is nothing to compare with and nothing to fall back to."
                .to_owned(),
        );
    }
    if view.evidence.green.failed > 0 || view.harmed_requests > 0 {
        all.push(harm(view));
    }
    if view.verdict.as_ref().is_some_and(|it| it.standing == "blind") && view.step.is_some() {
        let what = "No evidence: neither a visitor nor a probe has reached green. The step holds rather than pass unseen.";
        all.push(what.to_owned());
    }
    if let (Some(ahead), Some(before), None) = (ahead(picture), &view.replaces, &view.ended_at) {
        all.push(format!("{ahead} would send all traffic back to {before}."));
    }
    if view.outcome == Some(Outcome::RolledBack)
        && let Some(before) = &view.replaces
    {
        all.push(format!("{before} serves everything again."));
    }
    all.extend(view.said.iter().map(|line| format!("{} said: {line}", view.release)));
    all
}

fn harm(view: &PromotionView) -> String {
    let (harmed, rescued) = (view.harmed_requests, view.rescued_requests);
    match (harmed, rescued) {
        (0, 0) => String::new(),
        (0, some) => format!(
            "Nobody was harmed: {} that failed {} served again by blue.",
            requests(some),
            were(some)
        ),
        (some, 0) => format!("{} reached a visitor as a failure.", requests(some)),
        (some, others) => format!(
            "{} reached a visitor as a failure; {} {} rescued, served again by blue.",
            requests(some),
            grouped(others),
            were(others)
        ),
    }
}

fn were(count: u64) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

/// How many more failures in a row would decide; none where nobody knows, or that is far away.
fn ahead(picture: Option<&PictureView>) -> Option<String> {
    let picture = picture.filter(|picture| picture.live)?;
    let bound = picture.bound?;
    let at = picture.ahead.iter().position(|odds| *odds >= bound)?;
    let words = ["One more green failure", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight"];
    Some(match words.get(at) {
        Some(word) if at == 0 => (*word).to_owned(),
        Some(word) => format!("{word} more green failures in a row"),
        None => format!("{} more green failures in a row", at + 1),
    })
}

/// What it came to, in figures.
pub(super) fn numbers(told: &Told) -> Markup {
    let view = &told.view;
    if told.story.first_weight.is_none() {
        return Markup::default();
    }
    let first_failure = told.picture.as_ref().and_then(|it| it.green.failures.first().copied());
    let went_back = told.picture.as_ref().and_then(|it| it.went_back);
    let to_safe =
        first_failure.zip(went_back).map(|(from, to)| crate::pages::marks::took(to - from));
    let verdict = told.story.condemned.as_ref().zip(told.story.returned);
    html! {
        dl.nums {
            div { dt { "Harmed" } dd { (grouped(view.harmed_requests)) } dd { "failures that reached a visitor" } }
            div { dt { "Rescued" } dd { (grouped(view.rescued_requests)) } dd { "failed on green, served again by blue" } }
            div {
                dt { "Lost" }
                dd { @match view.lost_requests { Some(lost) => (grouped(lost)), None => "unknown" } }
                dd { "requests without an answer" }
            }
            @if let Some(seconds) = view.seconds {
                div { dt { "Took" } dd { (crate::pages::marks::took(seconds)) } dd { "from its start to its end" } }
            }
            @if let Some(to_safe) = to_safe {
                div { dt { "First failure to safe" } dd { (to_safe) } dd { "until all traffic was back" } }
            }
            @if let Some(((at, _), back)) = verdict {
                div { dt { "Verdict to blue" } dd { (lasted(*at, back)) } dd { "as the engine saw it" } }
            }
        }
    }
}
