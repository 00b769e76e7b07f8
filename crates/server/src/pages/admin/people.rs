//! Who we are and who may what, each with the place of the matrix that says so. Owns no right, and changes none.

use maud::{Markup, html};
use towpath_core::ids::{Name, Person};
use towpath_core::matrix::Matrix;
use towpath_core::people::{PersonSpec, Right, Verb};

use crate::pages::frame::Look;
use crate::pages::marks::{icon, sentence};

/// Names that stand in one cell at the most; the rest is counted.
const NAMED: usize = 8;

pub(super) fn section(look: &Look) -> Markup {
    let Some(matrix) = look.engine.matrix() else { return Markup::default() };
    html! {
        section.sec id="rights" {
            h2 { "Who may what" }
            @if matrix.knows_people() { (rights(&matrix)) }
            @else { p.q { "The matrix names nobody, and so nobody is refused anything." } code.cmd { "people:\n  YOU: { account: ACCOUNT, roles: [ROLE] }" } }
        }
        @if matrix.knows_people() {
            section.sec id="people" { h2 { "People" } (people(&matrix)) }
        }
    }
}

/// What is said of one verb for several environments alike.
struct Said {
    environments: Vec<Name>,
    whom: String,
    place: Option<String>,
    names: Vec<Person>,
}

fn rights(matrix: &Matrix) -> Markup {
    html! {
        table.tab.cards {
            thead { tr { th scope="col" { "To" } th scope="col" { "In" } th scope="col" { "Whoever is" } th scope="col" { "Who that is" } th scope="col" { "Where it stands" } } }
            tbody {
                @for verb in Verb::ALL {
                    @for said in said(matrix, verb) {
                        tr {
                            th scope="row" { (sentence(verb.words()).trim_end_matches('.')) }
                            td data-k="In:" { @if verb.is_of_project() { "the project" } @else if said.environments.len() == matrix.environments.len() { "every environment" } @else { (joined(&said.environments)) } }
                            td data-k="Whoever is:" { (said.whom) }
                            td data-k="That is:" { (names(&said.names)) }
                            td { @if let Some(place) = &said.place { code { (place) } } @else { span.q { "the default" } } }
                        }
                    }
                }
            }
        }
    }
}

/// One row for all environments of which the same is said by the same place.
fn said(matrix: &Matrix, verb: Verb) -> Vec<Said> {
    if verb.is_of_project() {
        return vec![of_place(matrix, verb, None)];
    }
    let mut all: Vec<Said> = Vec::new();
    for environment in &matrix.environments {
        let mut one = of_place(matrix, verb, Some(&environment.name));
        let alike = all.iter_mut().find(|known| {
            (&known.whom, &known.place, &known.names) == (&one.whom, &one.place, &one.names)
        });
        match alike {
            Some(known) => known.environments.append(&mut one.environments),
            None => all.push(one),
        }
    }
    all
}

fn of_place(matrix: &Matrix, verb: Verb, environment: Option<&Name>) -> Said {
    let right = matrix.right(verb, environment);
    let whom = match right {
        Right::Roles([]) | Right::Nobody => "nobody".to_owned(),
        Right::Roles(roles) => joined(roles),
        Right::Everybody => "anybody of the people below".to_owned(),
    };
    let may = |spec: &PersonSpec| {
        let own = spec.roles_at(environment);
        let has = match right {
            Right::Roles(roles) => roles.iter().any(|role| own.contains(role)),
            Right::Everybody => true,
            Right::Nobody => false,
        };
        has && !(spec.bot && verb.is_for_people())
    };
    let people = matrix.people.iter().filter(|(_, spec)| may(spec));
    Said {
        environments: environment.cloned().into_iter().collect(),
        whom,
        place: matrix.right_stands_at(verb, environment),
        names: people.map(|(name, _)| name.clone()).collect(),
    }
}

fn names(all: &[Person]) -> Markup {
    let shown: Vec<&str> = all.iter().take(NAMED).map(Person::as_str).collect();
    html! {
        @if all.is_empty() { span.q { "nobody" } }
        (shown.join(", "))
        @if all.len() > NAMED { span.q { " and " (all.len() - NAMED) " more" } }
    }
}

fn joined(names: &[Name]) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
}

fn people(matrix: &Matrix) -> Markup {
    html! {
        table.tab.cards {
            thead { tr { th scope="col" { "Name" } th scope="col" { "Account" } th scope="col" { "Roles" } th scope="col" { "Speaks by" } th scope="col" { "Where it stands" } } }
            tbody {
                @for (name, spec) in &matrix.people {
                    tr id={ "person-" (name) } {
                        th scope="row" { (name) @if let Some(full) = &spec.name { " " span.q { (full) } } @if spec.bot { " " span.tag.plain { (icon("now")) "program" } } }
                        td data-k="Account:" { @match &spec.account { Some(account) => (account), None => span.q { "of the same name" } } @if let Some(email) = &spec.email { br; span.q { (email) } } }
                        td data-k="Roles:" { (roles(spec)) }
                        td { @if spec.key.is_some() { "a key" } @else if spec.bot { span.q { "no word of its own" } } @else { span.q { "the account" } } }
                        td { code { "people." (name) } @for team in &spec.teams { br; code { "teams." (team) } } }
                    }
                }
            }
        }
    }
}

fn roles(spec: &PersonSpec) -> Markup {
    let everywhere: Vec<&str> = spec.roles.iter().map(Name::as_str).collect();
    html! {
        @if everywhere.is_empty() && spec.roles_in.is_empty() { span.q { "none" } }
        (everywhere.join(", "))
        @for (environment, own) in &spec.roles_in {
            @let own: Vec<&str> = own.iter().map(Name::as_str).collect();
            br; (own.join(", ")) span.q { " in " (environment) }
        }
    }
}
