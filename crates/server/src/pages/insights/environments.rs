//! What environments promise beside what was measured in the last day: uptime, response time, errors. Owns which
//! lanes are drawn; whether a promise is kept over its own time is the engine's answer.

use std::collections::BTreeMap;

use maud::{Markup, html};
use towpath_core::ids::LaneId;
use towpath_core::matrix::Matrix;
use towpath_core::units::Span;
use towpath_engine::views::{LaneView, TrafficPointView, TrafficView};
use towpath_ports::threshold::Threshold;

use crate::error::ApiError;
use crate::pages::frame::Look;
use crate::pages::lane::measures;
use crate::pages::marks::{counted, icon, sentence, state};
use crate::pages::words;

/// Lanes that are drawn beside each other: what is measured of each is read from the store, and a page is to be there
/// at once. The others are one link away.
const MOST: usize = 12;
/// What is looked back at, and in how many pieces.
const BACK: (Span, u32) = (Span::hours(24), 48);

/// One lane with what it promises.
pub(super) struct Lane {
    view: LaneView,
    promised: BTreeMap<String, String>,
    traffic: TrafficView,
}

/// Lanes of environments that promise something, as far as they are drawn.
#[derive(Default)]
pub(super) struct Read {
    lanes: Vec<Lane>,
    /// How many come before these.
    passed: usize,
    /// How many there are.
    count: usize,
}

/// Reads some of them, after as many that are passed over.
pub(super) async fn read(look: &Look, matrix: &Matrix, passed: usize) -> Result<Read, ApiError> {
    let mut all = Vec::new();
    for environment in &matrix.environments {
        let promised = measures::promised(environment);
        if !promised.is_empty() {
            all.extend(
                environment.lanes.keys().map(|service| (service, environment, promised.clone())),
            );
        }
    }
    let count = all.len();
    // An address of a larger matrix than this one leads to its last lanes.
    let passed = passed.min(count.saturating_sub(1) / MOST * MOST);
    let mut lanes = Vec::new();
    for (service, environment, promised) in all.into_iter().skip(passed).take(MOST) {
        let id = LaneId { service: service.clone(), environment: environment.name.clone() };
        let Some(view) = look.engine.lane(&id) else { continue };
        let traffic = look.engine.traffic(&id, BACK.0, BACK.1).await?;
        lanes.push(Lane { view, promised, traffic });
    }
    Ok(Read { lanes, passed, count })
}

pub(super) fn section(look: &Look, read: &Read, days: i64) -> Markup {
    let Read { lanes, passed, count } = read;
    let to = |passed: usize| look.to(&format!("/insights?days={days}&lanes={passed}#environments"));
    html! {
        @if *count == 0 {
            p.q { "No environment promises anything: " code { "slo: { uptime: \">= 99.9%\", latency_p95: \"< 500ms\", error_rate: \"< 0.5%\" }" } " in the matrix is held against what is measured." }
        } @else {
            table.slo {
                thead { tr { th scope="col" { "Environment" } th scope="col" { "Uptime" } th scope="col" { "Response" } th scope="col" { "Errors" } } }
                tbody { @for lane in lanes { (row(look, lane)) } }
            }
            @if lanes.len() < *count {
                p.sm.qq { "Lanes " (passed + 1) " to " (passed + lanes.len()) " of " (counted(*count, "lane")) "; the page of each has its own." }
                p.pager {
                    @if *passed > 0 { a href=(to(passed.saturating_sub(MOST))) rel="prev" { "Lanes before" } }
                    @if passed + lanes.len() < *count { a href=(to(passed + MOST)) rel="next" { "More lanes" } }
                }
            }
        }
    }
}

