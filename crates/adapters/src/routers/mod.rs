//! What sends visitors. Owns the list of router kinds.

mod planned;
mod towpath;

use towpath_ports::Kind;
use towpath_ports::router::Router;

pub use towpath::run_proxy;

/// All kinds of routers, in the order in which they are listed to people.
pub const KINDS: &[Kind<dyn Router>] =
    &[towpath::KIND, planned::NGINX, planned::HAPROXY, planned::ALB, planned::LAMBDA_ALIAS];
