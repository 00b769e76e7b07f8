//! Which channel is told of what, by environment, as the matrix says it; and what it says of calling people that nothing
//! acts on. Tells nobody.

use maud::{Markup, html};
use towpath_core::ids::Name;
use towpath_core::matrix::{Environment, Matrix};
use towpath_core::notices::Occasion;

use crate::pages::frame::Look;
use crate::pages::marks::icon;

/// What is told to the same channels in some environments.
struct Told<'a> {
    what: String,
    channels: &'a [Name],
    environments: Vec<&'a Name>,
}

pub(super) fn table(look: &Look) -> Markup {
    let Some(matrix) = look.engine.matrix() else {
        return html! { p.q { "No matrix is in force yet." } };
    };
    let told = told(&matrix);
    let uncarried = uncarried(&matrix);
    html! {
        @if told.is_empty() {
            p.q { "Nothing is said of it: no environment has " code { "notify" } "." }
            code.cmd { "notify: { rolled_back: [team], person_called: [phone] }" }
        } @else {
            table.tab.cards {
                thead { tr { th scope="col" { "When" } th scope="col" { "Told at once" } th scope="col" { "In" } th scope="col" { "Where it stands" } } }
                tbody {
                    @for one in &told {
                        tr {
                            th scope="row" { (one.what.replace('_', " ")) }
                            td { (joined(one.channels.iter())) }
                            td data-k="In:" { (joined(one.environments.iter().copied())) }
                            td { @if let Some(first) = one.environments.first() { code { "environments." (first) ".notify." (one.what) } } }
                        }
                    }
                }
            }
        }
        p.sm.q.apart { "What waits for a person is told when it begins to wait; what nobody answered ends by itself when its time is over, and the one who asked is told." }
        @if !uncarried.is_empty() {
            h3.apart { "Calling the next person" }
            ul.checks {
                @for (path, reason) in &uncarried {
                    li { (icon("warn")) div { b { code { (path) } } span { "Declared, and not carried out: " (reason) "." } } }
                }
            }
        }
    }
}

fn told(matrix: &Matrix) -> Vec<Told<'_>> {
    let mut all: Vec<Told<'_>> = Vec::new();
    for occasion in Occasion::RULED {
        for environment in &matrix.environments {
            let channels = environment.notify.on.get(&occasion).map(Vec::as_slice);
            note(&mut all, occasion.key(), channels.unwrap_or_default(), environment);
        }
    }
    for environment in &matrix.environments {
        note(&mut all, "before", &environment.notify.before, environment);
        note(&mut all, "summary", &environment.notify.summary, environment);
    }
    all
}

fn note<'a>(
    all: &mut Vec<Told<'a>>,
    what: &str,
    channels: &'a [Name],
    environment: &'a Environment,
) {
    if channels.is_empty() {
        return;
    }
    match all.iter_mut().find(|one| one.what == what && one.channels == channels) {
        Some(known) => known.environments.push(&environment.name),
        None => all.push(Told {
            what: what.to_owned(),
            channels,
            environments: vec![&environment.name],
        }),
    }
}

/// What is declared of alerting and that nothing acts on: path and reason.
fn uncarried(matrix: &Matrix) -> Vec<(String, String)> {
    let lanes = matrix.environments.iter().flat_map(|environment| environment.lanes.values());
    let all = lanes.flat_map(|lane| &lane.unenforced);
    let mut found: Vec<(String, String)> = all
        .filter(|one| one.path.contains(".alerting") || one.path.contains(".notify"))
        .map(|one| (one.path.clone(), one.reason.clone()))
        .collect();
    found.sort();
    found.dedup();
    found
}

fn joined<'a>(names: impl Iterator<Item = &'a Name>) -> String {
    names.map(Name::as_str).collect::<Vec<_>>().join(", ")
}
