//! What a rollback would do here, step by step, and how long such a thing took before. Owns these words; the
//! steps are those of the core (`promotion/rollback.rs`).

use maud::{Markup, html};
use towpath_core::promotion::state::{Kind, Outcome};
use towpath_core::units::{Span, Weight};

use super::Data;
use super::actions::{moving, target};
use crate::pages::frame::Look;
use crate::pages::marks::{counted, icon, took};

/// The steps of it; nothing where there is nothing to go back to, or something is on its way.
pub(super) fn brief(look: &Look, data: &Data) -> Markup {
    let (Some(serves), Some((to, stands_by)), None) =
        (&data.view.serves, target(&data.view, &data.lane), moving(&data.view))
    else {
        return Markup::default();
    };
    let section = &data.section;
    let copies = counted(section.instances as usize, "copy").replace("copys", "copies");
    let asked = section.gate.validation.iter().filter(|check| check.at == Weight::ZERO).count();
    let irreversible = cannot_be_undone(look, data);
    html! {
        ol.plan {
            @if stands_by { li { (to) " is up and stands by: nothing is started." } } @else {
                li { (copies) " of " (to) " started from the kept artefact, and waited for until healthy." }
                @if asked > 0 { li { (counted(asked, "check")) " of the gate asked before a visitor is on it." } }
            }
            @if section.router.is_some() { li { "The router sends everybody to " (to) " in one step, and is read back." } }
            @else { li { (to) " takes the place of " (serves.release) "; no router is declared." } }
            li { (serves.release) " is stopped and quarantined." }
        }
        p.q { (lasts(data)) }
        @if let Some(release) = irreversible {
            p { span.st.wrap.harm { (icon("warn")) span { (release) " brought a migration that cannot be undone: going back may lose data." } } }
        }
    }
}

/// How long it took the last times, and how long it may.
fn lasts(data: &Data) -> String {
    let mut all: Vec<f64> = data
        .history
        .promotions
        .iter()
        .filter(|one| one.kind == Kind::Rollback && one.outcome == Some(Outcome::Succeeded))
        .filter_map(|one| one.seconds)
        .collect();
    all.sort_by(f64::total_cmp);
    let before = match (all.get(all.len() / 2), all.len()) {
        (None, _) => {
            "Nothing was rolled back here yet, so that nobody knows how long it takes".to_owned()
        }
        (Some(middle), 1) => format!("It took {} the last time", took(*middle)),
        (Some(middle), count) => {
            format!("It took {} in the middle of the last {count} times", took(*middle))
        }
    };
    match data.section.rollback.within {
        Some(within) if within > Span::ZERO => {
            format!("{before}; it should take {within} at the most.")
        }
        _ => format!("{before}."),
    }
}

/// The release that serves, if its data cannot be taken back.
fn cannot_be_undone(look: &Look, data: &Data) -> Option<String> {
    let serving = data.lane.serving.as_ref()?;
    let release = &serving.deployment.release;
    let own = look.engine.release(&data.lane.id.service, &release.version)?;
    own.is_irreversible().then(|| own.version.to_string())
}
