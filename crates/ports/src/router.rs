//! Sends visitors: default arm, candidate arm, and a weight that is lent.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tokio::sync::mpsc;
use towpath_core::deployment::Deployment;
use towpath_core::ids::{Epoch, LaneId, PromotionNumber, Revision};
use towpath_core::matrix::{Mirror, Rescue, Rollout};
use towpath_core::promotion::command::HeldBack;
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_guard::{Counts, Outcome, Policy, Verdict};

/// Sends visitors to the arms of a lane.
#[async_trait]
pub trait Router: Send + Sync {
    /// Ensures that the lane is routed as `desired` says, durably, and answers what is so now. What
    /// it answers may differ (capacity, a lapse): the caller compares. Safe to repeat; a smaller
    /// epoch or revision than the one in force is refused.
    ///
    /// # Errors
    /// [`RouterError::Stale`] is final: somebody newer owns the lane. [`RouterError::Unavailable`]
    /// may pass: observe, then repeat. [`RouterError::Refused`] is final for this route.
    async fn ensure(&self, desired: &DesiredRoute) -> Result<ObservedRoute, RouterError>;

    /// Lends the candidate's weight for `lease` from now. Safe to repeat. Does not bring back a
    /// lease that has lapsed; `ensure` with a higher revision does.
    async fn renew(&self, lane: &LaneId, epoch: Epoch, lease: Span) -> Result<(), RouterError>;

    /// What is so now; none when the router does not know the lane.
    async fn observe(&self, lane: &LaneId) -> Result<Option<ObservedRoute>, RouterError>;

    /// What each deployment did since it first had visitors; only ever grows, also over restarts of
    /// the router.
    async fn counts(&self, lane: &LaneId)
    -> Result<BTreeMap<PromotionNumber, Counts>, RouterError>;

    /// What each deployment did per interval of `DesiredRoute::interval`, from `since` on, oldest
    /// first. Intervals without traffic are there with zero requests; those during which the
    /// router did not run are missing.
    async fn intervals(
        &self,
        lane: &LaneId,
        since: Timestamp,
    ) -> Result<Vec<Interval>, RouterError>;

    /// How much there is to do for the lane now; none where the router does not know the lane, or does not tell.
    async fn load(&self, _lane: &LaneId) -> Result<Option<Load>, RouterError> {
        Ok(None)
    }

    /// News of the lane as they happen. The channel ends when the connection does; watch again. A
    /// router that still has what happened since then says [`RouterNews::Resumed`]; a watch that its
    /// receiver ended is not gone on with.
    /// Bounded: news that nobody takes are dropped and counted in [`RouterNews::Missed`].
    async fn watch(&self, lane: &LaneId) -> Result<mpsc::Receiver<RouterNews>, RouterError>;
}

/// How a lane shall be routed.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredRoute {
    /// Which lane.
    pub lane: LaneId,
    /// Who says so.
    pub epoch: Epoch,
    /// Order of what was said.
    pub revision: Revision,
    /// Gets what the candidate does not. None: visitors get 503 with Retry-After.
    pub default: Option<Deployment>,
    /// Gets its weight while the lease holds.
    pub candidate: Option<Candidate>,
    /// Keeps visitors though the default arm has taken its place; never beside a candidate. A router
    /// without the capability `holdback` refuses it.
    pub held_back: Option<HeldBackArm>,
    /// Who is judged where the requests are seen; none judges nobody.
    pub guard: Option<GuardOrder>,
    /// How long open requests may take when an arm goes.
    pub drain: Span,
    /// Width of the intervals in which counts are kept.
    pub interval: Span,
}

/// Whom a router judges that sees every request, and what is tolerated.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardOrder {
    /// The deployment that is judged. Evidence about it is kept as long as it stays the same.
    pub subject: PromotionNumber,
    /// What is tolerated.
    pub policy: Policy,
    /// Request header that says whose request it is; none means the address of the connection.
    pub client: Option<String>,
}

/// The arm that is coming.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// What runs.
    pub deployment: Deployment,
    /// Its share.
    pub weight: Weight,
    /// For how long without renewal; none: for ever.
    pub lease: Option<Span>,
    /// Whether silence freezes the weight instead of returning the traffic, because the default
    /// arm cannot take it.
    pub freeze_on_silence: bool,
    /// What the default arm serves again when this one fails it; none: nothing. A router without the
    /// capability `rescue` serves nothing again.
    pub rescue: Option<Rescue>,
    /// Which requests of the default arm are copied to this one; none: none. A router without the
    /// capability `mirror` copies nothing.
    pub mirror: Option<Mirroring>,
}

/// The arm that was the default before and keeps a share, on no lease. What it cannot carry goes to the
/// default arm, and what that cannot carry comes to it. With no share it is sent no visitor, not even one
/// who asks for it, and only serves again what the default arm fails.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldBackArm {
    /// What runs.
    pub deployment: Deployment,
    /// Its share.
    pub share: Weight,
    /// With a share, whether it gets everything at once when the default arm is found unhealthy, as long as it is
    /// ready, until the route is ordered anew.
    pub acts: bool,
    /// What it serves again when the default arm fails it; none: nothing.
    pub rescue: Option<Rescue>,
}

