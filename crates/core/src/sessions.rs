//! How long somebody who signed in may go on, and when a second factor is wanted: rules from the matrix
//! alone (`iam` of each environment). Signs nobody in; the engine asks it about every order that comes in a
//! session. At the machine's socket there are none; whoever has the account acts.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ids::{Name, Person};
use crate::matrix::Matrix;
use crate::people::Verb;
use crate::reason::{Refusal, RefusalKind};
use crate::units::{Span, Timestamp};

/// How long a session lasts where the matrix does not say it: as long as that of the seeds' development
/// environments (seed 000, "IAM Roles").
pub const DEFAULT: Span = Span::hours(1);
/// What holds where the matrix says something that is no duration: the shortest of the seeds, production's.
const STRICTEST: Span = Span::minutes(15);

/// What an environment asks of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRules {
    /// How long after signing in somebody may give orders there.
    pub lasts: Span,
    /// Whether orders that could do harm want a second factor, no older than that.
    pub second_factor: bool,
    /// Whether whoever gives such orders has to have signed in at the provider of OpenID Connect.
    pub provider: bool,
}

/// How somebody proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Factor {
    /// By signing in.
    First,
    /// By something else that only they have, beside it.
    Second,
    /// By the word of a provider of OpenID Connect, which was the first.
    Provider,
}

/// Somebody who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub person: Person,
    /// When it began.
    pub started: Timestamp,
    /// When it was ended before its time.
    pub ended: Option<Timestamp>,
    /// When each factor was shown last.
    pub factors: BTreeMap<Factor, Timestamp>,
}

/// What is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// An order that somebody gives now.
    Order(Verb),
    /// What was ordered before goes on: a rollback that runs, a promotion, a pause that holds.
    GoesOn,
}

/// What follows.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It may be; one sentence says why.
    Allowed(String),
    /// The session is over, and somebody has to sign in again.
    Expired(Box<Refusal>),
    /// The session is good, and a second factor is wanted first.
    StepUp(Box<Refusal>),
}

impl Verb {
    /// Whether it wants a second factor where the environment asks for one. What stops harm never waits for
    /// it: a rollback, a pause or an abort, a freeze, a report of an incident.
    pub fn wants_second_factor(self) -> bool {
        match self {
            Self::Rollback | Self::Pause | Self::Freeze | Self::Signal => false,
            Self::Promote
            | Self::Approve
            | Self::Attest
            | Self::Thaw
            | Self::LiftQuarantine
            | Self::BreakGlass
            | Self::CreateRelease
            | Self::ApplyMatrix => true,
        }
    }
}

impl Default for SessionRules {
    fn default() -> Self {
        Self { lasts: DEFAULT, second_factor: false, provider: false }
    }
}

impl SessionRules {
    /// Those of `declared`, the section `iam` of an environment.
    fn of(declared: Option<&Value>) -> Self {
        let Some(declared) = declared else { return Self::default() };
        let lasts = match declared.get("session") {
            None | Some(Value::Null) => DEFAULT,
            Some(said) => {
                let said = said.as_str().and_then(|said| said.parse::<Span>().ok());
                said.filter(|said| *said > Span::ZERO).unwrap_or(STRICTEST)
            }
        };
        let second_factor = match declared.get("mfa") {
            None | Some(Value::Null) => false,
            Some(said) => said.as_bool().unwrap_or(true),
        };
        // What nobody understands is taken as the strictest.
        let provider = match declared.get("sign_in") {
            None | Some(Value::Null) => false,
            Some(said) => !matches!(said.as_str(), Some("none" | "password")),
        };
        Self { lasts, second_factor, provider }
    }

    fn stricter(self, other: Self) -> Self {
        Self {
            lasts: self.lasts.min(other.lasts),
            second_factor: self.second_factor || other.second_factor,
            provider: self.provider || other.provider,
        }
    }
}

