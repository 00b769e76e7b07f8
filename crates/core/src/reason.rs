//! Why something is refused, waits or will happen. The same value feeds the terminal, the API and
//! the pages; none of them finds a reason of its own.

use serde::{Deserialize, Serialize};

use crate::units::Timestamp;

/// Why an order is not carried out. Nothing was changed by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// What kind of no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

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
        }
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
    /// `check`, `lane`, `person`, `evidence`, `router`, `standby`.
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
