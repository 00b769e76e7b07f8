//! One service in one environment: what serves and stands by, how it does, what could go back, what is declared,
//! what happened. Owns the order of it; the buttons are `actions`, what they become is [`orders`].

mod actions;
mod back;
pub(super) mod measures;
pub(super) mod orders;
mod rules;
pub(super) mod tables;
mod traffic;
pub(super) mod windows;

use std::collections::BTreeMap;

use axum::extract::{Path, Query};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_core::ids::LaneId;
use towpath_core::matrix::{Environment, LaneSpec};
use towpath_core::promotion::state::Lane;
use towpath_engine::views::{FigureView, FreezeView, LaneView, LoadView, TrafficView};

pub(super) use actions::{frozen, quarantined};
pub(super) use rules::shown;

use crate::api::lanes::lane_id;
use crate::error::ApiError;
use crate::pages::frame::{Look, Page, Place, Shown, said};
use crate::pages::marks::{As, digest, percent, sentence, state, time};
use crate::pages::promotions::{self, search};
use crate::pages::{environment, owed, words};

/// How many promotions of a lane are listed.
const LISTED: usize = 20;

/// What was just done, and for how long one looks back.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    done: Option<String>,
    span: Option<String>,
    /// Promotions before this one alone.
    before: Option<u64>,
}

/// All that the page is made of.
struct Data {
    view: LaneView,
    lane: Lane,
    environment: Environment,
    section: LaneSpec,
    traffic: TrafficView,
    history: search::Found,
    frozen: Vec<FreezeView>,
    promised: BTreeMap<String, String>,
    load: Option<LoadView>,
    figures: Vec<FigureView>,
    tables: Vec<towpath_config::Table>,
}

pub(super) async fn show(
    look: Look,
    Path((service, environment)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let shown = page(&look, &service, &environment, &wanted).await;
    look.show(shown)
}

/// The promotions of a lane that the address asks for.
fn before(id: &LaneId, wanted: &Wanted) -> search::Sought<'static> {
    let (lanes, before) = (Some(vec![id.clone()]), wanted.before);
    search::Sought { lanes, before, count: LISTED, is: &|_| true, since: None }
}

/// The lane of an address.
fn found(look: &Look, service: &str, environment: &str) -> Result<(LaneId, LaneView), ApiError> {
    let id = lane_id(service, environment)?;
    let view = look.engine.lane(&id);
    let view = view
        .ok_or_else(|| ApiError::not_found(&format!("there is no lane {id}"), "towpath status"))?;
    Ok((id, view))
}

async fn page(look: &Look, service: &str, environment: &str, wanted: &Wanted) -> Shown {
    let (id, view) = found(look, service, environment)?;
    let matrix = look.engine.matrix();
    let declared = matrix.as_ref().and_then(|matrix| matrix.lane(&id));
    let (environment, section) = declared
        .map(|(environment, section)| (environment.clone(), section.clone()))
        .ok_or_else(|| ApiError::not_found(&format!("there is no lane {id}"), "towpath status"))?;
    let (span, pieces) = traffic::span(wanted.span.as_deref());
    let is_here = |freeze: &FreezeView| {
        freeze.environment.as_ref().is_none_or(|name| *name == view.environment)
            && freeze.service.as_ref().is_none_or(|name| *name == view.service)
    };
    let data = Data {
        lane: look.engine.lane_state(&id),
        traffic: look.engine.traffic(&id, span, pieces).await?,
        history: search::found(look, before(&id, wanted)).await?,
        frozen: look.engine.status().frozen.into_iter().filter(is_here).collect(),
        promised: measures::promised(&environment),
        load: look.engine.load(&id).await,
        figures: look.engine.figures(&id),
        tables: matrix
            .as_ref()
            .map(|matrix| tables::about(matrix, &id.service, &[&id.environment]))
            .unwrap_or_default(),
        view,
        environment,
        section,
    };
    let content = html! {
        (said(wanted.done.as_deref()))
        (head(look, &data))
        (serving(look, &data))
        (actions::acts(look, &data))
        div.plain2 {
            section.sec.whole id="traffic" data-live data-moves { (traffic::section(look, &data, wanted.span.as_deref())) }
            section.sec id="holds" data-live { (holds(look, &data)) }
            section.sec id="history" data-live { h2 { "History" } (promotions::history(look, &data.history, &words::lane_place(&data.view.service, &data.view.environment), wanted.before)) p.sm { a href=(look.to(&promotions::place(&data.view.service, &data.view.environment))) { "Search among them" } } }
            section.sec id="promises" data-live { h2 { "What is promised" } (measures::promises(&data.view, &data.promised)) }
            section.sec id="figures" data-live { h2 { "Figures of declared sources" } (measures::figures(look, &data.figures)) }
            section.sec id="windows" data-live { h2 { "When promotions may run" } (windows::section(look, &data.section)) }
            (rules::sections(&data.environment, &data.section, &data.view))
            section.sec.whole { h2 { "As the matrix has it" } (tables::section(&data.tables)) }
        }
    };
    let title = format!("{} in {}", data.view.service, data.view.environment);
    Ok(Page { place: Place::None, title, content })
}

