//! Which environment follows which, as a graph and as a list. Owns where a node stands; the order is the
//! matrix's.

use std::collections::BTreeMap;

use axum::response::Response;
use maud::{Markup, html};
use towpath_core::ids::Name;
use towpath_core::matrix::{Decider, Environment, Matrix, Predecessors};
use towpath_engine::views::{LaneView, Status};

use crate::pages::frame::{Look, Page, Place};
use crate::pages::marks::{As, counted, state, time};
use crate::pages::{environment, words};

/// The size of a node and the room between two of them, in pixels.
const NODE: (u32, u32) = (188, 64);
const ROOM: (u32, u32) = (56, 24);

/// Where a node stands.
struct Node<'a> {
    environment: &'a Environment,
    x: u32,
    y: u32,
}

pub(super) async fn show(look: Look) -> Response {
    let (status, matrix) = (look.engine.status(), look.engine.matrix());
    let content = html! {
        h1 { "Pipeline" }
        @match &matrix {
            None => p.q { "No matrix is in force yet: " code { "towpath init" } " writes one." },
            Some(matrix) => {
                p.lead { "A release enters at a root and goes on once it is verified. Solid: all of them must be; dashed: one of them is enough." }
                div.graph id="graph" data-live tabindex="0" role="region" aria-label="Graph of environments" { (graph(&look, matrix, &status)) }
                section.sec { h2 { "The same as a list" } (list(&look, matrix, &status)) }
            }
        }
    };
    look.show(Ok(Page { place: Place::Pipeline, title: "Pipeline".to_owned(), content }))
}

/// How many environments come before it on the longest way.
fn depths(matrix: &Matrix) -> BTreeMap<&Name, u32> {
    let mut depths: BTreeMap<&Name, u32> =
        matrix.environments.iter().map(|one| (&one.name, 0)).collect();
    // Each round settles at least one more of them; a matrix has no circle.
    for _ in 0..matrix.environments.len() {
        for one in &matrix.environments {
            let before = one.after.names().iter().filter_map(|name| depths.get(name)).max();
            if let Some(before) = before.copied() {
                depths.insert(&one.name, before + 1);
            }
        }
    }
    depths
}

fn nodes(matrix: &Matrix) -> Vec<Node<'_>> {
    let depths = depths(matrix);
    let mut rows: BTreeMap<u32, u32> = BTreeMap::new();
    let mut nodes = Vec::new();
    for environment in &matrix.environments {
        let depth = depths.get(&environment.name).copied().unwrap_or_default();
        let row = rows.entry(depth).or_default();
        nodes.push(Node {
            environment,
            x: 2 + depth * (NODE.0 + ROOM.0),
            y: 2 + *row * (NODE.1 + ROOM.1),
        });
        *row += 1;
    }
    nodes
}

fn graph(look: &Look, matrix: &Matrix, status: &Status) -> Markup {
    let nodes = nodes(matrix);
    let width = nodes.iter().map(|node| node.x + NODE.0).max().unwrap_or(0) + 4;
    let height = nodes.iter().map(|node| node.y + NODE.1).max().unwrap_or(0) + 4;
    let of = |name: &Name| nodes.iter().find(|node| node.environment.name == *name);
    html! {
        svg width=(width) height=(height) role="group" aria-label="Environments and the ways between them" {
            @for node in &nodes {
                @for name in node.environment.after.names() {
                    @if let Some(before) = of(name) { (edge(before, node)) }
                }
            }
            @for node in &nodes { (drawn(look, matrix, status, node)) }
        }
    }
}

fn edge(from: &Node<'_>, to: &Node<'_>) -> Markup {
    let (x1, y1) = (from.x + NODE.0, from.y + NODE.1 / 2);
    let (x2, y2) = (to.x.saturating_sub(5), to.y + NODE.1 / 2);
    let middle = u32::midpoint(x1, x2);
    let class =
        if matches!(to.environment.after, Predecessors::Any(_)) { "edge any" } else { "edge" };
    html! {
        path class=(class) d={ "M" (x1) " " (y1) "C" (middle) " " (y1) " " (middle) " " (y2) " " (x2) " " (y2) } {}
        path.head d={ "M" (to.x) " " (y2) "l-7 -4v8z" } {}
    }
}

