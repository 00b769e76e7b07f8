//! Runs releases: starts instances beside what runs, watches them, stops them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use towpath_core::deployment::Endpoint;
use towpath_core::ids::{Epoch, LaneId, PromotionNumber};
use towpath_core::release::Release;
use towpath_core::units::{Span, Timestamp};

use crate::secret::Secret;

/// Runs releases somewhere.
///
/// Whatever changes something names the epoch of the journal's owner. A target remembers the greatest
/// one it was ever given, durably, and refuses a smaller one ([`TargetErrorKind::Stale`]): an owner
/// that was replaced and does not know it yet starts and stops nothing any more. Calls of one epoch
/// for one deployment come one after the other; who gives one up drops it before the next.
#[async_trait]
pub trait Target: Send + Sync {
    /// Ensures that `request.instances` copies of the release run and are ready, and answers where.
    /// Safe to repeat: copies of this deployment that already run are found and kept, never started
    /// twice, and missing ones are added. Blocks until all are ready or `request.ready_within` has
    /// passed. When dropped midway, whatever was begun is found by a later call, and nothing more is
    /// begun after an `ensure_stopped` that follows the drop.
    ///
    /// # Errors
    /// A [`TargetError`] that says what the program itself said. The copies that were started are
    /// left for `ensure_stopped`.
    async fn ensure_running(&self, request: &DeployRequest) -> Result<Vec<Endpoint>, TargetError>;

    /// What is there now, ordered by instance; empty when nothing of the deployment is known. Also
    /// restarts the supervision of instances whose supervisor died, which is no change: what shall
    /// run was said by the last owner that was obeyed, whoever looks. Safe to repeat.
    async fn observe(
        &self,
        lane: &LaneId,
        deployment: PromotionNumber,
    ) -> Result<Vec<InstanceStatus>, TargetError>;

    /// Ensures that nothing of the deployment runs any more: asks politely, waits at most `drain`,
    /// then ends it. Safe to repeat, also when nothing was ever started.
    ///
    /// # Errors
    /// [`TargetErrorKind::Stale`]: nothing was ended. Else some of it may still run: repeat.
    async fn ensure_stopped(
        &self,
        lane: &LaneId,
        deployment: PromotionNumber,
        epoch: Epoch,
        drain: Span,
    ) -> Result<(), TargetError>;

    /// The secrets that what runs of the deployment was started with, as far as they can be told: what it
    /// says may hold them, also after the store has others. Shows them to nobody. Safe to repeat.
    async fn handed(&self, lane: &LaneId, deployment: PromotionNumber) -> Vec<Secret>;

    /// The last `limit` lines that the deployment's instances wrote, oldest first.
    async fn logs(
        &self,
        lane: &LaneId,
        deployment: PromotionNumber,
        limit: usize,
    ) -> Result<Vec<LogLine>, TargetError>;
}

/// What to run.
#[derive(Clone, Debug)]
pub struct DeployRequest {
    /// Where.
    pub lane: LaneId,
    /// Who says so.
    pub epoch: Epoch,
    /// Under which name; instances of other deployments are not touched.
    pub deployment: PromotionNumber,
    /// What.
    pub release: Release,
    /// How many copies, at least 1.
    pub instances: u32,
    /// Environment variables: the environment's settings over the release's.
    pub settings: BTreeMap<String, String>,
    /// Environment variables whose values are shown nowhere; they win over settings. None: nobody read
    /// them, because what runs has them already, and then nothing is begun that has none yet.
    pub secrets: Option<BTreeMap<String, Secret>>,
    /// Path that answers 2xx on a ready instance; none: an open port is ready.
    pub ready_path: Option<String>,
    /// How long all instances may take until they are ready, where the target's own settings do not
    /// say.
    pub ready_within: Span,
}

/// How one instance is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceStatus {
    /// Which copy, from 1.
    pub instance: u32,
    /// Where it answers.
    pub address: std::net::SocketAddr,
    /// Whether its process runs.
    pub running: bool,
    /// How it ended last, such as `ended with status 1 after 3s`; none when it never did.
    pub last_end: Option<String>,
    /// How often it was restarted.
    pub restarts: u32,
}

/// One line that an instance wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Which copy.
    pub instance: u32,
    /// When it was written, if known.
    pub at: Option<Timestamp>,
    /// The line, with control characters escaped; at most 8 KiB.
    pub text: String,
}

/// Why a target could not do it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct TargetError {
    /// One sentence: what, where.
    pub sentence: String,
    /// The last lines that the release itself wrote, oldest first, at most 20.
    pub said: Vec<String>,
    /// What may be done about it.
    pub kind: TargetErrorKind,
}

/// What may be done about a failure of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetErrorKind {
    /// Trying again may help.
    Transient,
    /// Trying again does not help: the release or the matrix has to change.
    Final,
    /// Somebody newer owns the journal: the caller must have no more effects.
    Stale,
}
