//! Names of things. Each is checked once, when it is made, and is then safe to print, to put into
//! a path and to hand to a process. Owns no meaning beyond that.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A text that is not a name of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {wanted}")]
pub struct NameError {
    /// The refused text, shortened and escaped so that it can be printed.
    pub text: String,
    /// What was expected, with its rule.
    pub wanted: &'static str,
}

impl NameError {
    fn new(text: &str, wanted: &'static str) -> Self {
        Self { text: text.chars().take(80).flat_map(char::escape_default).collect(), wanted }
    }
}

macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident, $wanted:expr, $pattern:expr, $valid:expr) => {
        $(#[$doc])*
        #[derive(
            Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend("pattern" = $pattern))]
        pub struct $name(String);

        impl $name {
            /// Checks and takes `text`.
            pub fn new(text: &str) -> Result<Self, NameError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.to_owned())) } else { Err(NameError::new(text, $wanted)) }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }
    };
}

text_newtype!(
    /// A name that people choose in the matrix: a project, service, environment, artefact or role.
    /// 1 to 63 lower-case letters, digits and single hyphens (the length of a DNS label, RFC 1035).
    Name,
    "a name: 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit",
    "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
    |text| {
        (1..=63).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
    }
);

text_newtype!(
    /// A release's version. Never interpreted; order is the order of creation.
    /// 1 to 128 characters (the length of an OCI tag), none of which a shell or a path reads.
    Version,
    "a version: 1 to 128 of A-Z, a-z, 0-9, . _ + -, beginning with a letter or digit",
    "^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$",
    |text| {
        (1..=128).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte))
            && text.as_bytes()[0].is_ascii_alphanumeric()
    }
);

text_newtype!(
    /// The SHA-256 of some bytes, written `sha256:` and 64 lower-case hexadecimal digits.
    Digest,
    "a digest: sha256: and 64 hexadecimal digits",
    "^sha256:[0-9a-f]{64}$",
    |text| {
        text.strip_prefix("sha256:").is_some_and(|hex| {
            hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        })
    }
);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self::from_hash(&sha2::Sha256::digest(bytes))
    }

    /// From a finished SHA-256.
    pub fn from_hash(hash: &[u8]) -> Self {
        let mut text = String::with_capacity(71);
        text.push_str("sha256:");
        for byte in hash {
            fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"))
                .expect("a String takes all");
        }
        Self(text)
    }

    /// The digest of the JSON form of `value`, whose field order is that of its type.
    pub fn of_json(value: &impl Serialize) -> Self {
        Self::of(
            &serde_json::to_vec(value).expect("core's types have text keys and no failing parts"),
        )
    }

    /// The hexadecimal digits alone.
    pub fn hex(&self) -> &str {
        &self.0["sha256:".len()..]
    }

    /// The first 12 hexadecimal digits, as people see them.
    pub fn short(&self) -> &str {
        &self.hex()[..12]
    }
}

text_newtype!(
    /// Who acted: a person, or `automatic`, `guard` for the program itself. 1 to 64 characters.
    Person,
    "a person's name: 1 to 64 letters, digits, . _ @ -",
    "^[^-].{0,63}$",
    |text| {
        (1..=64).contains(&text.len())
            && text.chars().all(|character| character.is_alphanumeric() || "._@-".contains(character))
            && !text.starts_with('-')
    }
);

text_newtype!(
    /// What a token is called in lists and in the journal: the first 12 hexadecimal digits of what is
    /// kept of it, which tell nothing of its secret.
    TokenId,
    "the id of a token: 12 digits of 0-9 and a-f, as `towpath token list` shows it",
    "^[0-9a-f]{12}$",
    |text| {
        text.len() == 12
            && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    }
);

text_newtype!(
    /// What a session of somebody who signed in is called in lists and in the journal: 12 hexadecimal digits of
    /// chance, which open nothing.
    SessionId,
    "the id of a session: 12 digits of 0-9 and a-f",
    "^[0-9a-f]{12}$",
    |text| {
        text.len() == 12
            && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    }
);

/// How the name of a token begins where a person's is expected. No person's name has a colon, so that
/// nobody who is typed, listed or declared can be taken for one.
const TOKEN: &str = "token:";
/// The same of whoever acts in a session: its id and the person follow.
const SESSION: &str = "session:";

impl Person {
    /// Whoever comes with a token, until it is looked up whose it is. No text can be read as one.
    pub fn with_token(id: &TokenId) -> Self {
        Self(format!("{TOKEN}{id}"))
    }

