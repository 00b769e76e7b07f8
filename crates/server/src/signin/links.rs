//! One-time links: for whoever has the machine already, so that local use needs no password, for the first
//! local user of a server, and for whoever reads a person's mail. Owns how long they last; shows no page.

use towpath_core::ids::Person;
use towpath_core::notices::Way;
use towpath_core::units::{Span, Timestamp};
use towpath_engine::Engine;
use towpath_ports::accounts::{KeptLink, Purpose};

use super::{SignIn, SignInError, chance};

/// How long a link to sign in lasts: it is opened at once, on the same screen.
const SIGN_IN: Span = Span::minutes(5);
/// How long the first link of a server lasts: somebody goes over to another machine with it.
const SET_UP: Span = Span::minutes(30);

/// How long a link that was mailed lasts: mail is slow at times, and read on another device.
const MAILED: Span = Span::minutes(15);

/// A link that was made; the only time that it is shown.
#[derive(Clone, Debug)]
pub struct MadeLink {
    /// All of it.
    pub address: String,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

impl SignIn {
    /// A link by which the first local user sets themselves up; none where there is a local user already. Not
    /// safe to repeat: each opens the same door once, for half an hour.
    ///
    /// # Errors
    /// Accounts cannot be read or written, or the machine gives no random numbers.
    pub async fn first_link(&self) -> Result<Option<MadeLink>, SignInError> {
        if self.accounts().has_users().await? {
            return Ok(None);
        }
        self.made(Purpose::SetUp, None, "serve").await.map(Some)
    }

    /// A link by which `person` signs in; `made_by` is on record with it.
    ///
    /// # Errors
    /// As [`Self::first_link`]; and [`SignInError::TooMany`] where too many of theirs are open.
    pub async fn link_for(&self, person: &Person, made_by: &str) -> Result<MadeLink, SignInError> {
        self.made(Purpose::SignIn, Some(person.clone()), made_by).await
    }

    /// The project that says where somebody reads their mail, and by which server it goes. None where there are
    /// several: a session opens all projects of a person, and whoever writes the matrix of one is not to be let into
    /// the others.
    fn mailing(&self) -> Option<Engine> {
        let mut projects = self.projects();
        projects.pop().filter(|_| projects.is_empty())
    }

    /// Whether there is anybody whom a link could be mailed to.
    pub(super) fn mails_anybody(&self) -> bool {
        self.mailing().is_some_and(|engine| engine.mails_anybody())
    }

    /// Mails `person` a link by which they sign in, to the address that the matrix has of them; `place` is from where
    /// it was asked for. In the background, so that nobody learns from the answer whether there is such a person.
    pub(super) fn mail_link(&self, person: Person, place: String) {
        let sign_in = self.clone();
        tokio::spawn(async move {
            let engine = sign_in.mailing().filter(|engine| engine.may_sign_in(&person));
            let Some(engine) = engine.filter(|engine| engine.mails(&person)) else { return };
            let made = match sign_in.made(Purpose::Mail, Some(person.clone()), &place).await {
                Ok(made) => made,
                Err(error) => return tracing::warn!(%person, %error, "no link was mailed"),
            };
            let (link, until) = (made.address.as_str(), made.expires_at);
            let way = Way { person: &person, link, until, from: &place };
            if let Err(why) = engine.mail_way_in(&way).await {
                tracing::warn!(%person, why, "a link by which somebody signs in was not mailed");
            }
        });
    }

    async fn made(
        &self,
        purpose: Purpose,
        person: Option<Person>,
        made_by: &str,
    ) -> Result<MadeLink, SignInError> {
        let secret = chance::secret()?;
        let now = self.now();
        let lasts = match purpose {
            Purpose::SignIn => SIGN_IN,
            Purpose::SetUp => SET_UP,
            Purpose::Mail => MAILED,
        };
        let expires_at = now.plus(lasts);
        let hash = chance::kept("link", &secret).ok_or(SignInError::Machine)?;
        let made_by = made_by.to_owned();
        let link = KeptLink { hash, purpose, person, made_by, expires_at };
        if !self.accounts().keep_link(&link, now).await? {
            return Err(SignInError::TooMany);
        }
        let address = format!("{}/sign-in/link/{secret}", self.0.settings.links());
        Ok(MadeLink { address, expires_at })
    }

    /// The link that `secret` opens, if it can be used; uses nothing up.
    pub(super) async fn link(&self, secret: &str) -> Result<Option<KeptLink>, SignInError> {
        let Some(hash) = chance::kept("link", secret) else { return Ok(None) };
        let found = self.accounts().link(&hash, self.now()).await?;
        // One that was left over sets nobody up any more: somebody is.
        let is_over = found.as_ref().is_some_and(|link| link.purpose == Purpose::SetUp)
            && self.accounts().has_users().await?;
        Ok(found.filter(|_| !is_over))
    }

    /// The same, and uses it up.
    pub(super) async fn use_link(&self, secret: &str) -> Result<Option<KeptLink>, SignInError> {
        let Some(hash) = chance::kept("link", secret) else { return Ok(None) };
        Ok(self.accounts().use_link(&hash, self.now()).await?)
    }
}
