//! One release behind a route: its name and the endpoints that serve it. Owns no traffic rule.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::Refusal;

/// Endpoints that one arm may have; a fleet larger than this belongs behind its own balancer.
pub const MAX_ENDPOINTS: usize = 256;

/// One release as it is deployed behind a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmSpec {
    /// What people call the release, for example its version.
    pub label: String,
    /// Id of this very deployment, unique for ever: counts are kept under it.
    pub deployment: String,
    /// How many ready endpoints can carry all of the route's traffic, at least 1.
    pub capacity: u32,
    /// Where it listens, at most [`MAX_ENDPOINTS`]; empty means that nothing is ready.
    pub endpoints: Vec<EndpointSpec>,
}

/// One address that answers for an arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointSpec {
    /// Name of the endpoint, unique in its arm.
    pub id: String,
    /// Where it speaks HTTP/1.1 in clear text.
    pub address: SocketAddr,
}

impl ArmSpec {
    /// Refuses an arm that cannot be served as it is written.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        crate::route::check_name("deployment", &self.deployment)?;
        crate::route::check_name("label", &self.label)?;
        if self.capacity == 0 {
            return Err(Refusal::invalid("capacity must be at least 1"));
        }
        if self.endpoints.len() > MAX_ENDPOINTS {
            return Err(Refusal::invalid(format!("an arm has at most {MAX_ENDPOINTS} endpoints")));
        }
        let mut seen = BTreeSet::new();
        for endpoint in &self.endpoints {
            crate::route::check_name("endpoint id", &endpoint.id)?;
            if !seen.insert(&endpoint.id) {
                return Err(Refusal::invalid(format!("two endpoints are called {}", endpoint.id)));
            }
        }
        Ok(())
    }
}
