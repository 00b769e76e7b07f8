//! The services of an environment as one line each, with the filter of the matrix. Owns the columns; what is an
//! exception is the matrix's.

use maud::{Markup, html};
use towpath_core::ids::Name;
use towpath_core::matrix::Environment;
use towpath_engine::views::LaneView;

use super::place;
use crate::pages::frame::Look;
use crate::pages::marks::{As, icon, state, time};
use crate::pages::matrix::{Cell, SHOWN};
use crate::pages::words;

type Cells<'a> = [(&'a Name, Cell<'a>)];

pub(super) fn section(
    look: &Look,
    own: &Environment,
    cells: &Cells<'_>,
    (show, query): (&str, &str),
) -> Markup {
    let show = SHOWN.into_iter().map(|(word, _)| word).find(|word| *word == show).unwrap_or("all");
    let words = query.to_lowercase();
    let is_wanted = |service: &Name, cell: &Cell<'_>| {
        (show == "all" || cell.is(show))
            && words.split_whitespace().all(|word| cell.says(service, word))
    };
    let has_promises = !own.promises.is_empty();
    html! {
        (bar(look, own, cells, (show, query)))
        div id="services" data-live {
            table.tab.cards.lanes {
                thead { tr {
                    th scope="col" { "Service" } th scope="col" { "Serves" } th scope="col" { "Health" } @if has_promises { th scope="col" { "Promises" } }
                    th scope="col" { "On the way, or held" } th scope="col" { "Could go back to" }
                } }
                tbody {
                    @for (service, cell) in cells {
                        tr data-row=(service) data-s=(cell.states()) class=[(!is_wanted(service, cell)).then_some("off")] { (line(look, service, cell, has_promises)) }
                    }
                }
            }
        }
    }
}

fn bar(look: &Look, own: &Environment, cells: &Cells<'_>, (show, query): (&str, &str)) -> Markup {
    let here = place(own.name.as_str());
    let count =
        |word: &str| cells.iter().filter(|(_, cell)| word == "all" || cell.is(word)).count();
    html! {
        div.bar {
            form.find method="get" action=(look.to(&here)) role="search" {
                @if show != "all" { input type="hidden" name="show" value=(show); }
                label {
                    span.vh { "Filter by service, release or state" }
                    (icon("find"))
                    input.in id="find" name="q" placeholder="Filter: service, release, state" autocomplete="off" value=(query);
                }
                kbd { "/" }
            }
            div.seg id="segments" data-live role="group" aria-label="Show" {
                @for (word, text) in SHOWN {
                    a href=(look.to(&if word == "all" { here.clone() } else { format!("{here}?show={word}") }))
                        data-show=(word) aria-current=[(word == show).then_some("true")] { (text) " " (count(word)) }
                }
            }
        }
    }
}

fn line(look: &Look, service: &Name, cell: &Cell<'_>, has_promises: bool) -> Markup {
    let lane = cell.lane();
    html! {
        th scope="row" { a href=(look.to(&words::lane_place(&lane.service, &lane.environment))) data-line { (service) } }
        td data-k="serves" {
            @match &lane.serves {
                Some(serves) => { b { (serves.release) } " " span.qq { (time(&serves.since, As::Age, look.now())) } }
                None => span.qq { "nothing yet" },
            }
            @if cell.is_behind() { ", " (cell.behind()) }
        }
        td data-k="health" { @if lane.serves.is_some() { (cell.health()) } }
        @if has_promises { td data-k="promises" { @if lane.serves.is_some() { (promise(cell)) } } }
        td {
            @if let Some(promotion) = &lane.promotion { a.plain href=(look.to(&format!("/promotions/{}", promotion.number))) { (cell.tags(look)) } }
            @else { (cell.tags(look)) }
        }
        td data-k="could go back to" {
            @match (&lane.standby, verified_before(lane)) {
                (Some(standby), _) => { (standby.release) span.qq { ", stands by" } }
                (None, Some(before)) => { (before) }
                (None, None) => {}
            }
        }
    }
}

/// The last release that was verified here beside the one that serves, and may still enter.
fn verified_before(lane: &LaneView) -> Option<&String> {
    let is_out = |one: &String| lane.quarantined.iter().any(|out| out.release == *one);
    let serves = lane.serves.as_ref().map(|it| &it.release);
    lane.verified.iter().rev().find(|one| Some(*one) != serves && !is_out(one))
}

/// Whether what the environment promises is kept by this service.
fn promise(cell: &Cell<'_>) -> Markup {
    html! {
        @match cell.lane().promises.first() {
            None => span.qq { "none looked at" },
            Some(promise) => @match promise.state.as_str() {
                "pass" => (state("ok", "", "kept")),
                "fail" => (state("x", "harm", "broken")),
                _ => (state("half", "wait", "cannot be told")),
            },
        }
    }
}
