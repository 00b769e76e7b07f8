//! What sends visitors. Owns the list of router kinds.

use towpath_ports::Kind;
use towpath_ports::router::Router;

/// All kinds of routers, in the order in which they are listed to people.
pub const KINDS: &[Kind<dyn Router>] = &[];
