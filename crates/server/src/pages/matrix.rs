//! What runs where, what moves, what waits: services by environments. Owns the table and its filter; a
//! cell is [`cell`], what stands above the table is [`strip`].

mod cell;
mod strip;

use axum::extract::Query;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_core::ids::Name;
use towpath_core::matrix::{Decider, Environment, Matrix, Predecessors};
use towpath_engine::views::{LaneView, PromotionView, Status, WaitView};

use crate::pages::frame::{Look, Page, Place, Shown, said};
use crate::pages::keys;
use crate::pages::marks::{counted, icon};
pub(super) use cell::{Cell, order};

/// From how many services on a line is made low (README of the prototype).
const MANY: usize = 20;
/// Up to how many environments the table needs less than the whole width of a desk, and of a wall.
const FEW: usize = 2;
const SOME: usize = 4;
/// How many environments stand beside each other on a screen of 1280 pixels; more of them move sideways.
const MOST_ABREAST: usize = 7;
/// How many of the latest promotions are looked through for what went back.
const LATEST: u32 = 100;

/// What is looked for; all of it is in the address.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    show: Option<String>,
    q: Option<String>,
    done: Option<String>,
}

/// The segments: their word in the address, and on the page.
pub(super) const SHOWN: [(&str, &str); 6] = [
    ("all", "All"),
    ("exception", "Exceptions"),
    ("moving", "Moving"),
    ("waiting", "Waiting"),
    ("held", "Held"),
    ("unhealthy", "Unhealthy"),
];

/// All that the page is made of.
pub(super) struct Data {
    pub(super) matrix: Matrix,
    pub(super) status: Status,
    has_releases: bool,
    waits: Vec<WaitView>,
    latest: Vec<PromotionView>,
}

impl Data {
    /// What every lane is doing; promotions that ended are not looked at.
    pub(super) fn of(look: &Look, matrix: Matrix) -> Self {
        Self {
            has_releases: look.engine.has_releases(),
            waits: look.waits().to_vec(),
            latest: Vec::new(),
            status: look.engine.status(),
            matrix,
        }
    }

    fn lane(&self, service: &Name, environment: &Name) -> Option<&LaneView> {
        let mut lanes = self.status.lanes.iter();
        lanes.find(|lane| {
            lane.service == service.as_str() && lane.environment == environment.as_str()
        })
    }
}

pub(super) async fn show(look: Look, Query(wanted): Query<Wanted>) -> Response {
    let shown = page(&look, &wanted).await;
    look.show(shown)
}

async fn page(look: &Look, wanted: &Wanted) -> Shown {
    let Some(matrix) = look.engine.matrix() else {
        return Ok(without_matrix(&look.engine.status()));
    };
    let latest = look.engine.promotions(None, None, LATEST).await?;
    let data = Data { latest, ..Data::of(look, matrix) };
    let content = html! {
        h1.vh { "Matrix of " (data.status.project) }
        (said(wanted.done.as_deref()))
        (warnings(&data.status))
        (strip::strip(look, &data))
        @if !data.has_releases { (without_releases()) }
        (table(look, &data, wanted))
        (keys::line())
    };
    Ok(Page { place: Place::Matrix, title: format!("Matrix of {}", data.status.project), content })
}

fn without_matrix(status: &Status) -> Page {
    let content = html! {
        h1 { "No matrix is in force yet" }
        div.empty {
            p { "The matrix says which environments there are, what a release must show before it enters each, "
                "and when the old one comes back. It is one file, and this page is what becomes of it." }
            p { "Write one and look what it says:" }
            code.cmd { "towpath init\ntowpath matrix check\ntowpath matrix apply" }
        }
    };
    Page { place: Place::Matrix, title: format!("Matrix of {}", status.project), content }
}

fn without_releases() -> Markup {
    html! {
        div.empty {
            h2 { "No release yet" }
            p { "A release is one immutable version of a service: its bytes, its settings, its migrations. "
                "It enters at a root of the pipeline and goes on from environment to environment." }
            code.cmd { "towpath release create 1.0.0 --artifact NAME=PATH\ntowpath promote ENVIRONMENT --release 1.0.0" }
        }
    }
}

/// What is wrong with the engine itself.
fn warnings(status: &Status) -> Markup {
    let engine = &status.engine;
    let all = [&engine.short_of_space, &engine.unsigned];
    html! {
        @for sentence in all.into_iter().flatten() {
            p.said role="alert" { span.st.wait.wrap { (icon("warn")) (sentence) } }
        }
        @if status.dead_notices > 0 {
            p.said {
                span.st.wait.wrap { (icon("warn")) (counted(status.dead_notices, "notice")) " never arrived" }
                code { "towpath notify" }
            }
        }
    }
}

