//! Everything that core can ask for. The engine's executor turns each into one call of a port, and
//! its outcome into the next input.

use serde::{Deserialize, Serialize};

use crate::check::CheckAnswer;
use crate::deployment::{Deployment, Endpoint};
use crate::ids::{CommandId, LaneId, Name, PromotionNumber, Revision};
use crate::matrix::{CheckSpec, LaneSpec};
use crate::promotion::state::CheckKey;
use crate::release::ReleaseRef;
use crate::units::{Span, Weight};

/// Something that shall be done, with the key under which it is done once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// With the lane, the idempotency key.
    pub id: CommandId,
    /// Whose.
    pub lane: LaneId,
    /// What.
    pub order: Order,
}

/// What shall be done. Each means *ensure*: doing it twice is doing it once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "order")]
pub enum Order {
    /// Ask one check.
    AskCheck {
        /// For which promotion.
        promotion: PromotionNumber,
        /// Which.
        key: CheckKey,
        /// What it is.
        check: CheckSpec,
        /// About which release.
        release: ReleaseRef,
        /// Green's instances; empty for a prerequisite.
        green: Vec<Endpoint>,
    },
    /// Start a deployment and wait until it is ready.
    StartInstances {
        /// Its name.
        deployment: PromotionNumber,
        /// What to run.
        release: ReleaseRef,
        /// How, as planned.
        section: Box<LaneSpec>,
        /// What serves now; its health is looked at on the way.
        blue: Option<Deployment>,
    },
    /// Route the lane.
    SetRoute {
        /// How.
        route: Route,
        /// The router, as planned.
        section: Box<LaneSpec>,
    },
    /// Stop a deployment when its open requests are done.
    StopInstances {
        /// Which.
        deployment: PromotionNumber,
        /// How, as it was planned.
        section: Box<LaneSpec>,
    },
    /// Offer a verified release to the environments that take it automatically.
    OfferRelease {
        /// What.
        release: ReleaseRef,
        /// To whom.
        to: Vec<Name>,
        /// The promotion that verified it.
        verified_by: PromotionNumber,
    },
}

/// How a lane shall be routed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// Order among the routes of the lane.
    pub revision: Revision,
    /// The default arm.
    pub default: Option<Deployment>,
    /// The arm that is coming, and its share.
    pub candidate: Option<(Deployment, Weight)>,
    /// For how long the share is lent; none: for ever.
    pub lease: Option<Span>,
    /// Whether silence freezes the weight instead of returning the traffic.
    pub freeze_on_silence: bool,
    /// What stands by and still has visitors, and their share; never beside a candidate, and never on
    /// a lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back: Option<HeldBack>,
}

impl Route {
    /// A route without an arm, to be filled.
    pub fn to_nobody(revision: Revision) -> Self {
        Self {
            revision,
            default: None,
            candidate: None,
            lease: None,
            freeze_on_silence: false,
            held_back: None,
        }
    }
}

/// A release that stands by and still has visitors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldBack {
    /// What runs.
    pub deployment: Deployment,
    /// The share that it has; what it cannot carry goes to the default arm.
    pub share: Weight,
    /// Whether a router that judges gives it everything once the default arm is found unhealthy.
    pub acts: bool,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum CommandOutcome {
    /// A check answered.
    Checked {
        /// What.
        answer: CheckAnswer,
    },
    /// All instances are ready.
    Started {
        /// Where they answer.
        endpoints: Vec<Endpoint>,
        /// Whether what serves now is alive; true where nothing serves.
        blue_ready: bool,
    },
    /// The instances did not become ready.
    StartFailed {
        /// Why.
        sentence: String,
        /// What the release itself said last.
        said: Vec<String>,
    },
    /// The router obeyed; this is what is so now.
    Routed {
        /// Green's share as observed; where a release is held back, that of the default arm.
        weight: Weight,
        /// Whether the weight is frozen because the default arm cannot take the traffic.
        frozen: bool,
        /// Copies of the default arm that can take visitors; none where there is no default arm,
        /// or nobody looked.
        #[serde(default)]
        default_ready: Option<u32>,
    },
    /// The router did not obey, or it is not known whether it did.
    RouteFailed {
        /// Why.
        sentence: String,
    },
    /// The instances are gone.
    Stopped,
    /// They could not be stopped.
    StopFailed {
        /// Why.
        sentence: String,
    },
    /// The offer was passed on.
    Offered,
}