impl Matrix {
    /// What sessions must be in `environment`. What belongs to the whole project, and an environment that is
    /// none, has the strictest of all.
    pub fn session_rules(&self, environment: Option<&Name>) -> SessionRules {
        let rules = |declared: &BTreeMap<String, Value>| SessionRules::of(declared.get("iam"));
        if let Some(found) = environment.and_then(|name| self.environment(name)) {
            return rules(&found.declared);
        }
        let all = self.environments.iter().map(|environment| rules(&environment.declared));
        all.reduce(SessionRules::stricter).unwrap_or(SessionRules::of(None))
    }
}

impl Session {
    /// Whether this session is enough for `act` in `environment` at `now`. Says nothing of whether the person
    /// may do it at all; safe to repeat. A moment that is to come proves nothing.
    pub fn allows(
        &self,
        matrix: &Matrix,
        act: Act,
        environment: Option<&Name>,
        now: Timestamp,
    ) -> Answer {
        let Act::Order(verb) = act else {
            return Answer::Allowed("what was ordered goes on; a session is for orders".to_owned());
        };
        let environment = environment.filter(|_| !verb.is_of_project());
        let rules = matrix.session_rules(environment);
        let place = environment.map_or_else(String::new, |name| format!(" in {name}"));
        if let Some(cause) = self.over(matrix, rules, now) {
            return Answer::Expired(self.refused("session-expired", verb, &place, cause));
        }
        // What stops harm waits for no provider: it may be down.
        let is_enough = !rules.provider || self.factors.contains_key(&Factor::Provider);
        if !is_enough && verb.wants_second_factor() {
            let cause = "one signs in by OpenID Connect for that, and this session began otherwise";
            return Answer::Expired(self.refused(
                "session-expired",
                verb,
                &place,
                cause.to_owned(),
            ));
        }
        if !rules.second_factor || !verb.wants_second_factor() {
            let lasts = rules.lasts;
            return Answer::Allowed(format!("{} signed in less than {lasts} ago", self.person));
        }
        if self.is_fresh(Factor::Second, rules.lasts, now) {
            return Answer::Allowed(format!("{} showed a second factor", self.person));
        }
        let cause = match self.factors.get(&Factor::Second) {
            Some(_) => format!("the second factor was shown {} ago or longer", rules.lasts),
            None => "no second factor was shown in this session".to_owned(),
        };
        Answer::StepUp(self.refused("second-factor", verb, &place, cause))
    }

    /// Why it is over by these rules.
    fn over(&self, matrix: &Matrix, rules: SessionRules, now: Timestamp) -> Option<String> {
        let known = matrix.people.get(&self.person);
        if matrix.knows_people() && known.is_none() {
            return Some(format!("the matrix in force does not name {}", self.person));
        }
        if known.is_some_and(|known| known.bot) {
            return Some(format!("{} is a program, and acts by a token", self.person));
        }
        if self.ended.is_some() {
            return Some("the session was ended".to_owned());
        }
        if self.started > now || !self.is_fresh(Factor::First, rules.lasts, now) {
            return Some(format!("a session lasts {} there", rules.lasts));
        }
        None
    }

    /// Whether a factor was shown in this session, and less than `within` ago.
    fn is_fresh(&self, factor: Factor, within: Span, now: Timestamp) -> bool {
        let shown = self.factors.get(&factor).filter(|shown| **shown >= self.started);
        shown.is_some_and(|shown| *shown <= now && now < shown.plus(within))
    }

    fn refused(&self, code: &str, verb: Verb, place: &str, cause: String) -> Box<Refusal> {
        let is_over = code == "session-expired";
        let message = if is_over {
            format!("{} has to sign in again to {}{place}", self.person, verb.words())
        } else {
            format!("{} has to show a second factor to {}{place}", self.person, verb.words())
        };
        let refusal = Refusal::new(RefusalKind::NotAllowed, code, message, cause);
        let way = if is_over { "sign in again" } else { "show the second factor" };
        Box::new(refusal.next(way, "at the server; what was ordered before goes on meanwhile"))
    }
}

#[cfg(test)]
mod tests;
