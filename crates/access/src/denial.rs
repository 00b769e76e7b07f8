//! Why somebody may not, in words that help. Decides nothing.

use towpath_core::ids::{Name, Person};
use towpath_core::matrix::Matrix;
use towpath_core::people::{Right, Verb};
use towpath_core::reason::{Refusal, RefusalKind};

/// Most people who are named as those who could.
const MOST_NAMED: usize = 5;

/// Somebody was denied something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The account that asked.
    pub account: Person,
    /// The person behind it; none whom the matrix does not name.
    pub person: Option<Person>,
    /// What was asked.
    pub verb: Verb,
    /// Where; none: the project.
    pub environment: Option<Name>,
}

pub(crate) fn refusal(matrix: &Matrix, denial: &Denial, could: &[Person]) -> Refusal {
    let Denial { account, person, verb, environment } = denial;
    let place = environment.as_ref().map_or(String::new(), |name| format!(" in {name}"));
    let message = format!("{} may not {}{place}", person.as_ref().unwrap_or(account), verb.words());
    let cause = format!("{}; {}", cause(matrix, denial), others(could));
    Refusal::new(RefusalKind::NotAllowed, "not-allowed", message, cause)
        .at(self::place(matrix, denial))
        .next("towpath matrix show --resolved", "who has which roles, and what they may")
}

fn others(could: &[Person]) -> String {
    let named: Vec<_> = could.iter().take(MOST_NAMED).map(Person::as_str).collect();
    match (named.as_slice(), could.len()) {
        ([], _) => "nobody may".to_owned(),
        (named, all) if all > named.len() => {
            format!("{} and {} more may", named.join(", "), all - named.len())
        }
        (named, _) => format!("{} may", named.join(", ")),
    }
}

fn cause(matrix: &Matrix, denial: &Denial) -> String {
    let Denial { account, person, verb, environment } = denial;
    let (verb, environment) = (*verb, environment.as_ref());
    let Some(name) = person else {
        return format!("the account {account} is nobody whom `people` names");
    };
    let spec = matrix.people.get(name);
    if verb.is_for_people() && spec.is_some_and(|spec| spec.bot) {
        return format!("{name} is a program, whose word is no person's");
    }
    match matrix.right(verb, environment) {
        Right::Roles(roles) => {
            let has = spec.map(|spec| spec.roles_at(environment)).unwrap_or_default();
            let has: Vec<_> = has.into_iter().collect();
            let needed = listed(&roles.iter().collect::<Vec<_>>(), "or");
            format!("it needs {needed}; {name} has {}", listed(&has, "and"))
        }
        Right::Everybody => "the policies do not allow it".to_owned(),
        Right::Nobody => format!("nobody may until `who_may.{}` names a role", verb.key()),
    }
}

fn place(matrix: &Matrix, denial: &Denial) -> String {
    let key = denial.verb.key();
    if denial.person.is_none() {
        return "people".to_owned();
    }
    let environment = denial.environment.as_ref().and_then(|name| matrix.environment(name));
    match environment.filter(|one| one.who_may.contains_key(&denial.verb)) {
        Some(environment) => format!("environments.{}.who_may.{key}", environment.name),
        None => format!("who_may.{key}"),
    }
}

fn listed(roles: &[&Name], word: &str) -> String {
    let names: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
    match names.as_slice() {
        [] => "no role".to_owned(),
        [only] => format!("the role {only}"),
        [all @ .., last] => format!("the roles {} {word} {last}", all.join(", ")),
    }
}