fn head(look: &Look, data: &Data) -> Markup {
    let view = &data.view;
    let health = match view.health.state.as_str() {
        "healthy" => state("ok", "", "healthy"),
        "unhealthy" => state("warn", "harm", "unhealthy"),
        _ => state("half", "", "not checked"),
    };
    html! {
        p.crumb { a href=(look.to("/")) { (look.engine.setup().project) } " / " a href=(look.to(&environment::place(&view.environment))) { (view.environment) } " / " (view.service) }
        div id="head" data-live {
            div.head { h1 { (view.service) " in " (view.environment) } (health) }
            p.meta {
                span { "tier " b { (view.tier) } }
                @if let Some(url) = &data.environment.url { span { (crate::pages::marks::link(url)) } }
                @if let Some(purpose) = &data.environment.purpose { span { (purpose) } }
                @for name in data.environment.after.names() {
                    @let other = format!("/compare?service={}&left={name}&right={}", view.service, view.environment);
                    span { a href=(look.to(&other)) { "Compare with " (name) } }
                    span { "after " a href=(look.to(&words::lane_place(&view.service, name.as_str()))) { (name) } }
                }
            }
        }
    }
}

/// What serves, in a sentence, and what is on its way.
fn serving(look: &Look, data: &Data) -> Markup {
    let (view, now) = (&data.view, look.now());
    let is_bad = view.health.state == "unhealthy" || view.asks.is_some();
    html! {
        section id="verdict" data-live aria-live="polite" aria-label="What serves"
            class=(if is_bad { "verdict harm" } else { "verdict" }) {
            @match &view.serves {
                Some(serves) => p {
                    b { (serves.release) " serves" } " for " (time(&serves.since, As::Age, now)) " by "
                    a href=(look.to(&format!("/promotions/{}", serves.promotion))) { "promotion " (serves.promotion) }
                    ", digest " (digest(&serves.digest)) "."
                },
                None => p { b { "Nothing serves here yet." } " The first release enters without a comparison: there is nothing to fall back to." },
            }
            p {
                @if let Some(asks) = &view.asks { "A trigger asks for a rollback: " (sentence(asks)) " " }
                @if !view.health.failing.is_empty() { "Failing: " (view.health.failing.join(", ")) ". " }
                @if let Some(standby) = &view.standby {
                    (standby.release) " stands by at full capacity for " (time(&standby.until, As::Left, now)) " more"
                    @if let Some(kept) = &standby.holdback { ", with " (percent(kept.observed)) " of the requests" } ". "
                } @else if view.serves.is_some() { "Nothing stands by. " }
                @if let Some(promotion) = &view.promotion {
                    a href=(look.to(&format!("/promotions/{}", promotion.number))) { (words::named(promotion)) }
                    ": " (words::doing(promotion, now)) ". "
                }
                @if !view.settings_differ.is_empty() {
                    "Declared otherwise than what serves runs under: " (view.settings_differ.join(", ")) "."
                }
            }
        }
    }
}

/// What keeps releases out, and what people still owe.
fn holds(look: &Look, data: &Data) -> Markup {
    let view = &data.view;
    let is_empty = data.frozen.is_empty() && view.quarantined.is_empty() && view.owes.is_empty();
    html! {
        h2 { "Freezes, quarantine, what is owed" }
        @if is_empty { p.q { "Nothing is frozen, quarantined or owed here." } }
        div.stack {
            @for (at, freeze) in data.frozen.iter().enumerate() { div { (actions::frozen(look, view, freeze, at)) } }
            @for one in &view.quarantined { div { (actions::quarantined(look, view, one)) } }
            (owed::all(look, view, &data.lane, None))
            @for promise in view.promises.iter().filter(|promise| promise.state == "fail") {
                div { p { (state("warn", "harm", &promise.title)) } @if let Some(said) = &promise.sentence { p.sm.q { (sentence(said)) } } }
            }
        }
    }
}
