//! Hands out secrets. Knows no store; what keeps them out of outputs is [`crate::masking`].

use std::fmt;

use async_trait::async_trait;

pub use crate::masking::{CUT, Known, MASK, MaskedStream, Masker, SHORTEST};

/// Where secrets are kept.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Reads the secret that the matrix calls `name`, as it is now. Safe to repeat; never answers from
    /// memory, so that a secret that was replaced counts at once.
    ///
    /// # Errors
    /// One sentence for a person, which holds nothing of the secret. Whoever needed it goes without,
    /// and never with an empty one.
    async fn read(&self, name: &str) -> Result<Secret, String>;

    /// The same where the program has it in its memory anyway, so that nothing is read: what is never
    /// asked for must be masked too. None where it is kept elsewhere.
    fn at_hand(&self, _name: &str) -> Option<Secret> {
        None
    }
}

/// A value that is shown nowhere: neither in messages nor in the journal nor to whoever debugs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Secret(String);

impl Secret {
    /// Takes `value`, which is not empty.
    pub fn new(value: String) -> Option<Self> {
        (!value.is_empty()).then_some(Self(value))
    }

    /// The value, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown_to_whoever_debugs() {
        let secret = Secret::new("hunter2-hunter2".to_owned()).unwrap();
        assert_eq!(format!("{secret:?} {:?}", Masker::new([&secret])).matches("hunter").count(), 0);
        assert_eq!(Secret::new(String::new()), None);
    }
}
