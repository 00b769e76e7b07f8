//! What a transparency log promised about a signature. Owns that the promise is the log's and about this
//! very envelope; asks no log.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use towpath_core::ids::Digest;

use super::envelope::{Signed, decoded};
use super::keys::Key;

/// An entry as a bundle holds it (Sigstore bundle, `TransparencyLogEntry`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    /// A number as a text, as JSON of protocol buffers writes 64 bits.
    log_index: String,
    log_id: LogId,
    integrated_time: String,
    inclusion_promise: Promise,
    canonicalized_body: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogId {
    key_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Promise {
    signed_entry_timestamp: String,
}

/// What the log signs, as canonical JSON (RFC 8785): the members in this order, and nothing that would be
/// written otherwise.
#[derive(Serialize)]
struct Promised<'a> {
    body: &'a str,
    #[serde(rename = "integratedTime")]
    integrated_time: i64,
    #[serde(rename = "logID")]
    log_id: String,
    #[serde(rename = "logIndex")]
    log_index: i64,
}

/// Whether the log with this key promised that `signature` over the payload of `signed` is in it. One
/// entry must hold; those of other logs do not count.
///
/// # Errors
/// Why not, as the end of a sentence.
pub(super) fn verify(signed: &Signed, signature: &[u8], key: &Key) -> Result<(), String> {
    if signed.log_entries.is_empty() {
        return Err("it has no entry of the log".to_owned());
    }
    let mut why = "none of its entries is promised by the log".to_owned();
    for entry in &signed.log_entries {
        match promised(entry, key).map(|body| is_about(&body, signed, signature)) {
            Some(Some(true)) => return Ok(()),
            Some(_) => "its entry of the log is about something else".clone_into(&mut why),
            None => {}
        }
    }
    Err(why)
}

/// The body of an entry that the log signed.
fn promised(entry: &Value, key: &Key) -> Option<Value> {
    let entry = Entry::deserialize(entry).ok()?;
    let mut log_id = String::new();
    for byte in decoded(&entry.log_id.key_id)? {
        let _ = write!(log_id, "{byte:02x}");
    }
    let promised = Promised {
        body: &entry.canonicalized_body,
        integrated_time: entry.integrated_time.parse().ok()?,
        log_id,
        log_index: entry.log_index.parse().ok()?,
    };
    let message = serde_json::to_vec(&promised).ok()?;
    let signature = decoded(&entry.inclusion_promise.signed_entry_timestamp)?;
    if !key.signed(&message, &signature) {
        return None;
    }
    serde_json::from_slice(&decoded(&entry.canonicalized_body)?).ok()
}

/// Whether the body speaks of this payload and this signature (Rekor's type `dsse`, version 0.0.1).
fn is_about(body: &Value, signed: &Signed, signature: &[u8]) -> Option<bool> {
    if body["kind"] != "dsse" || body["apiVersion"] != "0.0.1" {
        return None;
    }
    let spec = &body["spec"];
    let hash = &spec["payloadHash"];
    let own = Digest::of(&signed.payload);
    let is_payload = hash["algorithm"] == "sha256" && hash["value"] == own.hex();
    let signatures = spec["signatures"].as_array()?;
    let is_signature = |one: &Value| decoded(one["signature"].as_str()?);
    let has_own = signatures.iter().filter_map(is_signature).any(|one| one == signature);
    Some(is_payload && has_own)
}
