//! The one place where adapters, store, engine and API meet. Decides nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use towpath_adapters::history::GitHistory;
use towpath_adapters::{checks, metrics, notifiers, routers, secrets, targets};
use towpath_core::matrix::AdapterSpec;
use towpath_engine::AdapterSet;
use towpath_ports::check::Check;
use towpath_ports::history::History;
use towpath_ports::materials::Materials;
use towpath_ports::metrics::MetricsSource;
use towpath_ports::notifier::Notifier;
use towpath_ports::router::Router;
use towpath_ports::secret::SecretStore;
use towpath_ports::target::Target;
use towpath_ports::{Catalogue, Kind, Site};

/// Every kind of adapter that this program has.
pub(crate) fn catalogue() -> Catalogue {
    towpath_adapters::catalogue()
}

/// Adapters as the matrix asks for them; the same specification gives the same adapter.
pub(crate) struct Adapters {
    site: Site,
    targets: Kept<dyn Target>,
    routers: Kept<dyn Router>,
    checks: Kept<dyn Check>,
    metrics: Kept<dyn MetricsSource>,
    notifiers: Kept<dyn Notifier>,
    secrets: Kept<dyn SecretStore>,
}

type Kept<Port> = Mutex<BTreeMap<String, Arc<Port>>>;

/// Adapters that are kept at once; more are made anew each time. A matrix of hundreds of lanes has
/// fewer different ones.
const MOST_KEPT: usize = 4096;

impl Adapters {
    /// Adapters that find themselves at `site`.
    pub(crate) fn new(site: Site) -> Self {
        Self {
            site,
            targets: Kept::default(),
            routers: Kept::default(),
            checks: Kept::default(),
            metrics: Kept::default(),
            notifiers: Kept::default(),
            secrets: Kept::default(),
        }
    }

    fn get<Port: ?Sized>(
        &self,
        kept: &Kept<Port>,
        kinds: &[Kind<Port>],
        spec: &AdapterSpec,
    ) -> Result<Arc<Port>, String> {
        let key = format!("{} {}", spec.kind, spec.settings);
        let mut kept = kept.lock().expect("no holder of this lock panics");
        if let Some(adapter) = kept.get(&key) {
            return Ok(Arc::clone(adapter));
        }
        let settings = checked(kinds, spec)?;
        let adapter = towpath_adapters::build(kinds, &spec.kind, &settings, &self.site)?;
        if kept.len() < MOST_KEPT {
            kept.insert(key, Arc::clone(&adapter));
        }
        Ok(adapter)
    }
}

impl AdapterSet for Adapters {
    fn catalogue(&self) -> Option<Catalogue> {
        Some(catalogue())
    }

    fn target(&self, spec: &AdapterSpec) -> Result<Arc<dyn Target>, String> {
        self.get(&self.targets, targets::KINDS, spec)
    }

    fn router(&self, spec: &AdapterSpec) -> Result<Arc<dyn Router>, String> {
        self.get(&self.routers, routers::KINDS, spec)
    }

    fn check(&self, spec: &AdapterSpec) -> Result<Arc<dyn Check>, String> {
        self.get(&self.checks, checks::KINDS, spec)
    }

    fn metrics(&self, spec: &AdapterSpec) -> Result<Arc<dyn MetricsSource>, String> {
        self.get(&self.metrics, metrics::KINDS, spec)
    }

    fn notifier(&self, spec: &AdapterSpec) -> Result<Arc<dyn Notifier>, String> {
        self.get(&self.notifiers, notifiers::KINDS, spec)
    }

    fn addressed(&self, spec: &AdapterSpec, address: &str) -> Option<AdapterSpec> {
        notifiers::addressed(spec, address)
    }

    fn secrets(&self, spec: &AdapterSpec) -> Result<Arc<dyn SecretStore>, String> {
        self.get(&self.secrets, secrets::KINDS, spec)
    }

    fn materials(&self, bytes: &[u8]) -> Option<Materials> {
        checks::cyclonedx::materials(bytes)
    }

    fn history(&self) -> Arc<dyn History> {
        Arc::new(GitHistory::new(self.site.root.clone()))
    }
}

/// Settings that the engine made itself (a probe's) have no defaults filled in yet; those of the
/// matrix have, and quantities in them are numbers already.
fn checked<Port: ?Sized>(
    kinds: &[Kind<Port>],
    spec: &AdapterSpec,
) -> Result<serde_json::Value, String> {
    let entry = kinds.iter().find(|kind| kind.entry.name == spec.kind).map(|kind| kind.entry);
    let Some(entry) = entry else { return Ok(spec.settings.clone()) };
    let complete = |field: &&towpath_ports::Field| {
        spec.settings.get(field.name).is_some() || field.default == Some("")
    };
    if entry.fields.iter().filter(|field| !complete(field)).count() == 0 {
        return Ok(spec.settings.clone());
    }
    towpath_ports::settings::check(&entry, &spec.settings).map_err(|problems| {
        let sentences: Vec<_> = problems.into_iter().map(|problem| problem.message).collect();
        sentences.join("; ")
    })
}