    /// The token that somebody came with; none for an account.
    pub fn token(&self) -> Option<TokenId> {
        TokenId::new(self.0.strip_prefix(TOKEN)?).ok()
    }

    /// Whoever acts in a session of `person`, who signed in. No text can be read as one.
    pub fn in_session(id: &SessionId, person: &Self) -> Self {
        Self(format!("{SESSION}{id}:{person}"))
    }

    /// The session in which somebody acts, and whose it is; none for an account or a token.
    pub fn session(&self) -> Option<(SessionId, Self)> {
        let (id, person) = self.0.strip_prefix(SESSION)?.split_once(':')?;
        Some((SessionId::new(id).ok()?, Self::new(person).ok()?))
    }

    /// The program, following an edge with `promote: automatic`.
    pub fn automatic() -> Self {
        Self("automatic".to_owned())
    }

    /// The program, following a verdict or a trigger.
    pub fn guard() -> Self {
        Self("guard".to_owned())
    }

    /// The program, following the matrix in a repository that whoever runs the server named.
    pub fn repository() -> Self {
        Self("repository".to_owned())
    }

    /// Whether this is the program itself and not a person.
    pub fn is_program(&self) -> bool {
        matches!(self.0.as_str(), "automatic" | "guard" | "repository")
    }
}

/// One service in one environment: what promotions, routes, leases and quarantines belong to.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct LaneId {
    /// What runs.
    pub service: Name,
    /// Where it runs.
    pub environment: Name,
}

impl fmt::Display for LaneId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.service, self.environment)
    }
}

impl From<LaneId> for String {
    fn from(lane: LaneId) -> Self {
        lane.to_string()
    }
}

impl TryFrom<String> for LaneId {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        let wanted = "a lane: SERVICE/ENVIRONMENT";
        let (service, environment) =
            text.split_once('/').ok_or_else(|| NameError::new(&text, wanted))?;
        Ok(Self { service: Name::new(service)?, environment: Name::new(environment)? })
    }
}

macro_rules! number_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone,
            Copy,
            Debug,
            Default,
            PartialEq,
            Eq,
            Hash,
            PartialOrd,
            Ord,
            Serialize,
            Deserialize,
            JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

number_newtype!(
    /// A promotion's number, from 1, counted per project. Also the name of the deployment that the
    /// promotion starts.
    PromotionNumber
);
number_newtype!(
    /// Which owner of the journal acts; grows with every change of owner. A smaller one is refused.
    Epoch
);
number_newtype!(
    /// A command of one lane, from 1. With the lane it is the command's idempotency key.
    CommandId
);
number_newtype!(
    /// Order of the routes that a lane has asked for; a smaller one is refused by the router.
    Revision
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_with_shell_metacharacters_newlines_or_a_leading_dash_are_refused() {
        for bad in
            ["", "-1", "1.0;ls", "1.0\n", "$(id)", "`id`", "a b", "../x", "1&&2", "v|w", "1\0"]
        {
            assert!(Version::new(bad).is_err(), "{bad:?} must be refused");
        }
        for good in ["1.0.0", "2027-01-01_a+b", "v1", "9b1c7de"] {
            assert!(Version::new(good).is_ok(), "{good:?} must be taken");
        }
    }

    #[test]
    fn whoever_acts_in_a_session_is_told_from_every_name_that_can_be_typed() {
        let (id, ada) = (SessionId::new("0123456789ab").unwrap(), Person::new("ada").unwrap());
        let acting = Person::in_session(&id, &ada);
        assert_eq!(acting.session(), Some((id, ada.clone())));
        assert_eq!((acting.token(), ada.session()), (None, None));
        assert!(Person::new(acting.as_str()).is_err());
    }

    #[test]
    fn a_refused_name_is_printed_escaped_and_short() {
        let error = Version::new(&format!("a\n{}", "x".repeat(500))).expect_err("a newline");
        assert!(error.to_string().starts_with("`a\\nxxx"));
        assert!(error.to_string().len() < 250);
    }

    proptest! {
        #[test]
        fn lanes_survive_being_written_and_read(service in "[a-z][a-z0-9]{0,20}", environment in "[a-z0-9]{1,20}") {
            let lane = LaneId {
                service: Name::new(&service).unwrap(),
                environment: Name::new(&environment).unwrap(),
            };
            prop_assert_eq!(LaneId::try_from(lane.to_string()).unwrap(), lane);
        }
    }
}
