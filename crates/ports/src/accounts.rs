//! Keeps who may sign in at a server: local users, sessions, one-time links, attempts, and sign-ins that are
//! under way elsewhere. Apart from every journal, because one server holds several projects; knows no rights.

use async_trait::async_trait;
use towpath_core::ids::{Digest, Person, SessionId};
use towpath_core::units::{Span, Timestamp};

use crate::secret::Secret;
use crate::store::StoreError;

/// Most sessions of one person that are open at once: one for each device, and room. The oldest ends when
/// another begins.
pub const MOST_SESSIONS: u32 = 20;
/// Most links of one person, or of nobody yet, that could be used at once.
pub const MOST_LINKS: u32 = 20;
/// Most sign-ins that are under way elsewhere at once. Each is a row of some 500 bytes for ten minutes, and
/// anybody may begin one.
pub const MOST_UNDER_WAY: u32 = 10_000;
/// How long what is over is kept, for whoever looks.
pub const REMEMBERED: Span = Span::hours(7 * 24);

/// Keeps accounts. Every method writes all it says or nothing; none waits longer than the patience of the
/// database (seconds).
///
/// # Errors
/// Of every method: [`StoreError`]; nobody is signed in by one that failed.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Whether there is a local user at all.
    async fn has_users(&self) -> Result<bool, StoreError>;

    /// The local user of that name.
    async fn user(&self, person: &Person) -> Result<Option<LocalUser>, StoreError>;

    /// Makes the local user or gives them another password, of which `hash` is kept. Safe to repeat.
    async fn set_password(
        &self,
        person: &Person,
        hash: &Secret,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Gives a local user a second factor, in place of any before; no code of it was taken yet, and it
    /// counts from the first that is. Answers whether there is that user.
    async fn offer_second(&self, person: &Person, secret: &Secret) -> Result<bool, StoreError>;

    /// Takes the code of interval `step`, if it is later than every one that was taken: of several that
    /// ask at once with the same code one is answered with yes. The first one makes the second factor count.
    async fn take_step(
        &self,
        person: &Person,
        step: i64,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Begins a session, and ends the oldest of the same person beyond [`MOST_SESSIONS`].
    async fn begin_session(&self, session: &KeptSession) -> Result<(), StoreError>;

    /// The session of which `hash` is kept, if it is open at `now`.
    async fn session(
        &self,
        hash: &Digest,
        now: Timestamp,
    ) -> Result<Option<KeptSession>, StoreError>;

    /// Notes that a second factor was shown in an open session, and exchanges what is kept of its cookie, so
    /// that the one before opens nothing. Answers whether it was open.
    async fn strengthen_session(
        &self,
        hash: &Digest,
        next: &Digest,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Ends a session; answers it if it was open. Safe to repeat.
    async fn end_session(
        &self,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Option<KeptSession>, StoreError>;

    /// The open sessions of somebody, the youngest first.
    async fn sessions_of(
        &self,
        person: &Person,
        now: Timestamp,
    ) -> Result<Vec<KeptSession>, StoreError>;

    /// Keeps a link. Answers false, and keeps nothing, where [`MOST_LINKS`] of the same person are open.
    async fn keep_link(&self, link: &KeptLink, now: Timestamp) -> Result<bool, StoreError>;

    /// The link of which `hash` is kept, if it can be used at `now`. Uses nothing up.
    async fn link(&self, hash: &Digest, now: Timestamp) -> Result<Option<KeptLink>, StoreError>;

    /// The same, and uses it up: of several that ask at once one is answered.
    async fn use_link(&self, hash: &Digest, now: Timestamp)
    -> Result<Option<KeptLink>, StoreError>;

    /// Counts an attempt, and answers which one it is within a window of `within` that began with the
    /// first of them: 1 is the first. To be asked before anything is compared, so that attempts at once
    /// are counted each.
    async fn count_attempt(
        &self,
        key: &AttemptKey,
        within: Span,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// How many attempts of `key` were counted within a window of `within` that has not passed. Writes nothing.
    async fn attempts(
        &self,
        key: &AttemptKey,
        within: Span,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Forgets the attempts of `key`.
    async fn forget_attempts(&self, key: &AttemptKey) -> Result<(), StoreError>;

    /// Keeps a sign-in that goes on elsewhere, or that a token was used. Answers false, and keeps nothing, beyond
    /// [`MOST_UNDER_WAY`] of its kind that are not over at `now`, or where one of the same hash is kept: of several that ask at once one is answered with yes.
    async fn keep_under_way(
        &self,
        under_way: &UnderWay,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The sign-in of which `hash` is kept, and forgets it: of several that ask at once one is answered.
    async fn take_under_way(
        &self,
        hash: &Digest,
        now: Timestamp,
    ) -> Result<Option<UnderWay>, StoreError>;

    /// Removes what is over for long enough, and attempts older than `within`; answers how many rows went.
    /// Safe to repeat.
    async fn sweep(&self, within: Span, now: Timestamp) -> Result<u64, StoreError>;
}

/// Somebody who signs in by what this server keeps of them.
#[derive(Clone, Debug)]
pub struct LocalUser {
    /// By the name that matrices have for them.
    pub person: Person,
    /// What is kept of the password, in the form of PHC.
    pub password: Secret,
    /// The second factor; none where nobody was given one.
    pub second: Option<SecondSecret>,
}

/// A second factor by codes that change with time.
#[derive(Clone, Debug)]
pub struct SecondSecret {
    /// What codes are made with, in Base32.
    pub secret: Secret,
    /// Since when it counts: when its first code was taken.
    pub since: Option<Timestamp>,
}

/// A session, without what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSession {
    /// What lists and journals call it.
    pub id: SessionId,
    /// What is kept of its cookie.
    pub hash: Digest,
    /// Whose it is.
    pub person: Person,
    /// By what they signed in: `password`, `link`, `mail` or `oidc`.
    pub way: String,
    /// From where, as they may read it.
    pub place: String,
    /// When it began.
    pub started: Timestamp,
    /// When the first factor was shown.
    pub first: Timestamp,
    /// When a second factor was shown last.
    pub second: Option<Timestamp>,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
    /// What whoever vouches for them said beside the name, as JSON.
    pub claims: Option<String>,
}

/// What a one-time link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Becoming a local user.
    SetUp,
    /// Signing in, made by whoever has the machine.
    SignIn,
    /// Signing in, by whoever reads the mail of somebody.
    Mail,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::SetUp, Self::SignIn, Self::Mail];

    /// As it is kept.
    pub fn word(self) -> &'static str {
        match self {
            Self::SetUp => "set-up",
            Self::SignIn => "sign-in",
            Self::Mail => "mail",
        }
    }
}

/// A one-time link, without what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptLink {
    /// What is kept of it.
    pub hash: Digest,
    /// What it is for.
    pub purpose: Purpose,
    /// For whom; none: for whoever opens it.
    pub person: Option<Person>,
    /// Who made it, or `serve`.
    pub made_by: String,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
}

/// What attempts are counted by: an account or an address, as one of 65,536 numbers, so that whoever tries
/// many names fills nothing. Two that fall together share their count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptKey(String);

impl AttemptKey {
    /// That of `text` among those of one `kind`, a word.
    pub fn of(kind: &str, text: &str) -> Self {
        let digest = Digest::of(format!("attempt\0{kind}\0{text}").as_bytes());
        Self(format!("{kind}:{}", &digest.hex()[..4]))
    }

    /// As it is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A sign-in that goes on elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnderWay {
    /// What is kept of what comes back with it.
    pub hash: Digest,
    /// All that has to be remembered, as JSON.
    pub body: String,
    /// From when on it leads to nothing.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_attempts_are_counted_by_is_one_of_a_bounded_number() {
        let key = AttemptKey::of("account", "ada");
        assert_eq!(key, AttemptKey::of("account", "ada"));
        assert_ne!(key, AttemptKey::of("address", "ada"));
        let all: std::collections::BTreeSet<String> = (0..200_000)
            .map(|number| AttemptKey::of("account", &number.to_string()).as_str().to_owned())
            .collect();
        assert!(all.len() <= 65_536 && all.len() > 50_000, "{}", all.len());
    }
}
