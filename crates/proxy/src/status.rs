//! What a route tells about itself. Owns the shape of the answer; measures nothing.

use serde::{Deserialize, Serialize};

use crate::state::{Hold, Switch};
use crate::stream::Position;
use crate::tally::{Bucket, DeploymentTally};
use crate::{EndpointSpec, Judged, RouteSpec};

/// One route as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteStatus {
    /// The spec in force.
    pub spec: RouteSpec,
    /// The epoch of its owner.
    pub epoch: u64,
    /// Its revision within the epoch.
    pub revision: u64,
    /// The share of new requests that the candidate gets now, in basis points: the weight that is
    /// in force, corrected by what each arm can carry.
    pub effective_weight_bp: u16,
    /// Whether the candidate's weight is in force.
    pub hold: Hold,
    /// Whether the lease ended and the traffic went back. A shorthand for `hold`.
    pub lapsed: bool,
    /// What is left of the lease, in milliseconds; none where nothing is lent.
    pub lease_left_ms: Option<u64>,
    /// The default arm.
    pub default: Option<ArmStatus>,
    /// The candidate.
    pub candidate: Option<ArmStatus>,
    /// What stands by; its requests under way are second attempts.
    #[serde(default)]
    pub standby: Option<ArmStatus>,
    /// Deployments that left the route and still have requests under way. One that is not here and
    /// in no arm may be stopped.
    pub draining: Vec<DrainingStatus>,
    /// Requests under way, those on arms that left the route included.
    pub in_flight: u64,
    /// What each deployment did since it first came, oldest first.
    pub deployments: Vec<DeploymentTally>,
    /// Requests that no arm answered because of the proxy itself.
    pub lost: u64,
    /// Requests that came while there was no arm to serve them.
    pub unserved: u64,
    /// What the guard says; none where nobody is judged.
    #[serde(default)]
    pub judged: Option<Judged>,
    /// The last time the traffic was divided anew.
    pub last_switch: Option<Switch>,
    /// Where the stream of this route goes on.
    pub stream: Position,
    /// What keeps the route from being served, in words; it is tried again every second.
    pub broken: Option<String>,
    /// What else is wrong, in words: a certificate that could not be renewed, evidence that could
    /// not be saved.
    pub warnings: Vec<String>,
}

/// One arm as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmStatus {
    /// Its deployment.
    pub deployment: String,
    /// Its release.
    pub label: String,
    /// Endpoints that carry all of the traffic when ready.
    pub capacity: u32,
    /// Endpoints that take traffic now.
    pub ready: u32,
    /// Endpoints that refused connections and rest.
    pub resting: Vec<EndpointSpec>,
    /// Requests under way on it.
    pub in_flight: u64,
}

/// A deployment that left the route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainingStatus {
    /// Its id.
    pub deployment: String,
    /// Its release.
    pub label: String,
    /// Requests and tunnels under way on it, at least 1.
    pub in_flight: u64,
}

/// All routes of a proxy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProxyStatus {
    /// Every route that could be read, by name.
    pub routes: Vec<RouteStatus>,
    /// Saved routes that could not be read.
    pub unreadable: Vec<UnreadableRoute>,
}

/// A saved route that could not be read. An apply takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableRoute {
    /// Its name.
    pub name: String,
    /// Why it cannot be read.
    pub reason: String,
}

/// The kept intervals of one route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minutes {
    /// Name of the route.
    pub name: String,
    /// The intervals, oldest first, the one under way last. Times without one are gaps.
    pub buckets: Vec<Bucket>,
}
