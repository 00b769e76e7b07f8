//! When promotions may run here, as the matrix declares it: open now or not, until when, when next. Owns the words;
//! freezes that people set stand elsewhere.

use maud::{Markup, html};
use towpath_core::calendar::{Calendar, Hold};
use towpath_core::matrix::LaneSpec;
use towpath_core::release::ChangeType;
use towpath_core::units::Timestamp;
use towpath_engine::views::time as written;

use crate::pages::frame::Look;
use crate::pages::marks::{As, state, time};

pub(in crate::pages) fn section(look: &Look, lane: &LaneSpec) -> Markup {
    let calendar = &lane.calendar;
    let now = look.engine.now();
    let at = |moment: Timestamp| time(&written(moment), As::Clock, look.now());
    html! {
        @if calendar.is_empty() { p.q { "No window and no freeze is declared: promotions may run at any time." } } @else {
            dl.facts.wide {
                @for (types, standing) in standings(calendar, now) {
                    dt { (types) }
                    dd {
                        @if standing.is_open {
                            (state("ok", "", "open")) @match standing.changes { Some(then) => { " until " (at(then)) } None => " from now on" }
                        } @else {
                            (state("frost", "held", "closed")) @match standing.changes { Some(then) => { ", opens " (at(then)) } None => ", and does not open within a year" }
                            @if let Some(why) = standing.why { br; span.q { (why) } }
                        }
                    }
                }
                @for window in &calendar.windows {
                    dt { @match &window.name { Some(name) => (name), None => "Window" } }
                    dd { (window.times) @if !window.types.is_empty() { " for " (joined(&window.types)) } }
                }
                @for freeze in &calendar.freezes {
                    dt { (freeze.called()) }
                    dd { "never " (freeze.times) @if !freeze.except.is_empty() { " but " (joined(&freeze.except)) } }
                }
            }
            p.xs.qq { "Rollbacks are exempt. Days and hours are of the zone " (calendar.zone(ChangeType::Feature)) "." }
        }
    }
}

/// How it stands for some types of change.
#[derive(PartialEq)]
struct Standing {
    is_open: bool,
    /// When that ends.
    changes: Option<Timestamp>,
    why: Option<String>,
}

/// Types for which it stands alike are told together.
fn standings(calendar: &Calendar, now: Timestamp) -> Vec<(String, Standing)> {
    let mut all: Vec<(Vec<ChangeType>, Standing)> = Vec::new();
    for change in ChangeType::ALL {
        let hold = calendar.hold(change, now);
        let (is_open, changes) = match hold {
            None => (true, calendar.closes(change, now)),
            Some(_) => (false, calendar.opens(change, now)),
        };
        let why = hold.map(|hold| match hold {
            Hold::Freeze(freeze) => format!("{} holds.", freeze.called()),
            Hold::Closed => "None of its windows is open.".to_owned(),
            Hold::NoWindow => "No window is for this type.".to_owned(),
        });
        let standing = Standing { is_open, changes, why };
        match all.iter_mut().find(|(_, known)| *known == standing) {
            Some((types, _)) => types.push(change),
            None => all.push((vec![change], standing)),
        }
    }
    let is_one = all.len() == 1;
    let words = |types: &[ChangeType]| if is_one { "Now".to_owned() } else { joined(types) };
    all.into_iter().map(|(types, standing)| (words(&types), standing)).collect()
}

fn joined(types: &[ChangeType]) -> String {
    types.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ")
}
