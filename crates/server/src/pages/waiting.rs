//! What waits for whoever looks: what it is, what speaks for it, who agreed, and the two buttons; below it what
//! waits for others. Owns the order, soonest to end first; decides nothing.

mod others;
pub(super) mod proposal;

use axum::extract::Query;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_core::ids::{Name, PromotionNumber, Version};
use towpath_core::release::Release;
use towpath_engine::views::{CheckView, PromotionView, WaitView};

use crate::pages::frame::{Look, Page, Place, Shown, said};
use crate::pages::marks::{As, counted, icon, percent, sentence, time, took};
use crate::pages::promotion::{actions, blocked};
use crate::pages::{compare, words};

/// What was just done.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Done {
    done: Option<String>,
}

/// What waits about one promotion, or one lane.
struct Ask {
    waits: Vec<WaitView>,
    view: Option<PromotionView>,
    release: Option<Release>,
}

impl Ask {
    fn until(&self) -> Option<&str> {
        self.waits.iter().filter_map(|wait| wait.blocker.until.as_deref()).min()
    }
}

pub(super) async fn show(look: Look, Query(done): Query<Done>) -> Response {
    let shown = page(&look, &done).await;
    look.show(shown)
}

async fn page(look: &Look, done: &Done) -> Shown {
    let asks = asks(look).await?;
    let proposal = look.engine.proposal();
    let (mine, of_others) = match look.proposal_for_me() {
        Some(mine) => (Some(mine), None),
        None => (None, proposal),
    };
    let others = of_others_alone(look);
    let title = match asks.len() + usize::from(mine.is_some()) {
        0 => "Nothing waits for you".to_owned(),
        1 => "1 waits for you".to_owned(),
        many => format!("{many} wait for you"),
    };
    let content = html! {
        div.inbox id="inbox" data-live {
            (said(done.done.as_deref()))
            div.head { h1 { (title) } }
            @if asks.is_empty() && mine.is_none() { (nothing()) } @else {
                p.lead { "Soonest to end first. An approval is for one plan; if the plan changes, it is asked again." }
                @if let Some(mine) = &mine { (proposal::article(look, mine)) }
                @for ask in &asks { (article(look, ask)) }
            }
            (others::list(look, &others, of_others.as_ref()))
        }
    };
    Ok(Page { place: Place::Waiting, title, content })
}

/// What waits and is not shown above: for others, for checks, for a time.
fn of_others_alone(look: &Look) -> Vec<WaitView> {
    let own = look.waits();
    let is_own = |wait: &WaitView| {
        own.iter().any(|one| {
            (&one.service, &one.environment, one.promotion, &one.blocker.sentence)
                == (&wait.service, &wait.environment, wait.promotion, &wait.blocker.sentence)
        })
    };
    let all = look.engine.waiting(&look.acting, false).waiting;
    all.into_iter().filter(|wait| !is_own(wait)).collect()
}

async fn asks(look: &Look) -> Result<Vec<Ask>, crate::error::ApiError> {
    let mut asks: Vec<Ask> = Vec::new();
    for wait in look.waits().iter().cloned() {
        let is_same = |ask: &&mut Ask| {
            let first = &ask.waits[0];
            (&first.service, &first.environment, first.promotion)
                == (&wait.service, &wait.environment, wait.promotion)
        };
        if let Some(known) = asks.iter_mut().find(is_same) {
            known.waits.push(wait);
            continue;
        }
        let view = match wait.promotion {
            Some(number) => look.engine.promotion(PromotionNumber(number)).await?,
            None => None,
        };
        let release = view.as_ref().and_then(|view| {
            let service = Name::new(&view.service).ok()?;
            look.engine.release(&service, &Version::new(&view.release).ok()?)
        });
        asks.push(Ask { waits: vec![wait], view, release });
    }
    asks.sort_by(|one, other| {
        let key = |ask: &Ask| ask.until().map_or_else(|| "~".to_owned(), str::to_owned);
        key(one).cmp(&key(other))
    });
    Ok(asks)
}

fn nothing() -> Markup {
    html! {
        div.empty {
            p { "When a plan asks for your agreement, a gate asks a question of your role, a changed matrix waits for you, or something is "
                "paused and may be resumed by you, it stands here with what speaks for it, and is answered in two actions." }
        }
    }
}

