//! What runs: the instances that a promotion started, and where they answer. Starts nothing.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::ids::PromotionNumber;
use crate::release::ReleaseRef;

/// One copy of a release and where it answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Endpoint {
    /// Which copy, from 1.
    pub instance: u32,
    /// Where it answers; stays the same when the copy is restarted.
    pub address: SocketAddr,
}

/// All copies of a release that one promotion started in its lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// The promotion that started it; unique in the project, and so its name everywhere.
    pub number: PromotionNumber,
    /// What it runs.
    pub release: ReleaseRef,
    /// Copies that carry all traffic.
    pub capacity: u32,
    /// The copies that were ready when it was started, ordered by instance.
    pub endpoints: Vec<Endpoint>,
}