fn drawn(look: &Look, matrix: &Matrix, status: &Status, node: &Node<'_>) -> Markup {
    let name = &node.environment.name;
    let services = matrix.services.keys().next().filter(|_| matrix.services.len() == 1);
    let place = match services {
        Some(service) => words::lane_place(service.as_str(), name.as_str()),
        None => environment::place(name.as_str()),
    };
    let text = |line: u32| (node.x + 12, node.y + 8 + line * 18);
    let (lines, label) = (words_of(node.environment), standing(status, name));
    html! {
        a href=(look.to(&place)) {
            rect.node x=(node.x) y=(node.y) width=(NODE.0) height=(NODE.1) rx="4" {}
            text.nm x=(text(1).0) y=(text(1).1 - 4) { (name) } " "
            text x=(text(2).0) y=(text(2).1 - 4) { (lines) } " "
            text x=(text(3).0) y=(text(3).1 - 6) { (label) }
        }
    }
}

fn words_of(environment: &Environment) -> String {
    let lane = environment.lanes.values().next();
    let checks = lane.map_or(0, |lane| lane.gate.prerequisites.len() + lane.gate.validation.len());
    let way = if environment.promote == Decider::Automatic { ", automatic" } else { "" };
    let asks = if environment.lanes.values().any(|lane| lane.approvals.is_some()) {
        ", approval"
    } else {
        ""
    };
    format!("{}{asks}{way}", counted(checks, "check"))
}

fn of_environment<'a>(status: &'a Status, name: &Name) -> Vec<&'a LaneView> {
    status.lanes.iter().filter(|lane| lane.environment == name.as_str()).collect()
}

fn standing(status: &Status, name: &Name) -> String {
    let lanes = of_environment(status, name);
    if let [lane] = lanes.as_slice() {
        return lane
            .serves
            .as_ref()
            .map_or_else(|| "nothing yet".to_owned(), |it| it.release.clone());
    }
    let serving = lanes.iter().filter(|lane| lane.serves.is_some()).count();
    format!("{serving} of {} serve", counted(lanes.len(), "service"))
}

fn list(look: &Look, matrix: &Matrix, status: &Status) -> Markup {
    html! {
        table.tab.cards {
            thead { tr { th scope="col" { "Environment" } th scope="col" { "After" } th scope="col" { "Asks" } th scope="col" { "Steps" } th scope="col" { "Now" } } }
            tbody {
                @for one in &matrix.environments {
                    @let lanes = of_environment(status, &one.name);
                    @let bad = lanes.iter().filter(|lane| lane.health.state == "unhealthy").count();
                    tr {
                        th scope="row" { a href=(look.to(&environment::place(one.name.as_str()))) data-line { (one.name) } " " span.qq { (one.tier.as_str()) } }
                        td data-k="after" { @match &one.after { Predecessors::Root => "root", Predecessors::All(names) => (joined(names, " and ")), Predecessors::Any(names) => (joined(names, " or ")) } }
                        td data-k="asks" { (words_of(one)) }
                        td data-k="steps" { @if let Some(lane) = one.lanes.values().next() { (lane.rollout.strategy.as_str()) } }
                        td {
                            @for lane in &lanes { (soaking(look, lane)) }
                            @if bad > 0 { (state("warn", "harm", &format!("{bad} unhealthy"))) } @else { (standing(status, &one.name)) }
                        }
                    }
                }
            }
        }
    }
}

/// How long what waits here still has to wait, where that is known: a soak, a window.
fn soaking(look: &Look, lane: &LaneView) -> Markup {
    let waits = lane.promotion.as_ref().filter(|it| it.state == "waiting");
    let earliest = waits.and_then(|it| Some((it, it.earliest_start.as_ref()?.at.as_ref()?)));
    html! {
        @if let Some((promotion, at)) = earliest {
            a href=(look.to(&format!("/promotions/{}", promotion.number))) { (promotion.service) " " (promotion.release) }
            " may start in " (time(at, As::Left, look.now())) br;
        }
    }
}

fn joined(names: &[Name], with: &str) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(with)
}
