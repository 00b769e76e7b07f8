//! Whether what the matrix promises is kept, and the four figures of delivery, over the last weeks. Owns what is
//! counted, and prints how; every promotion is one mark and none an average alone.

mod figures;
mod marks;

use axum::extract::Query;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_core::ids::PromotionNumber;
use towpath_engine::views::PromotionView;

use crate::pages::frame::{Look, Page, Place, Shown};
use crate::pages::marks::{counted, icon, state};
use figures::{Delivery, Goal, Kept, delivery, kept};

/// What can be chosen, in days.
const SPANS: [i64; 3] = [7, 30, 90];
/// Promotions read at once, and at the most: who has more of them in 90 days sees the newest.
const PAGE: u32 = 200;
const MOST: usize = 5_000;

/// For how long one looks back.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    days: Option<i64>,
}

pub(super) async fn show(look: Look, Query(wanted): Query<Wanted>) -> Response {
    let shown = page(&look, wanted.days).await;
    look.show(shown)
}

/// When a promotion ended, in seconds since 1970; none while it has not.
fn ended(view: &PromotionView) -> Option<i64> {
    view.ended_at.as_ref()?.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

async fn page(look: &Look, days: Option<i64>) -> Shown {
    let days = SPANS.into_iter().find(|span| Some(*span) == days).unwrap_or(30);
    let (now, matrix) = (look.now().as_second(), look.engine.matrix());
    let since = now - days * 86_400;
    let all = promotions(look, since).await?;
    let goals: Vec<Goal> = matrix.as_ref().map(figures::goals).unwrap_or_default();
    let rows = kept(&all, &goals);
    let production = matrix.as_ref().map(figures::production).unwrap_or_default();
    let delivered = delivery(&all, &look.engine.releases(None), &production, days);
    let content = html! {
        div.head {
            h1 { "Insights" }
            span.seg { @for span in SPANS {
                a href=(look.to(&format!("/insights?days={span}"))) aria-current=[(span == days).then_some("true")] { (span) " days" }
            } }
        }
        p.lead { "A red line is a target that the matrix declares, a red cross a miss, and every promotion is one mark." }
        @if all.is_empty() { (empty()) } @else {
            section.sec id="kept" data-live { h2 { "Promises, last " (days) " days" }
                @for row in &rows { (goal(row, since, now)) } }
            section.sec { h2 { "Delivery" } (dora(&delivered)) }
        }
        @if all.len() >= MOST { p.sm.qq { "Of the newest " (counted(MOST, "promotion")) " alone." } }
    };
    Ok(Page { place: Place::Insights, title: "Insights".to_owned(), content })
}

/// Promotions that ended since then, oldest first.
async fn promotions(look: &Look, since: i64) -> Result<Vec<PromotionView>, crate::error::ApiError> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = look.engine.promotions(None, before, PAGE).await?;
        let Some(last) = page.last() else { break };
        before = Some(PromotionNumber(last.number));
        let asked = last.requested_at.parse::<Timestamp>().map_or(since, Timestamp::as_second);
        let count = page.len();
        all.extend(page.into_iter().filter(|one| ended(one).is_some_and(|at| at >= since)));
        if asked < since || all.len() >= MOST || count < PAGE as usize {
            break;
        }
    }
    all.truncate(MOST);
    all.reverse();
    Ok(all)
}

fn empty() -> Markup {
    html! {
        div.empty {
            p { "No promotion ended in this time. Once some have, this page holds them against what the matrix declares:" }
            code.cmd { "goals:\n  promotion_success_rate: \"> 95%\"\n  promotion_time: \"< 30m\"\n  rollback_success_rate: \"> 95%\"\n  rollback_time: \"< 10m\"" }
        }
    }
}

fn goal(row: &Kept, since: i64, now: i64) -> Markup {
    html! {
        div.goal {
            div { h3 { (row.name) } p.qq { (row.means) } }
            div {
                span.v { (row.value) }
                @if let Some(is_met) = row.is_met { br; span.sm { @if is_met { (state("ok", "", "met")) } @else { (state("x", "harm", "missed")) } } }
            }
            div.plot { (marks::row(row, since, now)) }
            p { @match &row.target { Some(target) => { "Target " (target) ". " } None => "No target is declared. " } (row.said) }
        }
    }
}

fn dora(delivered: &Delivery) -> Markup {
    let all = [
        (
            "Deployment frequency",
            &delivered.frequency,
            "Promotions into production that succeeded, per day.",
        ),
        (
            "Lead time",
            &delivered.lead,
            "From the creation of a release until it serves in production, the middle one.",
        ),
        (
            "Change failure rate",
            &delivered.failures,
            "Promotions into production that went back, or were rolled back later, of all that moved a visitor.",
        ),
        (
            "Recovery",
            &delivered.recovery,
            "From the order of a rollback until the release before serves, the middle one.",
        ),
    ];
    html! {
        div.dora { @for (name, value, means) in all {
            div { h3 { (name) } p.v { (value) } p { (means) } }
        } }
        @if delivered.production.is_empty() { p.sm.q { (icon("half")) " No environment is of the tier production: all of them count." } }
    }
}
