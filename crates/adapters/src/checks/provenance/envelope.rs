//! Envelopes of signed statements: DSSE, one or many in a file, alone or in a bundle of Sigstore. Owns
//! what is signed (the payload with its type) and that only a declared key counts; reads no statement.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::Deserialize;
use serde_json::Value;
use towpath_audit::dsse::{IN_TOTO, encoding};

use super::keys::Key;
use crate::reports::{Report, Wrong, json};

/// The most signatures of one envelope that are looked at: a statement has one or two.
const SIGNATURES_MOST: usize = 16;
/// The most envelopes of one file.
const ENVELOPES_MOST: usize = 1000;

/// A payload and who signed it; nothing of it is believed before [`Signed::verified`].
pub(super) struct Signed {
    payload_type: String,
    pub(super) payload: Vec<u8>,
    signatures: Vec<Vec<u8>>,
    /// Entries of the log in the bundle around it; empty where there is none.
    pub(super) log_entries: Vec<Value>,
}

impl Signed {
    /// The signature that one of these keys made over the payload and its type.
    ///
    /// # Errors
    /// Why it is nobody's word, as the end of a sentence.
    pub(super) fn verified(&self, keys: &[Key]) -> Result<&[u8], String> {
        if self.payload_type != IN_TOTO {
            return Err(format!("its payload is no `{IN_TOTO}`"));
        }
        if self.signatures.is_empty() {
            return Err("nobody signed it".to_owned());
        }
        let message = encoding(&self.payload_type, &self.payload);
        let by_any = |signature: &&Vec<u8>| keys.iter().any(|key| key.signed(&message, signature));
        let found = self.signatures.iter().find(by_any).map(Vec::as_slice);
        found.ok_or_else(|| "no key that is declared signed it".to_owned())
    }
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    sig: String,
}

/// All envelopes of a file: one JSON object, or one in each line.
///
/// # Errors
/// What is no envelope, and where.
pub(super) fn all(report: &Report<'_>) -> Result<Vec<Signed>, Wrong> {
    let whole = match json::strict(report.text) {
        Ok(value) => return Ok(vec![one(value).map_err(Wrong::whole)?]),
        Err(wrong) => wrong,
    };
    let mut lines = report.text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    // What is one object over several lines is told as that.
    if lines.clone().nth(1).is_none_or(|(_, line)| !line.trim_start().starts_with('{')) {
        return Err(whole);
    }
    if lines.clone().count() > ENVELOPES_MOST {
        return Err(Wrong::whole(format!("it holds more than {ENVELOPES_MOST} envelopes")));
    }
    let read = lines.try_fold(Vec::new(), |mut all, (index, line)| {
        report.stop.check()?;
        let at = |why: String| Wrong::line(index + 1, why);
        let value = json::strict(line).map_err(|wrong| at(wrong.why))?;
        all.push(one(value).map_err(at)?);
        Ok(all)
    });
    read.map_err(|wrong: Wrong| wrong)
}

/// An envelope, or the one in a bundle.
fn one(mut value: Value) -> Result<Signed, String> {
    let bundled = value.get_mut("dsseEnvelope").map(Value::take);
    let log_entries = match &bundled {
        Some(_) => value["verificationMaterial"]["tlogEntries"].as_array().cloned(),
        None => None,
    };
    let read = Envelope::deserialize(bundled.unwrap_or(value));
    let envelope = read.map_err(|error| {
        format!(
            "it is no DSSE envelope and no bundle with one: {}",
            crate::reports::short(&error.to_string())
        )
    })?;
    if envelope.signatures.len() > SIGNATURES_MOST {
        return Err(format!("it has more than {SIGNATURES_MOST} signatures"));
    }
    let payload = decoded(&envelope.payload).ok_or("its payload is not in Base64")?;
    let signatures = envelope.signatures.iter().map(|one| decoded(&one.sig));
    let signatures: Option<Vec<_>> = signatures.collect();
    Ok(Signed {
        payload_type: envelope.payload_type,
        payload,
        signatures: signatures.ok_or("a signature is not in Base64")?,
        log_entries: log_entries.unwrap_or_default(),
    })
}

/// Either alphabet of Base64, as DSSE allows.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}
