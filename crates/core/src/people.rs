//! Who we are and which roles may do what, as the matrix says it. Owns the defaults of rights; the
//! decision itself is the policy engine's.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Name, Person};
use crate::matrix::Matrix;

/// Somebody, or a program, that the matrix names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonSpec {
    /// The full name, for people.
    pub name: Option<String>,
    /// Where mail is read.
    pub email: Option<String>,
    /// The file with the public key that approvals are signed with, from the project's folder.
    pub key: Option<String>,
    /// The account on the machine of the engine; none means one of the same name.
    pub account: Option<Person>,
    /// Roles that count everywhere.
    pub roles: BTreeSet<Name>,
    /// Roles that count in one environment alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles_in: BTreeMap<Name, BTreeSet<Name>>,
    /// The teams that the person belongs to; their roles are among the person's own.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub teams: BTreeSet<Name>,
    /// What CODEOWNERS calls the person, without the `@`; none means the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// Whether this is a program: its word never counts as a person's.
    pub bot: bool,
}

impl PersonSpec {
    /// The roles that count in `environment`; without one, those that count everywhere.
    pub fn roles_at(&self, environment: Option<&Name>) -> BTreeSet<&Name> {
        let here = environment.and_then(|name| self.roles_in.get(name));
        self.roles.iter().chain(here.into_iter().flatten()).collect()
    }
}

/// Something that somebody may be allowed to do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Carry a release into an environment.
    Promote,
    /// Agree to a plan or reject it.
    Approve,
    /// Answer a question that only people can.
    Attest,
    /// Take a release back, and give the reason for it later.
    Rollback,
    /// Pause, resume or abort a promotion.
    Pause,
    /// Stop promotions.
    Freeze,
    /// Let them go on.
    Thaw,
    /// Report an incident.
    Signal,
    /// Let a condemned release in again.
    LiftQuarantine,
    /// Go past the rules, on the record.
    BreakGlass,
    /// Create a release.
    CreateRelease,
    /// Take a changed matrix into force.
    ApplyMatrix,
}

/// Whom a verb is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Right<'a> {
    /// Whoever has one of these roles there.
    Roles(&'a [Name]),
    /// Everybody that `people` names.
    Everybody,
    /// Nobody, until the matrix says who.
    Nobody,
}

impl Verb {
    /// All of them, in the order of `who_may`.
    pub const ALL: [Self; 12] = [
        Self::Promote,
        Self::Approve,
        Self::Attest,
        Self::Rollback,
        Self::Pause,
        Self::Freeze,
        Self::Thaw,
        Self::Signal,
        Self::LiftQuarantine,
        Self::BreakGlass,
        Self::CreateRelease,
        Self::ApplyMatrix,
    ];

    /// Its key in `who_may`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Approve => "approve",
            Self::Attest => "attest",
            Self::Rollback => "rollback",
            Self::Pause => "pause",
            Self::Freeze => "freeze",
            Self::Thaw => "thaw",
            Self::Signal => "signal",
            Self::LiftQuarantine => "lift_quarantine",
            Self::BreakGlass => "break_glass",
            Self::CreateRelease => "create_release",
            Self::ApplyMatrix => "apply_matrix",
        }
    }

    /// In a sentence: `bilal may not lift a quarantine in production`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Approve => "approve or reject",
            Self::Attest => "attest",
            Self::Rollback => "roll back",
            Self::Pause => "pause, resume or abort",
            Self::Freeze => "freeze",
            Self::Thaw => "thaw",
            Self::Signal => "signal",
            Self::LiftQuarantine => "lift a quarantine",
            Self::BreakGlass => "break the glass",
            Self::CreateRelease => "create a release",
            Self::ApplyMatrix => "apply a matrix",
        }
    }

    /// Whether it belongs to the whole project and not to an environment.
    pub fn is_of_project(self) -> bool {
        matches!(self, Self::CreateRelease | Self::ApplyMatrix)
    }

    /// Whether a program may never do it, whatever its roles: a word, or the rules themselves.
    pub fn is_for_people(self) -> bool {
        matches!(self, Self::Approve | Self::Attest | Self::BreakGlass | Self::ApplyMatrix)
    }

    /// The verb whose right holds where the matrix names nobody for this one.
    fn falls_back_to(self) -> Option<Self> {
        match self {
            // Whoever may stop may let go on, and whoever may carry a release in may let it return.
            Self::Thaw => Some(Self::Freeze),
            Self::LiftQuarantine => Some(Self::Promote),
            _ => None,
        }
    }
}

