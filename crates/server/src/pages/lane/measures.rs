//! What is measured in a lane at all times beside its traffic: what failed by what was asked for, figures of declared
//! sources, what the environment promises. Owns these tables; what the figures are is the engine's.

use std::collections::BTreeMap;

use maud::{Markup, html};
use towpath_core::matrix::Environment;
use towpath_engine::views::{CheckView, FigureView, LaneView, TrafficView};

use crate::pages::frame::Look;
use crate::pages::marks::{As, grouped, sentence, state, time};

/// Patterns of paths that are listed before the rest is folded.
const FIRST: usize = 8;

/// What an environment promises, by its key in the matrix: `uptime`, `>= 99.9%`.
pub(in crate::pages) fn promised(environment: &Environment) -> BTreeMap<String, String> {
    let own = environment.promises.iter().find(|promise| promise.check.kind == "slo");
    let slo = own.and_then(|own| own.check.settings.pointer("/promised/0/slo")?.as_object());
    let pairs = slo.into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// The first of these that is promised, with its words.
pub(super) fn target(all: &BTreeMap<String, String>, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| all.get(*key)).map(|text| format!("promised {text}"))
}

/// Failures by what was asked for, most first.
pub(super) fn failed_paths(traffic: &TrafficView) -> Markup {
    let all = &traffic.failed_paths;
    let sum: u64 = all.iter().map(|(_, count)| count).sum();
    let rows = |from: usize, to: usize| {
        html! {
            table.tab { thead { tr { th scope="col" { "Asked for" } th.r scope="col" { "Failed" } th.r scope="col" { "Of all that failed" } } }
                tbody { @for (pattern, count) in all.iter().take(to).skip(from) { tr {
                    th scope="row" { span.mono { (pattern) } } td.r { (grouped(*count)) } td.r { (share(*count, sum)) }
                } } } }
        }
    };
    html! {
        @if traffic.whole.failed > 0 {
            div.row-free {
                h3 { "Errors by route" }
                @if all.is_empty() { p.sm.q { "The router did not note what they asked for: it may be older than this page." } } @else {
                    (rows(0, FIRST))
                    @if all.len() > FIRST { details id="more-paths" { summary.sm { "All " (all.len()) " routes" } (rows(FIRST, all.len())) } }
                    p.xs.qq { "By the first parts of the path; names of single things are *. Every 5xx and every answer that never came whole." }
                }
            }
        }
    }
}

fn share(count: u64, sum: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let share = count as f64 / sum.max(1) as f64;
    format!("{:.0}%", share * 100.0)
}

/// Figures of declared sources with their limits.
pub(super) fn figures(look: &Look, all: &[FigureView]) -> Markup {
    html! {
        @if all.is_empty() { p.q { "No source of figures is declared here: " code { "rollback.when.alarms" } " names them, and their limits." } } @else {
            table.tab.cards {
                thead { tr { th scope="col" { "Figure" } th.r scope="col" { "Now" } th scope="col" { "Goes back at" } th scope="col" { "Source" } } }
                tbody { @for one in all { tr {
                    th scope="row" { (one.name) }
                    td.r data-k="now" {
                        @match (&one.value, one.over) {
                            (Some(value), Some(true)) => { b { (value) } br; (state("warn", "harm", "too much")) }
                            (Some(value), _) => { b { (value) } }
                            (None, _) => { (state("half", "wait", "unknown")) }
                        }
                        @if let Some(at) = &one.at { br; span.xs.qq { (time(at, As::Age, look.now())) " old" } }
                    }
                    td data-k="limit" { (one.limit) " for " (one.held_for) }
                    td data-k="source" { (one.source) @if let Some(why) = &one.unknown { br; span.q { (sentence(why)) } } }
                } } }
            }
            p.xs.qq { "Asked for again twice a minute while somebody looks. They take a release back in a rollout and while the one before stands by." }
        }
    }
}

/// What the environment promises, and whether it is kept.
pub(super) fn promises(view: &LaneView, all: &BTreeMap<String, String>) -> Markup {
    html! {
        @if all.is_empty() { p.q { "Nothing is promised here: " code { "slo" } " in the matrix says what is." } } @else {
            dl.facts { @for (key, text) in all { dt { (words(key)) } dd { (text) } } }
            @if view.promises.is_empty() { p.sm.q { "It was not looked yet whether they are kept: that is done every five minutes while something serves." } }
            @for promise in &view.promises { (kept(promise)) }
        }
    }
}

fn kept(promise: &CheckView) -> Markup {
    let (mark, class, word) = match promise.state.as_str() {
        "pass" => ("ok", "", "kept"),
        "fail" => ("x", "harm", "broken"),
        _ => ("half", "wait", "cannot be told"),
    };
    html! {
        p.kept { (promise.title) ": " (state(mark, class, word)) }
        @if let Some(said) = &promise.sentence { p.sm.q { (sentence(said)) } }
    }
}

/// A key of `slo` as people say it.
pub(in crate::pages) fn words(key: &str) -> String {
    match key {
        "uptime" => "Uptime".to_owned(),
        "availability" => "Availability".to_owned(),
        "error_rate" => "Error rate".to_owned(),
        "latency_average" => "Mean response".to_owned(),
        "throughput" => "Throughput".to_owned(),
        other => match other.strip_prefix("latency_") {
            Some(percentile) => format!("Response {percentile}"),
            None => other.replace('_', " "),
        },
    }
}
