//! A target that only remembers what runs. Starts no process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use towpath_core::deployment::Endpoint;
use towpath_core::ids::{Epoch, LaneId, PromotionNumber};
use towpath_core::units::Span;
use towpath_ports::secret::Secret;
use towpath_ports::target::{
    DeployRequest, InstanceStatus, LogLine, Target, TargetError, TargetErrorKind,
};

/// How the next starts go.
#[derive(Clone, Debug)]
pub(crate) enum TargetManner {
    /// Ready at once.
    Ready,
    /// Ready after so long.
    Slow(Duration),
    /// Never ready, and never says so.
    Hangs,
    /// Not ready, with what the release said.
    Fails(&'static str),
    /// Has heard of a newer owner of the journal.
    IsStale,
}

/// A deployment by lane and number.
type Key = (LaneId, PromotionNumber);

/// Runs nothing, and remembers all of it.
pub(crate) struct FakeTarget {
    manner: Mutex<TargetManner>,
    running: Mutex<BTreeSet<Key>>,
    /// How often copies were really started, not only found running.
    started: Mutex<BTreeMap<Key, u32>>,
    /// What the copies of each were given that is shown nowhere.
    handed: Mutex<BTreeMap<Key, Vec<Secret>>>,
}

impl FakeTarget {
    pub(crate) fn new() -> Self {
        Self {
            manner: Mutex::new(TargetManner::Ready),
            running: Mutex::default(),
            started: Mutex::default(),
            handed: Mutex::default(),
        }
    }

    /// From now on starts go so.
    pub(crate) fn behaves(&self, manner: TargetManner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// The secrets that a deployment was given.
    pub(crate) fn handed_to(&self, deployment: PromotionNumber) -> Vec<String> {
        let handed = self.handed.lock().unwrap();
        let own = handed.iter().filter(|((_, number), _)| *number == deployment);
        own.flat_map(|(_, secrets)| secrets).map(|one| one.reveal().to_owned()).collect()
    }

    /// Numbers of what runs.
    pub(crate) fn running(&self) -> Vec<u64> {
        self.running.lock().unwrap().iter().map(|(_, number)| number.0).collect()
    }

    /// The most often that any one deployment was started.
    pub(crate) fn most_starts(&self) -> u32 {
        self.started.lock().unwrap().values().copied().max().unwrap_or(0)
    }
}

#[async_trait]
impl Target for FakeTarget {
    async fn ensure_running(&self, request: &DeployRequest) -> Result<Vec<Endpoint>, TargetError> {
        let key = (request.lane.clone(), request.deployment);
        let manner = self.manner.lock().unwrap().clone();
        match manner {
            TargetManner::Ready => {}
            TargetManner::Slow(time) => tokio::time::sleep(time).await,
            TargetManner::Hangs => std::future::pending().await,
            TargetManner::IsStale => {
                return Err(TargetError {
                    sentence: "a newer engine has taken over".to_owned(),
                    said: Vec::new(),
                    kind: TargetErrorKind::Stale,
                });
            }
            TargetManner::Fails(said) => {
                self.running.lock().unwrap().insert(key);
                return Err(TargetError {
                    sentence: "it did not become ready".to_owned(),
                    said: vec![said.to_owned()],
                    kind: TargetErrorKind::Final,
                });
            }
        }
        if let Some(secrets) = &request.secrets {
            let secrets = secrets.values().cloned().collect();
            self.handed.lock().unwrap().insert(key.clone(), secrets);
        }
        if self.running.lock().unwrap().insert(key.clone()) {
            *self.started.lock().unwrap().entry(key).or_default() += 1;
        }
        let port = 20_000 + u16::try_from(request.deployment.0).unwrap();
        let address = ([127, 0, 0, 1], port).into();
        Ok((1..=request.instances).map(|instance| Endpoint { instance, address }).collect())
    }

    async fn observe(
        &self,
        lane: &LaneId,
        deployment: PromotionNumber,
    ) -> Result<Vec<InstanceStatus>, TargetError> {
        let running = self.running.lock().unwrap().contains(&(lane.clone(), deployment));
        let address = ([127, 0, 0, 1], 1).into();
        let status = InstanceStatus { instance: 1, address, running, last_end: None, restarts: 0 };
        Ok(running.then_some(status).into_iter().collect())
    }

    async fn ensure_stopped(
        &self,
        lane: &LaneId,
        deployment: PromotionNumber,
        _epoch: Epoch,
        _drain: Span,
    ) -> Result<(), TargetError> {
        self.running.lock().unwrap().remove(&(lane.clone(), deployment));
        Ok(())
    }

    async fn handed(&self, lane: &LaneId, deployment: PromotionNumber) -> Vec<Secret> {
        let handed = self.handed.lock().unwrap();
        handed.get(&(lane.clone(), deployment)).cloned().unwrap_or_default()
    }

    async fn logs(
        &self,
        _lane: &LaneId,
        _deployment: PromotionNumber,
        _limit: usize,
    ) -> Result<Vec<LogLine>, TargetError> {
        Ok(Vec::new())
    }
}
