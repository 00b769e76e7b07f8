//! How notices are put: subjects, the commands that help, and the rule that a line is one line.
//! Decides nothing about who hears them.

use crate::ids::{Name, Person};
use crate::notices::deciding::About;
use crate::notices::{Notice, Occasion};
use crate::promotion::state::Kind;
use crate::reason::Next;
use crate::units::Timestamp;

/// A message that shows whether `channel` works, and says that it is no more than that.
pub fn trial(project: &Name, channel: &Name, by: &Person, now: Timestamp, speed: u32) -> Notice {
    let rehearsal = Some(speed).filter(|speed| *speed > 1);
    let subject = format!("this is a test of the channel {channel}");
    Notice {
        id: format!("test-{:x}-{channel}", now.0),
        channel: channel.to_string(),
        occasion: Occasion::Test,
        at: now,
        project: project.clone(),
        rehearsal,
        lane: None,
        tier: None,
        promotion: None,
        release: None,
        serves: None,
        served: None,
        subject: headed(project, rehearsal, &format!("TEST: {subject}")),
        rows: vec![
            ("test".to_owned(), "nothing happened; somebody tries this channel".to_owned()),
            ("who".to_owned(), line(by.as_str())),
        ],
        next: vec![Next::new("towpath notify list", "what is on its way, and what never arrived")],
        summary: None,
    }
}

/// A way to sign in that is sent to somebody.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// Who.
    pub person: &'a Person,
    /// The link, with its secret.
    pub link: &'a str,
    /// Until when it can be used.
    pub until: Timestamp,
    /// From where it was asked for, as they may read it.
    pub from: &'a str,
}

/// The message with which somebody signs in. It holds a secret: to be sent at once, and kept nowhere.
pub fn way_in(project: &Name, channel: &Name, way: &Way<'_>, now: Timestamp, speed: u32) -> Notice {
    let until = jiff::Timestamp::from_microsecond(way.until.0).unwrap_or(jiff::Timestamp::MAX);
    let subject = headed(project, None, "the link by which you sign in");
    let row = |label: &str, text: &str| (label.to_owned(), line(text));
    Notice {
        channel: channel.to_string(),
        id: format!("sign-in-{:x}-{channel}", now.0),
        occasion: Occasion::SignIn,
        subject,
        rows: vec![
            row("link", way.link),
            row("as", way.person.as_str()),
            row("works", &format!("once, until {}", until.strftime("%H:%M UTC"))),
            row("asked", &format!("from {}", way.from)),
            row("not you?", "then do nothing: without the link nobody gets in"),
        ],
        next: Vec::new(),
        ..trial(project, channel, way.person, now, speed)
    }
}

pub(super) fn subject(occasion: Occasion, about: &About<'_>, environment: &Name) -> String {
    let version = about.version;
    let back = about.kind == Kind::Rollback;
    match occasion {
        Occasion::Started if back => format!("{environment} is going back to {version}"),
        Occasion::Started => format!("{version} is on its way into {environment}"),
        Occasion::Waiting => format!("{version} waits for people before {environment}"),
        Occasion::Approved => format!("everybody agreed to {version} before {environment}"),
        Occasion::Rejected => format!("{version} was rejected for {environment}"),
        Occasion::Succeeded => format!("{environment} serves {version}"),
        Occasion::RolledBack if back => format!("{environment} was rolled back to {version}"),
        Occasion::RolledBack => match about.old {
            Some(old) => format!("{environment} went back to {old}: {version} was taken out"),
            None => format!("{environment} went back: {version} was taken out"),
        },
        Occasion::Failed if back => format!("the rollback of {environment} to {version} failed"),
        Occasion::Failed => format!("{version} failed to enter {environment}"),
        Occasion::Paused => format!("{version} is paused on its way into {environment}"),
        Occasion::Held => format!("{version} holds for evidence in {environment}"),
        Occasion::Superseded => {
            format!("a newer release took the place of {version} before {environment}")
        }
        Occasion::Aborted => format!("{version} was aborted on its way into {environment}"),
        Occasion::Hotfix => format!("the hotfix {version} is on its way into {environment}"),
        Occasion::PersonCalled => format!("{environment} needs a person"),
        Occasion::ErrorBudget => format!("the error budget of {environment}"),
        Occasion::Owed if !back => format!("something is owed for {version} in {environment}"),
        Occasion::BreakGlass => format!("GLASS BROKEN: {version} into {environment}"),
        Occasion::Owed => format!("a reason is owed for the rollback of {environment}"),
        Occasion::Before => format!("{version} is about to enter {environment}"),
        // Is about no promotion, and put in words of its own.
        Occasion::Freeze => format!("a freeze of {environment}"),
        Occasion::Test => "this is a test".to_owned(),
        Occasion::SignIn => "somebody signs in".to_owned(),
    }
}

pub(super) fn next(occasion: Occasion, about: &About<'_>, environment: &Name) -> Vec<Next> {
    let number = about.number;
    let why = || Next::new(format!("towpath why {environment}"), "what helps, and who can");
    match occasion {
        Occasion::Started | Occasion::Hotfix | Occasion::BreakGlass => vec![
            Next::new(format!("towpath watch {number}"), "how it goes"),
            Next::new(format!("towpath abort {number}"), "returns all traffic"),
        ],
        Occasion::Before | Occasion::Waiting | Occasion::Held | Occasion::PersonCalled => {
            vec![why()]
        }
        Occasion::Paused => vec![
            Next::new(format!("towpath resume {number}"), "lets it go on"),
            Next::new(format!("towpath abort {number}"), "returns all traffic"),
        ],
        Occasion::Succeeded if about.old.is_some() => {
            vec![Next::new(format!("towpath rollback {environment}"), "puts the old release back")]
        }
        Occasion::Failed | Occasion::RolledBack if about.kind == Kind::Promote => {
            vec![Next::new(format!("towpath logs {number}"), "what it wrote")]
        }
        Occasion::ErrorBudget => {
            vec![Next::new(format!("towpath health {environment}"), "what is left of it now")]
        }
        Occasion::Owed if about.kind == Kind::Promote => {
            vec![Next::new("towpath waiting", "what is owed, and who settles it how")]
        }
        Occasion::Owed => vec![Next::new(
            format!("towpath rollback --amend {number} --reason \"REASON\""),
            "keeps it in the journal",
        )],
        _ => Vec::new(),
    }
}

/// A subject with whose it is; what only rehearses says so first.
pub(super) fn headed(project: &Name, rehearsal: Option<u32>, subject: &str) -> String {
    let marked = rehearsal.map_or_else(String::new, |speed| format!("[rehearsal {speed}x] "));
    line(&format!("{marked}[{project}] {subject}"))
}

/// Longest line of a person or a program that is passed on, in characters.
const LONGEST_LINE: usize = 500;

/// One line without what could end a header, turn the direction of writing or move a cursor.
pub(super) fn line(text: &str) -> String {
    let harmless = |character: char| {
        let turns = matches!(character,
            '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
                | '\u{2028}' | '\u{2029}');
        if character.is_control() || turns { ' ' } else { character }
    };
    let mut line: String = text.chars().take(LONGEST_LINE).map(harmless).collect();
    if text.chars().nth(LONGEST_LINE).is_some() {
        line.push('…');
    }
    line
}
