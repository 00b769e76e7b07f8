//! Tokens: what somebody carries in place of themselves, how far each reaches, and when it ends. Owns
//! their written form and the rules of parent and child; makes no secret and keeps none.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{Digest, Name, Person, TokenId};
use crate::journal::Event;
use crate::matrix::Matrix;
use crate::people::Verb;
use crate::project::Common;
use crate::reason::{Refusal, RefusalKind};
use crate::units::{Span, Timestamp};

/// How every token begins, so that scanners of repositories and logs find one that leaked.
pub const PREFIX: &str = "twp_";
/// Length of the checksum, in hexadecimal digits: 32 bits, so that a scanner takes one text in four
/// billions for a token that is none, and a mistyped one is known as such without a look at any list.
const CHECKSUM: usize = 8;
/// Longest life of a token (trust.md, T13).
pub const LONGEST: Span = Span::hours(90 * 24);
/// Life of a token where nobody said it: a month, after which somebody looks at it again.
pub const USUAL: Span = Span::hours(30 * 24);
/// Most tokens of one owner that are in force at once: one for each pipeline of a large team.
pub const MOST: usize = 100;
/// Most tokens in force that come from one token, directly or not: one for each job of a pipeline.
pub const MOST_OF_ONE: usize = 10;
/// The same with those that ended and are still listed, so that a token that may only look does not fill
/// the journal by making and ending others.
pub const MOST_LISTED_OF_ONE: usize = 100;
/// How long a token is listed after its end.
const REMEMBERED: Span = Span::hours(30 * 24);
/// Longest reason, in characters, as of a freeze.
const LONGEST_REASON: usize = 500;

/// How far a token reaches; never beyond what its owner may at that moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// What may be done by it; nothing: it may only look. Each is named, so that nobody gives away the
    /// right to agree without saying so.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub verbs: BTreeSet<Verb>,
    /// Where; empty: everywhere.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub environments: BTreeSet<Name>,
}

impl Bounds {
    /// Whether it reaches `verb` in `environment`; without one: with the whole project, which one that
    /// is bound to environments does not, but for what belongs to none.
    pub fn reach(&self, verb: Verb, environment: Option<&Name>) -> bool {
        let everywhere = self.environments.is_empty() || verb.is_of_project();
        let here = environment.is_some_and(|name| self.environments.contains(name));
        self.verbs.contains(&verb) && (everywhere || here)
    }

    /// Whether `other` reaches nothing that this does not.
    pub fn hold(&self, other: &Self) -> bool {
        let narrower =
            !other.environments.is_empty() && other.environments.is_subset(&self.environments);
        other.verbs.is_subset(&self.verbs) && (self.environments.is_empty() || narrower)
    }

    /// In a sentence: `promote and rollback in staging`.
    pub fn words(&self) -> String {
        let verbs: Vec<_> = self.verbs.iter().map(|verb| verb.key()).collect();
        if verbs.is_empty() {
            return "looking".to_owned();
        }
        let places: Vec<_> = self.environments.iter().map(Name::as_str).collect();
        let place =
            if places.is_empty() { String::new() } else { format!(" in {}", places.join(", ")) };
        format!("{}{place}", verbs.join(", "))
    }
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// What lists and the journal call it.
    pub id: TokenId,
    /// What its owner calls it.
    pub name: Name,
    /// What is kept of the secret. SHA-256 without salt or stretching: those help against guessing what
    /// people choose, and nobody guesses 256 bits of chance.
    pub hash: Digest,
    /// As whom it acts.
    pub owner: Person,
    /// Who created it for a program; none: the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Person>,
    /// The token with which it was created; it ends with that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TokenId>,
    /// How far it reaches.
    #[serde(default)]
    pub bounds: Bounds,
    /// When it was created.
    pub created_at: Timestamp,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
    /// When it ended before its time: revoked, or its owner left the matrix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

/// An end before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// Of which token.
    pub id: TokenId,
    /// Who.
    pub by: Person,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A token that somebody wants, decided about but for the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What its owner will call it.
    pub name: Name,
    /// Of its secret; see [`hash_of`].
    pub hash: Digest,
    /// How far it shall reach.
    pub bounds: Bounds,
    /// For how long; none: [`USUAL`], or as long as its parent.
    pub lasts: Option<Span>,
}

