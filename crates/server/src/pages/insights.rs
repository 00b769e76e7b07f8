//! Whether what the matrix promises is kept, and the four figures of delivery, over the last weeks. Owns what is
//! counted, and prints how; every promotion is one mark and none an average alone.

mod delivery;
mod digest;
mod environments;
mod figures;
mod judged;
mod marks;

use std::sync::Arc;

use axum::Extension;
use axum::extract::Query;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_core::ids::PromotionNumber;
use towpath_core::promotion::state::Kind;
use towpath_core::units::Timestamp as Moment;

use crate::pages::frame::{Look, Page, Place, Shown};
use crate::pages::marks::{icon, state};
use delivery::{Counted, Figure, Met, Window};
pub(crate) use digest::Digest;
use digest::{Fact, Known};
use figures::{Goal, Kept, kept};

/// What can be chosen, in days.
const SPANS: [i64; 3] = [7, 30, 90];
/// Marks of one row at the most, the newest: a hundred thousand are a black bar, and heavy. Figures are of all.
const MARKS: usize = 150;

/// For how long one looks back.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    days: Option<i64>,
    /// How many lanes are passed over.
    #[serde(default)]
    lanes: usize,
}

pub(super) async fn show(
    look: Look,
    Extension(digest): Extension<Arc<Digest>>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let shown = page(&look, &digest, &wanted).await;
    look.show(shown)
}

async fn page(look: &Look, digest: &Digest, wanted: &Wanted) -> Shown {
    let days = SPANS.into_iter().find(|span| Some(*span) == wanted.days).unwrap_or(30);
    let (now, matrix) = (look.now().as_second(), look.engine.matrix());
    let since = now - days * 86_400;
    let window = Window { since, now, days };
    let goals: Vec<Goal> = matrix.as_ref().map(figures::goals).unwrap_or_default();
    let production = matrix.as_ref().map(figures::production).unwrap_or_default();
    let (rows, delivered, count) = {
        let known = digest.known(&look.engine, since).await?;
        let all = known.ended_since(since);
        let rows = kept(&all, &validated(&known, &all), &goals);
        let counted = Counted { all: &all, production: &production, met: &met(&known), window };
        (rows, delivery::figures(&counted), all.len())
    };
    let promised = match &matrix {
        Some(matrix) => environments::read(look, matrix, &goals, wanted.lanes).await?,
        None => environments::Read::default(),
    };
    let is_cut = rows.iter().any(|row| row.marks.len() > MARKS);
    let content = html! {
        div.head {
            h1 { "Insights" }
            span.seg { @for span in SPANS {
                a href=(look.to(&format!("/insights?days={span}"))) aria-current=[(span == days).then_some("true")] { (span) " days" }
            } }
        }
        p.lead { "A red line is a target that the matrix declares, a red cross a miss, and every promotion is one mark." }
        @if count == 0 { (empty()) } @else {
            section.sec id="kept" data-live { h2 { "Promises, last " (days) " days" }
                @for row in &rows { (goal(row, since, now)) }
                @if is_cut { p.sm.qq { "The newest " (MARKS) " of each row are drawn; every figure is of all " (counted_words(count)) "." } } }
            section.sec id="delivery" data-live { h2 { "Delivery, by " (if window.piece() == 1 { "day" } else { "week" }) } (dora(&delivered, &production, window)) }
        }
        section.sec id="environments" data-live { h2 { "Environments, last day" }
            @for row in promised.overall(&goals) { (goal(&row, since, now)) }
            (environments::section(look, &promised, &goals, days)) }
    };
    Ok(Page { place: Place::Insights, title: "Insights".to_owned(), content })
}

fn counted_words(count: usize) -> String {
    crate::pages::marks::counted(count, "promotion")
}

/// Moments that are counted of what happened to promotions.
fn met(known: &Known) -> Met<'_> {
    Met {
        condemned: known.moments("condemned"),
        return_ordered: known.moments("return-ordered"),
        returned: known.moments("traffic-returned"),
        agreed: known.moments("approval-given"),
    }
}

/// How long the checks on green took, of promotions that had some: from ready copies until the first visitor was
/// ordered, or until it ended.
fn validated(known: &Known, all: &[&Fact]) -> Vec<(i64, f64)> {
    let ready = known.moments("instances-ready");
    let (weights, commits) = (known.moments("weight-ordered"), known.moments("commit-ordered"));
    let asks = |one: &&&Fact| one.kind == Kind::Promote && one.validates;
    let spans = all.iter().filter(asks).filter_map(|one| {
        let number = PromotionNumber(one.number);
        let from = ready.get(&number)?.0;
        let first = weights.get(&number).or_else(|| commits.get(&number)).map(|(first, _)| *first);
        let until = first.unwrap_or(Moment(one.ended.saturating_mul(1_000_000)));
        Some((one.ended, digest::seconds(from, until)))
    });
    spans.collect()
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
