//! Signed words: the text that a person with a key signs, and whether it is about what it is shown for.
//! Verifies no signature: whoever takes words in does, before it comes here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Digest, Name, Person, PromotionNumber};
use crate::matrix::Matrix;
use crate::reason::{Refusal, RefusalKind};
use crate::units::{Span, Timestamp};

/// The namespace of the signatures (PROTOCOL.sshsig): what was signed for another use says nothing here.
pub const NAMESPACE: &str = "towpath";
/// How long signed words may be shown at most: long enough to touch a key, and no store of words.
pub const LONGEST: Span = Span::hours(1);
/// How far the clock of whoever signs may be ahead.
pub const AHEAD: Span = Span::minutes(5);
/// Which words this program asks for signed, as it says when it starts: 1, whatever [`Says`] has. Programs before
/// that asked for those of gates alone.
pub const RULE: u32 = 1;
/// How long after they were taken words could be shown again: they may be from a clock that is ahead.
const SHOWABLE: Span = Span(LONGEST.milliseconds() + AHEAD.milliseconds());
/// What stands before a key of hardware that must have asked for more than a touch (sshd(8)).
const VERIFY_REQUIRED: &str = "verify-required";
/// Kinds of keys by which words can be signed (OpenSSH's sshd(8), `AUTHORIZED_KEYS FILE FORMAT`).
pub const KINDS: [&str; 2] = ["ssh-ed25519", "sk-ssh-ed25519@openssh.com"];

/// What was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Says {
    /// Yes to a plan.
    Approve,
    /// No to a promotion.
    Reject,
    /// A check that people answer is done.
    Attest,
    /// Yes to a changed matrix.
    ApproveMatrix,
    /// No to it.
    RejectMatrix,
    /// A promotion past the rules.
    BreakGlass,
    /// This matrix shall count.
    ApplyMatrix,
    /// A promotion past windows and declared freezes.
    OverrideWindow,
    /// A promotion without a demand of the matrix that is not enforced.
    AcceptUnenforced,
    /// What is owed is done.
    Settle,
    /// A condemned release may enter again.
    LiftQuarantine,
    /// A freeze is over.
    Thaw,
    /// A promotion that is held goes on.
    Resume,
}

impl Says {
    /// Whether every program that knew keys asked for it signed: words at a gate.
    pub fn was_ever_signed(self) -> bool {
        matches!(self, Self::Approve | Self::Reject | Self::Attest)
    }
}

/// What a person signs: one object of JSON in one line, its fields in this order, without spaces between
/// them. What does not apply is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The form of this text; 1.
    pub towpath: u32,
    /// Whose journal; that of a rehearsal says how much faster it runs, as `shop at 60x`.
    pub project: String,
    /// Which journal, as its checkpoints name it: what is said to one counts in no copy of it that was begun
    /// anew, nor in a rehearsal. Words of older programs lack it; no new ones do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
    /// Who.
    pub by: Person,
    /// What.
    pub says: Says,
    /// In which lane: the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
    /// In which lane: the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Name>,
    /// To which promotion, where one waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<PromotionNumber>,
    /// About which release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Digest>,
    /// About which plan, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Digest>,
    /// Which matrix shall count, resolved; `towpath matrix show --json` says its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Digest>,
    /// The check that it answers, or what was owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What they add, or why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where the evidence is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// When it was signed (RFC 3339, UTC).
    pub at: String,
    /// Until when it may be shown.
    pub until: String,
}

/// A statement as it was signed, kept with what it led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The text, byte for byte.
    pub statement: String,
    /// What `ssh-keygen -Y sign -n towpath` makes of it.
    pub signature: String,
}