/// How 256 bits of chance are written as a token: [`PREFIX`], 64 hexadecimal digits, and the first 8 of
/// the SHA-256 of all of that.
pub fn written(chance: &[u8; 32]) -> String {
    let secret = chance.iter().fold(PREFIX.to_owned(), |mut text, byte| {
        std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"))
            .expect("a String takes all");
        text
    });
    let checksum = checksum(&secret);
    secret + &checksum
}

/// What is kept of a token of `project`; none for a text that is none. The project is part of it: a
/// token opens nothing in another one, whatever is copied there.
pub fn hash_of(project: &Name, token: &str) -> Option<Digest> {
    let digits = token.strip_prefix(PREFIX)?;
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if digits.len() != 64 + CHECKSUM || !digits.bytes().all(is_hex) {
        return None;
    }
    let (secret, sum) = token.split_at(token.len() - CHECKSUM);
    (checksum(secret) == sum)
        .then(|| Digest::of(format!("towpath token\0{project}\0{secret}").as_bytes()))
}

fn checksum(secret: &str) -> String {
    Digest::of(secret.as_bytes()).hex()[..CHECKSUM].to_owned()
}

/// Whether a text may hold a token, valid or not: such a one is shown nowhere.
pub fn may_hold_one(text: &str) -> bool {
    text.contains(PREFIX)
}

type Checked<T> = Result<T, Box<Refusal>>;

impl Common {
    /// The token with this id, in force or not.
    pub fn token(&self, id: &TokenId) -> Option<&Token> {
        self.tokens.iter().find(|token| token.id == *id)
    }

    /// The token of which this is kept, if it is in force.
    pub fn token_of(&self, hash: &Digest, now: Timestamp) -> Option<&Token> {
        let found = self.tokens.iter().find(|token| token.hash == *hash);
        found.filter(|token| self.is_in_force(token, now))
    }

    /// Whether a token opens anything at `now`: neither it nor any that it comes from has ended, and the
    /// matrix in force still names its owner.
    pub fn is_in_force(&self, token: &Token, now: Timestamp) -> bool {
        let known = |matrix: &Matrix| matrix.people.contains_key(&token.owner);
        if !self.matrix.as_ref().is_some_and(known) {
            return false;
        }
        let mut at = Some(token);
        while let Some(token) = at {
            if token.ended.is_some() || now >= token.expires_at {
                return false;
            }
            at = match &token.parent {
                None => return true,
                // Whatever came from a token that nobody knows any more has ended as well.
                Some(parent) => self.token(parent).filter(|one| one.created_at <= token.created_at),
            };
        }
        false
    }

    /// Whether `id` is `ancestor` or was created with it, directly or not.
    pub fn comes_from(&self, id: &TokenId, ancestor: &TokenId) -> bool {
        self.ancestry(id).any(|token| token.id == *ancestor)
    }

    /// Who made `token`, or one that it comes from, and is not its owner: what is done by it is their work
    /// too, or one could let a program order what one agrees to oneself.
    pub fn makers(&self, token: &TokenId) -> Vec<Person> {
        let Some(owner) = self.token(token).map(|token| &token.owner) else { return Vec::new() };
        let chain = self.ancestry(token);
        let people = chain.flat_map(|one| one.by.iter().chain([&one.owner]));
        let others: BTreeSet<&Person> = people.filter(|person| *person != owner).collect();
        others.into_iter().cloned().collect()
    }

    /// The token and those that it comes from, the youngest first.
    fn ancestry(&self, id: &TokenId) -> impl Iterator<Item = &Token> {
        let parent = |token: &&Token| token.parent.as_ref().and_then(|parent| self.token(parent));
        // No chain is longer than there are tokens.
        std::iter::successors(self.token(id), parent).take(self.tokens.len())
    }

