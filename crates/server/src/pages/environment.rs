//! One environment with all of its services: what serves in each, how they do, what holds them, when promotions may
//! run, what is declared. Owns the order of it; one service in it is [`super::lane`].

mod declared;
mod lanes;

use std::collections::BTreeMap;

use axum::extract::{Path, Query};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_core::ids::{LaneId, Name};
use towpath_core::matrix::{Decider, Environment, LaneSpec, Matrix};
use towpath_engine::views::{FreezeView, LaneView};

use crate::error::ApiError;
use crate::pages::frame::{Look, Page, Place, Shown};
use crate::pages::lane::{self, measures, windows};
use crate::pages::marks::{counted, link, state};
use crate::pages::matrix::{self, Cell, Data};
use crate::pages::promotions::{self, search};

/// How many promotions are listed; all of them stand on a page of their own.
const LISTED: usize = 12;

/// What is looked for among its services.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    show: String,
    q: String,
    before: Option<u64>,
}

/// The address of an environment, below the base.
pub(super) fn place(environment: &str) -> String {
    format!("/environments/{environment}")
}

pub(super) async fn show(
    look: Look,
    Path(environment): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let shown = page(&look, &environment, &wanted).await;
    look.show(shown)
}

async fn page(look: &Look, name: &str, wanted: &Wanted) -> Shown {
    let none = || ApiError::not_found("there is no such environment", "towpath status");
    let matrix = look.engine.matrix().ok_or_else(none)?;
    let environment = Name::new(name).ok().and_then(|name| matrix.environment(&name).cloned());
    let environment = environment.ok_or_else(none)?;
    let data = Data::of(look, matrix);
    let order = matrix::order(look, &data);
    let services = environment.lanes.keys();
    let cells: Vec<(&Name, Cell<'_>)> = services
        .filter_map(|service| Some((service, Cell::of(&data, &order, service, &environment)?)))
        .collect();
    let ids = environment.lanes.keys();
    let ids = ids
        .map(|service| LaneId { service: service.clone(), environment: environment.name.clone() });
    let sought = search::Sought {
        lanes: Some(ids.collect()),
        before: wanted.before,
        count: LISTED,
        is: &|_| true,
        since: None,
    };
    let found = search::found(look, sought).await?;
    let promised = measures::promised(&environment);
    let content = html! {
        (head(look, &environment, &data.matrix, &cells))
        section.sec.first id="lanes" { h2.vh { "Services" } (lanes::section(look, &environment, &cells, (&wanted.show, &wanted.q))) }
        div.plain2 {
            section.sec id="holds" data-live { h2 { "Freezes" } (frozen(look, &environment, &data)) }
            section.sec id="promises" { h2 { "What is promised" } (promises(&promised, &cells)) }
            section.sec id="windows" data-live { h2 { "When promotions may run" } (calendars(look, &environment)) }
            section.sec id="history" data-live { h2 { "History" } (promotions::history(look, &found, &place(name), wanted.before)) }
            section.sec.whole { h2 { "As the matrix has it" } (declared::section(&data.matrix, &environment)) }
        }
    };
    Ok(Page { place: Place::Pipeline, title: environment.name.to_string(), content })
}

fn head(look: &Look, own: &Environment, matrix: &Matrix, cells: &[(&Name, Cell<'_>)]) -> Markup {
    let before: Vec<&str> = own.after.names().iter().map(Name::as_str).collect();
    let next = matrix.environments.iter().filter(|one| one.after.names().contains(&own.name));
    let next: Vec<&str> = next.map(|one| one.name.as_str()).collect();
    let links = |names: &[&str]| {
        html! { @for (at, name) in names.iter().enumerate() { @if at > 0 { ", " } a href=(look.to(&place(name))) { (name) } } }
    };
    let count = |word: &str| cells.iter().filter(|(_, cell)| cell.is(word)).count();
    let serving = cells.iter().filter(|(_, cell)| cell.lane().serves.is_some()).count();
    html! {
        p.crumb { a href=(look.to("/")) { (look.engine.setup().project) } " / " a href=(look.to("/pipeline")) { "environments" } " / " (own.name) }
        div id="head" data-live {
            div.head {
                h1 { (own.name) }
                @match count("unhealthy") { 0 => {} bad => (state("warn", "harm", &format!("{bad} unhealthy"))) }
            }
            p.meta {
                span { "tier " b { (own.tier.as_str()) } }
                @if before.is_empty() { span { "a root: releases enter here" } } @else { span { "after " (links(&before)) } }
                @if !next.is_empty() { span { "before " (links(&next)) } }
                span { @if own.promote == Decider::Automatic { "entered by itself" } @else { "entered by hand" } }
                @if let Some(url) = &own.url { span { (link(url)) } }
                @if let Some(purpose) = &own.purpose { span { (purpose) } }
            }
            section.verdict aria-label="Now" {
                p {
                    b { (serving) " of " (counted(cells.len(), "service")) " serve." } " "
                    @for (word, said) in [("moving", "on the way"), ("waiting", "waiting"), ("held", "held back")] {
                        @match count(word) { 0 => {} some => { (some) " " (said) ". " } }
                    }
                    @if count("exception") == 0 { "Nothing moves, waits or is held." }
                }
            }
        }
    }
}

/// What people froze here, the whole environment or single services of it.
fn frozen(look: &Look, own: &Environment, data: &Data) -> Markup {
    let name = own.name.as_str();
    let is_here = |freeze: &&FreezeView| {
        freeze.environment.as_deref().is_none_or(|it| it == name)
            && freeze
                .service
                .as_ref()
                .is_none_or(|it| own.lanes.keys().any(|one| one.as_str() == it))
    };
    let all: Vec<&FreezeView> = data.status.frozen.iter().filter(is_here).collect();
    // A form of a lane thaws it, whatever else it holds.
    let lane = |freeze: &FreezeView| -> Option<&LaneView> {
        let mut lanes = data.status.lanes.iter().filter(|lane| lane.environment == name);
        lanes.find(|lane| freeze.service.as_ref().is_none_or(|it| *it == lane.service))
    };
    html! {
        @if all.is_empty() { p.q { "Nobody froze anything here. A freeze stops promotions at once; rollbacks are exempt. The page of a service has the button." } }
        div.stack {
            @for (at, freeze) in all.into_iter().enumerate() {
                @if let Some(lane) = lane(freeze) { div { (lane::frozen(look, lane, freeze, at)) } }
            }
        }
    }
}

/// What it promises, and who does not keep it.
fn promises(promised: &BTreeMap<String, String>, cells: &[(&Name, Cell<'_>)]) -> Markup {
    let count = |word: &str| {
        let all = cells.iter().flat_map(|(_, cell)| &cell.lane().promises);
        all.filter(|promise| promise.state == word).count()
    };
    let (kept, broken) = (count("pass"), count("fail"));
    let unknown =
        cells.iter().map(|(_, cell)| cell.lane().promises.len()).sum::<usize>() - kept - broken;
    html! {
        @if promised.is_empty() { p.q { "Nothing is promised here: " code { "slo" } " in the matrix says what is." } } @else {
            dl.facts { @for (key, text) in promised { dt { (measures::words(key)) } dd { (text) } } }
            p.kept {
                @if kept > 0 { (state("ok", "", &format!("{kept} keep it"))) " " }
                @if broken > 0 { (state("x", "harm", &format!("{broken} broke it"))) " " }
                @if unknown > 0 { (state("half", "wait", &format!("of {unknown} it cannot be told"))) }
                @if kept + broken + unknown == 0 { span.q { "It was not looked yet whether they are kept." } }
            }
        }
    }
}

/// Windows and declared freezes: services with the same ones stand together.
fn calendars(look: &Look, own: &Environment) -> Markup {
    let mut groups: Vec<(Vec<&str>, &LaneSpec)> = Vec::new();
    for (service, lane) in &own.lanes {
        match groups.iter_mut().find(|(_, known)| known.calendar == lane.calendar) {
            Some((services, _)) => services.push(service.as_str()),
            None => groups.push((vec![service.as_str()], lane)),
        }
    }
    let is_one = groups.len() == 1;
    html! {
        @for (services, lane) in &groups {
            @if !is_one { h3 { (services.join(", ")) } }
            (windows::section(look, lane))
        }
    }
}
