//! Whether what the matrix promises is kept, and the four figures of delivery, over the last weeks. Owns what is
//! counted, and prints how; every promotion is one mark and none an average alone.

mod delivery;
mod environments;
mod figures;
mod judged;
mod marks;

use axum::extract::Query;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_core::ids::PromotionNumber;
use towpath_core::promotion::state::Kind;
use towpath_core::units::Timestamp as Moment;
use towpath_engine::views::PromotionView;

use crate::pages::frame::{Look, Page, Place, Shown};
use crate::pages::marks::{icon, state};
use delivery::{Counted, Figure, Met, Window};
use figures::{Goal, Kept, kept};

/// What can be chosen, in days.
const SPANS: [i64; 3] = [7, 30, 90];
/// Promotions read at once, and at the most: who has more of them in 90 days sees the newest.
const PAGE: u32 = 200;
const MOST: usize = 5_000;
/// Events of one name that are read for it.
const MOMENTS: usize = 2_000;

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
    let window = Window { since, now, days };
    let all = promotions(look, since).await?;
    let goals: Vec<Goal> = matrix.as_ref().map(figures::goals).unwrap_or_default();
    let rows = kept(&all, &validated(look, &all, since).await?, &goals);
    let production = matrix.as_ref().map(figures::production).unwrap_or_default();
    let (releases, met) = (look.engine.releases(None), met(look, since).await?);
    let counted =
        Counted { all: &all, releases: &releases, production: &production, met: &met, window };
    let delivered = delivery::figures(&counted);
    let promised = match &matrix {
        Some(matrix) => environments::read(look, matrix, &goals).await?,
        None => (Vec::new(), 0),
    };
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
            section.sec id="delivery" data-live { h2 { "Delivery, by " (if window.piece() == 1 { "day" } else { "week" }) } (dora(&delivered, &production, window)) }
        }
        section.sec id="environments" data-live { h2 { "Environments, last day" }
            @for row in environments::overall(&promised.0, &goals) { (goal(&row, since, now)) }
            (environments::section(look, &promised, &goals)) }
        @if all.len() >= MOST { p.sm.qq { "Of the newest " (counted_words(MOST)) " alone." } }
    };
    Ok(Page { place: Place::Insights, title: "Insights".to_owned(), content })
}

fn counted_words(count: usize) -> String {
    crate::pages::marks::counted(count, "promotion")
}

/// Moments that are counted of what happened to promotions.
async fn met(look: &Look, since: i64) -> Result<Met, crate::error::ApiError> {
    let since = Moment(since.saturating_mul(1_000_000));
    let of = async |kind: &str| look.engine.moments(kind, since, MOMENTS).await;
    Ok(Met {
        condemned: of("condemned").await?,
        return_ordered: of("return-ordered").await?,
        returned: of("traffic-returned").await?,
        agreed: of("approval-given").await?,
    })
}

/// How long the checks on green took, of promotions that had some: from ready copies until the first visitor was
/// ordered, or until it ended.
async fn validated(
    look: &Look,
    all: &[PromotionView],
    since: i64,
) -> Result<Vec<(i64, f64)>, crate::error::ApiError> {
    let since = Moment(since.saturating_mul(1_000_000));
    let ready = look.engine.moments("instances-ready", since, MOMENTS).await?;
    let weights = look.engine.moments("weight-ordered", since, MOMENTS).await?;
    let commits = look.engine.moments("commit-ordered", since, MOMENTS).await?;
    let asks = |one: &&PromotionView| {
        one.kind == Kind::Promote && one.checks.iter().any(|check| check.list == "validation")
    };
    let spans = all.iter().filter(asks).filter_map(|one| {
        let (at, number) = (ended(one)?, PromotionNumber(one.number));
        let from = ready.get(&number)?.0;
        let first = weights.get(&number).or_else(|| commits.get(&number)).map(|(first, _)| *first);
        let until = first.unwrap_or(Moment(at.saturating_mul(1_000_000)));
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a validation")]
        Some((at, until.since(from).milliseconds() as f64 / 1_000.0))
    });
    Ok(spans.collect())
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
            code.cmd { "goals:\n  promotion_success_rate: \"> 95%\"\n  promotion_time: \"< 30m\"\n  rollback_success_rate: \"> 95%\"\n  rollback_time: \"< 10m\"\n  validation_time: \"< 15m\"" }
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

/// Each figure with what it means, which is read without pointing at anything, and on its name as well.
fn dora(all: &[Figure], production: &[String], window: Window) -> Markup {
    let day = |at: i64| {
        let moment = Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH);
        moment.strftime("%-d %b").to_string()
    };
    html! {
        @for four in all.chunks(4) {
            div.dora { @for one in four {
                div {
                    h3 title=(one.means) { (one.name) }
                    p.v { (one.value) @if !one.more.is_empty() { " " span.q.beside { (one.more) } } }
                    div.plot { (marks::bars(one, &day(window.since), "now")) }
                    p { (one.means) }
                }
            } }
        }
        @if production.is_empty() { p.sm.q { (icon("half")) " No environment is of the tier production: all of them count." } }
    }
}
