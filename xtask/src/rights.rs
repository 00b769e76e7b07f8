//! The page that says who may what: verbs by roles by environments of the examples' matrices. Each cell
//! is decided by the policy engine and read from the matrix by itself; where the two disagree there is no
//! page. Owns no right.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize as _;
use serde_json::Value;
use towpath_access::Authority;
use towpath_core::ids::{Name, Person};
use towpath_core::matrix::Matrix;
use towpath_core::people::{PersonSpec, Right, Verb};

use crate::reference;

/// The matrices of the page, by the folders of their examples.
const EXAMPLES: [&str; 3] = ["soundbite", "web-service", "security-design-assistant"];

const HEAD: &str = "\
# Who may what in the examples

Written by the program: each cell is what the policy engine answers for a person who has that one role there, and
was read from `who_may` a second time to make sure. [Say who may do what](../how-to/say-who-may.md) explains the rest.

- Whoever has several roles may whatever one of them may. Whom `people` does not name may nothing.
- A program (`bot: true`) may the same, but for approve, attest, break_glass and apply_matrix: those take a person.
- A [token](../how-to/let-a-script-act.md) reaches what it names, and never more than its owner.
- What nobody names in `who_may` is for everybody in `people`; going past the rules is for nobody then.
- How long a session lasts, and what wants a second factor, is what `iam` says, and an hour without one where it says nothing;
  what belongs to the whole project (create_release, apply_matrix) has the strictest rules of all environments.
  It holds for whoever [signed in](../how-to/sign-in.md) at the server; at the machine's socket there are no sessions.
";

/// The whole page.
///
/// # Errors
/// When a matrix cannot be read, or the policy engine says something else than the matrix.
pub(crate) fn page(root: &Path) -> Result<String> {
    let mut text = HEAD.to_owned();
    for example in EXAMPLES {
        let matrix = matrix(root, example)?;
        text.push_str(&tables(example, &matrix)?);
    }
    Ok(text)
}

fn matrix(root: &Path, example: &str) -> Result<Matrix> {
    let folder = root.join("examples").join(example);
    let shown = reference::towpath_in(root, &folder, &["matrix", "show", "--resolved", "--json"])?;
    let shown: Value = serde_json::from_str(&shown)?;
    Matrix::deserialize(&shown["matrix"]).with_context(|| format!("the matrix of {example}"))
}

fn tables(example: &str, matrix: &Matrix) -> Result<String> {
    let roles: BTreeSet<Name> = matrix.people.values().flat_map(all_roles).cloned().collect();
    let authority = Authority::new(&of_one_role_each(matrix, &roles))?;
    let mut tables: Vec<(String, Vec<&str>)> = Vec::new();
    for environment in &matrix.environments {
        let table = table(matrix, &authority, &roles, &environment.name)?;
        match tables.iter_mut().find(|(known, _)| *known == table) {
            Some((_, places)) => places.push(environment.name.as_str()),
            None => tables.push((table, vec![environment.name.as_str()])),
        }
    }
    let mut text = format!("\n## {example}\n");
    for (table, places) in tables {
        write!(text, "\n### {}\n\n{table}", places.join(", "))?;
    }
    Ok(text)
}

fn all_roles(spec: &PersonSpec) -> impl Iterator<Item = &Name> {
    spec.roles.iter().chain(spec.roles_in.values().flatten())
}

/// The same rules among people of whom each has one role and is called as it is.
fn of_one_role_each(matrix: &Matrix, roles: &BTreeSet<Name>) -> Matrix {
    let one = |role: &Name| {
        let spec = PersonSpec { roles: [role.clone()].into(), ..PersonSpec::default() };
        Some((called(role)?, spec))
    };
    let people: BTreeMap<Person, PersonSpec> = roles.iter().filter_map(one).collect();
    Matrix { people, ..matrix.clone() }
}

fn called(role: &Name) -> Option<Person> {
    Person::new(role.as_str()).ok()
}

fn table(
    matrix: &Matrix,
    authority: &Authority,
    roles: &BTreeSet<Name>,
    place: &Name,
) -> Result<String> {
    let names: Vec<&str> = roles.iter().map(Name::as_str).collect();
    let mut text = sessions(matrix, place);
    write!(text, "| | {} |\n|---{}|\n", names.join(" | "), "|---".repeat(names.len()))?;
    for verb in Verb::ALL {
        write!(text, "| {} |", verb.key())?;
        for role in roles {
            let may = cell(matrix, authority, verb, role, place)?;
            text.push_str(if may { " may |" } else { " – |" });
        }
        text.push('\n');
    }
    Ok(text)
}

/// What sessions must be in `place`, once somebody signs in.
fn sessions(matrix: &Matrix, place: &Name) -> String {
    let rules = matrix.session_rules(Some(place));
    let wants = |verb: &Verb| !verb.is_of_project() && verb.wants_second_factor();
    let verbs = Verb::ALL.into_iter().filter(wants).map(Verb::key).collect::<Vec<_>>();
    let factor = if rules.second_factor {
        format!("a second factor no older than that for {}", verbs.join(", "))
    } else {
        "no second factor".to_owned()
    };
    format!("Session (planned): {}; {factor}.\n\n", rules.lasts)
}

/// Whether whoever has `role` may, as both say.
fn cell(
    matrix: &Matrix,
    authority: &Authority,
    verb: Verb,
    role: &Name,
    place: &Name,
) -> Result<bool> {
    let said = match matrix.right(verb, Some(place)) {
        Right::Roles(named) => named.contains(role),
        Right::Everybody => true,
        Right::Nobody => false,
    };
    let person = called(role).with_context(|| format!("nobody can be called {role}"))?;
    let decided = authority.decide_person(&person, verb, Some(place)).is_ok();
    ensure!(
        decided == said,
        "{role} in {place}: the policy engine says {decided} about {}, and the matrix {said}",
        verb.key()
    );
    Ok(decided)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_the_policy_engine_decides_otherwise_stops_the_page() {
        let json = serde_json::json!({
            "project": "shop", "services": {}, "environments": [],
            "people": { "ada": {
                "name": null, "email": null, "key": null, "account": null,
                "roles": ["developer"], "bot": false,
            } },
            "who_may": { "promote": ["developer"] },
        });
        let matrix = Matrix::deserialize(&json).unwrap();
        let roles: BTreeSet<Name> = [Name::new("developer").unwrap()].into();
        let place = Name::new("staging").unwrap();
        let one = of_one_role_each(&matrix, &roles);
        let authority = Authority::new(&one).unwrap();
        let role = roles.first().unwrap();
        assert!(cell(&matrix, &authority, Verb::Promote, role, &place).unwrap());
        let other = Matrix { who_may: [(Verb::Promote, Vec::new())].into(), ..matrix };
        let error = cell(&other, &authority, Verb::Promote, role, &place).unwrap_err();
        assert!(error.to_string().contains("the policy engine says true"), "{error}");
    }
}
