//! Signed words: the text that a person with a key signs, and whether it is about what it is shown for.
//! Verifies no signature: whoever takes words in does, before it comes here.

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
    /// The check that it answers.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The check that it answers.
    pub title: Option<&'a str>,
    /// What they add.
    pub note: Option<&'a str>,
    /// Where the evidence is.
    pub link: Option<&'a str>,
    /// Words that were signed before this moment are of something that is over.
    pub after: Option<Timestamp>,
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
            title: None,
            note: None,
            link: None,
            after: None,
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
        found.map_or(Ok(()), |(code, cause)| Err(refused(code, cause, self.by)))
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