fn article(look: &Look, ask: &Ask) -> Markup {
    let first = &ask.waits[0];
    let place = match first.promotion {
        Some(number) => format!("/promotions/{number}"),
        None => words::lane_place(&first.service, &first.environment),
    };
    html! {
        article.ask {
            header {
                h2 { a href=(look.to(&place)) data-line { (words::of_wait(first)) } }
                @if let Some(until) = ask.until() {
                    span.q.sm {
                        "ends in " (time(until, As::Left, look.now())) " "
                        span.qq { (time(until, As::Clock, look.now())) }
                    }
                }
            }
            @if let Some(view) = &ask.view {
                dl.facts { (what(look, view, ask.release.as_ref())) }
                dl.facts { (evidence(view)) }
                div.do { (buttons(look, view, ask)) }
            } @else {
                div { @for wait in &ask.waits { (blocked(look, &wait.blocker)) } }
                div {}
                div.do { a.btn href=(look.to(&place)) { "Look and decide" } }
            }
        }
    }
}

fn what(look: &Look, view: &PromotionView, release: Option<&Release>) -> Markup {
    let author =
        release.and_then(|release| release.author.as_ref().or(release.created_by.as_ref()));
    let kind = release.map_or("change", |release| release.change_type.as_str());
    html! {
        dt { "What" }
        dd {
            (sentence(kind).trim_end_matches('.')) @if let Some(author) = author { ", by " (author) } "."
            @match &view.replaces { Some(before) => { " Serves " (before) " now." } None => " Nothing serves there yet." }
        }
        @if let (Some(release), Some(before)) = (release, &view.replaces) {
            dt { "Changes" }
            dd {
                (counted(release.artifacts.len(), "artefact")) ", "
                (counted(release.migrations.len(), "migration"))
                @if release.is_irreversible() { ", " b { "one cannot be undone" } } ". "
                a href=(look.to(&compare::place(&view.service, before, &view.release))) { "Compare" }
            }
        }
        @if let Some(commit) = release.and_then(|release| release.commit.as_ref()) {
            dt { "Commit" } dd { span.mono { (commit.chars().take(12).collect::<String>()) } }
        }
        @if let Some(why) = &view.reason { dt { "Reason" } dd { (sentence(why)) } }
        dt { "Asked" } dd { "by " (view.by) ", " (time(&view.requested_at, As::Age, look.now())) " ago" }
    }
}

/// What speaks for it, who agreed, and what comes then.
fn evidence(view: &PromotionView) -> Markup {
    let passed = |check: &&CheckView| check.state == "pass";
    let own = || view.checks.iter().filter(|check| check.list == "prerequisites");
    let weights: Vec<String> = view.steps.iter().map(|step| percent(step.weight)).collect();
    let lasts: f64 = view.steps.iter().map(|step| step.bake_seconds).sum();
    html! {
        @if own().count() > 0 {
            dt { "Evidence" }
            dd {
                (own().filter(passed).count()) " of " (counted(own().count(), "check")) " passed."
                @for check in own().filter(|check| check.state != "pass").take(3) {
                    br; span.q { (check.title) @if let Some(said) = &check.sentence { ": " (said) } }
                }
            }
        }
        @if !view.approvals.is_empty() {
            dt { "Agreed" }
            dd {
                @for one in &view.approvals {
                    span { @if one.by.is_empty() { "Nobody yet" } @else { (one.by.join(", ")) }
                        " (" (one.whom()) ", " (one.by.len()) " of " (one.need) ")" } br;
                }
            }
        }
        dt { "Then" }
        dd {
            @if weights.is_empty() { "put in place at once." } @else { (weights.join(", ")) " over " (took(lasts)) "." }
            @if view.replaces.is_some() && view.standby_seconds > 0.0 {
                " What serves now stands by for " (took(view.standby_seconds)) "."
            }
        }
        @if let Some(earliest) = view.earliest_start.as_ref().and_then(|it| it.at.as_ref()) {
            dt { "Starts" } dd { span.mono { (earliest) } " at the earliest" }
        }
    }
}

fn buttons(look: &Look, view: &PromotionView, ask: &Ask) -> Markup {
    let attested: Vec<&CheckView> = view
        .checks
        .iter()
        .filter(|check| check.kind == "attested" && check.state != "pass")
        .collect();
    let asks_words = ask.waits.iter().any(|wait| wait.blocker.what == "approval");
    html! {
        @if asks_words || (!view.approvals.is_empty() && attested.is_empty()) { (actions::approve(look, view)) }
        @for check in &attested { (actions::attest(look, view, check)) }
        @if view.approvals.is_empty() && attested.is_empty() {
            @for wait in &ask.waits { p { (sentence(&wait.blocker.sentence)) } }
            a.btn href=(look.to(&format!("/promotions/{}", view.number))) { (icon("to")) "Look and decide" }
        }
    }
}