/// Which roles may do what; a verb that is not there has its default.
pub type WhoMay = BTreeMap<Verb, Vec<Name>>;

impl Matrix {
    /// Whether it is known who we are. Where it is not, nobody is refused anything.
    pub fn knows_people(&self) -> bool {
        !self.people.is_empty()
    }

    /// The person behind an account of the engine's machine; none who is not named.
    pub fn person_of(&self, account: &Person) -> Option<&Person> {
        let by_account =
            self.people.iter().find(|(_, person)| person.account.as_ref() == Some(account));
        let by_name =
            || self.people.get_key_value(account).filter(|(_, person)| person.account.is_none());
        by_account.or_else(by_name).map(|(name, _)| name)
    }

    /// Whether `who`, as a release or an order names somebody, is `person`: by name, by account, by handle, or by
    /// what stands before the `@` of the address, which is all that a commit tells.
    pub fn is_meant_by(&self, person: &Person, who: &Person) -> bool {
        let known = self.people.get(person);
        let account = known.and_then(|person| person.account.as_ref());
        let email = known.and_then(|person| person.email.as_deref()?.split('@').next());
        let same = |name: &str| name.eq_ignore_ascii_case(who.as_str());
        let handle = known.and_then(|person| person.handle.as_deref());
        // A commit says names as each machine writes them.
        same(person.as_str())
            || handle.is_some_and(same)
            || account.is_some_and(|account| same(account.as_str()))
            || email.is_some_and(same)
    }

    /// Whom `verb` is allowed in `environment`. What an environment says holds there; what is said at
    /// the top holds elsewhere; what nobody says has the default: everybody that `people` names, and
    /// nobody for going past the rules.
    pub fn right(&self, verb: Verb, environment: Option<&Name>) -> Right<'_> {
        match self.said_of(verb, environment) {
            Some((_, _, roles)) => Right::Roles(roles),
            None if verb == Verb::BreakGlass => Right::Nobody,
            None => Right::Everybody,
        }
    }

    /// Where it stands whom `verb` is allowed in `environment`, as a dotted path; none: nobody says it, and the
    /// default holds.
    pub fn right_stands_at(&self, verb: Verb, environment: Option<&Name>) -> Option<String> {
        let (here, verb, _) = self.said_of(verb, environment)?;
        let place = environment.filter(|_| here);
        let before = place.map(|name| format!("environments.{name}.")).unwrap_or_default();
        Some(format!("{before}who_may.{}", verb.key()))
    }

    /// The roles that are named for `verb`, whether the environment names them, and under which verb.
    fn said_of(&self, verb: Verb, environment: Option<&Name>) -> Option<(bool, Verb, &[Name])> {
        let of_environment = environment
            .filter(|_| !verb.is_of_project())
            .and_then(|name| self.environment(name))
            .map(|environment| &environment.who_may);
        let mut asked = Some(verb);
        while let Some(verb) = asked {
            if let Some(roles) = of_environment.and_then(|rights| rights.get(&verb)) {
                return Some((true, verb, roles));
            }
            if let Some(roles) = self.who_may.get(&verb) {
                return Some((false, verb, roles));
            }
            asked = verb.falls_back_to();
        }
        None
    }

    /// The people who may do `verb` in `environment`, in the order of their names; none where everybody
    /// or nobody may. Programs are left out: this is for whoever looks for somebody to ask.
    pub fn who_may_here(&self, verb: Verb, environment: &Name) -> Vec<&Person> {
        let Right::Roles(roles) = self.right(verb, Some(environment)) else { return Vec::new() };
        let has_one = |spec: &PersonSpec| {
            let own = spec.roles_at(Some(environment));
            !spec.bot && roles.iter().any(|role| own.contains(role))
        };
        self.people.iter().filter(|(_, spec)| has_one(spec)).map(|(name, _)| name).collect()
    }

    /// The roles of `person` that count in `environment`: none for a program, whose word is no
    /// person's. None where nobody's roles are known.
    pub fn word_of(&self, person: &Person, environment: &Name) -> Option<BTreeSet<&Name>> {
        if !self.knows_people() {
            return None;
        }
        let known = self.people.get(person).filter(|person| !person.bot);
        Some(known.map(|person| person.roles_at(Some(environment))).unwrap_or_default())
    }
}
