//! Where secrets are kept. Owns the list of kinds; hands none out that is empty, and remembers none.

mod env;
mod file;
mod planned;

use towpath_ports::Kind;
use towpath_ports::secret::SecretStore;

/// All kinds, in the order in which they are listed to people.
pub const KINDS: &[Kind<dyn SecretStore>] = &[
    env::KIND,
    file::KIND,
    planned::AWS_SECRETS_MANAGER,
    planned::AZURE_KEY_VAULT,
    planned::VAULT,
];
