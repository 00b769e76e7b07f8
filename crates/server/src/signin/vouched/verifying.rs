//! When a signed token is true: its signature, whose it is, for whom, and since and until when (OpenID Connect Core
//! 1.0, section 3.1.3.7; RFC 8725). Owns these rules; knows nobody that a token names.

use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::{Map, Value};
use towpath_core::units::{Span, Timestamp};

use super::keys::Keys;

/// How far the clocks of others may be off.
pub(crate) const SKEW: Span = Span::minutes(1);
/// Largest token, in bytes: with hundreds of groups.
const LARGEST: usize = 32 * 1024;

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    /// Who signed it, to the letter.
    pub(crate) issuer: &'a str,
    /// For whom, to the letter.
    pub(crate) audience: &'a str,
    /// Whether it may be for others as well, where it names us as the one who asked for it.
    pub(crate) may_be_shared: bool,
    /// What time it is.
    pub(crate) now: Timestamp,
}

/// Why a token is not true, for the log; whoever brought it is told nothing of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Untrue {
    /// No token, or one with something in it that is not understood.
    #[error("it is no signed token that is understood")]
    Unread,
    /// None of the issuer's keys is the one that it names, with an algorithm that counts.
    #[error("none of the issuer's keys fits what it says of its signature")]
    NoKey,
    /// Signed by somebody else, or changed.
    #[error("its signature is not the issuer's")]
    Signature,
    /// Somebody else's.
    #[error("it is another issuer's")]
    Issuer,
    /// For somebody else.
    #[error("it is for another audience")]
    Audience,
    /// Over, or without an end.
    #[error("it is over, or says no end")]
    Over,
    /// Not yet.
    #[error("it counts only later, or was made in the future")]
    NotYet,
}

/// What a true token says.
#[derive(Clone, Debug)]
pub(crate) struct Claims(Map<String, Value>);

impl Claims {
    /// The text of a claim.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A claim, whatever it is.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The texts of a claim that is one text or a list of them.
    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        match self.0.get(name) {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether a claim is true, as a value and not as a word.
    pub(crate) fn is_so(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }

    /// The moment of a claim: seconds since 1970, whole or not (RFC 7519, section 2).
    pub(crate) fn moment(&self, name: &str) -> Option<Timestamp> {
        let seconds = self.0.get(name)?.as_f64()?;
        // Beyond the year 9999 nobody means anything.
        let is_sane = (0.0..=253_402_300_799.0).contains(&seconds);
        #[expect(clippy::cast_possible_truncation, reason = "in range by the line before")]
        is_sane.then_some(Timestamp((seconds * 1_000_000.0) as i64))
    }
}

/// Who a token says has signed it, before anything of it is believed: only to find the keys.
pub(crate) fn issuer_named_in(token: &str) -> Option<String> {
    if token.len() > LARGEST {
        return None;
    }
    let claims = jsonwebtoken::dangerous::insecure_decode_claims::<Map<String, Value>>(token);
    claims.ok()?.get("iss")?.as_str().map(str::to_owned)
}

/// The name of the key that a token was signed with.
pub(super) fn key_named_in(token: &str) -> Result<Option<String>, Untrue> {
    if token.len() > LARGEST {
        return Err(Untrue::Unread);
    }
    decode_header(token).map(|header| header.kid).map_err(|_| Untrue::Unread)
}

/// What a token says, if all of it is as it must be. Safe to repeat: whether it was used before is for whoever
/// asks.
///
/// # Errors
/// The first reason against it.
pub(crate) fn verified(
    token: &str,
    keys: &Keys,
    expected: &Expected<'_>,
) -> Result<Claims, Untrue> {
    if token.len() > LARGEST {
        return Err(Untrue::Unread);
    }
    let header = decode_header(token).map_err(|_| Untrue::Unread)?;
    // One that asks for something critical is not understood; one of another kind was made for something else.
    let is_plain = header.typ.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("JWT"));
    if header.crit.is_some() || header.enc.is_some() || header.zip.is_some() || !is_plain {
        return Err(Untrue::Unread);
    }
    let key = keys.one(header.kid.as_deref(), header.alg).ok_or(Untrue::NoKey)?;
    let mut validation = Validation::new(header.alg);
    // Times are held against our own clock below, and the rest to the letter.
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) =
        (false, false, false);
    validation.required_spec_claims.clear();
    let decoded = decode::<Map<String, Value>>(token, &key, &validation);
    let claims = Claims(decoded.map_err(|_| Untrue::Signature)?.claims);
    if claims.text("iss") != Some(expected.issuer) {
        return Err(Untrue::Issuer);
    }
    is_for_us(&claims, expected)?;
    is_of_now(&claims, expected.now)?;
    Ok(claims)
}

fn is_for_us(claims: &Claims, expected: &Expected<'_>) -> Result<(), Untrue> {
    let audiences = claims.texts("aud");
    let party = claims.value("azp");
    let is_named = audiences.contains(&expected.audience);
    let is_alone = audiences.len() == 1;
    let party_is_us = party.and_then(Value::as_str) == Some(expected.audience);
    let is_asked_for_by_us = party_is_us || (party.is_none() && is_alone);
    let is_fine = if expected.may_be_shared { is_asked_for_by_us } else { is_alone };
    if is_named && is_fine { Ok(()) } else { Err(Untrue::Audience) }
}

fn is_of_now(claims: &Claims, now: Timestamp) -> Result<(), Untrue> {
    let ends = claims.moment("exp").ok_or(Untrue::Over)?;
    if now >= ends.plus(SKEW) {
        return Err(Untrue::Over);
    }
    let made = claims.moment("iat").ok_or(Untrue::NotYet)?;
    let counts_from = match claims.value("nbf") {
        None => made,
        Some(_) => claims.moment("nbf").ok_or(Untrue::NotYet)?,
    };
    let is_ahead = |at: Timestamp| at > now.plus(SKEW);
    if is_ahead(made) || is_ahead(counts_from) { Err(Untrue::NotYet) } else { Ok(()) }
}
