//! What wants attention, above the table: what waits for whoever looks, what moves, what went back lately.

use maud::{Markup, html};
use towpath_core::promotion::state::{Kind, Outcome};
use towpath_engine::views::{PromotionView, WaitView};

use super::Data;
use crate::pages::frame::{Look, of_promotions};
use crate::pages::marks::{As, icon, sentence, time};
use crate::pages::words;

/// How many of each are named; the rest is counted.
const NAMED: usize = 4;
/// What went back longer ago than this many seconds is not news: a day.
const LATELY: i64 = 86_400;

pub(super) fn strip(look: &Look, data: &Data) -> Markup {
    let moving: Vec<&PromotionView> = data
        .status
        .lanes
        .iter()
        .filter_map(|lane| lane.promotion.as_ref())
        .filter(|promotion| promotion.state != "waiting")
        .collect();
    html! {
        div.strip id="strip" data-live aria-live="polite" {
            (waiting(look, data))
            section aria-labelledby="s2" data-moves=[(!moving.is_empty()).then_some("")] {
                h2 id="s2" { span { (moving.len()) } "moving now" }
                @if moving.is_empty() { p.none { "Nothing is on its way." } }
                ul {
                    @for promotion in moving.iter().take(NAMED) {
                        li {
                            a href=(look.to(&format!("/promotions/{}", promotion.number))) { (words::named(promotion)) }
                            span.q.sm.nb { (words::doing(promotion, look.now())) }
                        }
                    }
                    (more(moving.len(), &look.to("/?show=moving")))
                }
            }
            (went_back(look, data))
        }
    }
}

fn more(count: usize, place: &str) -> Markup {
    html! { @if count > NAMED { li.more { a href=(place) { "and " (count - NAMED) " more" } } } }
}

fn waiting(look: &Look, data: &Data) -> Markup {
    let mut first: Vec<&WaitView> = Vec::new();
    for wait in &data.waits {
        let key = |one: &WaitView| (one.service.clone(), one.environment.clone(), one.promotion);
        if !first.iter().any(|one| key(one) == key(wait)) {
            first.push(wait);
        }
    }
    let count = of_promotions(&data.waits);
    html! {
        section aria-labelledby="s1" {
            h2 id="s1" { span { (count) } @if count == 1 { "waits for you" } @else { "wait for you" } }
            @if count == 0 { p.none { "Nothing waits for your word." } }
            ul {
                @for wait in first.iter().take(NAMED) {
                    li {
                        a href=(look.to("/waiting")) { (words::of_wait(wait)) }
                        @if let Some(until) = &wait.blocker.until {
                            span.q.sm.nb { (time(until, As::Left, look.now())) " left" }
                        }
                    }
                }
                (more(count, &look.to("/waiting")))
            }
        }
    }
}

fn went_back(look: &Look, data: &Data) -> Markup {
    let is_late = |promotion: &&PromotionView| {
        let ended = promotion.ended_at.as_ref().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        ended.is_some_and(|at| look.now().duration_since(at).as_secs() < LATELY)
    };
    let went: Vec<&PromotionView> = data
        .latest
        .iter()
        .filter(|one| one.kind == Kind::Promote && one.outcome == Some(Outcome::RolledBack))
        .filter(is_late)
        .collect();
    html! {
        section aria-labelledby="s3" {
            h2 id="s3" { span { (went.len()) } "went back within a day" }
            @if went.is_empty() { p.none { "No release was taken back." } }
            ul {
                @for promotion in went.iter().take(NAMED) {
                    li {
                        a href=(look.to(&format!("/promotions/{}", promotion.number))) {
                            (words::lane_prefix(promotion)) (promotion.release) " from " (promotion.to)
                        }
                        @if let Some(at) = &promotion.ended_at {
                            span.q.sm.nb { (time(at, As::Clock, look.now())) }
                        }
                        @if let Some(why) = &promotion.sentence { span.qq.sm { (sentence(why)) } }
                    }
                }
                @if went.len() > NAMED { li.more.qq { (icon("list")) "and " (went.len() - NAMED) " more" } }
            }
        }
    }
}
