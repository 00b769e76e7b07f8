//! How the engine gets its adapters. Knows their ports and no kind by name, except the prober's.

use std::sync::Arc;

use towpath_core::matrix::AdapterSpec;
use towpath_ports::Catalogue;
use towpath_ports::check::Check;
use towpath_ports::history::History;
use towpath_ports::materials::Materials;
use towpath_ports::metrics::MetricsSource;
use towpath_ports::notifier::Notifier;
use towpath_ports::router::Router;
use towpath_ports::secret::SecretStore;
use towpath_ports::target::Target;

/// Gives out adapters by what the matrix says. The same specification gives the same adapter, so
/// that connections are kept.
pub trait AdapterSet: Send + Sync {
    /// The target that `spec` describes. The error is one sentence.
    fn target(&self, spec: &AdapterSpec) -> Result<Arc<dyn Target>, String>;

    /// The router that `spec` describes. The error is one sentence.
    fn router(&self, spec: &AdapterSpec) -> Result<Arc<dyn Router>, String>;

    /// The check that `spec` describes. The error is one sentence.
    fn check(&self, spec: &AdapterSpec) -> Result<Arc<dyn Check>, String>;

    /// The metrics source that `spec` describes. The error is one sentence.
    fn metrics(&self, spec: &AdapterSpec) -> Result<Arc<dyn MetricsSource>, String>;

    /// The channel that `spec` describes. The error is one sentence.
    fn notifier(&self, spec: &AdapterSpec) -> Result<Arc<dyn Notifier>, String>;

    /// The channel that `spec` describes as it writes to one address alone; none where it writes to no address.
    fn addressed(&self, _spec: &AdapterSpec, _address: &str) -> Option<AdapterSpec> {
        None
    }

    /// The store of secrets that `spec` describes. The error is one sentence.
    fn secrets(&self, spec: &AdapterSpec) -> Result<Arc<dyn SecretStore>, String>;

    /// The kinds that there are, for whoever reads a matrix as it is written; none where nobody does.
    fn catalogue(&self) -> Option<Catalogue> {
        None
    }

    /// What a bill of materials says; none of bytes that are no bill that anybody here can read.
    fn materials(&self, _bytes: &[u8]) -> Option<Materials> {
        None
    }

    /// What knows the commits of releases.
    fn history(&self) -> Arc<dyn History>;
}

/// The check that asks a path of every instance, with which health is probed.
pub(crate) fn probe_of(path: &str) -> AdapterSpec {
    let settings = serde_json::json!({ "url": format!("{{green}}{path}") });
    AdapterSpec { kind: "http".to_owned(), settings }
}
