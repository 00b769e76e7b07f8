//! One promotion: the verdict in a sentence, what can be done, the steps, the picture, why it waits, who
//! agreed, what happened. Owns how these stand together; each is a file of its own.

pub(super) mod actions;
mod log;
mod next;
pub(super) mod orders;
mod output;
mod picture;
mod steps;
pub(super) mod story;
mod verdict;

use axum::extract::{Path, Query};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_core::approvals::Asked;
use towpath_core::ids::PromotionNumber;
use towpath_core::promotion::state::Outcome;
use towpath_core::units::Timestamp;
use towpath_engine::views::{ApprovalView, BlockerView, PictureView, PromotionView};
use towpath_ports::target::LogLine;

use crate::api::lanes::lane_id;
use crate::error::ApiError;
use crate::pages::frame::{Look, Page, Place, Shown, said};
use crate::pages::marks::{As, digest, grouped, icon, sentence, state, time, took};
use crate::pages::{compare, lane, owed, releases, words};
pub(super) use steps::one as checked;
use story::Story;

/// What was just done, from a form that led here.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Done {
    done: Option<String>,
}

/// All that the page is made of.
pub(super) struct Told {
    pub(super) view: PromotionView,
    pub(super) story: Story,
    picture: Option<PictureView>,
    /// What its copies wrote last, or why nobody knows; none where none was ever started.
    output: Option<Result<Vec<LogLine>, String>>,
}

pub(super) async fn show(
    look: Look,
    Path(number): Path<u64>,
    Query(done): Query<Done>,
) -> Response {
    let shown = page(&look, number, &done).await;
    look.show(shown)
}

pub(super) fn none(number: u64) -> ApiError {
    ApiError::not_found(&format!("there is no promotion {number}"), "towpath history")
}

/// A moment as views write it.
fn moment(at: &str) -> Option<Timestamp> {
    at.parse::<jiff::Timestamp>().ok().map(|at| Timestamp(at.as_microsecond()))
}

async fn told(look: &Look, number: u64) -> Result<Told, ApiError> {
    let view = look.engine.promotion(PromotionNumber(number)).await?;
    let view = view.ok_or_else(|| none(number))?;
    let asked = moment(&view.requested_at).unwrap_or_default();
    let ended = view.ended_at.as_deref().and_then(moment);
    let rows = look.engine.happened(PromotionNumber(number), asked, ended).await?;
    let picture = look.engine.picture(&view, &rows).await?;
    let output = match view.started_at {
        Some(_) => Some(output::read(look, number).await),
        None => None,
    };
    Ok(Told { story: Story::of(rows), view, picture, output })
}

async fn page(look: &Look, number: u64, done: &Done) -> Shown {
    let told = told(look, number).await?;
    let title = words::named(&told.view);
    let content = html! {
        (said(done.done.as_deref()))
        (head(look, &told))
        (verdict::verdict(&told.view, told.picture.as_ref()))
        @if told.view.ended_at.is_some() {
            (verdict::numbers(&told))
            (actions::ended(look, &told.view))
        } @else {
            (actions::acts(look, &told.view))
        }
        (columns(look, &told))
    };
    Ok(Page { place: Place::Promotions, title, content })
}

fn head(look: &Look, told: &Told) -> Markup {
    let view = &told.view;
    let now = look.now();
    html! {
        p.crumb {
            a href=(look.to("/")) { (look.engine.setup().project) } " / " (view.service) " / "
            a href=(look.to(&words::lane_place(&view.service, &view.to))) { (view.to) }
        }
        div id="head" data-live {
            div.head { h1 { (words::named(view)) } (standing(look, view)) }
            p.meta {
                @match &view.started_at {
                    Some(at) => span { "started " (time(at, As::Exact, now)) },
                    None => span { "asked for " (time(&view.requested_at, As::Exact, now)) },
                }
                span { "by " b { (view.by) } }
                span { "promotion " b { (view.number) } }
                span { "plan " b.mono { (view.plan) } }
                span { "digest " b { (digest(&view.digest)) } }
                @if let Some(before) = &view.replaces { span { "serving before " b { (before) } } }
                @if view.broke_glass { span.st.wait { (icon("warn")) "broke the glass" } }
                @if view.overrides_window { span.st.wait { (icon("warn")) "past windows, by a person's word" } }
                a href=(look.to(&releases::place(&view.service, &view.release))) { "Release " (view.release) }
                @if let Some(before) = view.replaces.as_ref().filter(|before| **before != view.release) {
                    a href=(look.to(&compare::place(&view.service, before, &view.release))) { "Compare " (before) " and " (view.release) }
                }
            }
        }
    }
}

