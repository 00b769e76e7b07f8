//! What comes after a promotion that has ended: where its release may go, or how it is mended. Owns these words;
//! orders nothing.

use maud::{Markup, html};
use towpath_core::ids::Name;
use towpath_core::matrix::Predecessors;
use towpath_core::promotion::state::{Kind, Outcome};
use towpath_engine::views::PromotionView;

use crate::pages::frame::Look;
use crate::pages::{compare, words};

pub(super) fn section(look: &Look, view: &PromotionView) -> Markup {
    let Some(outcome) = view.outcome else { return Markup::default() };
    html! {
        section.sec {
            h2 { "Next" }
            @match outcome {
                Outcome::Succeeded => (goes_on(look, view)),
                Outcome::RolledBack | Outcome::Rejected | Outcome::Failed => (mend(look, view)),
                Outcome::Superseded => p { "A newer release took its place: " (lane(look, view)) " says which." },
                Outcome::Aborted => p { "Nothing speaks against it: " code { (again(look, view)) } " tries it again." },
            }
        }
    }
}

fn lane(look: &Look, view: &PromotionView) -> Markup {
    html! { a href=(look.to(&words::lane_place(&view.service, &view.to))) { (view.service) " in " (view.to) } }
}

fn service(look: &Look, view: &PromotionView) -> String {
    let several = look.engine.matrix().is_some_and(|matrix| matrix.services.len() > 1);
    if several { format!(" --service {}", view.service) } else { String::new() }
}

fn again(look: &Look, view: &PromotionView) -> String {
    format!("towpath promote {} --release {}{}", view.to, view.release, service(look, view))
}

fn goes_on(look: &Look, view: &PromotionView) -> Markup {
    let matrix = look.engine.matrix();
    let own = Name::new(&view.to).ok();
    let next: Vec<(String, bool)> = own
        .iter()
        .flat_map(|own| matrix.iter().flat_map(|matrix| matrix.successors(own)))
        .map(|one| (one.name.to_string(), one.promote == towpath_core::matrix::Decider::Automatic))
        .collect();
    html! {
        @if view.kind == Kind::Rollback {
            p { "What was thrown out is mended in a new version, which starts where all do. What serves now: " (lane(look, view)) "." }
        } @else if next.is_empty() {
            p { "It is where it was going: nothing follows " (view.to) ". " (lane(look, view)) " shows how it does, and takes it back." }
        } @else {
            @for (name, by_itself) in &next {
                p {
                    a href=(look.to(&words::lane_place(&view.service, name))) { (name) }
                    @if *by_itself { " takes it by itself, as soon as its gate lets it in." }
                    @else { " may take it: " code { "towpath promote " (view.to) " " (name) (service(look, view)) } }
                }
            }
        }
    }
}

fn mend(look: &Look, view: &PromotionView) -> Markup {
    let matrix = look.engine.matrix();
    let roots: Vec<String> = matrix
        .iter()
        .flat_map(|matrix| &matrix.environments)
        .filter(|one| one.after == Predecessors::Root)
        .map(|one| one.name.to_string())
        .collect();
    let mirrors = view.steps.iter().any(|step| step.mirror.is_some());
    let met_visitors = view.evidence.green.failed > 0;
    html! {
        p { "Mend it in a new version, which starts at " (roots.join(" or ")) " like any other: " code { "towpath release create VERSION" (service(look, view)) } }
        @if let Some(before) = view.replaces.as_ref().filter(|before| **before != view.release) {
            p.sm.q { "What it changed: " a href=(look.to(&compare::place(&view.service, before, &view.release))) { "compare " (before) " and " (view.release) } "." }
        }
        @if met_visitors && !mirrors {
            p.sm.q { "See such a fault before any visitor does: " code { "mirror: 10%" } " at a first step of weight 0 sends copies of safe requests to it, and drops the answers." }
        }
    }
}
