//! What answers questions of gates. Owns the list of check kinds and what they share; no check
//! decides what its answer means.

mod attested;
mod command;
mod green;
mod http;
mod planned;
mod soak;
mod tcp;

use std::time::Duration;

use towpath_ports::Kind;
use towpath_ports::check::{Check, CheckRequest};

/// How long a check may wait for what it asks: less than the caller does, so that what it found out
/// is heard, and its own cleaning up (half a second at most) is done in time.
fn patience(request: &CheckRequest) -> Duration {
    let timeout = Duration::from(request.timeout);
    timeout.saturating_sub((timeout / 10).min(Duration::from_secs(1)))
}

/// All kinds of checks, in the order in which they are listed to people.
pub const KINDS: &[Kind<dyn Check>] = &[
    http::KIND,
    tcp::KIND,
    command::KIND,
    attested::KIND,
    soak::KIND,
    planned::JUNIT,
    planned::COVERAGE,
    planned::SARIF,
    planned::PERFORMANCE,
    planned::GITHUB,
];