    /// What follows from the wish for a token of `owner`, whom the matrix names and who may all that it
    /// reaches; `parent` is the token with which it is asked for.
    ///
    /// # Errors
    /// The refusal; nothing is created then.
    pub fn create_token(
        &self,
        wanted: Wanted,
        owner: Person,
        by: Option<Person>,
        parent: Option<&Token>,
        now: Timestamp,
    ) -> Checked<Event> {
        let Wanted { name, hash, bounds, lasts } = wanted;
        let id = TokenId::new(hash.short()).expect("the first digits of a digest are an id");
        let mine =
            self.tokens.iter().filter(|one| one.owner == owner && self.is_in_force(one, now));
        let mine: Vec<&Token> = mine.collect();
        if lasts.is_some_and(|lasts| lasts == Span::ZERO || lasts > LONGEST) {
            return Err(refused(
                RefusalKind::Usage,
                "bad-life",
                "a token lasts up to 90 days".to_owned(),
            ));
        }
        if mine.iter().any(|one| one.name == name) || self.token(&id).is_some() {
            let cause = format!("{owner} has a token called {name}, which is in force");
            return Err(refused(RefusalKind::Conflict, "same-name", cause));
        }
        if mine.len() >= MOST {
            let cause = format!("{owner} has {MOST} tokens in force");
            return Err(refused(RefusalKind::Conflict, "too-many", cause));
        }
        if let Some(parent) = parent {
            self.has_room_for_another(parent, now)?;
        }
        self.places_exist(&bounds)?;
        let expires_at = match (lasts, parent) {
            (Some(lasts), _) => now.plus(lasts),
            (None, Some(parent)) => now.plus(USUAL).min(parent.expires_at),
            (None, None) => now.plus(USUAL),
        };
        if let Some(parent) = parent {
            outranks_not(parent, &bounds, expires_at)?;
        }
        let parent = parent.map(|parent| parent.id.clone());
        let created_at = now;
        let token = Token {
            id,
            name,
            hash,
            owner,
            by,
            parent,
            bounds,
            created_at,
            expires_at,
            ended: None,
        };
        Ok(Event::TokenCreated(Box::new(token)))
    }

    /// Whether neither `parent` nor any that it comes from has had too many made by it.
    fn has_room_for_another(&self, parent: &Token, now: Timestamp) -> Checked<()> {
        for one in self.ancestry(&parent.id) {
            let is_its_own =
                |other: &&Token| other.id != one.id && self.comes_from(&other.id, &one.id);
            let all: Vec<&Token> = self.tokens.iter().filter(is_its_own).collect();
            let in_force = all.iter().filter(|other| self.is_in_force(other, now)).count();
            let name = &one.name;
            let cause = if in_force >= MOST_OF_ONE {
                format!("{in_force} tokens in force come from {name}, which is as many as may")
            } else if all.len() >= MOST_LISTED_OF_ONE {
                format!("{} tokens came from {name} of late, which is as many as may", all.len())
            } else {
                continue;
            };
            return Err(refused(RefusalKind::Conflict, "too-many", cause));
        }
        Ok(())
    }

    fn places_exist(&self, bounds: &Bounds) -> Checked<()> {
        let known = |name: &&Name| {
            self.matrix.as_ref().is_some_and(|matrix| matrix.environment(name).is_some())
        };
        match bounds.environments.iter().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => {
                let cause = format!("the matrix in force has no environment `{name}`");
                Err(refused(RefusalKind::NotFound, "no-environment", cause))
            }
        }
    }

    /// What follows from the order to end a token.
    ///
    /// # Errors
    /// The refusal: there is none, or it has ended.
    pub fn revoke_token(&self, order: Revoked, now: Timestamp) -> Checked<Event> {
        let said = |kind, code, cause: String| {
            let refusal = Refusal::new(kind, code, "nothing was revoked", cause);
            Box::new(refusal.next("towpath token list", "which tokens there are"))
        };
        if order.reason.as_ref().is_some_and(|text| text.chars().count() > LONGEST_REASON) {
            let cause = format!("a reason has at most {LONGEST_REASON} characters");
            return Err(said(RefusalKind::Usage, "too-long", cause));
        }
        let Some(token) = self.token(&order.id) else {
            let cause = format!("there is no token {}", order.id);
            return Err(said(RefusalKind::NotFound, "no-token", cause));
        };
        if !self.is_in_force(token, now) {
            let cause = format!("{} opens nothing any more", order.id);
            return Err(said(RefusalKind::AlreadySo, "ended-already", cause));
        }
        Ok(Event::TokenRevoked(order))
    }

    /// Takes a token in, or its end. Those that ended long ago are forgotten; the journal has them.
    pub(crate) fn token_changed(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::TokenCreated(token) => {
                self.tokens.retain(|one| at < one.ended.unwrap_or(one.expires_at).plus(REMEMBERED));
                self.tokens.push((**token).clone());
            }
            Event::TokenRevoked(revoked) => {
                let ended = self.tokens.iter_mut().filter(|token| token.id == revoked.id);
                ended.for_each(|token| token.ended = token.ended.or(Some(at)));
            }
            _ => {}
        }
    }

    /// Under a new matrix the tokens of those whom it does not name end for good: whoever has the same
    /// name later is somebody else.
    pub(crate) fn tokens_under(&mut self, matrix: &Matrix, at: Timestamp) {
        for token in &mut self.tokens {
            if !matrix.people.contains_key(&token.owner) {
                token.ended = token.ended.or(Some(at));
            }
        }
    }
}

