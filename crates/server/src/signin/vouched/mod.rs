//! What another one vouches for in a signed token: whoever signs people in, and whoever runs builds. Owns what has
//! to hold before a word of such a token counts; gives nobody a right.
//!
//! Reading order: `verifying` (when a token is true), `issuer` (by whose keys), `web` (how these are fetched).

mod issuer;
mod keys;
mod verifying;
mod web;

pub(super) use issuer::{Discovered, Issuer};
pub(super) use keys::Keys;
pub(super) use verifying::{Claims, Expected, SKEW, Untrue, issuer_named_in, verified};
pub(super) use web::Web;

/// Whether a text lists keys that verify, as an issuer lists them.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub fn keys_in(text: &[u8]) -> Result<(), String> {
    Keys::from_json(text).map(drop)
}