impl HeldBackArm {
    /// What core ordered, with what the rollout says of requests that fail.
    pub fn of(held: HeldBack, rollout: &Rollout) -> Self {
        let HeldBack { deployment, share, acts } = held;
        Self { deployment, share, acts, rescue: rollout.rescue.clone() }
    }
}

/// Copies of safe requests for the arm that is coming.
#[derive(Clone, Debug, PartialEq)]
pub struct Mirroring {
    /// The share of them, above zero.
    pub share: Weight,
    /// What holds for them.
    pub rules: Mirror,
}

impl Mirroring {
    /// What the step at this weight asks for; none where it copies nothing.
    pub fn at(rollout: &Rollout, weight: Weight) -> Option<Self> {
        let share = rollout.steps.iter().find(|step| step.weight == weight)?.mirror?;
        Some(Self { share, rules: rollout.mirror.clone().unwrap_or_default() })
    }
}

/// How a lane is routed now.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedRoute {
    /// The last owner that was obeyed.
    pub epoch: Epoch,
    /// The last order that was obeyed.
    pub revision: Revision,
    /// The default arm.
    pub default: Option<PromotionNumber>,
    /// Ready copies of the default arm.
    pub default_ready: u32,
    /// The candidate arm.
    pub candidate: Option<PromotionNumber>,
    /// Ready copies of the candidate arm.
    pub candidate_ready: u32,
    /// The candidate's share as it is, after lapse and capacity; where a release is held back, that of
    /// the default arm.
    pub weight: Weight,
    /// What keeps visitors beside the default arm, whose share is the rest of `weight`.
    pub held_back: Option<PromotionNumber>,
    /// Whether the lease has lapsed since the last `ensure`.
    pub lapsed: bool,
    /// Whether the weight is frozen because the default arm cannot take the traffic.
    pub frozen: bool,
    /// Visitors that got no answer from any arm because of the router, since it first ran.
    pub lost: u64,
    /// What the router's own guard says, and about whom; none where it judges nobody. An unhealthy
    /// candidate has no weight any more, unless it freezes on silence or the default arm is not
    /// ready.
    pub judged: Option<(PromotionNumber, Verdict)>,
    /// Requests still open on deployments that have left the route.
    pub leaving: u64,
    /// What visitors met at each deployment since it first had any; none where the router does not
    /// know. Testers who chose an arm are no visitors.
    pub met: Option<BTreeMap<PromotionNumber, Met>>,
}

/// What visitors met at one deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// Requests of which the visitor got the failure.
    pub harmed: u64,
    /// Requests that failed and that the other arm answered instead.
    pub rescued: u64,
    /// Copies of the other arm's requests that both answered; no visitor's requests.
    pub mirrored: u64,
    /// Those of them that differ in the class of the status, or in the body where that is compared.
    pub differing: u64,
}

/// What one deployment did in one interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// When it began.
    pub start: Timestamp,
    /// Whose.
    pub deployment: PromotionNumber,
    /// What.
    pub counts: Counts,
    /// Requests that failed, by the pattern of what they asked for: few patterns, whatever is asked for.
    pub failed_paths: BTreeMap<String, u64>,
}

/// How much a router has to do for a lane at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Requests under way.
    pub in_flight: u64,
    /// How many may be under way at once; those beyond it are turned away.
    pub most: u64,
    /// Copies that take visitors now.
    pub ready: u32,
    /// Copies that carry all of the traffic.
    pub capacity: u32,
}

/// Something that happened at the router.
#[derive(Clone, Debug, PartialEq)]
pub enum RouterNews {
    /// Only ever the first of a watch, and there at once: it goes on exactly where the last watch of
    /// the lane was cut off, with what happened in between. Without it, a watch begins with what
    /// happens now.
    Resumed,
    /// Outcomes in the order in which they became known, with the deployment of each.
    Outcomes(Vec<(PromotionNumber, Outcome)>),
    /// So many outcomes were not passed on; counts are still right.
    Missed(u64),
    /// The router's guard has proven a deployment healthy, or found it unhealthy.
    Judged(PromotionNumber, Box<Verdict>),
    /// The lease of this revision has lapsed; traffic is on the default arm.
    Lapsed(Revision),
    /// The weight is frozen: the default arm cannot take the traffic.
    Frozen(Revision),
}

/// Why a router could not do it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RouterError {
    /// Somebody newer owns the lane.
    #[error("refused: the router obeys epoch {current}")]
    Stale {
        /// The epoch that it obeys.
        current: Epoch,
    },
    /// It did not answer, or not in time. Whether it obeyed is unknown: observe.
    #[error("the router does not answer: {0}")]
    Unavailable(String),
    /// It said no.
    #[error("the router refused: {0}")]
    Refused(String),
}
