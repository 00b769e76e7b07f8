//! The one place that knows all adapters.

use towpath_ports::catalogue::Catalogue;

/// Every kind of adapter there is.
pub(crate) fn catalogue() -> Catalogue {
    towpath_adapters::catalogue()
}
