//! What runs releases. Owns the list of target kinds.

mod planned;
mod process;

use towpath_ports::Kind;
use towpath_ports::target::Target;

pub use process::supervise;

/// All kinds of targets, in the order in which they are listed to people.
pub const KINDS: &[Kind<dyn Target>] =
    &[process::KIND, planned::DOCKER, planned::LAMBDA, planned::CLOUDFORMATION, planned::COMMAND];
