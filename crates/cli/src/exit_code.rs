//! Exit codes and the one error that commands end with. Owns the table from refusals and outcomes
//! to numbers; prints nothing.

use towpath_core::promotion::state::Outcome;
use towpath_core::reason::{Next, Refusal, RefusalKind};

/// How the program ends (design.md section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitCode {
    /// What was asked for is so.
    Done,
    /// It was tried and did not work, or a person aborted it.
    Failed,
    /// The command line or the matrix is wrong; nothing was tried.
    Usage,
    /// A gate refused it, a person rejected it, or it was rolled back.
    Refused,
    /// The person may not.
    NotAllowed,
    /// What was named does not exist.
    NotFound,
    /// The plan is stale, the lane is busy, or a newer promotion took its place.
    Conflict,
    /// `--timeout` passed; the promotion goes on.
    StoppedWaiting,
    /// Ctrl-C; the promotion goes on.
    Interrupted,
}

impl ExitCode {
    /// All of them, in rising order.
    pub(crate) const ALL: [Self; 9] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Refused,
        Self::NotAllowed,
        Self::NotFound,
        Self::Conflict,
        Self::StoppedWaiting,
        Self::Interrupted,
    ];

    /// The number that the shell sees.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NotAllowed => 4,
            Self::NotFound => 5,
            Self::Conflict => 6,
            Self::StoppedWaiting => 7,
            // 128 and the number of SIGINT, as shells count it.
            Self::Interrupted => 130,
        }
    }

    /// What it means, a few words.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done; or it was so already",
            Self::Failed => "failed, or a person aborted it",
            Self::Usage => "wrong usage, or errors in the matrix; nothing was tried",
            Self::Refused => "refused by a gate, rejected, or rolled back",
            Self::NotAllowed => "not allowed",
            Self::NotFound => "not found",
            Self::Conflict => "the plan is stale, the lane is busy, or a newer one took its place",
            Self::StoppedWaiting => "stopped waiting after --timeout; the promotion goes on",
            Self::Interrupted => "interrupted with Ctrl-C; the promotion goes on",
        }
    }
}

impl From<RefusalKind> for ExitCode {
    fn from(kind: RefusalKind) -> Self {
        match kind {
            RefusalKind::AlreadySo => Self::Done,
            RefusalKind::Usage => Self::Usage,
            RefusalKind::Gate => Self::Refused,
            RefusalKind::NotAllowed => Self::NotAllowed,
            RefusalKind::NotFound => Self::NotFound,
            RefusalKind::Conflict => Self::Conflict,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Succeeded => Self::Done,
            Outcome::RolledBack | Outcome::Rejected => Self::Refused,
            Outcome::Superseded => Self::Conflict,
            Outcome::Aborted | Outcome::Failed => Self::Failed,
        }
    }
}

/// Why a command did not do what was asked for. Printed by `main`, once, in the voice of refusals.
#[derive(Debug)]
pub(crate) struct CliError(Box<Trouble>);

/// All that is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// How the program ends.
    pub(crate) exit: ExitCode,
    /// A stable word, such as `no-engine`.
    pub(crate) code: String,
    /// What did not happen, and what is so instead.
    pub(crate) message: String,
    /// Why, one sentence.
    pub(crate) cause: Option<String>,
    /// Which file, promotion or rule says so.
    pub(crate) place: Option<String>,
    /// What helps.
    pub(crate) next: Vec<Next>,
    /// What else refuses the same, in the order of precedence.
    pub(crate) also: Vec<Trouble>,
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self {
            exit: refusal.kind.into(),
            code: refusal.code,
            message: refusal.message,
            cause: refusal.cause,
            place: refusal.place,
            next: refusal.next,
            also: refusal.also.into_iter().map(Into::into).collect(),
        }
    }
}

impl CliError {
    /// An error without cause, place and commands; add them.
    pub(crate) fn new(exit: ExitCode, code: &str, message: impl Into<String>) -> Self {
        Self(Box::new(Trouble {
            exit,
            code: code.to_owned(),
            message: message.into(),
            cause: None,
            place: None,
            next: Vec::new(),
            also: Vec::new(),
        }))
    }

    /// How the program ends.
    pub(crate) fn exit(&self) -> ExitCode {
        self.0.exit
    }

    /// Its stable word.
    pub(crate) fn code(&self) -> &str {
        &self.0.code
    }

    /// Why, if it says so.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The same with a cause, one sentence.
    #[must_use]
    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// The same with the file, promotion or rule that says so.
    #[must_use]
    pub(crate) fn at(mut self, place: impl Into<String>) -> Self {
        self.0.place = Some(place.into());
        self
    }

    /// The same with one more command that helps.
    #[must_use]
    pub(crate) fn next(mut self, command: impl Into<String>, what: impl Into<String>) -> Self {
        self.0.next.push(Next::new(command, what));
        self
    }

    /// All that is known about it.
    pub(crate) fn trouble(&self) -> &Trouble {
        &self.0
    }
}

impl From<Refusal> for CliError {
    fn from(refusal: Refusal) -> Self {
        Self(Box::new(refusal.into()))
    }
}

impl From<anyhow::Error> for CliError {
    fn from(error: anyhow::Error) -> Self {
        let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
        let plain = Self::new(ExitCode::Failed, "failed", error.to_string());
        if causes.is_empty() { plain } else { plain.because(causes.join(": ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_refusal_has_the_exit_code_of_the_documented_table() {
        let table = [
            (RefusalKind::AlreadySo, 0),
            (RefusalKind::Usage, 2),
            (RefusalKind::Gate, 3),
            (RefusalKind::NotAllowed, 4),
            (RefusalKind::NotFound, 5),
            (RefusalKind::Conflict, 6),
        ];
        for (kind, number) in table {
            assert_eq!(ExitCode::from(kind).number(), number, "{kind:?}");
        }
    }

    #[test]
    fn every_outcome_has_the_exit_code_of_the_documented_table() {
        let table = [
            (Outcome::Succeeded, 0),
            (Outcome::Failed, 1),
            (Outcome::Aborted, 1),
            (Outcome::RolledBack, 3),
            (Outcome::Rejected, 3),
            (Outcome::Superseded, 6),
        ];
        for (outcome, number) in table {
            assert_eq!(ExitCode::from(outcome).number(), number, "{outcome:?}");
        }
    }

    #[test]
    fn exit_codes_rise_and_stop_waiting_and_interrupted_are_their_own() {
        let numbers: Vec<u8> = ExitCode::ALL.iter().map(|code| code.number()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 130]);
    }

    #[test]
    fn an_error_of_a_library_keeps_its_causes_in_order() {
        let error = anyhow::anyhow!("no space").context("journal.db").context("nothing was kept");
        let error = CliError::from(error);
        assert_eq!(error.trouble().message, "nothing was kept");
        assert_eq!(error.trouble().cause.as_deref(), Some("journal.db: no space"));
        assert_eq!(error.trouble().exit, ExitCode::Failed);
    }
}
