//! Live traffic of a lane at all times: rate, failures and latencies. Owns its plots; a gap stays a gap.

use maud::{Markup, html};
use towpath_core::units::Span;
use towpath_engine::views::{LoadView, TrafficPointView, TrafficView};

use super::{Data, measures};
use crate::pages::frame::Look;
use crate::pages::marks::{grouped, percent};
use crate::pages::words;

/// What can be chosen: the word in the address, how long, in how many pieces.
const SPANS: [(&str, Span, u32); 3] =
    [("1h", Span::hours(1), 60), ("24h", Span::hours(24), 96), ("7d", Span::hours(7 * 24), 84)];

pub(super) fn span(wanted: Option<&str>) -> (Span, u32) {
    let found = SPANS.iter().find(|(word, ..)| Some(*word) == wanted).unwrap_or(&SPANS[0]);
    (found.1, found.2)
}

pub(super) fn section(look: &Look, data: &Data, wanted: Option<&str>) -> Markup {
    let traffic = &data.traffic;
    let place = words::lane_place(&data.view.service, &data.view.environment);
    let chosen = wanted.unwrap_or("1h");
    let whole = &traffic.whole;
    let per_second = rate(whole.requests, seconds(traffic));
    html! {
        div.head {
            h2 { "Traffic" }
            span.seg {
                @for (word, ..) in SPANS {
                    a href=(look.to(&format!("{place}?span={word}"))) aria-current=[(word == chosen).then_some("true")] { (word) }
                }
            }
        }
        @if traffic.points.is_empty() {
            p.q {
                "Nobody counted visitors here in this time. "
                @if data.section.router.is_none() { "No router is declared, so that nobody sees them." }
                @else { "Counts begin with the first request through the router." }
            }
        } @else {
            dl.nums {
                div { dt { "Requests" } dd { (per_second) } dd { "a second; " (grouped(whole.requests)) " in all" } }
                div { dt { "Failed" } dd { (share(whole)) } dd { (grouped(whole.failed)) " requests" (beside(data, &["error_rate", "availability"])) } }
                (latency("p50", whole.p50_ms, data, &["latency_p50", "latency_average"]))
                (latency("p95", whole.p95_ms, data, &["latency_p95"]))
                (latency("p99", whole.p99_ms, data, &["latency_p99"]))
                @if let Some(uptime) = traffic.uptime {
                    div { dt { "Uptime" } dd { (percent(uptime)) } dd { "of the probes were answered well" (beside(data, &["uptime"])) } }
                }
                @if let Some(load) = &data.load { (saturation(load)) }
            }
            (requests(traffic))
            (latencies(traffic))
            (measures::failed_paths(traffic))
        }
    }
}

fn seconds(traffic: &TrafficView) -> f64 {
    // Only the time that was counted: a lane that is an hour old has no day of traffic.
    let first = traffic.points.first().map_or(0.0, |point| point.at);
    let last = traffic.points.last().map_or(0.0, |point| point.at);
    (last - first + traffic.seconds).max(1.0)
}

fn rate(requests: u64, seconds: f64) -> String {
    let rate = real(requests) / seconds;
    if rate >= 10.0 { format!("{rate:.0}") } else { format!("{rate:.1}") }
}

fn real(value: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let real = value as f64;
    real
}

fn share(point: &TrafficPointView) -> String {
    if point.requests == 0 {
        "none".to_owned()
    } else {
        format!("{:.2}%", real(point.failed) / real(point.requests) * 100.0)
    }
}

/// What is promised beside what was measured, where something is.
fn beside(data: &Data, keys: &[&str]) -> Markup {
    html! { @if let Some(target) = measures::target(&data.promised, keys) { br; (target) } }
}

/// How full the lane is: what is under way, of what may be at once.
fn saturation(load: &LoadView) -> Markup {
    let full = if load.most == 0 { 0.0 } else { real(load.in_flight) / real(load.most) };
    let is_short = load.capacity > 0 && load.ready < load.capacity;
    html! {
        div {
            dt { "Saturation" } dd { (percent(full)) }
            dd {
                (grouped(load.in_flight)) " of " (grouped(load.most)) " requests under way; "
                @if is_short { span.st.wrap.wait { (crate::pages::marks::icon("warn")) (load.ready) " of " (load.capacity) " copies ready" } }
                @else { (load.ready) " of " (load.capacity) " copies ready" }
            }
        }
    }
}

