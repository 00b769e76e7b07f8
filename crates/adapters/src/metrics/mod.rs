//! Where figures come from that no router sees. Owns the list of kinds; none is built yet, so there is no port.

mod planned;

use towpath_ports::catalogue::KindEntry;

/// All kinds, in the order in which they are listed to people.
pub const KINDS: &[KindEntry] = &[planned::PROMETHEUS, planned::CLOUDWATCH];
