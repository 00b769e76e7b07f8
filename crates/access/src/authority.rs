//! Decides. Owns that whatever is not clearly allowed is denied.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cedar_policy::{Authorizer, Context, Decision, Entities, PolicySet, Request};
use towpath_core::ids::{Name, Person};
use towpath_core::matrix::Matrix;
use towpath_core::people::Verb;
use towpath_core::reason::Refusal;

use crate::denial::{self, Denial};
use crate::policies::{self, Question};

/// What one matrix allows. Made anew for every matrix that comes into force, so that a right that is
/// taken away ends at once.
pub struct Authority {
    matrix: Matrix,
    policies: BTreeMap<Question, PolicySet>,
    entities: Entities,
}

/// A matrix whose rights could not be turned into policies. Nothing is allowed by it.
#[derive(Debug, thiserror::Error)]
#[error("the rights of the matrix cannot be decided about: {0}")]
pub struct AccessError(String);

impl AccessError {
    pub(crate) fn of(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl Authority {
    /// The rights of `matrix`.
    ///
    /// # Errors
    /// When the policy engine refuses what was made of it, which no checked matrix leads to.
    pub fn new(matrix: &Matrix) -> Result<Self, AccessError> {
        Ok(Self {
            policies: policies::policies(matrix)?,
            entities: policies::entities(matrix)?,
            matrix: matrix.clone(),
        })
    }

    /// Who acts behind an account of the engine's machine, if they may do this in `environment`, or
    /// with the project where that is none. In an environment that the matrix does not have any more
    /// counts what is said at its top. Safe to repeat; changes nothing.
    ///
    /// Where the matrix names nobody, the account itself, whatever it asks. The program itself is not
    /// asked about: what it does by itself was decided by whoever declared it.
    ///
    /// # Errors
    /// Who was denied what; [`Self::refusal`] says why.
    pub fn decide(
        &self,
        account: &Person,
        verb: Verb,
        environment: Option<&Name>,
    ) -> Result<Person, Box<Denial>> {
        if account.is_program() || !self.matrix.knows_people() {
            return Ok(account.clone());
        }
        let person = self.matrix.person_of(account);
        self.decide_for(account, person, verb, environment).cloned()
    }

    /// The same of somebody whom the matrix names, whatever account they have: the owner of a token.
    ///
    /// # Errors
    /// As [`Self::decide`]; also where the matrix names nobody of that name.
    pub fn decide_person(
        &self,
        person: &Person,
        verb: Verb,
        environment: Option<&Name>,
    ) -> Result<(), Box<Denial>> {
        let known = self.matrix.people.get_key_value(person).map(|(name, _)| name);
        self.decide_for(person, known, verb, environment).map(|_| ())
    }

    fn decide_for<'a>(
        &self,
        account: &Person,
        person: Option<&'a Person>,
        verb: Verb,
        environment: Option<&Name>,
    ) -> Result<&'a Person, Box<Denial>> {
        let known = |name: &&Name| self.matrix.environment(name).is_some();
        let place = environment.filter(known).filter(|_| !verb.is_of_project());
        person.filter(|person| self.allows(person, verb, place)).ok_or_else(|| {
            Box::new(Denial {
                account: account.clone(),
                person: person.cloned(),
                verb,
                environment: place.cloned(),
            })
        })
    }

    /// The person behind an account; none whom the matrix does not name.
    pub fn person_of(&self, account: &Person) -> Option<&Person> {
        self.matrix.person_of(account)
    }

    /// The same of whoever acts in a session, who has signed in by name.
    pub fn person_behind(&self, by: &Person) -> Option<&Person> {
        match by.session() {
            Some((_, person)) => self.matrix.people.get_key_value(&person).map(|(name, _)| name),
            None => self.matrix.person_of(by),
        }
    }

    /// A denial as an answer to whoever asked (exit 4): why, and who could.
    pub fn refusal(&self, denial: &Denial) -> Refusal {
        let could = self.who_could(denial.verb, denial.environment.as_ref());
        denial::refusal(&self.matrix, denial, &could)
    }

    /// The environments of the matrix, in the order of the file.
    pub fn environments(&self) -> impl Iterator<Item = &Name> {
        self.matrix.environments.iter().map(|environment| &environment.name)
    }

    /// Whether this is a program, whose word is no person's.
    pub fn is_bot(&self, person: &Person) -> bool {
        self.matrix.people.get(person).is_some_and(|person| person.bot)
    }

    /// The roles of a person that count in `environment`: none of a program, whose word is no person's.
    pub fn roles_of(&self, person: &Person, environment: &Name) -> BTreeSet<&str> {
        let roles = self.matrix.word_of(person, environment).unwrap_or_default();
        roles.into_iter().map(Name::as_str).collect()
    }

    /// Whether the matrix names somebody so, or a program.
    pub fn is_named(&self, person: &Person) -> bool {
        self.matrix.people.contains_key(person)
    }

    /// Whether the matrix names anybody.
    pub fn knows_people(&self) -> bool {
        self.matrix.knows_people()
    }

    /// Whether the policies allow it. An evaluation that fails allows nothing.
    pub fn allows(&self, person: &Person, verb: Verb, environment: Option<&Name>) -> bool {
        let (principal, action) = (policies::person(person), policies::action(verb));
        let resource = policies::resource(&self.matrix, environment);
        let asked = Request::new(principal, action, resource, Context::empty(), None);
        let policies = self.policies.get(&(verb, environment.cloned()));
        let (Ok(request), Some(policies)) = (asked, policies) else { return false };
        let response = Authorizer::new().is_authorized(&request, policies, &self.entities);
        response.decision() == Decision::Allow && response.diagnostics().errors().next().is_none()
    }

    /// Everybody whom it is allowed, by name.
    pub fn who_could(&self, verb: Verb, environment: Option<&Name>) -> Vec<Person> {
        let people = self.matrix.people.keys();
        people.filter(|person| self.allows(person, verb, environment)).cloned().collect()
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let questions = self.policies.len();
        formatter.debug_struct("Authority").field("questions", &questions).finish_non_exhaustive()
    }
}
