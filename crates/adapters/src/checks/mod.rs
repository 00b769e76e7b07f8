//! What answers questions of gates. Owns the list of check kinds.

use towpath_ports::Kind;
use towpath_ports::check::Check;

/// All kinds of checks, in the order in which they are listed to people.
pub const KINDS: &[Kind<dyn Check>] = &[];