fn latency(name: &str, ms: Option<f64>, data: &Data, keys: &[&str]) -> Markup {
    html! {
        div {
            dt { (name) }
            dd { @match ms { Some(ms) if ms >= 10.0 => { (format!("{ms:.0}")) " ms" }, Some(ms) => { (format!("{ms:.1}")) " ms" }, None => "unknown" } }
            dd { "to the answer's head" (beside(data, keys)) }
        }
    }
}

/// Where a piece of time stands, in percent of the width.
fn x(traffic: &TrafficView, at: f64, all: f64) -> f64 {
    ((at + traffic.seconds / 2.0) / all * 100.0).clamp(0.0, 100.0)
}

fn length(traffic: &TrafficView) -> f64 {
    let moment = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let both = moment(&traffic.from).zip(moment(&traffic.until));
    both.map_or(1.0, |(from, until)| until.duration_since(from).as_secs_f64()).max(1.0)
}

fn requests(traffic: &TrafficView) -> Markup {
    let all = length(traffic);
    let most = traffic.points.iter().map(|point| point.requests).max().unwrap_or(1).max(1);
    let width = (traffic.seconds / all * 100.0 * 0.8).max(0.15);
    html! {
        div.row {
            h3 { "Requests " span { "each bar " (crate::pages::marks::took(traffic.seconds)) "; red: those that failed, at least a hair" } }
            div.yax aria-hidden="true" { svg {
                text x="100%" y="0" dy="8" text-anchor="end" { (grouped(most)) }
                text x="100%" y="100%" text-anchor="end" { "0" }
            } }
            div.plot.rate {
                svg role="img" aria-label={ (grouped(traffic.whole.requests)) " requests, " (grouped(traffic.whole.failed)) " failed" } {
                    line.ax x1="0" x2="100%" y1="100%" y2="100%" {}
                    @for point in &traffic.points {
                        @let (height, bad) = (real(point.requests) / real(most) * 100.0, real(point.failed) / real(most) * 100.0);
                        @let left = format!("{:.2}%", x(traffic, point.at, all) - width / 2.0);
                        rect.bar1 x=(left) width=(format!("{width:.2}%")) y=(format!("{:.1}%", 100.0 - height)) height=(format!("{height:.1}%")) {}
                        @if point.failed > 0 {
                            @let bad = bad.max(4.0);
                            rect.bar2 x=(left) width=(format!("{width:.2}%")) y=(format!("{:.1}%", 100.0 - bad)) height=(format!("{bad:.1}%")) {}
                        }
                    }
                }
            }
            div.note {}
        }
    }
}

fn latencies(traffic: &TrafficView) -> Markup {
    let all = length(traffic);
    let most = traffic.points.iter().filter_map(|point| point.p99_ms).fold(0.0_f64, f64::max);
    if most <= 0.0 {
        return Markup::default();
    }
    let line = |of: fn(&TrafficPointView) -> Option<f64>| {
        let points = traffic.points.iter().filter_map(|point| Some((point.at, of(point)?)));
        let pair = |(at, ms): (f64, f64)| {
            format!("{:.1},{:.1}", x(traffic, at, all) * 10.0, 100.0 - ms / most * 100.0)
        };
        points.map(pair).collect::<Vec<_>>().join(" ")
    };
    html! {
        div.row {
            h3 { "Latency " span { "ms; p99 solid, p95 dashed, p50 faint" } }
            div.yax aria-hidden="true" { svg {
                text x="100%" y="0" dy="8" text-anchor="end" { (format!("{most:.0}")) }
                text x="100%" y="100%" text-anchor="end" { "0" }
            } }
            div.plot.rate {
                svg role="img" aria-label={ "p99 up to " (format!("{most:.0}")) " ms" } {
                    line.ax x1="0" x2="100%" y1="100%" y2="100%" {}
                    svg viewBox="0 0 1000 100" preserveAspectRatio="none" {
                        polyline.l50 points=(line(|point| point.p50_ms)) {}
                        polyline.l95 points=(line(|point| point.p95_ms)) {}
                        polyline.l99 points=(line(|point| point.p99_ms)) {}
                    }
                }
            }
            div.note {}
        }
    }
}