/// A child reaches no further than its parent, and does not outlive it.
fn outranks_not(parent: &Token, bounds: &Bounds, expires_at: Timestamp) -> Checked<()> {
    if !parent.bounds.hold(bounds) {
        let (own, theirs) = (parent.bounds.words(), bounds.words());
        let cause = format!("it would be for {theirs}, and {} is for {own}", parent.name);
        return Err(refused(RefusalKind::NotAllowed, "outranks", cause));
    }
    if expires_at > parent.expires_at {
        let cause = format!("it would outlive {}, with which it is asked for", parent.name);
        return Err(refused(RefusalKind::NotAllowed, "outlives", cause));
    }
    Ok(())
}

fn refused(kind: RefusalKind, code: &str, cause: String) -> Box<Refusal> {
    let refusal = Refusal::new(kind, code, "no token was created", cause);
    Box::new(refusal.next("towpath help token create", "what may be said of a token"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn bounds(verbs: &[Verb], places: &[&str]) -> Bounds {
        Bounds {
            verbs: verbs.iter().copied().collect(),
            environments: places.iter().map(|place| name(place)).collect(),
        }
    }

    #[test]
    fn a_token_is_known_by_its_form_and_opens_one_project_alone() {
        let token = written(&[7; 32]);
        assert_eq!(token.len(), 76);
        assert!(token.starts_with("twp_0707"));
        let hash = hash_of(&name("shop"), &token).unwrap();
        assert_ne!(Some(hash), hash_of(&name("bakery"), &token));
        let end = if token.ends_with('0') { "1" } else { "0" };
        let wrong = [
            String::new(),
            "twp_".to_owned(),
            token.to_uppercase(),
            format!("{token}0"),
            format!("{}{end}", &token[..75]),
            token.replacen("07", "08", 1),
            token[4..].to_owned(),
            format!(" {token}"),
            format!("twp_{}", "é".repeat(36)),
        ];
        for text in wrong {
            assert_eq!(hash_of(&name("shop"), &text), None, "{text}");
        }
    }

    #[test]
    fn bounds_reach_what_they_name_and_nothing_that_holds_everywhere() {
        let all = bounds(&[Verb::Promote, Verb::Freeze], &[]);
        let one = bounds(&[Verb::Promote, Verb::CreateRelease], &["staging"]);
        let (staging, production) = (name("staging"), name("production"));
        assert!(all.reach(Verb::Freeze, None) && all.reach(Verb::Promote, Some(&production)));
        assert!(!all.reach(Verb::Rollback, Some(&production)));
        assert!(one.reach(Verb::Promote, Some(&staging)));
        assert!(!one.reach(Verb::Promote, Some(&production)) && !one.reach(Verb::Promote, None));
        assert!(one.reach(Verb::CreateRelease, None), "it belongs to no environment");
        assert!(!Bounds::default().reach(Verb::Signal, Some(&staging)));
    }

    #[test]
    fn no_bounds_hold_what_is_wider() {
        let verbs = [Verb::Promote, Verb::Rollback];
        let here = bounds(&verbs, &["dev", "staging"]);
        let everywhere = bounds(&verbs, &[]);
        assert!(everywhere.hold(&here) && here.hold(&here));
        assert!(here.hold(&bounds(&[Verb::Promote], &["dev"])));
        assert!(!here.hold(&everywhere), "everywhere is more than two places");
        assert!(!here.hold(&bounds(&[Verb::Approve], &["dev"])));
        assert!(!here.hold(&bounds(&[Verb::Promote], &["production"])));
    }
}
