//! Proofs over many files: what is printed is read as the same, and what is changed in an example is
//! refused at its place or borne for a reason. With the kinds of adapters that there really are.

mod entries;
mod gates;
mod generated;
mod mutations;
mod planted;
mod printing;
mod schema;
mod tables;
mod telling;

use towpath_config::{Checked, parse};

/// Checks a text as `towpath.yaml`.
pub(crate) fn check(text: &str) -> Checked {
    parse("towpath.yaml", text.as_bytes(), &towpath_adapters::catalogue())
}
