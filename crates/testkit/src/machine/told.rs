//! What happened in the machine, for whoever watches: the scenarios print it, the simulator hashes
//! it, the invariants are checked against it.

use towpath_core::check::CheckResult;
use towpath_core::ids::{Epoch, LaneId, PromotionNumber, Revision};
use towpath_core::journal::Event;
use towpath_core::promotion::command::Command;
use towpath_core::promotion::input::Input;
use towpath_core::promotion::state::CheckKey;
use towpath_core::reason::Refusal;
use towpath_core::units::Weight;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Told {
    /// To an engine, a router, a target or the disk; one sentence.
    World(String),
    /// The core was given this.
    Input {
        /// In which lane.
        lane: LaneId,
        /// What.
        input: Input,
    },
    /// The journal keeps this, and its writer was told so.
    Recorded {
        /// In which lane; none for the project.
        lane: Option<LaneId>,
        /// What.
        event: Event,
    },
    /// This was ordered.
    Ordered(Command),
    /// The core said no.
    Refused(Refusal),
    /// The core did nothing and said why.
    Note(String),
    /// An adapter carried an order out, under this epoch.
    Effect {
        /// Whose order it was.
        epoch: Epoch,
        /// The highest epoch that the router had obeyed before; zero where no router is involved.
        newest: Epoch,
        /// What.
        command: Command,
    },
    /// An adapter refused an order.
    Fenced {
        /// Whose order it was.
        epoch: Epoch,
        /// What.
        command: Command,
    },
    /// A router was asked what is so, and this is what it said.
    Observed {
        /// Whose router.
        lane: LaneId,
        /// The order that it obeys.
        revision: Revision,
        /// Green's share.
        weight: Weight,
    },
    /// A check really answered this.
    Answered {
        /// For which promotion.
        promotion: PromotionNumber,
        /// Which.
        key: CheckKey,
        /// What.
        result: CheckResult,
    },
}
