//! Tells people. Owns the promise that a channel keeps; decides nothing about who hears what.

use std::collections::BTreeMap;

use async_trait::async_trait;
use towpath_core::notices::Notice;

use crate::secret::Secret;

/// One channel.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Makes sure that the channel has the notice. Means *ensure*: after a crash it is called again
    /// with the same notice, so the id goes along wherever the channel can keep doubles apart. Ends by
    /// itself in time; the caller enforces a limit as well, and whatever was started must be gone when
    /// the call is dropped. Never repeats by itself.
    ///
    /// # Errors
    /// See [`Failure`]; whether the notice arrived may then be unknown.
    async fn deliver(&self, delivery: &Delivery<'_>) -> Result<Taken, Failure>;
}

/// A notice with what it takes to send it.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// What is told.
    pub notice: &'a Notice,
    /// The secrets that the channel's settings name, by the setting, such as `url_secret`.
    pub secrets: &'a BTreeMap<String, Secret>,
}

impl Delivery<'_> {
    /// The secret that the setting called `field` names.
    ///
    /// # Errors
    /// The caller did not read it; trying again does not help.
    pub fn secret(&self, field: &str) -> Result<&Secret, Failure> {
        let missing = || Failure::never(format!("the secret that `{field}` names was not read"));
        self.secrets.get(field).ok_or_else(missing)
    }
}

/// The channel has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What the channel said, one sentence for a person.
    pub sentence: String,
}

/// The channel does not have it, or nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// One sentence for a person; may repeat what the channel said, and is masked by the caller.
    pub sentence: String,
    /// Whether trying again later may help.
    pub may_help_later: bool,
}

impl Failure {
    /// Trying again later may help.
    pub fn later(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), may_help_later: true }
    }

    /// Trying again changes nothing until somebody changes something.
    pub fn never(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), may_help_later: false }
    }
}