/// Where it is, beside its name.
fn standing(look: &Look, view: &PromotionView) -> Markup {
    let now = look.now();
    let ended = |mark: &str, class: &str, word: &str| {
        let at = view.ended_at.as_ref().map(|at| time(at, As::Exact, now));
        html! { span class={ "st " (class) } { (icon(mark)) (word) @if let Some(at) = at { " at " (at) } } }
    };
    match view.outcome {
        Some(Outcome::Succeeded) => ended("ok", "", "succeeded"),
        Some(Outcome::RolledBack) => ended("back", "harm", "went back"),
        Some(Outcome::Rejected) => ended("x", "", "rejected"),
        Some(Outcome::Superseded) => ended("to", "", "superseded"),
        Some(Outcome::Aborted) => ended("stop", "", "aborted"),
        Some(Outcome::Failed) => ended("x", "harm", "failed"),
        None if view.paused.is_some() => state("pause", "wait", "paused"),
        None if view.frozen => state("frost", "held", "held by a freeze or a window"),
        None if view.state == "waiting" => state("wait", "wait", "waiting"),
        None if view.state == "reconciling" => state("warn", "wait", "reconciling"),
        None => html! { span.st { (icon("now")) (words::doing(view, now)) } },
    }
}

fn columns(look: &Look, told: &Told) -> Markup {
    html! {
        div.cols {
            section.steps.sec id="steps" data-live { h2 { "Steps" } (steps::tree(look, told)) }
            section.pic.panel id="picture" data-live aria-label="Traffic"
                data-moves=[told.view.step.is_some().then_some("")] {
                (picture::picture(look, told.picture.as_ref(), &told.view))
            }
            div.side {
                div id="aside" data-live {
                    (next::section(look, &told.view))
                    (afterwards(look, &told.view))
                    (starts(look, &told.view)) (waits(look, &told.view.waits_for))
                    (approvals(&told.view.approvals)) (approved(&told.story.approved))
                    (attestations(look, told))
                }
                section.sec id="events" data-live {
                    h2 { "Events" }
                    (log::log(look, told))
                }
                @if let Some(output) = &told.output {
                    section.sec id="log" data-live { h2 { "Log" } (output::section(look, output, told.view.number)) }
                }
            }
        }
    }
}

/// What was thrown out, and the button that lets it in again; what people owe for this promotion.
fn afterwards(look: &Look, view: &PromotionView) -> Markup {
    let Ok(id) = lane_id(&view.service, &view.to) else { return Markup::default() };
    let Some(lane) = look.engine.lane(&id) else { return Markup::default() };
    let out = lane.quarantined.iter().find(|one| one.promotion == view.number);
    let debts = owed::all(look, &lane, &look.engine.lane_state(&id), Some(view.number));
    html! {
        @if let Some(out) = out {
            section.sec {
                h2 { "Quarantine" }
                div.stack { div { (lane::quarantined(look, &lane, out)) } }
                p.sm.q { "What stands elsewhere stays as it is." }
            }
        } @else if view.quarantined {
            section.sec { h2 { "Quarantine" } p.q { (view.release) " was quarantined by it, and a person lifted that since." } }
        }
        @if !debts.0.is_empty() { section.sec { h2 { "Owed" } div.stack { (debts) } } }
    }
}

