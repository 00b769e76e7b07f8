//! Where secrets are kept. Owns the list of kinds; none is built yet, so there is no port.

mod planned;

use towpath_ports::catalogue::KindEntry;

/// All kinds, in the order in which they are listed to people.
pub const KINDS: &[KindEntry] = &[
    planned::ENV,
    planned::FILE,
    planned::AWS_SECRETS_MANAGER,
    planned::AZURE_KEY_VAULT,
    planned::VAULT,
];
