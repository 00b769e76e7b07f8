//! Envelopes of signed statements: DSSE 1.0.2 (<https://github.com/secure-systems-lab/dsse>). Owns what is
//! signed, the payload with its type, and the JSON around it; reads no payload.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::note::PublicKey;

/// The type of in-toto statements (in-toto attestation framework, "Envelope").
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A payload and who says to have signed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    /// What the payload is.
    pub payload_type: String,
    /// In base64.
    pub payload: String,
    /// One is enough.
    pub signatures: Vec<Signature>,
}

/// One signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Which key: its name, a plus and its id, as in a note. A hint; only the signature counts.
    pub keyid: String,
    /// In base64.
    pub sig: String,
}

/// What is signed: the pre-authentication encoding (DSSE protocol 1.0.2, "PAE").
pub fn encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut message =
        format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    message.extend_from_slice(payload);
    message
}

impl Envelope {
    /// An in-toto statement with the signature that `key` made over [`encoding`] of it.
    pub fn of(statement: &[u8], key: &PublicKey, signature: &[u8]) -> Self {
        Self {
            payload_type: IN_TOTO.to_owned(),
            payload: BASE64.encode(statement),
            signatures: vec![Signature {
                keyid: format!("{}+{}", key.name(), key.id()),
                sig: BASE64.encode(signature),
            }],
        }
    }

    /// The statement, if one of `keys` signed it.
    ///
    /// # Errors
    /// Why it is nobody's word, as the end of a sentence.
    pub fn opened(&self, keys: &[PublicKey]) -> Result<Vec<u8>, String> {
        if self.payload_type != IN_TOTO {
            return Err(format!("is of another type than `{IN_TOTO}`"));
        }
        let payload = BASE64.decode(&self.payload);
        let payload = payload.map_err(|_| "has a payload that is no base64".to_owned())?;
        let message = encoding(&self.payload_type, &payload);
        let is_right = |one: &Signature| {
            let signature = BASE64.decode(&one.sig).unwrap_or_default();
            keys.iter().any(|key| key.proves(&message, &signature))
        };
        if self.signatures.iter().any(is_right) {
            return Ok(payload);
        }
        Err("is signed by none of the keys given, or was changed".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::SigningKey;

    /// The example of the specification of DSSE (protocol.md, "Test vectors").
    #[test]
    fn what_is_signed_is_what_the_specification_says() {
        assert_eq!(
            encoding("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn only_what_the_key_signed_is_opened() {
        let key = SigningKey::of_seed("towpath-shop", [7; 32]).unwrap();
        let other = SigningKey::of_seed("towpath-shop", [8; 32]).unwrap();
        let signature = key.sign(&encoding(IN_TOTO, b"{}"));
        let envelope = Envelope::of(b"{}", key.public(), &signature);
        let own = std::slice::from_ref(key.public());
        assert_eq!(envelope.opened(own), Ok(b"{}".to_vec()));
        assert!(envelope.opened(std::slice::from_ref(other.public())).is_err());
        let mut wrong = vec![envelope.clone(), envelope.clone(), envelope.clone(), envelope];
        wrong[0].payload = BASE64.encode("{ }");
        wrong[1].payload_type = "text/plain".to_owned();
        wrong[2].signatures.clear();
        wrong[3].signatures[0].sig = "=".to_owned();
        for envelope in wrong {
            assert!(envelope.opened(own).is_err(), "{envelope:?}");
        }
    }
}