fn row(look: &Look, lane: &Lane) -> Markup {
    let place = words::lane_place(&lane.view.service, &lane.view.environment);
    let kept = lane.view.promises.first();
    html! {
        tr {
            th scope="row" {
                a href=(look.to(&place)) { (lane.view.environment) } br;
                span.qq { (lane.view.service) }
                @if let Some(kept) = kept {
                    br;
                    @match kept.state.as_str() {
                        "pass" => span.sm { (state("ok", "", "kept")) },
                        "fail" => span.sm { (state("x", "harm", "broken")) },
                        _ => span.sm { (state("half", "wait", "cannot be told")) },
                    }
                }
            }
            td { (uptime(lane)) }
            td { (response(lane)) }
            td { (errors(lane)) }
        }
        @if let Some(said) = kept.and_then(|kept| kept.sentence.as_ref()) {
            tr.why { td colspan="4" { p.sm.q { (sentence(said)) } } }
        }
    }
}

/// A figure beside its target, with the day as a line.
struct Cell {
    value: Option<f64>,
    said: fn(f64) -> String,
    target: Option<String>,
    points: Vec<(f64, f64)>,
}

fn uptime(lane: &Lane) -> Markup {
    drawn(&Cell {
        value: lane.traffic.uptime,
        said: |share| format!("{:.2}%", share * 100.0),
        target: lane.promised.get("uptime").cloned(),
        points: Vec::new(),
    })
}

/// By the first percentile that is promised; of none by the 95th.
fn response(lane: &Lane) -> Markup {
    type Of = fn(&TrafficPointView) -> Option<f64>;
    let all: [(&str, Of); 3] = [
        ("latency_p95", |point| point.p95_ms),
        ("latency_p99", |point| point.p99_ms),
        ("latency_p50", |point| point.p50_ms),
    ];
    let (key, of) =
        all.into_iter().find(|(key, _)| lane.promised.contains_key(*key)).unwrap_or(all[0]);
    let name = key.trim_start_matches("latency_");
    let seconds = |point: &TrafficPointView| of(point).map(|ms| ms / 1_000.0);
    let cell = drawn(&Cell {
        value: seconds(&lane.traffic.whole),
        said: |seconds| format!("{:.0} ms", seconds * 1_000.0),
        target: lane.promised.get(key).cloned(),
        points: points(lane, seconds),
    });
    let mean = lane.promised.get("latency_average");
    html! {
        (cell) span.xs.qq { (name) @if let Some(mean) = mean { "; a mean of " (mean) " is promised as well" } }
    }
}

fn errors(lane: &Lane) -> Markup {
    let share = |point: &TrafficPointView| {
        #[expect(clippy::cast_precision_loss, reason = "a share for people")]
        let share = point.failed as f64 / point.requests.max(1) as f64;
        (point.requests > 0).then_some(share)
    };
    let promised = lane.promised.get("error_rate").or_else(|| lane.promised.get("availability"));
    drawn(&Cell {
        value: share(&lane.traffic.whole),
        said: |share| format!("{:.2}%", share * 100.0),
        target: promised.cloned(),
        points: points(lane, share),
    })
}

fn points(lane: &Lane, of: impl Fn(&TrafficPointView) -> Option<f64>) -> Vec<(f64, f64)> {
    let length = (lane.traffic.seconds * f64::from(BACK.1)).max(1.0);
    let points = lane.traffic.points.iter();
    points.filter_map(|point| Some((point.at / length, of(point)?))).collect()
}

fn drawn(cell: &Cell) -> Markup {
    let limit: Option<Threshold> = cell.target.as_ref().and_then(|text| text.parse().ok());
    let met = cell.value.zip(limit.as_ref()).and_then(|(value, limit)| limit.holds(value));
    let value = cell.value.map_or_else(|| "unknown".to_owned(), cell.said);
    html! {
        div.c {
            div {
                span class=(if met == Some(false) { "v st harm" } else { "v st" }) {
                    @match met { Some(true) => (icon("ok")), Some(false) => (icon("x")), None => {} }
                    (value)
                }
                span { @match &cell.target { Some(target) => { "promised " (target) } None => "nothing promised" } }
            }
            @if cell.points.len() > 1 { div.plot { (super::marks::line(&cell.points, &value)) } }
        }
    }
}