/// When it could start at the earliest, which is how long a soak still lasts.
fn starts(look: &Look, view: &PromotionView) -> Markup {
    let Some(earliest) = &view.earliest_start else { return Markup::default() };
    html! {
        section.sec {
            h2 { "Starts" }
            @match &earliest.at {
                Some(at) => p { "In " b { (time(at, As::Left, look.now())) } " at the earliest, " (time(at, As::Clock, look.now())) "." },
                None => p { "At once when what it waits for has come." },
            }
            @if !earliest.after.is_empty() { p.sm.q { "Not before " (earliest.after.join(", and ")) "." } }
        }
    }
}

/// What it waits for, who can end that, and how.
fn waits(look: &Look, blockers: &[BlockerView]) -> Markup {
    html! {
        @if !blockers.is_empty() {
            section.sec {
                h2 { "Why it waits" }
                div.stack {
                    @for blocker in blockers { div { (blocked(look, blocker)) } }
                }
            }
        }
    }
}

/// One thing that is waited for.
pub(super) fn blocked(look: &Look, blocker: &BlockerView) -> Markup {
    html! {
        p { (sentence(&blocker.sentence)) }
        @if !blocker.who.is_empty() { p.sm.q { (blocker.who.join(", ")) " can end it." } }
        @if let Some(until) = &blocker.until {
            p.sm.qq { "Until " (time(until, As::Clock, look.now())) " at the latest." }
        }
        @for next in &blocker.next {
            p.sm.q { code { (next.command) } @if !next.what.is_empty() { " " (next.what) } }
        }
    }
}

fn approvals(all: &[ApprovalView]) -> Markup {
    let need: u32 = all.iter().map(|one| one.need).sum();
    let have: usize = all.iter().map(|one| one.by.len().min(one.need as usize)).sum();
    html! {
        @if !all.is_empty() {
            section.sec {
                h2 { "Approvals, " (have) " of " (need) }
                ul.people {
                    @for one in all {
                        li {
                            span { b { @if one.by.is_empty() { "nobody yet" } @else { (one.by.join(", ")) } }
                                " " span.q { (one.whom()) } }
                            span.q { (one.by.len()) " of " (one.need) }
                        }
                        @if (one.by.len() as u64) < u64::from(one.need) && !one.who.is_empty() {
                            li { span.xs.qq { "could: " (one.who.join(", ")) } }
                        }
                        @if let Some(unknown) = &one.unknown { li { span.xs.qq { (sentence(unknown)) } } }
                    }
                }
            }
        }
    }
}

/// Whose yes let it in.
fn approved(all: &[Asked]) -> Markup {
    let words: u32 = all.iter().map(|one| one.needed).sum();
    html! {
        @if !all.is_empty() {
            section.sec {
                h2 { "Approvals, " (words) " of " (words) }
                ul.people {
                    @for one in all { @for who in &one.by {
                        li { span { b { (who) } " " span.q { (one.whom()) } } span.q { "yes" } }
                    } }
                }
            }
        }
    }
}

/// Questions that only people can answer, each with its form.
fn attestations(look: &Look, told: &Told) -> Markup {
    let view = &told.view;
    let open: Vec<_> = view
        .checks
        .iter()
        .filter(|check| check.kind == "attested" && check.state != "pass")
        .collect();
    html! {
        @if view.ended_at.is_none() && !open.is_empty() {
            section.sec {
                h2 { "Questions for people" }
                @for check in open { div.ask { div.do { (actions::attest(look, view, check)) } } }
            }
        }
    }
}

/// `2 requests`, with a comma after each thousand.
fn requests(count: u64) -> String {
    format!("{} request{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// How long from one moment to another.
fn lasted(from: Timestamp, to: Timestamp) -> String {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a promotion stay below 2^52")]
    let seconds = to.since(from).milliseconds() as f64 / 1_000.0;
    took(seconds)
}