impl Statement {
    /// The text that is signed. One statement is written in one way.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("a statement is plain data with text keys")
    }

    /// How a project is called in a statement.
    pub fn project(name: &Name, speed: u32) -> String {
        if speed > 1 { format!("{name} at {speed}x") } else { name.to_string() }
    }

    /// A moment as it stands in one.
    pub fn moment(at: Timestamp) -> String {
        jiff::Timestamp::from_microsecond(at.0).unwrap_or(jiff::Timestamp::MAX).to_string()
    }

    /// What a text states; none where it is not exactly as [`Self::text`] writes it.
    pub fn read(text: &str) -> Option<Self> {
        let statement: Self = serde_json::from_str(text).ok()?;
        (statement.towpath == 1 && statement.text() == text).then_some(statement)
    }
}

/// A line of a public key without the condition that may stand before it, and whether that is there: that
/// the hardware asked for a PIN, or a finger, before it signed.
pub fn unconditional(line: &str) -> (bool, &str) {
    let line = line.trim();
    let rest = line.strip_prefix(VERIFY_REQUIRED).filter(|rest| rest.starts_with([' ', '\t']));
    (rest.is_some(), rest.unwrap_or(line).trim_start())
}

/// The part of a line of a public key that is the key, whatever comment or condition stands beside it; none
/// where the text is no such line.
pub fn key_of_line(line: &str) -> Option<&str> {
    let mut words = unconditional(line).1.split_whitespace();
    words.next().filter(|kind| KINDS.contains(kind)).and_then(|_| words.next())
}

/// Words that were taken, each for as long as it could be shown again: none counts twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard(BTreeMap<Digest, Timestamp>);

impl Heard {
    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Remembers what was taken at `at`, and forgets what nobody could show any more.
    pub fn note(&mut self, signed: &Signed, at: Timestamp) {
        self.0.retain(|_, taken| at < taken.plus(SHOWABLE));
        self.0.insert(signed.digest(), at);
    }

    fn has(&self, signed: &Signed) -> bool {
        self.0.contains_key(&signed.digest())
    }
}

impl Signed {
    /// What these words are known again by.
    fn digest(&self) -> Digest {
        Digest::of(self.statement.as_bytes())
    }
}

/// What words are said about here; they must state the same.
#[derive(Clone, Copy, Debug)]
pub struct Spoken<'a> {
    /// Who.
    pub by: &'a Person,
    /// What.
    pub says: Says,
    /// In which lane: the service.
    pub service: Option<&'a Name>,
    /// In which lane: the environment.
    pub environment: Option<&'a Name>,
    /// To which promotion.
    pub promotion: Option<PromotionNumber>,
    /// About which release.
    pub release: Option<&'a Digest>,
    /// About which plan.
    pub plan: Option<&'a Digest>,
    /// Which matrix shall count.
    pub matrix: Option<&'a Digest>,
    /// The check that it answers, or what was owed.
    pub title: Option<&'a str>,
    /// What they add.
    pub note: Option<&'a str>,
    /// Where the evidence is.
    pub link: Option<&'a str>,
    /// Words that were signed before this moment are of something that is over.
    pub after: Option<Timestamp>,
    /// Words that were taken here before.
    pub taken: Option<&'a Heard>,
}

impl<'a> Spoken<'a> {
    /// Somebody's words about nothing yet.
    pub fn new(by: &'a Person, says: Says) -> Self {
        Self {
            by,
            says,
            service: None,
            environment: None,
            promotion: None,
            release: None,
            plan: None,
            matrix: None,
            title: None,
            note: None,
            link: None,
            after: None,
            taken: None,
        }
    }

