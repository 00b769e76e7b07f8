//! What answers questions of gates. Owns the list of check kinds; no check decides what its
//! answer means.

mod attested;
mod brings;
mod command;
mod coverage;
pub mod cyclonedx;
mod error_budget;
pub(crate) mod git;
mod github;
mod http;
mod junit;
mod parity;
mod performance;
mod planned;
mod prometheus;
mod provenance;
mod sarif;
mod slo;
mod soak;
mod stable_for;
mod tcp;

pub(crate) use git::{Record, Repository};
use towpath_ports::Kind;
use towpath_ports::check::Check;

/// All kinds of checks, in the order in which they are listed to people.
pub const KINDS: &[Kind<dyn Check>] = &[
    http::KIND,
    tcp::KIND,
    command::KIND,
    attested::KIND,
    brings::KIND,
    soak::KIND,
    stable_for::KIND,
    slo::KIND,
    error_budget::KIND,
    parity::KIND,
    junit::KIND,
    coverage::KIND,
    sarif::KIND,
    cyclonedx::KIND,
    provenance::KIND,
    git::KIND,
    github::KIND,
    performance::KIND,
    prometheus::KIND,
    planned::METRIC,
];
