//! What another one vouches for in a signed token: whoever signs people in, and whoever runs builds. Owns what has
//! to hold before a word of such a token counts; gives nobody a right.
//!
//! Reading order: `verifying` (when a token is true), `issuer` (by whose keys), `web` (how these are fetched).

mod issuer;
mod keys;
mod verifying;
mod web;

pub(super) use issuer::{Discovered, Issuer};
pub(super) use verifying::{Claims, Expected, SKEW};
pub(super) use web::Web;
