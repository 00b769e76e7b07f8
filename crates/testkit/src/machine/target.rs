//! The target as a model: which deployment has how many ready copies. Starts no process.

use std::collections::BTreeMap;

use towpath_core::deployment::Endpoint;
use towpath_core::ids::{LaneId, PromotionNumber};

/// All targets of a project.
#[derive(Clone, Debug, Default)]
pub struct Target {
    running: BTreeMap<(LaneId, PromotionNumber), Copies>,
}

/// The copies of one deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copies {
    /// Started.
    pub wanted: u32,
    /// Ready now.
    pub ready: u32,
}

impl Target {
    /// Ensures that `wanted` copies run; those that crashed are started again.
    pub fn start(&mut self, lane: &LaneId, deployment: PromotionNumber, wanted: u32) {
        self.running.insert((lane.clone(), deployment), Copies { wanted, ready: wanted });
    }

    /// Half of the copies become ready. Those that were stay so: a start that fails ends nothing, also
    /// one that comes late from an engine that has died.
    pub fn start_in_part(&mut self, lane: &LaneId, deployment: PromotionNumber, wanted: u32) {
        let ready = self.ready(lane, deployment).max(wanted / 2);
        self.running.insert((lane.clone(), deployment), Copies { wanted, ready });
    }

    /// Ensures that none runs.
    pub fn stop(&mut self, lane: &LaneId, deployment: PromotionNumber) {
        self.running.remove(&(lane.clone(), deployment));
    }

    /// Copies of a deployment that are not ready any more.
    pub fn crash(&mut self, lane: &LaneId, deployment: PromotionNumber, copies: u32) {
        if let Some(running) = self.running.get_mut(&(lane.clone(), deployment)) {
            running.ready = running.ready.saturating_sub(copies);
        }
    }

    /// Everything that crashed is ready again.
    pub fn revive(&mut self) {
        for copies in self.running.values_mut() {
            copies.ready = copies.wanted;
        }
    }

    /// Copies of a deployment that are ready.
    pub fn ready(&self, lane: &LaneId, deployment: PromotionNumber) -> u32 {
        self.running.get(&(lane.clone(), deployment)).map_or(0, |copies| copies.ready)
    }

    /// Whether anything of a deployment runs.
    pub fn runs(&self, lane: &LaneId, deployment: PromotionNumber) -> bool {
        self.running.contains_key(&(lane.clone(), deployment))
    }

    /// Everything that runs.
    pub fn running(&self) -> impl Iterator<Item = (&LaneId, PromotionNumber, Copies)> {
        self.running.iter().map(|((lane, number), copies)| (lane, *number, *copies))
    }

    /// Where the copies of a deployment answer.
    pub fn endpoints(deployment: PromotionNumber, copies: u32) -> Vec<Endpoint> {
        let host = u16::try_from(deployment.0 % 200).expect("below 200");
        let address = |instance: u32| {
            let port = 20_000 + host * 100 + u16::try_from(instance % 100).expect("below 100");
            std::net::SocketAddr::from(([127, 0, 0, 1], port))
        };
        (1..=copies).map(|instance| Endpoint { instance, address: address(instance) }).collect()
    }
}