    /// Whether the words may be taken for this person's: signed where the matrix names a key of theirs,
    /// and then about this and nothing else.
    ///
    /// # Errors
    /// The refusal, with a code for each way in which they are not.
    pub fn heard(
        &self,
        matrix: Option<&Matrix>,
        signed: Option<&Signed>,
        now: Timestamp,
    ) -> Result<(), Box<Refusal>> {
        let known = matrix.and_then(|matrix| matrix.people.get(self.by));
        let has_key = known.is_some_and(|known| known.key.is_some());
        let signed = match (has_key, signed) {
            (false, None) => return Ok(()),
            (false, Some(_)) => {
                let cause = format!("the matrix names no key of {}", self.by);
                return Err(refused("no-key", cause, self.by));
            }
            (true, None) => {
                let cause = format!("{} has a key, and speaks by signed words alone", self.by);
                return Err(refused("not-signed", cause, self.by));
            }
            (true, Some(signed)) => signed,
        };
        let Some(statement) = Statement::read(&signed.statement) else {
            let cause = "what was signed is no statement of Towpath".to_owned();
            return Err(refused("not-a-statement", cause, self.by));
        };
        let found = self.differs(&statement).or_else(|| self.out_of_time(&statement, now));
        if let Some((code, cause)) = found {
            return Err(refused(code, cause, self.by));
        }
        if self.taken.is_some_and(|taken| taken.has(signed)) {
            let cause = "these very words were taken before, and count once".to_owned();
            return Err(refused("said-before", cause, self.by));
        }
        Ok(())
    }

    /// In what words that were signed are not the ones that an event tells of, written at `at`; a part of a
    /// sentence. Says nothing of the signature, nor of words that count once.
    pub fn is_not(&self, statement: &Statement, at: Timestamp) -> Option<String> {
        let found = self.differs(statement).or_else(|| self.out_of_time(statement, at));
        found.map(|(_, cause)| cause)
    }

    /// In what the statement is about something else.
    fn differs(&self, other: &Statement) -> Option<(&'static str, String)> {
        let lane = (other.service.as_ref(), other.environment.as_ref());
        let added = (other.note.as_deref(), other.link.as_deref());
        let all = [
            (*self.by != other.by, "signed-other-person", "as another person"),
            (self.says != other.says, "signed-other-word", "for another word"),
            ((self.service, self.environment) != lane, "signed-other-lane", "for another lane"),
            (self.promotion != other.promotion, "signed-other-promotion", "to another promotion"),
            (self.plan != other.plan.as_ref(), "signed-other-plan", "to another plan"),
            (self.matrix != other.matrix.as_ref(), "signed-other-matrix", "for another matrix"),
            (self.release != other.release.as_ref(), "signed-other-release", "of another release"),
            (self.title != other.title.as_deref(), "signed-other-check", "for another check"),
            ((self.note, self.link) != added, "signed-other-note", "with another note or link"),
        ];
        let (_, code, what) = all.into_iter().find(|(differs, ..)| *differs)?;
        Some((code, format!("these words were signed {what}")))
    }

    fn out_of_time(&self, other: &Statement, now: Timestamp) -> Option<(&'static str, String)> {
        let read = |text: &str| {
            let moment: jiff::Timestamp = text.parse().ok()?;
            Some(Timestamp(moment.as_microsecond()))
        };
        let (Some(at), Some(until)) = (read(&other.at), read(&other.until)) else {
            return Some(("signed-no-time", "they do not say when they were signed".to_owned()));
        };
        if at > now.plus(AHEAD) {
            return Some((
                "signed-ahead",
                format!("they were signed at {}, which is ahead", other.at),
            ));
        }
        if until > at.plus(LONGEST) {
            return Some(("signed-too-long", format!("they would hold for more than {LONGEST}")));
        }
        if now >= until {
            return Some(("signed-expired", format!("they held until {}", other.until)));
        }
        let over = self.after.is_some_and(|after| at <= after);
        over.then(|| ("signed-before", "what they were about is over since".to_owned()))
    }
}

fn refused(code: &str, cause: String, by: &Person) -> Box<Refusal> {
    let message = format!("the word of {by} was not taken");
    let refusal = Refusal::new(RefusalKind::NotAllowed, code, message, cause);
    Box::new(
        refusal.at(format!("people.{by}.key")).next(
            "towpath COMMAND --key ~/.ssh/id_ed25519",
            "the same command, which signs it anew",
        ),
    )
}
