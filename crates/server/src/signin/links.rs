//! One-time links: for whoever has the machine already, so that local use needs no password, and for the first
//! local user of a server. Owns how long they last; shows no page.

use towpath_core::ids::Person;
use towpath_core::units::{Span, Timestamp};
use towpath_ports::accounts::{KeptLink, Purpose};

use super::{SignIn, SignInError, chance};

/// How long a link to sign in lasts: it is opened at once, on the same screen.
const SIGN_IN: Span = Span::minutes(5);
/// How long the first link of a server lasts: somebody goes over to another machine with it.
const SET_UP: Span = Span::minutes(30);

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
