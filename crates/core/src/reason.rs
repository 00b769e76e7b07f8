//! Why something is refused, waits or will happen. The same value feeds the terminal, the API and
//! the pages; none of them finds a reason of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::Name;
use crate::units::Timestamp;

/// Why an order is not carried out. Nothing was changed by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// A stable word, such as `not-verified`.
    pub code: String,
    /// What kind of no it is; decides exit code and HTTP status.
    pub kind: RefusalKind,
    /// What is refused, and what serves meanwhile.
    pub message: String,
    /// Why, one sentence.
    pub cause: Option<String>,
    /// Which rule, promotion or file says so.
    pub place: Option<String>,
    /// What helps.
    pub next: Vec<Next>,
    /// What else refuses the same order, so that all that is missing is said at once; the first
    /// decides how it ends. These have no further ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Refusal>,
}

/// What kind of no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalKind {
    /// It would change nothing: the wish is already so.
    AlreadySo,
    /// The order itself is wrong.
    Usage,
    /// A gate, a verification or a quarantine says no.
    Gate,
    /// The person may not.
    NotAllowed,
    /// What was named does not exist.
    NotFound,
    /// The lane is busy, the plan is stale, the version has other bytes.
    Conflict,
}

/// A command that helps, and what it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Next {
    /// Complete, to be pasted.
    pub command: String,
    /// What it does; empty when that is plain.
    pub what: String,
}

impl Next {
    /// A command and what it does.
    pub fn new(command: impl Into<String>, what: impl Into<String>) -> Self {
        Self { command: command.into(), what: what.into() }
    }

    /// The same for a matrix with several services: a verb about a lane names the service, since
    /// without it the command would be refused. Safe to repeat.
    #[must_use]
    pub fn of_service(mut self, service: &Name) -> Self {
        let typed = self.command.strip_prefix("towpath ").unwrap_or_default();
        let is_about_a_lane = LANE_VERBS
            .iter()
            .filter_map(|verb| typed.strip_prefix(verb))
            // An option instead of an environment: it is about something with a number.
            .any(|rest| rest.starts_with(' ') && !rest.starts_with(" --"));
        if is_about_a_lane && !self.command.contains(" --service ") {
            self.command = format!("{} --service {service}", self.command);
        }
        self
    }
}

/// Verbs that mean one lane, as they are typed (design.md section 8).
const LANE_VERBS: [&str; 10] = [
    "attest",
    "health",
    "plan",
    "promote",
    "quarantine lift",
    "rollback",
    "signal",
    "simulate",
    "validate",
    "why",
];

impl Refusal {
    /// A refusal with a cause.
    pub fn new(
        kind: RefusalKind,
        code: &str,
        message: impl Into<String>,
        cause: impl Into<String>,
    ) -> Self {
        Self {
            code: code.to_owned(),
            kind,
            message: message.into(),
            cause: Some(cause.into()),
            place: None,
            next: Vec::new(),
            also: Vec::new(),
        }
    }

    /// One refusal of all of `found`, which stand in the order of precedence: the first of them, with
    /// the others in `also`.
    ///
    /// # Errors
    /// That refusal; none where nothing was found.
    pub fn together(found: impl IntoIterator<Item = Box<Self>>) -> Result<(), Box<Self>> {
        let mut found = found.into_iter();
        let Some(mut first) = found.next() else { return Ok(()) };
        first.also.extend(found.map(|other| *other));
        Err(first)
    }

    /// The same with the rule, promotion or file that says so.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// The same with one more command that helps.
    #[must_use]
    pub fn next(mut self, command: impl Into<String>, what: impl Into<String>) -> Self {
        self.next.push(Next::new(command, what));
        self
    }

    /// The same whose commands name the service; see [`Next::of_service`].
    #[must_use]
    pub fn of_service(mut self, service: &Name) -> Self {
        self.next = self.next.into_iter().map(|next| next.of_service(service)).collect();
        self.also = self.also.into_iter().map(|other| other.of_service(service)).collect();
        self
    }
}

/// When a lane wants to be woken, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wake {
    /// When.
    pub at: Timestamp,
    /// Why, a few words.
    pub reason: String,
}

/// A named thing that something waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    /// `check`, `lane`, `person`, `evidence`, `router`, `standby`, `reason`, `freeze`, `window`, `step`.
    pub what: String,
    /// One sentence.
    pub sentence: String,
    /// Who can do something about it; empty when nobody has to.
    pub who: Vec<String>,
    /// What helps.
    pub next: Vec<Next>,
    /// When it is tried again or ends by itself.
    pub until: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_command_about_a_lane_names_the_service_and_only_once() {
        let service = Name::new("web").unwrap();
        for (command, wanted) in [
            ("towpath rollback production", "towpath rollback production --service web"),
            ("towpath quarantine lift e 1.0.0", "towpath quarantine lift e 1.0.0 --service web"),
            ("towpath plan e --service api", "towpath plan e --service api"),
            ("towpath watch 3", "towpath watch 3"),
            ("towpath rollback --amend 3", "towpath rollback --amend 3"),
            ("towpath quarantine list", "towpath quarantine list"),
            ("rollback production", "rollback production"),
        ] {
            let once = Next::new(command, "").of_service(&service);
            assert_eq!(once.command, wanted);
            assert_eq!(once.clone().of_service(&service), once);
        }
    }
}
