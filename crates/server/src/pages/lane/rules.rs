//! What is declared for a lane, as the tables of the team's own page have it. Owns the words; every value is the
//! matrix's, and none is a secret.

use maud::{Markup, html};
use towpath_core::matrix::{CheckSpec, Decider, Environment, LaneSpec};
use towpath_engine::views::LaneView;

use crate::pages::marks::{percent, sentence};

pub(super) fn sections(environment: &Environment, lane: &LaneSpec, view: &LaneView) -> Markup {
    html! {
        section.sec { h2 { "What a release must show" } (gate(environment, lane)) }
        section.sec { h2 { "How it enters and goes back" } (rollout(lane)) }
        section.sec { h2 { "Settings" } (settings(lane)) }
        section.sec { h2 { "Health" } (health(lane, view)) }
        @if !lane.unenforced.is_empty() {
            section.sec.whole { h2 { "Declared and not enforced" } (unenforced(lane)) }
        }
    }
}

fn checks(title: &str, all: &[CheckSpec]) -> Markup {
    html! {
        @if !all.is_empty() {
            dt { (title) }
            dd { @for check in all { (check.title) " " span.qq { (check.check.kind) } br; } }
        }
    }
}

fn gate(environment: &Environment, lane: &LaneSpec) -> Markup {
    let gate = &lane.gate;
    let is_open =
        gate.prerequisites.is_empty() && gate.validation.is_empty() && lane.approvals.is_none();
    html! {
        @if is_open { p.q { "Nothing is asked before a release enters here." } }
        dl.facts {
            (checks("Before it starts", &gate.prerequisites))
            (checks("On green", &gate.validation))
            @if let Some(rules) = &lane.approvals {
                dt { "Agreement" }
                dd {
                    @if let Some(all) = &rules.all { "every type: " (needs(all)) br; }
                    @for (kind, need) in &rules.by_type { (kind.as_str()) ": " (needs(need)) br; }
                    "A yes holds for " (rules.expires) "."
                    @if !rules.author_may_approve { " Nobody agrees to their own work." }
                }
            }
            dt { "Enters" } dd { @if environment.promote == Decider::Automatic { "by itself, once verified before" } @else { "when a person orders it" } }
        }
    }
}

fn needs(all: &[towpath_core::approvals::Need]) -> String {
    if all.is_empty() {
        return "nobody".to_owned();
    }
    let words: Vec<String> =
        all.iter().map(|need| format!("{} {}", need.people, need.role)).collect();
    words.join(", ")
}

fn rollout(lane: &LaneSpec) -> Markup {
    let rollout = &lane.rollout;
    let steps: Vec<String> = rollout
        .steps
        .iter()
        .map(|step| format!("{} for {}", percent(step.weight.share()), step.bake_max))
        .collect();
    let limits = &lane.rollback.limits;
    html! {
        dl.facts {
            dt { "Rollout" } dd { (rollout.strategy.as_str()) @if lane.router.is_some() { ": " (steps.join(", ")) } @else { ", without a router" } }
            dt { "Copies" } dd { (lane.instances) }
            dt { "Without evidence" } dd { "holds up to " (rollout.hold_limit) ", then " @match rollout.on_blind { towpath_core::matrix::OnBlind::Rollback => "goes back", towpath_core::matrix::OnBlind::Pause => "pauses" } }
            @if let Some(rate) = limits.error_rate { dt { "Goes back above" } dd { (percent(rate)) " failed requests" } }
            @if !lane.rollback.alarms.is_empty() { dt { "Alarms" } dd { (lane.rollback.alarms.iter().map(|alarm| alarm.name.to_string()).collect::<Vec<_>>().join(", ")) } }
            @if !lane.rollback.signals.is_empty() { dt { "Signals" } dd { (lane.rollback.signals.iter().map(|signal| signal.as_str()).collect::<Vec<_>>().join(", ")) } }
            dt { "A trigger" } dd { @if lane.rollback.mode == Decider::Automatic { "acts by itself" } @else { "asks a person" } }
            dt { "Stands by" } dd { (lane.standby) }
            dt { "Drift" } dd.q { "Nobody looks yet whether what runs is still what was put there." }
            dt { "Target" } dd { (lane.target.kind) @if let Some(router) = &lane.router { ", router " (router.kind) } }
        }
    }
}

fn settings(lane: &LaneSpec) -> Markup {
    html! {
        @if lane.settings.is_empty() && lane.secrets.is_empty() { p.q { "None of its own: a release brings what it needs." } } @else {
            table.tab {
                tbody {
                    @for (name, value) in &lane.settings {
                        tr { th scope="row" { span.mono { (name) } } td { span.mono { (shown(name, value)) } } }
                    }
                    @for (name, place) in &lane.secrets {
                        tr { th scope="row" { span.mono { (name) } } td.q { "a secret, kept in " (place.kind) } }
                    }
                }
            }
        }
    }
}

/// A value, or that it is one that nobody is shown.
pub(in crate::pages) fn shown(name: &str, value: &str) -> String {
    let mut body = serde_json::json!({ "settings": { name: value } });
    towpath_config::hide_secrets(&mut body);
    body["settings"][name].as_str().unwrap_or("(not shown)").to_owned()
}

fn health(lane: &LaneSpec, view: &LaneView) -> Markup {
    html! {
        @if lane.health.endpoints.is_empty() { p.q { "No endpoint is declared: nobody asks what serves how it is." } } @else {
            dl.facts {
                dt { "Asked" } dd { @match lane.health.every { Some(every) => { "every " (every) }, None => "in rollouts alone" } ", within " (lane.health.timeout) ", " (lane.health.retries) " in a row" }
                dt { "Endpoints" }
                dd { @for path in &lane.health.endpoints {
                    span.mono { (path) } @if view.health.failing.contains(path) { " " span.st.harm { "fails" } } br;
                } }
            }
        }
    }
}

fn unenforced(lane: &LaneSpec) -> Markup {
    html! {
        ul.checks {
            @for one in &lane.unenforced {
                li { (crate::pages::marks::icon(if one.refuses { "ban" } else { "half" }))
                    div { b.mono { (one.path) } span { (sentence(&one.reason)) @if one.refuses { " It refuses promotions until it is accepted by name." } } } }
            }
        }
    }
}
