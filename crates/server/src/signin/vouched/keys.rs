//! The keys of an issuer (RFC 7517). Owns which of them may verify a token; fetches none.

use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// What a token may be signed with: by a pair of keys alone. `none` and what both sides know (HS256) are no
/// signatures of an issuer, whatever a token says (trust.md, B05).
const PINNED: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// Most keys of one issuer that are looked at.
const MOST: usize = 100;

/// The document at an issuer's `jwks_uri`.
#[derive(Deserialize)]
pub(super) struct Listed {
    keys: Vec<Value>,
}

/// Keys that verify.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys(Vec<Jwk>);

impl Keys {
    /// Those of a list that are read; what nobody knows yet is passed over, as the standard asks.
    pub(super) fn of(listed: Listed) -> Self {
        let read = listed.keys.into_iter().take(MOST);
        let read = read.filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        Self(read.filter(may_verify).collect())
    }

    /// Those of a file of JSON, as an issuer lists them.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub(crate) fn from_json(text: &[u8]) -> Result<Self, String> {
        let listed: Listed = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let keys = Self::of(listed);
        if keys.0.is_empty() { Err("it holds no key that verifies".to_owned()) } else { Ok(keys) }
    }

    /// Whether there is one of that name.
    pub(super) fn has(&self, name: Option<&str>) -> bool {
        name.is_none_or(|name| self.0.iter().any(|key| key.common.key_id.as_deref() == Some(name)))
    }

    /// The key of a token that says this name and algorithm: the only one that fits. Where a token names none,
    /// only an issuer with a single key is understood.
    pub(super) fn one(&self, name: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        if !PINNED.contains(&algorithm) {
            return None;
        }
        let is_it = |key: &&Jwk| name.is_none() || key.common.key_id.as_deref() == name;
        let mut fitting = self.0.iter().filter(is_it).filter_map(|key| {
            let read = DecodingKey::from_jwk(key).ok()?;
            let said = key.common.key_algorithm;
            let agrees = said.is_none_or(|said| said.to_string() == format!("{algorithm:?}"));
            (agrees && read.family() == algorithm.family()).then_some(read)
        });
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Some(key),
            _ => None,
        }
    }
}

fn may_verify(key: &Jwk) -> bool {
    let common = &key.common;
    let is_for_it = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
    let operations = common.key_operations.as_ref();
    let is_shared = matches!(
        common.key_algorithm,
        Some(KeyAlgorithm::HS256 | KeyAlgorithm::HS384 | KeyAlgorithm::HS512)
    );
    is_for_it && !is_shared && operations.is_none_or(|all| all.contains(&KeyOperations::Verify))
}