/// A service, and its cell in each environment that it is declared in.
type Line<'a> = (&'a Name, Vec<(&'a Environment, Option<Cell<'a>>)>);

fn table(look: &Look, data: &Data, wanted: &Wanted) -> Markup {
    let order = order(look, data);
    let rows: Vec<Line<'_>> = data
        .matrix
        .services
        .keys()
        .map(|service| {
            let environments = data.matrix.environments.iter();
            let of = |environment| (environment, Cell::of(data, &order, service, environment));
            (service, environments.map(of).collect())
        })
        .collect();
    let show = wanted.show.as_deref().unwrap_or("all");
    let query = wanted.q.as_deref().unwrap_or_default().to_lowercase();
    let is_wanted = |cell: &Cell, service: &Name| {
        (show == "all" || cell.is(show))
            && query.split_whitespace().all(|word| cell.says(service, word))
    };
    let (services, environments) = (data.matrix.services.len(), data.matrix.environments.len());
    let is_long = environments > MOST_ABREAST;
    let class = match () {
        () if services >= MANY => "mx many",
        () if environments <= FEW => "mx few",
        () if environments <= SOME => "mx some",
        () => "mx",
    };
    html! {
        (bar(look, &rows, show, wanted.q.as_deref()))
        // What moves sideways is reached by keys as well.
        div id="cells" data-live class=[is_long.then_some("long")] tabindex=[is_long.then_some("0")]
            role=[is_long.then_some("region")] aria-label=[is_long.then_some("Services by environments")] {
            table class=(class) role="table"
                aria-label="Services by environments" {
                thead { tr role="row" {
                    th role="columnheader" scope="col" { b { "Service" } span.xs.qq { (counted(services, "service")) } }
                    @for environment in &data.matrix.environments { (head(look, environment)) }
                } }
                tbody {
                    @for (service, cells) in &rows {
                        tr role="row" data-row=(service) {
                            th role="rowheader" scope="row" { (name(data, service)) }
                            @for (environment, cell) in cells {
                                td role="cell" {
                                    @match cell {
                                        Some(cell) => (cell.markup(look, !is_wanted(cell, service))),
                                        None => { span.cell.qq data-t=(environment.name) { "not declared" } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn name(data: &Data, service: &Name) -> Markup {
    let purpose = data.matrix.services.get(service).and_then(|one| one.purpose.as_ref());
    html! { b { (service) } @if let Some(purpose) = purpose { span.xs.qq { (purpose) } } }
}

/// An environment and the way into it.
fn head(look: &Look, environment: &Environment) -> Markup {
    let lane = environment.lanes.values().next();
    let checks = lane.map_or(0, |lane| lane.gate.prerequisites.len());
    let asks = environment.lanes.values().any(|lane| lane.approvals.is_some());
    let mut way = Vec::new();
    if checks > 0 {
        way.push(counted(checks, "check"));
    }
    if asks {
        way.push("approval".to_owned());
    }
    if environment.promote == Decider::Automatic {
        way.push("automatic".to_owned());
    }
    if way.is_empty() {
        let is_root = matches!(environment.after, Predecessors::Root);
        way.push(if is_root { "root" } else { "by hand" }.to_owned());
    }
    html! {
        th role="columnheader" scope="col" {
            b { a.plain href=(look.to(&super::environment::place(environment.name.as_str()))) { (environment.name) } }
            span.xs.qq { (environment.tier.as_str()) " · " (way.join(", ")) }
        }
    }
}

fn bar(look: &Look, rows: &[Line<'_>], show: &str, query: Option<&str>) -> Markup {
    let count = |word: &str| {
        let cells = rows.iter().flat_map(|(_, cells)| cells).filter_map(|(_, cell)| cell.as_ref());
        cells.filter(|cell| word == "all" || cell.is(word)).count()
    };
    html! {
        div.bar {
            form.find method="get" action=(look.to("/")) role="search" {
                @if show != "all" { input type="hidden" name="show" value=(show); }
                label {
                    span.vh { "Filter by service, release or state" }
                    (icon("find"))
                    input.in id="find" name="q" placeholder="Filter: service, release, state"
                        autocomplete="off" value=(query.unwrap_or_default());
                }
                kbd { "/" }
            }
            div.seg id="segments" data-live role="group" aria-label="Show" {
                @for (word, text) in SHOWN {
                    a href=(if word == "all" { look.to("/") } else { look.to(&format!("/?show={word}")) })
                        data-show=(word) aria-current=[(word == show).then_some("true")] {
                        (text) " " (count(word))
                    }
                }
            }
        }
    }
}
