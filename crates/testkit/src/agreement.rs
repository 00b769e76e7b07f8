//! A second reading of who must agree, as simple as can be: it tries every way to give each place a
//! person. Shares nothing with what the core counts, and is slow with many people.

use std::collections::BTreeSet;

use towpath_core::approvals::{ApprovalRules, Need};
use towpath_core::code_owners::OwnedFiles;
use towpath_core::ids::{Name, Person};
use towpath_core::matrix::{Environment, Matrix};
use towpath_core::people::Verb;
use towpath_core::release::Release;

/// Whether those who said `yes` are enough to let `release` in, which `ordered_by` ordered.
pub fn is_enough(
    matrix: &Matrix,
    environment: &Environment,
    rules: &ApprovalRules,
    release: &Release,
    ordered_by: &Person,
    yes: &BTreeSet<Person>,
) -> bool {
    let of_type = rules.by_type.get(&release.change_type);
    if rules.all.is_none() && of_type.is_none() {
        return false;
    }
    let asked: Vec<&Need> = rules.all.iter().chain(of_type).flatten().collect();
    let roles: BTreeSet<&Name> = asked.iter().map(|one| &one.role).collect();
    let most =
        |role: &Name| asked.iter().filter(|one| one.role == *role).map(|one| one.people).max();
    let places: Vec<&Name> = roles
        .into_iter()
        .flat_map(|role| (0..most(role).unwrap_or(0)).map(move |_| role))
        .collect();
    let may =
        |person: &&Person| may_speak((matrix, environment, rules), (release, ordered_by), person);
    let people: Vec<&Person> = yes.iter().filter(may).collect();
    fits(matrix, &places, &people)
}

/// Whether somebody who owns them said `yes` to each of `files`.
pub fn owners_agree(
    place: (&Matrix, &Environment, &ApprovalRules),
    promotion: (&Release, &Person),
    files: &[OwnedFiles],
    yes: &BTreeSet<Person>,
) -> bool {
    files.iter().all(|owned| {
        let is_owner = |person: &&Person| owned.owners.contains(&format!("@{person}"));
        yes.iter().filter(is_owner).any(|person| may_speak(place, promotion, person))
    })
}

/// Whether the yes of `person` counts for anything: of a person who may, and not of whoever made it.
fn may_speak(
    (matrix, environment, rules): (&Matrix, &Environment, &ApprovalRules),
    (release, ordered_by): (&Release, &Person),
    person: &Person,
) -> bool {
    let is_person = matrix.people.get(person).is_some_and(|known| !known.bot);
    let is_other = rules.author_may_approve
        || (release.author.as_ref() != Some(person)
            && release.created_by.as_ref() != Some(person)
            && ordered_by != person);
    is_person && is_other && may_approve(matrix, environment, person)
}

fn may_approve(matrix: &Matrix, environment: &Environment, person: &Person) -> bool {
    let said =
        environment.who_may.get(&Verb::Approve).or_else(|| matrix.who_may.get(&Verb::Approve));
    said.is_none_or(|roles| roles.iter().any(|role| matrix.people[person].roles.contains(role)))
}

/// Whether each place can have a person of its own.
fn fits(matrix: &Matrix, places: &[&Name], people: &[&Person]) -> bool {
    let Some((role, rest)) = places.split_first() else { return true };
    people.iter().enumerate().any(|(index, person)| {
        let mut others = people.to_vec();
        others.remove(index);
        matrix.people[*person].roles.contains(*role) && fits(matrix, rest, &others)
    })
}
